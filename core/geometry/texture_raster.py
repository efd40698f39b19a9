"""Which triangle of an atlas covers each texel, and where inside it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from core.structures import FloatArray, IntArray

_SUBPIXEL_BITS = 6


@dataclass(frozen=True, slots=True, eq=False)
class TexelMap:
    """The texels an atlas covers. rows, columns: (n,) int; faces: (n,) int32 triangle numbers; weights: (n, 3)
    float32 barycentric weights. size: texture side in texels."""

    rows: IntArray
    columns: IntArray
    faces: IntArray
    weights: FloatArray
    size: int


def map_texels(uv: FloatArray, faces: IntArray, size: int) -> TexelMap:
    """Texels covered by triangles (F, 3) with atlas positions uv (V, 2) in [0, 1], v = 0 at the top row."""
    corners = uv[faces].astype(np.float64) * size - 0.5
    owner = np.full((size, size), -1, np.int32)
    fixed_point = np.round(corners * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    for number, triangle in enumerate(fixed_point):
        cv2.fillConvexPoly(owner, triangle, (number,), cv2.LINE_8, _SUBPIXEL_BITS)
    rows, columns = np.nonzero(owner >= 0)
    covering = owner[rows, columns]
    a, b, c = (corners[covering, k] for k in range(3))
    texel = np.stack([columns, rows], axis=1)
    u, v, w = b - a, c - a, texel - a
    area = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    area = np.where(np.abs(area) < 1e-12, 1e-12, area)
    second = (w[:, 0] * v[:, 1] - w[:, 1] * v[:, 0]) / area
    third = (u[:, 0] * w[:, 1] - u[:, 1] * w[:, 0]) / area
    weights = np.clip(np.stack([1 - second - third, second, third], axis=1), 0.0, 1.0)
    weights /= weights.sum(axis=1, keepdims=True)
    return TexelMap(rows, columns, covering, weights.astype(np.float32), size)
