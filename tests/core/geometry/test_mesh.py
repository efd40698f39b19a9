from __future__ import annotations

import numpy as np

from core.geometry.mesh import VertexNormals, face_normals, interpolate


def sphere(rows: int = 24, columns: int = 48):
    theta, phi = np.meshgrid(
        np.linspace(0.05, np.pi - 0.05, rows), np.arange(columns) / columns * 2 * np.pi, indexing="ij"
    )
    points = np.stack([np.sin(theta) * np.cos(phi), np.cos(theta), -np.sin(theta) * np.sin(phi)], -1).reshape(-1, 3)
    faces = []
    for r in range(rows - 1):
        for c in range(columns):
            a, b = r * columns + c, r * columns + (c + 1) % columns
            faces += [(a, a + columns, b), (b, a + columns, b + columns)]
    return points.astype(np.float32), np.array(faces)


def slow_normals(vertices, faces):
    total = np.zeros_like(vertices)
    for face, normal in zip(faces, face_normals(vertices, faces), strict=True):
        total[face] += normal
    return total / np.linalg.norm(total, axis=1, keepdims=True)


def test_fast_equals_slow_and_sphere_points_outwards():
    points, faces = sphere()
    fast = VertexNormals(faces, len(points))(points)
    assert np.allclose(fast, slow_normals(points, faces), atol=1e-5)
    assert (np.einsum("ij,ij->i", fast, points)[48:-48] > 0.999).all()


def test_doubled_vertices_share_their_normal():
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
    faces = np.array([[0, 1, 2], [3, 4, 5]])
    groups = np.array([0, 1, 2, 0, 2, 5])
    joined = VertexNormals(faces, 6, groups)(points)
    assert np.allclose(joined[0], joined[3]) and np.allclose(joined[2], joined[4])
    assert not np.allclose(joined[0], VertexNormals(faces, 6)(points)[0])


def test_a_vertex_without_triangles_gets_a_unit_normal():
    normals = VertexNormals(np.array([[0, 1, 2]]), 4)(np.eye(4, 3, dtype=np.float32))
    assert np.allclose(np.linalg.norm(normals, axis=1), 1)


def test_interpolation_at_corners_and_in_the_middle():
    values = np.array([[0.0, 0, 0], [3, 0, 0], [0, 3, 0]])
    faces = np.array([[0, 1, 2]])
    at = interpolate(values, faces, np.array([0, 0]), np.array([[0, 1.0, 0], [1 / 3, 1 / 3, 1 / 3]]))
    assert np.allclose(at, [[3, 0, 0], [1, 1, 0]])
