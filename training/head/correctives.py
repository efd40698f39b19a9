"""What pairs of shapes need beside their sum: lids that meet, lips that do not cross, corners that do not fold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.blendshapes import mirror_name
from core.head_model.correctives import EXCESS, PRODUCT

if TYPE_CHECKING:
    from training.head.shapes import ShapeMaker

NEGLIGIBLE = 3e-6  # metres
PARTED = 0.004  # half the width over which a symmetric corrective is parted into its sides, metres
CLOSED_LIDS = {
    # Shares of the gap by which the upper lid falls and the lower one rises when the eye is closed in that mood: both
    # together as in a blink. What the cheek does stays.
    "eyeLookDownLeft": (0.97, 0.05),
    "eyeLookUpLeft": (0.84, 0.18),
    "eyeSquintLeft": (0.74, 0.28),
    "cheekSquintLeft": (0.76, 0.26),
    "eyeWideLeft": (0.90, 0.12),
}
MENDED_PAIRS = (
    ("jawOpen", "mouthFunnel"), ("jawOpen", "mouthPucker"), ("jawOpen", "mouthSmileLeft"),
    ("jawOpen", "mouthStretchLeft"), ("jawOpen", "mouthLowerDownLeft"), ("jawOpen", "mouthUpperUpLeft"),
    ("jawOpen", "tongueOut"), ("jawOpen", "mouthFrownLeft"), ("jawOpen", "mouthShrugUpper"),
    ("mouthPucker", "mouthFunnel"), ("mouthPucker", "mouthShrugLower"), ("mouthPucker", "cheekPuff"),
    ("mouthSmileLeft", "mouthDimpleLeft"), ("mouthSmileLeft", "mouthPressLeft"), ("mouthSmileLeft", "mouthUpperUpLeft"),
    ("mouthSmileLeft", "mouthStretchLeft"), ("mouthSmileLeft", "cheekSquintLeft"),
    ("mouthSmileLeft", "mouthLowerDownLeft"), ("mouthPressLeft", "mouthPressRight"),
    ("mouthShrugLower", "mouthPressLeft"), ("mouthShrugLower", "mouthShrugUpper"), ("mouthRollUpper", "mouthRollLower"),
    ("mouthUpperUpLeft", "mouthLowerDownLeft"), ("mouthStretchLeft", "mouthLowerDownLeft"),
    ("mouthFunnel", "mouthStretchLeft"), ("mouthFrownLeft", "mouthStretchLeft"),
    ("browDownLeft", "noseSneerLeft"), ("browInnerUp", "browOuterUpLeft"), ("noseSneerLeft", "mouthUpperUpLeft"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class SkinCorrective:
    """displacement: (V, 3) of the whole skin, metres; the other words as in `PairCorrective`."""

    first: str
    second: str
    displacement: np.ndarray
    weight: str = PRODUCT


def skin_correctives(maker: ShapeMaker, shapes: Mapping[str, np.ndarray]) -> list[SkinCorrective]:
    """All that are worth their bytes, both sides. shapes: name to (V, 3)."""
    made = [SkinCorrective("mouthClose", "jawOpen", _pressed(shapes) - shapes["mouthClose"], EXCESS)]
    made += [_closed(maker, shapes, name, *shares) for name, shares in CLOSED_LIDS.items()]
    made += [_mended(maker, shapes, *pair) for pair in MENDED_PAIRS]
    # A jaw that is off to the side has taken the lips along: both sums would lay their corner over the teeth.
    sideways = maker.mended(shapes["jawLeft"] + 0.4 * shapes["mouthLeft"])
    made.append(SkinCorrective("jawLeft", "mouthLeft", sideways - shapes["jawLeft"] - shapes["mouthLeft"]))
    return [c for one in made for c in _both_sides(maker, one) if np.abs(c.displacement).max() > NEGLIGIBLE]


def _pressed(shapes: Mapping[str, np.ndarray]) -> np.ndarray:
    """Lips that would close farther than the jaw is open press on each other a little."""
    return 0.4 * (shapes["mouthPressLeft"] + shapes["mouthPressRight"])


def _closed(
    maker: ShapeMaker, shapes: Mapping[str, np.ndarray], name: str, upper: float, lower: float
) -> SkinCorrective:
    """A closed eye in another mood: the lids of the pair are replaced by lids that meet."""
    closed = maker.lids(upper, lower) - shapes["eyeBlinkLeft"] - maker.lid_motion[name]
    total = maker.mended(shapes["eyeBlinkLeft"] + shapes[name] + closed, maker.face.left_margin)
    displacement = maker.kept_off_eyeballs(total) - shapes["eyeBlinkLeft"] - shapes[name]
    return SkinCorrective("eyeBlinkLeft", name, displacement)


def _mended(maker: ShapeMaker, shapes: Mapping[str, np.ndarray], first: str, second: str) -> SkinCorrective:
    """A shape of the middle and one of a side are mended with both sides shown, as they mostly are, and then parted."""
    total = shapes[first] + shapes[second]
    other = mirror_name(second)
    if mirror_name(first) != first or other == second:
        return SkinCorrective(first, second, maker.mended(total) - total)
    total = total + shapes[other]
    left = np.clip(0.5 + maker.face.skin[:, :1] / (2 * PARTED), 0.0, 1.0)
    return SkinCorrective(first, second, left * (maker.mended(total) - total))


def _both_sides(maker: ShapeMaker, made: SkinCorrective) -> list[SkinCorrective]:
    """The corrective and its mirror image, where that is another one."""
    names = mirror_name(made.first), mirror_name(made.second)
    if set(names) == {made.first, made.second}:
        return [made]
    return [made, SkinCorrective(*names, maker.mirrored(made.displacement), made.weight)]
