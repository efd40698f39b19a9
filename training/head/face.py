"""The neutral face: the portrait's points with a closed mouth and the proportions of survey means.

Means of men and women together, from the NIOSH head-and-face survey of 2003 (Zhuang & Bradtmiller 2005, table 4):
interpupillary distance 63.2 mm, sellion to menton 118 mm, bizygomatic breadth 139 mm, nose breadth 35 mm,
lip length 49.5 mm, sellion to subnasale 50 mm.
"""

from __future__ import annotations

import numpy as np
from scipy.interpolate import RBFInterpolator

PUPIL_DISTANCE = 0.0632
EYES_NEARER = 0.00075  # the middles of the portrait's lids lie farther apart than its pupils
HALF_LIP_LENGTH = 0.0250
CORNER_SPREAD = 0.065  # of half the lip's length, between the outermost and the innermost row in the corner

UPPER_LIP_ROWS = (  # from the vermilion border to the lip line, each from the right corner to the left
    (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291),
    (76, 184, 74, 73, 72, 11, 302, 303, 304, 408, 306),
    (62, 183, 42, 41, 38, 12, 268, 271, 272, 407, 292),
    (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308),
)
LOWER_LIP_ROWS = (
    (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291),
    (76, 77, 90, 180, 85, 16, 315, 404, 320, 307, 306),
    (62, 96, 89, 179, 86, 15, 316, 403, 319, 325, 292),
    (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308),
)
MOUTH_CORNERS = tuple(row[end] for row in UPPER_LIP_ROWS for end in (0, -1))
ALONG_LIP = np.array([-1.0, -0.87, -0.64, -0.43, -0.21, 0.0, 0.21, 0.43, 0.64, 0.87, 1.0])

# Chin and the fold above it, on the midline: landmark -> (y, z) in metres, origin between the pupils.
MIDLINE = {
    18: (-0.0800, 0.0162), 200: (-0.0890, 0.0172), 199: (-0.0980, 0.0184),
    175: (-0.1070, 0.0160), 152: (-0.1130, 0.0080), 164: (-0.0525, 0.0222),
}  # fmt: skip
LEFT_UPPER_LID = (466, 388, 387, 386, 385, 384, 398)
LEFT_LID_ROWS = ((1.0, LEFT_UPPER_LID), (0.6, (260, 259, 257, 258, 286)), (0.3, (445, 444, 443, 442, 441)))
LID_DROP = 0.0012  # a smiling portrait looks wide-eyed: at rest the upper lid covers the top of the iris
HELD_ABOVE = -0.028  # points higher than this keep their place while the mouth closes


def _smooth_step(x: np.ndarray, low: float, high: float) -> np.ndarray:
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return t * t * (3 - 2 * t)


def _proportioned(points: np.ndarray) -> np.ndarray:
    """Face widened at the cheekbones, nose narrowed and lengthened, all by smooth fields."""
    p = points * PUPIL_DISTANCE
    x, y = p[:, 0].copy(), p[:, 1].copy()
    side = _smooth_step(np.abs(x), 0.030, 0.066)
    p[:, 0] *= 1 + 0.040 * side
    on_nose = 1 - _smooth_step(np.abs(x), 0.020, 0.034)
    low_nose = _smooth_step(-y, 0.006, 0.026) * (1 - _smooth_step(-y, 0.046, 0.058))
    p[:, 0] *= 1 - 0.20 * on_nose * low_nose
    p[:, 1] *= 1 + 0.075 * _smooth_step(-y, 0.0, 0.045)
    at_eye = 1 - _smooth_step(np.hypot(np.abs(x) - 0.5 * PUPIL_DISTANCE, y), 0.016, 0.034)
    p[:, 0] -= np.sign(x) * EYES_NEARER * at_eye
    p[:, 2] += 0.0045 * _smooth_step(y, 0.022, 0.046) * (1 - _smooth_step(np.abs(x), 0.015, 0.062))
    return p


def _lip_targets() -> dict[int, np.ndarray]:
    """Where each lip point lies when the mouth is closed and at rest."""
    t = ALONG_LIP
    line_y = -0.0655 - 0.0012 * t**2 + 0.0008 * (1 - t**2) ** 2
    line_z = 0.0072 + 0.0135 * (1 - np.abs(t) ** 2.1)
    bow = 0.0070 * (1 - np.abs(t) ** 2.2) - 0.0011 * np.exp(-((t / 0.11) ** 2))
    bowl = 0.0088 * (1 - np.abs(t) ** 2.6)
    targets: dict[int, np.ndarray] = {}
    # Fraction of the way from the lip line to the border, and how far the row bulges forward [m].
    profile = ((1.0, 0.0010), (0.66, 0.0024), (0.30, 0.0018), (0.0, -0.0008))
    for rows, height, sign in ((UPPER_LIP_ROWS, bow, 1.0), (LOWER_LIP_ROWS, bowl, -1.0)):
        for row, (share, bulge) in zip(rows, profile, strict=True):
            # The rows end in the corner one inside the other; closer together their triangles would be slivers.
            inward = CORNER_SPREAD * (1 - share) * t**8
            shrink = 1 - 0.035 * (1 - share) - inward
            full = 1 - t**2
            back = 0.0012 * (1 - share) * (sign < 0)
            for k, point in enumerate(row):
                y = line_y[k] + sign * (share * height[k] + 0.00012 * full[k])
                z = line_z[k] + bulge * full[k] - back - (0.0012 * share if sign < 0 else 0.0) + 0.022 * inward[k]
                targets[point] = np.array([HALF_LIP_LENGTH * t[k] * shrink[k], y, z])
    return targets


def _with_relaxed_lids(points: np.ndarray) -> np.ndarray:
    """Points with the left upper lid and the skin above it lowered, most in the middle of the lid."""
    relaxed = points.copy()
    inner, outer = points[362, 0], points[263, 0]
    for share, row in LEFT_LID_ROWS:
        for point in row:
            along = np.clip((points[point, 0] - inner) / (outer - inner), 0, 1)
            relaxed[point, 1] -= LID_DROP * share * np.sin(np.pi * along) ** 0.7
    return relaxed


def neutral_face(portrait: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """(478, 3) symmetric neutral face points, metres, origin between the pupils.

    portrait: (478, 3) in pupil distances; mirror: (478,). The closed mouth and the chin are set; the points between
    them and the held upper face follow by a biharmonic spline.
    """
    start = _proportioned(portrait)
    targets = _lip_targets()
    for point, (y, z) in MIDLINE.items():
        targets[point] = np.array([0.0, y, z])
    held = np.flatnonzero(start[:, 1] > HELD_ABOVE)
    outline = [234, 93, 132, 454, 323, 361]
    control = np.concatenate([held, outline, list(targets)])
    goal = np.concatenate([start[held], start[outline], np.stack(list(targets.values()))])
    spline = RBFInterpolator(start[control], goal - start[control], kernel="linear", smoothing=1e-7)
    moved = start + spline(start)
    moved[list(targets)] = np.stack(list(targets.values()))
    moved = _with_relaxed_lids(moved)
    moved[mirror] = np.where((moved[:, :1] > 0), moved * (-1, 1, 1), moved[mirror])
    return 0.5 * (moved + moved[mirror] * (-1, 1, 1))
