"""Takes folds out of a displacement: the least change after which no triangle turns over on its way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import minimize

STEPS = (0.5, 1.0)  # coefficients at which triangles are watched
LEAST_COSINE = 0.10  # a triangle that turned further than this cosine counts as folded
WANTED_COSINE = 0.25
HARDER = 1.5  # what a fold costs more in each round
FOLD_COST = 150.0  # of a cosine too low by 1, against 1 mm^2 of change
SMOOTH_COST = 0.5  # of a change that neighbours do not share
RINGS = 3  # how far around a fold the surface may give
ROUNDS = 8
MILLI = 1e3


def normals(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(F, 3) normals whose length is twice the triangle's area."""
    a, b, c = (points[triangles[:, k]] for k in range(3))
    return np.cross(b - a, c - a)


@dataclass(frozen=True, slots=True, eq=False)
class _Patch:
    """Vertices (n,) that may give, the triangles (m, 3) that touch them with rest normals (m, 3), and a Laplacian."""

    free: np.ndarray
    triangles: np.ndarray
    rest_normals: np.ndarray
    laplacian: sparse.csr_matrix


class Unfolder:
    """Mends displacements of one surface. points: (V, 3) at rest, metres."""

    def __init__(self, points: np.ndarray, triangles: np.ndarray) -> None:
        self._points = points * MILLI
        self._triangles = triangles
        flat = normals(self._points, triangles)
        self._rest_normals = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-12)
        i = np.concatenate([triangles[:, k] for k in (0, 1, 2, 1, 2, 0)])
        j = np.concatenate([triangles[:, k] for k in (1, 2, 0, 0, 1, 2)])
        graph = sparse.csr_matrix((np.ones(len(i)), (i, j)), (len(points), len(points)))
        graph.data[:] = 1.0
        self._graph = graph

    def folded(self, displacement: np.ndarray) -> np.ndarray:
        """Numbers of the triangles that turn too far at one of the steps. displacement: (V, 3) metres."""
        worst = np.ones(len(self._triangles))
        for step in STEPS:
            flat = normals(self._points + step * MILLI * displacement, self._triangles)
            length = np.maximum(np.linalg.norm(flat, axis=1), 1e-12)
            worst = np.minimum(worst, (flat * self._rest_normals).sum(axis=1) / length)
        return np.flatnonzero(worst < LEAST_COSINE)

    def mended(self, displacement: np.ndarray, held: np.ndarray | None = None) -> np.ndarray:
        """(V, 3) displacement without folds, or with fewer where it cannot be helped. held: (m,) vertices to leave."""
        wanted = displacement * MILLI
        found = wanted.copy()
        touched = np.zeros(len(self._points), bool)
        for attempt in range(ROUNDS):
            folds = self.folded(found / MILLI)
            if not len(folds):
                break
            grown = np.zeros(len(self._points))
            grown[self._triangles[folds].ravel()] = 1.0
            for _ in range(RINGS):
                grown += self._graph @ grown
            touched |= grown > 0
            if held is not None:
                touched[held] = False
            found = self._solved(wanted, found, self._patch(touched), FOLD_COST * HARDER**attempt)
        return found / MILLI

    def _patch(self, touched: np.ndarray) -> _Patch:
        free = np.flatnonzero(touched)
        around = touched[self._triangles].any(axis=1)
        degree = np.asarray(self._graph[free].sum(axis=1)).ravel()
        laplacian = sparse.eye(len(free)) - sparse.diags(1 / degree) @ self._graph[free][:, free]
        return _Patch(free, self._triangles[around], self._rest_normals[around], laplacian.tocsr())

    def _solved(self, wanted: np.ndarray, start: np.ndarray, patch: _Patch, price: float) -> np.ndarray:
        moved = start.copy()

        def cost(values: np.ndarray) -> tuple[float, np.ndarray]:
            moved[patch.free] = values.reshape(-1, 3)
            change = moved[patch.free] - wanted[patch.free]
            bent = patch.laplacian @ change
            total = float((change**2).sum() * 0.05 + SMOOTH_COST * (bent**2).sum())
            slope = np.zeros_like(moved)
            slope[patch.free] = 0.1 * change + 2 * SMOOTH_COST * (patch.laplacian.T @ bent)
            for step in STEPS:
                total += _fold_cost(self._points + step * moved, patch, slope, step, price)
            return total, slope[patch.free].ravel()

        found = minimize(cost, start[patch.free].ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 300})
        solved = start.copy()
        solved[patch.free] = found.x.reshape(-1, 3)
        return solved


def _fold_cost(points: np.ndarray, patch: _Patch, slope: np.ndarray, step: float, price: float) -> float:
    """Cost of triangles that turn too far; adds its slope by each vertex's displacement to `slope`."""
    t = patch.triangles
    a, b, c = (points[t[:, k]] for k in range(3))
    flat = np.cross(b - a, c - a)
    length = np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-3)
    cosine = (flat * patch.rest_normals).sum(axis=1, keepdims=True) / length
    missing = np.maximum(WANTED_COSINE - cosine, 0.0)
    by_normal = -2 * price * missing * (patch.rest_normals - cosine * flat / length) / length
    by_b, by_c = np.cross(c - a, by_normal), np.cross(by_normal, b - a)
    for corner, part in ((0, -by_b - by_c), (1, by_b), (2, by_c)):
        np.add.at(slope, t[:, corner], step * part)
    return float(price * (missing**2).sum())
