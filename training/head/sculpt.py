"""Displacement fields on the skin from a few handles: biharmonic on the surface, so lips and lids part cleanly."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu


def cotangent_laplacian(points: np.ndarray, triangles: np.ndarray) -> tuple[sparse.csr_matrix, np.ndarray]:
    """(V, V) stiffness matrix with cotangent weights clamped to stay positive, and (V,) vertex areas."""
    n = len(points)
    rows, columns, values = [], [], []
    areas = np.zeros(n)
    for k in range(3):
        i, j, opposite = triangles[:, k], triangles[:, (k + 1) % 3], triangles[:, (k + 2) % 3]
        u, v = points[i] - points[opposite], points[j] - points[opposite]
        double_area = np.maximum(np.linalg.norm(np.cross(u, v), axis=1), 1e-10)
        weight = np.clip(0.5 * (u * v).sum(1) / double_area, 0.02, 5.0)
        rows += [i, j]
        columns += [j, i]
        values += [weight, weight]
        np.add.at(areas, i, double_area / 6)
    shape = (n, n)
    graph = sparse.csr_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape)
    return sparse.diags(np.asarray(graph.sum(1)).ravel()) - graph, np.maximum(areas, 1e-9)


class Sculptor:
    """Solves for smooth displacements of a (V, 3) surface whose handles and far vertices are given."""

    def __init__(self, points: np.ndarray, triangles: np.ndarray) -> None:
        self.points = points
        stiffness, areas = cotangent_laplacian(points, triangles)
        self._operator = (stiffness @ sparse.diags(1 / areas) @ stiffness).tocsr()

    def move(self, handles: dict[int, np.ndarray], reach: float, still: np.ndarray | None = None) -> np.ndarray:
        """(V, 3) displacement that takes each handle where it is told and fades out within `reach` metres of them.

        still: (m,) more vertices that keep their place.
        """
        ids = np.array(list(handles), int)
        values = np.stack([np.asarray(handles[i], float) for i in ids])
        moving = ids[np.linalg.norm(values, axis=1) > 1e-9]
        distance = np.full(len(self.points), np.inf)
        for i in moving:
            distance = np.minimum(distance, np.linalg.norm(self.points - self.points[i], axis=1))
        known = distance > reach
        if still is not None:
            known[still] = True
        displacement = np.zeros_like(self.points)
        known[ids] = True
        displacement[ids] = values
        free = ~known
        right = -(self._operator[free][:, known] @ displacement[known])
        displacement[free] = splu(self._operator[free][:, free].tocsc()).solve(right)
        return displacement
