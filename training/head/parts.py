"""Eyeballs, mouth lining, teeth and tongue: small surfaces from formulas. Metres, head frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.head_model.builtin import EYE_TEXTURE_ANGLE
from core.head_model.eyes import EYE_RADIUS_M, IRIS_DIAMETER_M

IRIS_ANGLE = float(np.arcsin(0.5 * IRIS_DIAMETER_M / EYE_RADIUS_M))
CORNEA_HEIGHT = 0.0002


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """vertices (n, 3), triangles (m, 3) counter-clockwise from the visible side, uv (n, 2)."""

    vertices: np.ndarray
    triangles: np.ndarray
    uv: np.ndarray


def grid_triangles(rows: int, columns: int, closed: bool) -> np.ndarray:
    """(F, 3) triangles of a row-major grid; `closed` joins the last column to the first."""
    triangles = []
    for r in range(rows - 1):
        for c in range(columns if closed else columns - 1):
            a, b = r * columns + c, r * columns + (c + 1) % columns
            triangles += [(a, b, a + columns), (b, b + columns, a + columns)]
    return np.array(triangles)


EYE_SEGMENTS = 24
IRIS_RING = 2  # number of the ring of an eyeball that is the rim of its iris


def eyeball(centre: np.ndarray, segments: int = EYE_SEGMENTS) -> Surface:
    """Eyeball that looks along +Z, with a slight bulge for the cornea."""
    angles = np.concatenate([[0.0], np.radians([15]), [IRIS_ANGLE], np.radians([36, 46, 60, 80, 108, 150])])
    around = np.arange(segments) / segments * 2 * np.pi
    vertices, uv = [], []
    for angle in angles:
        bulge = CORNEA_HEIGHT * max(0.0, 1 - (angle / IRIS_ANGLE) ** 2)
        radius = EYE_RADIUS_M + bulge
        ring = np.stack(
            [np.sin(angle) * np.cos(around), np.sin(angle) * np.sin(around), np.full(segments, np.cos(angle))], 1
        )
        vertices.append(centre + radius * ring)
        share = 0.5 * min(1.0, angle / EYE_TEXTURE_ANGLE)
        uv.append(np.stack([0.5 + share * np.cos(around), 0.5 - share * np.sin(around)], 1))
    triangles = grid_triangles(len(angles), segments, closed=True)
    keep = np.ones(len(triangles), bool)
    keep[0 : 2 * segments : 2] = False  # the first ring is a point: its inner triangles have no area
    return Surface(np.concatenate(vertices), triangles[keep][:, [0, 2, 1]], np.concatenate(uv))


def mouth_lining(lip_loop: np.ndarray, is_upper: np.ndarray) -> tuple[Surface, np.ndarray]:
    """Bag behind the lips, and the (n,) share of each vertex that follows the lips (1) rather than the bones (0).

    lip_loop: (n, 3) inner lip points in order; is_upper: (n,) bool.
    """
    depths = (0.0, 0.003, 0.010, 0.024, 0.038, 0.048)
    heights = (0.0, -0.0004, 0.0130, 0.0165, 0.0130, 0.0)  # the second row overlaps: closed lips show no slit
    widths = (1.0, 0.985, 0.96, 1.0, 0.75, 0.0)
    middle = lip_loop.mean(axis=0)
    rows, follow = [], []
    n = len(lip_loop)
    reach = np.abs(lip_loop[:, 0]) / np.abs(lip_loop[:, 0]).max()
    for k, (depth, height, width) in enumerate(zip(depths, heights, widths, strict=True)):
        sign = np.where(is_upper, 1.0, -1.0) * np.sqrt(np.maximum(1 - reach**2, 0.0))
        fade = (0.0, 0.2, 0.7, 1.0, 1.0, 1.0)[k]
        row = np.stack(
            [
                lip_loop[:, 0] * width,
                lip_loop[:, 1] * (1 - fade) + middle[1] * fade + height * sign,
                (lip_loop[:, 2] - depth) * (1 - fade) + (middle[2] - depth - 0.004) * fade,
            ],
            axis=1,
        )
        rows.append(row)
        follow.append(np.full(n, (1.0, 1.0, 0.75, 0.25, 0.0, 0.0)[k]))
    triangles = grid_triangles(len(depths), n, closed=True)[:, [0, 2, 1]]
    v = np.repeat(np.linspace(0, 1, len(depths)), n)
    u = np.tile(np.linspace(0, 1, n), len(depths))
    return Surface(np.concatenate(rows), triangles, np.stack([u, v], 1)), np.concatenate(follow)


UPPER_TOOTH_WIDTHS = np.array([8.5, 6.6, 7.6, 7.0, 6.8, 9.8]) * 1e-3  # mesiodistal crowns (Wheeler's tables, rounded)
LOWER_TOOTH_WIDTHS = np.array([5.4, 5.9, 6.8, 7.0, 7.1, 10.6]) * 1e-3
SAMPLES_PER_TOOTH = 3


def _arch(length: np.ndarray, half_width: float, depth: float) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, 2) in x, z along a parabola by arc length from its front, and (n, 2) outward normals."""
    t = np.linspace(-1.6, 1.6, 4001)
    curve = np.stack([half_width * t, -depth * t**2], 1)
    arc = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
    arc -= arc[2000]
    points = np.stack([np.interp(length, arc, curve[:, k]) for k in range(2)], 1)
    tangent = np.stack([np.interp(length, arc, np.gradient(curve[:, k], arc)) for k in range(2)], 1)
    return points, np.stack([-tangent[:, 1], tangent[:, 0]], 1)


def teeth(front: np.ndarray, upper: bool) -> Surface:
    """One row of teeth with its gum; `front` is the middle of the two front teeth's cutting edge."""
    widths = UPPER_TOOTH_WIDTHS if upper else LOWER_TOOTH_WIDTHS
    ends = np.cumsum(widths)
    phase = np.arange(SAMPLES_PER_TOOTH) / SAMPLES_PER_TOOTH
    half = np.concatenate([start + phase * w for start, w in zip(ends - widths, widths, strict=True)] + [ends[-1:]])
    half_phase = np.concatenate([np.tile(phase, len(widths)), [1.0]])
    length = np.concatenate([-half[:0:-1], half])
    within = np.concatenate([half_phase[:0:-1], half_phase])
    crown = 1 - np.abs(2 * within - 1) ** 3
    points, outward = _arch(length, 0.0205 if upper else 0.0188, 0.0205)
    down = -1.0 if upper else 1.0
    back = np.clip(np.abs(length) / 0.05, 0, 1)
    height = 0.0098 * (1 - 0.30 * back)
    # Across the row, from the outer gum over the cutting edge to the inner gum: (height share, outward offset, bulge).
    profile = ((1.75, -0.0010, 0.0), (1.02, 0.0004, 0.2), (0.55, 0.0006, 1.0), (0.0, -0.0006, 0.5), (0.0, -0.0024, 0.2),
               (0.9, -0.0065, 0.0), (1.8, -0.0085, 0.0))  # fmt: skip
    rows, uv = [], []
    u = np.linspace(0, 1, len(length))
    for k, (share, offset, bulge) in enumerate(profile):
        out = offset + 0.0007 * bulge * crown - 0.0010 * bulge * (1 - crown) * (share < 1.0)
        y = -down * share * height - down * (share == 0.0) * 0.0005 * (1 - crown)
        rows.append(np.stack([points[:, 0] + out * outward[:, 0], y, points[:, 1] + out * outward[:, 1]], 1) + front)
        uv.append(np.stack([u, np.full(len(u), k / (len(profile) - 1))], 1))
    triangles = grid_triangles(len(profile), len(length), closed=False)
    return Surface(np.concatenate(rows), triangles if not upper else triangles[:, [0, 2, 1]], np.concatenate(uv))


def tongue(tip: np.ndarray, length: float = 0.046, half_width: float = 0.0165) -> Surface:
    """Tongue at rest, from its tip back to its root, closed all round."""
    along = np.array([0.0, 0.04, 0.12, 0.25, 0.42, 0.62, 0.82, 1.0])
    around = np.arange(14) / 14 * 2 * np.pi
    rows, uv = [], []
    for s in along:
        round_tip = np.sqrt(np.clip(1 - (1 - min(1.0, s / 0.35)) ** 2, 0, 1))
        width, thick = half_width * round_tip * (1 + 0.12 * s), 0.0058 * round_tip * (1 + 0.5 * s)
        x, y = width * np.cos(around), thick * np.sin(around)
        groove = 0.0012 * np.exp(-((x / 0.004) ** 2)) * (np.sin(around) > 0) * min(1.0, s * 4)
        rows.append(tip + np.stack([x, y - groove + 0.003 * np.sin(np.pi * s), np.full(14, -length * s)], 1))
        uv.append(np.stack([np.arange(14) / 14, np.full(14, s)], 1))
    triangles = grid_triangles(len(along), 14, closed=True)
    keep = np.ones(len(triangles), bool)
    keep[0 : 2 * 14 : 2] = False
    return Surface(np.concatenate(rows), triangles[keep][:, [0, 2, 1]], np.concatenate(uv))
