"""Measures on triangle meshes."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from core.structures import FloatArray, IntArray


def face_normals(vertices: FloatArray, faces: IntArray) -> FloatArray:
    """(F, 3) normals whose length is twice the triangle's area."""
    a, b, c = vertices[faces[:, 0]], vertices[faces[:, 1]], vertices[faces[:, 2]]
    return np.cross(b - a, c - a)


class VertexNormals:
    """Area-weighted vertex normals of a fixed topology, fast enough for every frame.

    groups: (V,) int, optional; vertices of one group are one point of the surface (doubles along a texture seam)
    and share their normal.
    """

    def __init__(self, faces: IntArray, vertex_count: int, groups: IntArray | None = None) -> None:
        self._corners = tuple(np.ascontiguousarray(faces[:, k]) for k in range(3))
        group = np.arange(vertex_count) if groups is None else np.asarray(groups)
        face_ids = np.arange(len(faces))
        rows = np.concatenate([group[c] for c in self._corners])
        ones = np.ones(3 * len(faces), np.float32)
        self._sum = sparse.csr_matrix((ones, (rows, np.tile(face_ids, 3))), (vertex_count, len(faces)))
        self._group = None if groups is None else group

    def __call__(self, vertices: FloatArray) -> FloatArray:
        """(V, 3) float32 unit normals; a vertex without area gets (0, 0, 1)."""
        a, b, c = (vertices[i] for i in self._corners)
        u, v = b - a, c - a
        flat = np.stack(
            [
                u[:, 1] * v[:, 2] - u[:, 2] * v[:, 1],
                u[:, 2] * v[:, 0] - u[:, 0] * v[:, 2],
                u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0],
            ],
            axis=1,
        )
        total = self._sum @ flat.astype(np.float32, copy=False)
        if self._group is not None:
            total = total[self._group]
        length = np.sqrt(np.einsum("ij,ij->i", total, total))[:, None]
        normals = np.divide(total, length, out=np.zeros_like(total), where=length > 0)
        normals[length[:, 0] == 0] = (0.0, 0.0, 1.0)
        return normals


def interpolate(values: FloatArray, faces: IntArray, face_ids: IntArray, weights: FloatArray) -> FloatArray:
    """(n, ...) values at points given as triangle numbers (n,) and barycentric weights (n, 3)."""
    return np.einsum("nk,nk...->n...", weights, values[faces[face_ids]])
