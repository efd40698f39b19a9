"""What each shape does, in millimetres: +x to the subject's left, +y up, +z forward. Left side and middle only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.head.shapes import bump, left_side

if TYPE_CHECKING:
    from training.head.shapes import Handles, LipMotion, ShapeMaker


def left_and_middle_shapes(maker: ShapeMaker) -> dict[str, np.ndarray]:
    """Name to (V, 3) displacement."""
    return eyes(maker) | jaw(maker) | lip_shapes(maker) | smile_family(maker) | brows_cheeks_nose(maker)


def eyes(maker: ShapeMaker) -> dict[str, np.ndarray]:
    squint_cheek = maker.points(p347=(0, 1.6, 0.5), p346=(0, 1.5, 0.4), p348=(0, 1.2, 0.3), p280=(0, 1.3, 0.5))
    squint = maker.lids(0.12, 0.30) + maker.sculptor.move(squint_cheek, reach=0.018)
    return {
        "eyeBlinkLeft": maker.lids(0.88, 0.14),
        "eyeSquintLeft": squint,
        "eyeWideLeft": maker.lids(-0.32, -0.06),
        "eyeLookDownLeft": maker.lids(0.42, -0.08),
        "eyeLookUpLeft": maker.lids(-0.17, 0.04),
        "eyeLookInLeft": maker.lids(0.0, 0.0, sideways_mm=-0.8),
        "eyeLookOutLeft": maker.lids(0.0, 0.0, sideways_mm=0.8),
    }


def jaw(maker: ShapeMaker) -> dict[str, np.ndarray]:
    opened = maker.jaw_turned(maker.face.skin, maker.jaw_share)
    return {
        "jawOpen": opened,
        "jawForward": maker.jaw_moved((0, 0, 6)),
        "jawLeft": maker.jaw_moved((8, 0, 0)),
        "mouthClose": closed_lips(maker, opened),
    }


def closed_lips(maker: ShapeMaker, opened: np.ndarray) -> np.ndarray:
    """Lips brought together again while the jaw is open: at equal weights it undoes jawOpen's gap exactly."""
    from training.head.face import LOWER_LIP_ROWS, UPPER_LIP_ROWS

    nose_wings = maker.both(maker.points(**dict.fromkeys(("p358", "p279", "p294", "p327", "p429", "p420"), (0, 0, 0))))
    handles: Handles = nose_wings | {i: np.zeros(3) for i in (152, 175, 199, 2, 326, 97, 1)}
    inner_upper, inner_lower = UPPER_LIP_ROWS[-1], LOWER_LIP_ROWS[-1]
    for row_up, row_low, share in zip(UPPER_LIP_ROWS, LOWER_LIP_ROWS, (0.80, 0.90, 0.97, 1.0), strict=True):
        for k, (up, low) in enumerate(zip(row_up, row_low, strict=True)):
            gap = opened[inner_lower[k]] - opened[inner_upper[k]]
            handles[up] = 0.30 * gap * share
            if low != up:
                handles[low] = -0.70 * gap * share
    loop = maker.face.lip_loop
    for i in loop:
        if int(i) not in handles:
            handles[int(i)] = _seal(maker, opened, int(i))
    return maker.sculptor.move(handles, reach=0.040)


def _seal(maker: ShapeMaker, opened: np.ndarray, vertex: int) -> np.ndarray:
    """Motion of a subdivided lip vertex so that it meets the vertex across the lip line."""
    loop, skin = maker.face.lip_loop, maker.face.skin
    is_upper = maker.jaw_share[vertex] < 0.46
    across = [int(i) for i in loop if (maker.jaw_share[i] < 0.46) != is_upper]
    partner = min(across, key=lambda i: abs(skin[i, 0] - skin[vertex, 0]))
    gap = opened[partner] - opened[vertex] if is_upper else opened[vertex] - opened[partner]
    return 0.30 * gap if is_upper else -0.70 * gap


def _round(t: float) -> float:
    return 1 - t * t


def lip_shapes(maker: ShapeMaker) -> dict[str, np.ndarray]:
    m, p = maker.mouth, maker.points
    chin_up = p(p199=(0, 4.0, 0.8), p175=(0, 2.5, 0.3), p200=(0, 4.4, 1.0), p18=(0, 4.4, 1.4))
    return {
        "mouthFunnel": m(
            lambda t, s: (-7.5 * t, 2.6 * _round(t) + 0.6 * s, 6.0 * _round(t) + 2.2 - 1.2 * s),
            lambda t, s: (-7.5 * t, -4.2 * _round(t) - 0.6 * s, 5.4 * _round(t) + 2.2 - 1.2 * s),
            maker.both(p(p425=(-1.5, 0, 0.4), p422=(-1.5, 0, 0.8))),
        ),
        "mouthPucker": m(
            lambda t, s: (-11.5 * t, 0.4 * s * _round(t), 7.4 * _round(t) + 3.0 - 1.2 * s),
            lambda t, s: (-11.5 * t, -0.6 * s * _round(t), 6.8 * _round(t) + 3.0 - 1.2 * s),
            maker.both(p(p425=(-3.0, 0, 0.6), p422=(-3.5, 0, 1.2), p432=(-3.0, 0, 0.5), p426=(-3.0, 0, 1.5))),
        ),
        "mouthLeft": m(
            lambda t, s: (8.5 - 1.8 * t, 0.6 * t, -2.0 * t),
            lambda t, s: (8.5 - 1.8 * t, 0.6 * t, -2.0 * t),
            p(p199=(1.5, 0, 0), p426=(4, 0, -0.5), p206=(3, 0, 0.5), p436=(4, 0, 0), p216=(3.5, 0, 0)),
        ),
        "mouthRollLower": m(
            lambda t, s: (0, -0.5 * _round(t), -0.6 * _round(t)),
            lambda t, s: (0, (1.0 + 4.4 * s) * _round(t), (-4.6 + 1.4 * s) * _round(t)),
            p(p18=(0, 2.0, -0.8), p200=(0, 0.8, 0)),
        ),
        "mouthRollUpper": m(
            lambda t, s: (0, (-0.8 - 3.6 * s) * _round(t), (-4.0 + 1.4 * s) * _round(t)),
            lambda t, s: (0, 0.4 * _round(t), -0.5 * _round(t)),
            p(p164=(0, -1.2, -0.3)),
        ),
        "mouthShrugLower": m(
            lambda t, s: (0, 1.8 * _round(t), 0.6 * _round(t)),
            lambda t, s: (0, (3.0 + 1.2 * s) * _round(t), (1.2 + 1.2 * s) * _round(t)),
            chin_up,
        ),
        "mouthShrugUpper": m(
            lambda t, s: (0, 3.8 * _round(t), (0.8 + 1.2 * s) * _round(t)),
            lambda t, s: (0, 2.8 * _round(t), 0.9 * _round(t)),
            p(p164=(0, 2.2, 0.8), p2=(0, 0.6, 0)),
        ),
        "mouthPressLeft": m(
            lambda t, s: (0.8 * left_side(t), -(0.3 + 1.9 * s) * left_side(t), -(1.2 - 0.4 * s) * left_side(t)),
            lambda t, s: (0.8 * left_side(t), (0.1 + 2.3 * s) * left_side(t), -(1.2 - 0.4 * s) * left_side(t)),
            p(p436=(0.8, 0.3, 0.8)),
        ),
        "mouthLowerDownLeft": m(
            lambda t, s: (0, 0, 0),
            lambda t, s: (1.2 * bump(t, 0.45, 0.45), -6.8 * bump(t, 0.42, 0.42), (0.6 * s - 0.6) * bump(t, 0.42, 0.42)),
            p(p418=(0.5, -2.2, 0), p422=(0.6, -2.0, 0)),
        ),
        "mouthUpperUpLeft": m(
            lambda t, s: (0.6 * bump(t, 0.45, 0.45), 5.6 * bump(t, 0.42, 0.42), (0.9 - 0.6 * s) * bump(t, 0.42, 0.42)),
            _no_motion,
            p(p327=(0, 1.2, 0), p426=(0.6, 2.6, 1.0), p294=(0, 1.0, 0.2), p425=(0, 1.6, 0.8), p391=(0.2, 2.8, 0.6)),
        ),
        "tongueOut": m(
            lambda t, s: (0, 1.6 * _round(t), 0.4 * _round(t)),
            lambda t, s: (0, -5.6 * _round(t), 0.8 * _round(t)),
            p(p18=(0, -2.4, 0)),
        ),
    }


def _no_motion(t: float, share: float) -> tuple[float, float, float]:
    return (0.0, 0.0, 0.0)


def _corner(dx: float, dy: float, dz: float, power: float = 1.6) -> LipMotion:
    """Left corner pulled by (dx, dy, dz) mm; the lip follows the less the farther it is from the corner."""

    def motion(t: float, share: float) -> tuple[float, float, float]:
        w = float(np.clip((t + 0.30) / 1.30, 0.0, 1.0)) ** power
        return (dx * w, dy * w, dz * w)

    return motion


def smile_family(maker: ShapeMaker) -> dict[str, np.ndarray]:
    m, p = maker.mouth, maker.points
    smile_cheek = p(
        p425=(2.0, 4.2, 2.2), p280=(1.2, 3.4, 1.8), p426=(2.0, 3.6, 1.2), p436=(3.6, 5.4, 0.9), p411=(2.6, 4.0, 1.4),
        p422=(2.8, 2.6, -0.8), p347=(0.2, 1.3, 0.5), p352=(1.0, 2.2, 0.6), p432=(4.0, 4.4, -1.0), p294=(0.6, 0.4, -0.2),
    )  # fmt: skip
    return {
        "mouthSmileLeft": m(_corner(8.6, 8.4, -4.6), _corner(8.6, 8.3, -4.6), smile_cheek, reach=0.034),
        "mouthFrownLeft": m(
            _corner(0.8, -7.6, -0.8), _corner(0.8, -7.0, -0.8),
            p(p422=(0.4, -3.0, 0.4), p432=(0.4, -3.6, 0.2), p425=(0, -1.2, 0), p436=(0.4, -3.8, 0.2)),
        ),
        "mouthDimpleLeft": m(
            _corner(5.0, 1.8, -5.0, 2.2), _corner(5.0, 1.8, -5.0, 2.2), p(p436=(1.2, 0.8, 0.6), p432=(1.0, 0.4, 0.4)),
        ),
        "mouthStretchLeft": m(
            _corner(8.0, -3.4, -4.4), _corner(8.6, -5.2, -4.2),
            p(p422=(3.4, -2.6, -0.8), p432=(3.0, -2.4, -0.6), p425=(1.2, -0.6, 0), p418=(1.4, -1.4, 0)),
        ),
    }  # fmt: skip


def brows_cheeks_nose(maker: ShapeMaker) -> dict[str, np.ndarray]:
    p, move = maker.points, maker.sculptor.move
    inner = maker.brow(lambda s: 9.0 * (1 - s) ** 1.4)
    puff = p(
        p425=(5.0, -0.5, 4.0), p427=(7.0, 0, 3.0), p436=(3.0, 0, 4.0), p432=(4.5, 0, 3.0), p411=(6.5, 0.4, 3.0),
        p434=(5.0, 0, 1.6), p422=(2.4, 0, 3.0), p426=(2.4, 0, 3.4), p280=(2.0, 0.4, 1.4), p416=(5.0, 0, 1.6),
    )  # fmt: skip
    nose_still = dict.fromkeys((1, 4, 168, 8), np.zeros(3))
    lids_still = dict.fromkeys((362, 263, 386), np.zeros(3))
    sneer = p(
        p358=(0.8, 3.6, -0.2), p279=(0.8, 3.4, 0), p429=(0.4, 3.4, 0.4), p420=(0.2, 2.8, 0.4), p327=(0.4, 2.0, 0.2),
        p294=(0.8, 3.0, -0.2), p355=(0.4, 2.6, 0.6), p437=(0, 2.4, 0.8), p343=(0.2, 1.6, 0.6), p426=(0.2, 2.2, 0.8),
        p423=(0.4, 2.8, 0.6), p391=(0, 2.0, 0.4), p285=(-0.6, -1.0, 0), p267=(0, 1.4, 0.2), p269=(0, 1.6, 0.2),
    )  # fmt: skip
    squint = p(
        p280=(0.2, 4.6, 2.0), p347=(0, 3.4, 1.0), p346=(0.2, 3.4, 0.9), p330=(0, 3.6, 1.4), p352=(0.2, 3.2, 1.2),
        p348=(0, 2.2, 0.6), p425=(0, 3.0, 1.4), p374=(0, 2.0, 0.2), p373=(0, 1.9, 0.2), p380=(0, 1.5, 0.2),
        p411=(0.2, 2.4, 1.0),
    )  # fmt: skip
    return {
        "browInnerUp": inner + maker.mirrored(inner),
        "browOuterUpLeft": maker.brow(lambda s: 8.6 * min(1.0, s * 1.35) ** 1.2),
        "browDownLeft": maker.brow(lambda s: -7.2 * (1 - 0.45 * s), inward=2.6),
        "cheekPuff": move(maker.both(puff) | nose_still, reach=0.026),
        "cheekSquintLeft": move(squint | dict.fromkeys((291, 386, 362), np.zeros(3)), reach=0.024),
        "noseSneerLeft": move(sneer | nose_still | lids_still, reach=0.020),
    }
