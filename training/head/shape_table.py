"""What each shape does, in millimetres: +x to the subject's left, +y up, +z forward. Left side and middle only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.head.shapes import LEFT_LIDS_LOWER, LEFT_LIDS_UPPER, bump, left_side, lips

if TYPE_CHECKING:
    from training.head.shapes import Handles, LipMotion, ShapeMaker

JAW_FORWARD_MM, JAW_LEFT_MM = (0.0, 0.0, 8.5), (10.5, 0.0, 0.0)


def left_and_middle_shapes(maker: ShapeMaker) -> dict[str, np.ndarray]:
    """Name to (V, 3) displacement."""
    return eyes(maker) | jaw(maker) | lip_shapes(maker) | smile_family(maker) | brows_cheeks_nose(maker)


def eyes(maker: ShapeMaker) -> dict[str, np.ndarray]:
    cheek = maker.points(p347=(0, 1.6, 0.5), p346=(0, 1.5, 0.4), p348=(0, 1.2, 0.3), p280=(0, 1.3, 0.5))
    maker.lid_motion |= {
        "eyeSquintLeft": maker.lids(0.12, 0.30),
        "eyeWideLeft": maker.lids(-0.42, -0.08),
        "eyeLookDownLeft": maker.lids(0.42, -0.08),
        "eyeLookUpLeft": maker.lids(-0.17, 0.04),
        "cheekSquintLeft": maker.lids(0.0, 0.20),
    }
    cheek |= dict.fromkeys((*LEFT_LIDS_UPPER, *LEFT_LIDS_LOWER), np.zeros(3))
    squint = maker.lid_motion["eyeSquintLeft"] + maker.sculptor.move(cheek, reach=0.018)
    return {
        "eyeBlinkLeft": maker.lids(0.88, 0.14),
        "eyeSquintLeft": squint,
        **{name: maker.lid_motion[name] for name in ("eyeWideLeft", "eyeLookDownLeft", "eyeLookUpLeft")},
        "eyeLookInLeft": maker.lids(0.0, 0.0, sideways_mm=-0.8),
        "eyeLookOutLeft": maker.lids(0.0, 0.0, sideways_mm=0.8),
    }


def jaw(maker: ShapeMaker) -> dict[str, np.ndarray]:
    opened = maker.mended(maker.jaw_turned(maker.face.skin, maker.jaw_share))
    return {
        "jawOpen": opened,
        "jawForward": maker.jaw_moved(JAW_FORWARD_MM),
        "jawLeft": maker.jaw_moved(JAW_LEFT_MM),
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
    return maker.mended(opened + maker.sculptor.move(handles, reach=0.040)) - opened


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
            lambda t, s: (0, (-0.8 - 4.4 * s) * _round(t), (-4.2 + 1.2 * s) * _round(t)),
            lambda t, s: (0, 0.4 * _round(t), -0.5 * _round(t)),
            p(p164=(0, -1.2, -0.3)),
        ),
        "mouthShrugLower": m(
            lambda t, s: (0, (3.4 - 1.0 * s) * _round(t), (1.0 - 0.4 * s) * _round(t)),
            lambda t, s: (0, (3.4 + 1.2 * s) * _round(t), (1.4 + 1.6 * s) * _round(t)),
            chin_up,
        ),
        "mouthShrugUpper": m(
            lambda t, s: (0, 3.8 * _round(t), (0.8 + 1.2 * s) * _round(t)),
            lambda t, s: (0, 3.5 * _round(t), 0.9 * _round(t)),
            p(p164=(0, 2.2, 0.8), p2=(0, 0.6, 0)),
        ),
        "mouthPressLeft": m(
            lambda t, s: (0.8 * left_side(t), -(0.1 + 3.0 * s) * left_side(t), -(1.8 - 0.3 * s) * left_side(t)),
            lambda t, s: (0.8 * left_side(t), (0.1 + 3.6 * s) * left_side(t), -(1.8 - 0.3 * s) * left_side(t)),
            p(p436=(0.8, 0.3, 1.2), p287=(1.2, 0, 1.4), p406=(0, 1.0, 0.8), p335=(0.2, 1.0, 1.0), p391=(0, -0.8, 0.8)),
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
    # Cheeks rise and come forward, the fold beside the mouth stays behind: it deepens.
    smile_cheek = p(
        p425=(1.5, 5.2, 4.0), p280=(0.8, 4.4, 3.0), p411=(2.0, 4.6, 2.4), p427=(2.6, 4.8, 2.6), p330=(0, 3.6, 2.4),
        p426=(2.8, 3.0, -0.4), p436=(4.6, 5.2, -1.2), p423=(1.2, 1.4, -0.3), p347=(0, 1.8, 1.0), p352=(0.8, 2.8, 1.0),
        p432=(4.6, 4.8, -1.4), p422=(2.8, 2.6, -1.0), p294=(0.9, 0.5, -0.2), p416=(1.2, 1.6, 0.6), p434=(2.0, 2.4, 0.2),
        **dict.fromkeys((f"p{i}" for i in (*LEFT_LIDS_UPPER, *LEFT_LIDS_LOWER)), (0, 0, 0)),
    )  # fmt: skip
    return {
        "mouthSmileLeft": m(_corner(8.8, 8.0, -4.8, 1.4), _corner(8.8, 7.9, -4.8, 1.4), smile_cheek, reach=0.034),
        "mouthFrownLeft": m(
            _corner(0.4, -8.2, -1.2), _corner(0.4, -7.6, -1.2),
            p(p422=(0.6, -3.8, -0.6), p432=(0.4, -4.2, 0.2), p287=(0.6, -6.0, -0.8), p273=(0.2, -5.0, 0.6),
              p425=(0, -1.4, 0), p436=(0.4, -4.0, 0.2), p424=(0, -2.4, 1.2), p200=(0, 0.8, 0.6)),
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
    p = maker.points
    # Each side moves the middle of the brows by its half.
    inner = maker.brow(lambda s: 7.8 * (1 - s) ** 1.15, middle=p(p9=(0, 2.2, 0), p8=(0, 1.0, 0), p168=(0, 0, 0)))
    frowning = p(p9=(0, -2.4, 0.5), p8=(0, -2.2, 0.7), p168=(0, -1.0, 0.5), p6=(0, -0.3, 0.3), p417=(-1.0, -2.6, 0.8))
    return {
        "browInnerUp": inner + maker.mirrored(inner),
        "browOuterUpLeft": maker.brow(lambda s: 7.8 * min(1.0, s * 1.35) ** 1.2),
        "browDownLeft": maker.brow(lambda s: -8.2 * (1 - 0.40 * s), inward=3.2, middle=frowning),
        "cheekPuff": puffed_cheeks(maker),
        "cheekSquintLeft": maker.lid_motion["cheekSquintLeft"] + raised_cheek(maker),
        "noseSneerLeft": sneer(maker),
    }


def puffed_cheeks(maker: ShapeMaker) -> np.ndarray:
    puff = maker.points(
        p425=(7.0, -0.5, 6.5), p427=(11.0, 0, 5.0), p436=(5.0, 0, 6.5), p432=(7.5, 0, 5.5), p411=(9.5, 0.4, 4.5),
        p434=(8.5, 0, 2.8), p422=(4.5, 0, 5.0), p426=(4.0, 0, 5.5), p280=(3.0, 0.4, 2.2), p416=(8.0, 0, 2.4),
        p410=(3.0, 0.4, 5.0), p287=(3.5, 0, 5.0), p424=(2.5, 0, 3.0),
    )  # fmt: skip
    nose_still = dict.fromkeys((1, 4, 168, 8), np.zeros(3))
    return maker.mouth(
        lambda t, s: (1.2 * t, 0, 1.6), lambda t, s: (1.2 * t, 0, 1.6), maker.both(puff) | nose_still, reach=0.028
    )


def raised_cheek(maker: ShapeMaker) -> np.ndarray:
    squint = maker.points(
        p280=(0.2, 5.4, 3.2), p347=(0, 3.8, 1.9), p346=(0.2, 3.8, 1.7), p330=(0, 4.4, 2.6), p352=(0.2, 3.8, 2.0),
        p348=(0, 2.5, 1.2), p425=(0, 3.8, 2.6), p411=(0.2, 3.0, 1.6),
    )  # fmt: skip
    held = dict.fromkeys((*LEFT_LIDS_UPPER, *LEFT_LIDS_LOWER, 291), np.zeros(3))
    return maker.sculptor.move(squint | held, reach=0.024)


def sneer(maker: ShapeMaker) -> np.ndarray:
    raised = maker.points(
        p358=(1.2, 4.2, 0), p279=(1.5, 4.4, 0.5), p429=(0.6, 4.2, 1.2), p420=(0.2, 3.4, 1.0), p327=(0.4, 2.0, 0.2),
        p294=(1.5, 3.8, 0), p278=(1.5, 3.6, 0.2), p355=(0.4, 3.6, 1.8), p437=(0, 2.8, 1.2), p343=(0.2, 2.8, 1.6),
        p412=(0, 1.6, 1.0), p371=(0.2, 3.2, 1.4), p266=(0.2, 2.8, 1.2), p426=(0.4, 2.6, 1.8), p423=(0.6, 3.6, 1.4),
        p391=(0, 2.2, 0.8), p285=(-0.8, -2.0, 0.8), p417=(-0.6, -1.2, 0.8), p8=(0, -0.7, 0.4), p322=(0.2, 1.6, 0.8),
    )  # fmt: skip
    still = dict.fromkeys((1, 4, *LEFT_LIDS_UPPER, *LEFT_LIDS_LOWER), np.zeros(3))
    lifted = lips(lambda t, s: (0, 1.9 * s * bump(t, 0.45, 0.35), 0.4 * s * bump(t, 0.45, 0.35)), _no_motion)
    return maker.sculptor.move(raised | still | lifted, reach=0.020)
