from __future__ import annotations

import numpy as np

from core.geometry.closest_points import Surface


def test_closest_points_agree_with_brute_force():
    rng = np.random.default_rng(3)
    vertices, triangles = rng.normal(size=(30, 3)), rng.integers(0, 30, (38, 3))
    triangles = triangles[[len(set(t)) == 3 for t in triangles.tolist()]]
    points = rng.normal(size=(25, 3)) * 2
    found = Surface(vertices, triangles).closest(points)
    shares = rng.dirichlet((0.6, 0.6, 0.6), 4000)
    cloud = np.einsum("sk,fkd->fsd", shares, vertices[triangles]).reshape(-1, 3)
    nearest = np.linalg.norm(points[:, None] - cloud[None], axis=2).min(axis=1)
    assert (found.distances <= nearest + 1e-9).all() and (found.distances > nearest - 0.15).all()
    on_triangle = np.einsum("nk,nkd->nd", found.weights, vertices[triangles[found.faces]])
    assert np.allclose(on_triangle, found.points) and found.weights.min() >= -1e-12
