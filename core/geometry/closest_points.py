"""Closest points on a triangle mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from core.structures import BoolArray, FloatArray, IntArray

CANDIDATES = 40  # triangles looked at for each point, nearest centres first


@dataclass(frozen=True, slots=True, eq=False)
class SurfacePoints:
    """Points on a mesh. faces: (n,) int; weights: (n, 3) barycentric; points: (n, 3); distances: (n,) metres from
    where they were looked for."""

    faces: IntArray
    weights: FloatArray
    points: FloatArray
    distances: FloatArray


class Surface:
    """Triangles (F, 3) over vertices (V, 3), ready to be asked."""

    def __init__(self, vertices: FloatArray, triangles: IntArray) -> None:
        self.corners = np.asarray(vertices, np.float64)[triangles]  # (F, 3, 3)
        flat = np.cross(self.corners[:, 1] - self.corners[:, 0], self.corners[:, 2] - self.corners[:, 0])
        length = np.linalg.norm(flat, axis=1, keepdims=True)
        self.normals = flat / np.maximum(length, 1e-15)
        self._tree = cKDTree(self.corners.mean(axis=1))

    def closest(
        self, points: FloatArray, normals: FloatArray | None = None, allowed: BoolArray | None = None
    ) -> SurfacePoints:
        """The closest surface point to each of (n, 3) points.

        normals: (n, 3); only triangles that face the same way count, where there are any. allowed: (n, F), likewise.
        """
        points = np.asarray(points, np.float64)
        count = min(CANDIDATES if allowed is None else 4 * CANDIDATES, len(self.corners))
        near = self._tree.query(points, k=count)[1].reshape(len(points), -1)
        weights = _closest_weights(points[:, None], self.corners[near])
        found = np.einsum("nkc,nkcd->nkd", weights, self.corners[near])
        distances = np.linalg.norm(found - points[:, None], axis=2)
        penalty = np.zeros(near.shape)
        if normals is not None:
            penalty += np.einsum("nkd,nd->nk", self.normals[near], normals) < 0.2
        if allowed is not None:
            penalty += ~np.take_along_axis(allowed, near, axis=1)
        best = (distances + penalty).argmin(axis=1)  # a metre for each rule that is broken
        row = np.arange(len(points))
        return SurfacePoints(near[row, best], weights[row, best], found[row, best], distances[row, best])


def _closest_weights(points: FloatArray, corners: FloatArray) -> FloatArray:
    """(n, k, 3) barycentric weights of the closest point of each triangle (n, k, 3, 3) to each point (n, 1, 3)."""
    edge_b, edge_c = corners[:, :, 1] - corners[:, :, 0], corners[:, :, 2] - corners[:, :, 0]
    offset = points - corners[:, :, 0]
    bb, bc, cc = (_dot(edge_b, edge_b), _dot(edge_b, edge_c), _dot(edge_c, edge_c))
    pb, pc = _dot(offset, edge_b), _dot(offset, edge_c)
    determinant = np.maximum(bb * cc - bc * bc, 1e-30)
    b, c = (cc * pb - bc * pc) / determinant, (bb * pc - bc * pb) / determinant
    weights = np.stack([1 - b - c, b, c], axis=2)
    outside = weights.min(axis=2) < 0
    best = np.where(outside, np.inf, 0.0)
    for first, second in ((0, 1), (1, 2), (2, 0)):
        edge = corners[:, :, second] - corners[:, :, first]
        from_first = points - corners[:, :, first]
        along = np.clip(_dot(from_first, edge) / np.maximum(_dot(edge, edge), 1e-30), 0.0, 1.0)
        distance = np.linalg.norm(from_first - along[..., None] * edge, axis=2)
        better = outside & (distance < best)
        on_edge = np.zeros_like(weights)
        on_edge[..., first], on_edge[..., second] = 1 - along, along
        weights = np.where(better[..., None], on_edge, weights)
        best = np.where(better, distance, best)
    return weights


def _dot(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.einsum("nkd,nkd->nk", a, b)
