"""Outer ears: rings from the root on the head over the helix into the concha. Metres, head frame."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.interpolate import CubicSpline

from training.head.parts import Surface, grid_triangles

LENGTH = 0.060  # NIOSH-like proportions: length 60 mm, breadth 34 mm
SEGMENTS = 20
STAND_OFF = 0.0125  # of the helix from the head at the back of the ear
SHALLOWEST = 0.0012  # the concha's floor lies on the skin of the head, not below it [m]
TILT = 0.16  # the ear's axis leans backwards by about 9 degrees

# Outline of a left ear seen from the side, from its top towards the back: depth and height in shares of its length.
OUTLINE = np.array([
    (0.02, 0.49), (-0.12, 0.50), (-0.26, 0.43), (-0.35, 0.30), (-0.375, 0.13), (-0.345, -0.05), (-0.27, -0.21),
    (-0.20, -0.35), (-0.145, -0.45), (-0.04, -0.50), (0.06, -0.47), (0.11, -0.36), (0.12, -0.21), (0.15, -0.09),
    (0.16, 0.01), (0.13, 0.10), (0.14, 0.22), (0.12, 0.36),
])  # fmt: skip
CANAL = np.array([0.055, -0.055])

# Across the ear, from the root behind it over the rim to the canal: share of the way from the canal to the outline,
# height as a share of the rim's, and how far the lobe (1) flattens this ring's relief.
RINGS = (
    (0.60, -0.35, 0.0), (0.80, 0.42, 0.0), (0.95, 0.80, 0.0), (1.00, 1.00, 0.0), (0.965, 1.13, 0.3), (0.895, 1.10, 0.8),
    (0.82, 0.80, 1.0), (0.70, 0.84, 1.0), (0.57, 0.80, 1.0), (0.42, 0.22, 0.9), (0.01, -0.10, 0.6),
)  # fmt: skip


def _outline() -> np.ndarray:
    """(SEGMENTS, 2) outline of the ear, evenly sampled along a smooth closed curve."""
    closed = np.concatenate([OUTLINE, OUTLINE[:1]])
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    spline = CubicSpline(length, closed, bc_type="periodic")
    return spline(np.arange(SEGMENTS) / SEGMENTS * length[-1])


def ear(centre: np.ndarray, side: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Surface:
    """Left ear whose middle lies at `centre` = (y, z); `side(y, z)` tells how far out the head reaches there."""
    outline = _outline()
    free = np.clip((0.15 - outline[:, 0]) / 0.40, 0, 1) ** 0.8  # 0 where the ear grows out of the cheek, 1 at the back
    lobe = np.clip((-0.30 - outline[:, 1]) / 0.14, 0, 1)
    top = np.clip((outline[:, 1] - 0.20) / 0.30, 0, 1)
    stand_off = STAND_OFF * (0.16 + 0.84 * free) * (1 - 0.35 * lobe - 0.25 * top)
    rows, uv = [], []
    angle = np.arctan2(*(outline - CANAL).T[::-1])
    for k, (scale, height, flattened) in enumerate(RINGS):
        flat = (CANAL + scale * (outline - CANAL)) * LENGTH
        relief = height * (1 - flattened * lobe) + 0.95 * flattened * lobe
        y = centre[0] + flat[:, 1] - TILT * flat[:, 0]
        z = centre[1] + flat[:, 0] + TILT * flat[:, 1]
        above = stand_off * relief if k == 0 else np.maximum(stand_off * relief, SHALLOWEST)
        rows.append(np.stack([side(y, z) + above, y, z], axis=1))
        radius = 1 - k / (len(RINGS) - 0.5)
        uv.append(np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1))
    triangles = grid_triangles(len(RINGS), SEGMENTS, closed=True)[:, [0, 2, 1]]
    return Surface(np.concatenate(rows), triangles, np.concatenate(uv))


def mirrored(left: Surface) -> Surface:
    """The same ear on the right side."""
    return Surface(left.vertices * (-1, 1, 1), left.triangles[:, [0, 2, 1]], left.uv)
