"""Triangles of the FaceMesh points, their mirror pairs, and subdivision that keeps the points."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
from mediapipe.python.solutions import face_mesh_connections

POINT_COUNT = 468
Triangle = tuple[int, int, int]


def _triangle_edges(triangle: Sequence[int]) -> list[tuple[int, int]]:
    a, b, c = triangle
    return [tuple(sorted(e)) for e in ((a, b), (b, c), (c, a))]


def _all_triangles() -> set[Triangle]:
    """Every 3-cycle of the tessellation's edges, less the two that only surround another point."""
    edges = {tuple(sorted(e)) for e in face_mesh_connections.FACEMESH_TESSELATION}
    neighbours: dict[int, set[int]] = {}
    for a, b in edges:
        neighbours.setdefault(a, set()).add(b)
        neighbours.setdefault(b, set()).add(a)
    cycles = {tuple(sorted((a, b, c))) for a, b in edges for c in neighbours[a] & neighbours[b]}
    uses: dict[tuple[int, int], int] = {}
    for triangle in cycles:
        for edge in _triangle_edges(triangle):
            uses[edge] = uses.get(edge, 0) + 1
    return {t for t in cycles if not all(uses[e] == 3 for e in _triangle_edges(t))}


def orient(triangles: np.ndarray) -> np.ndarray:
    """(F, 3) the same triangles, all turned the same way round as the first."""
    turned = [list(map(int, t)) for t in triangles]
    by_edge: dict[tuple[int, int], list[int]] = {}
    for index, triangle in enumerate(turned):
        for edge in _triangle_edges(triangle):
            by_edge.setdefault(edge, []).append(index)
    seen, queue = {0}, deque([0])
    while queue:
        triangle = turned[queue.popleft()]
        for k in range(3):
            a, b = triangle[k], triangle[(k + 1) % 3]
            for other in by_edge[tuple(sorted((a, b)))]:
                if other in seen:
                    continue
                u = turned[other]
                if any((u[m], u[(m + 1) % 3]) == (a, b) for m in range(3)):
                    u[1], u[2] = u[2], u[1]
                seen.add(other)
                queue.append(other)
    return np.array(turned)


def face_triangles(points: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """(852, 3) triangles of the 468 points, mirror symmetric, counter-clockwise from the front.

    Google's tessellation cuts six quads differently on the two sides; the subject's left half is kept and mirrored.
    """
    on_left = (points[:POINT_COUNT, 0] > 1e-9) | (mirror == np.arange(POINT_COUNT))
    off_middle = mirror != np.arange(POINT_COUNT)
    half = [t for t in sorted(_all_triangles()) if on_left[list(t)].all() and off_middle[list(t)].any()]
    left = orient(np.array(half))
    a, b, c = (points[left[:, k]] for k in range(3))
    if np.cross(b - a, c - a)[:, 2].sum() < 0:
        left = left[:, [0, 2, 1]]
    right = np.stack([mirror[left[:, 0]], mirror[left[:, 2]], mirror[left[:, 1]]], axis=1)
    return np.concatenate([left, right])


def boundary_loops(triangles: np.ndarray) -> list[np.ndarray]:
    """The border loops of a surface, longest first, each in the direction in which its triangles run."""
    directed = {(int(t[k]), int(t[(k + 1) % 3])) for t in triangles for k in range(3)}
    following = {a: b for a, b in directed if (b, a) not in directed}
    loops = []
    while following:
        start = min(following)
        loop, current = [start], following.pop(start)
        while current != start:
            loop.append(current)
            current = following.pop(current)
        loops.append(np.array(loop))
    return sorted(loops, key=len, reverse=True)


def vertex_normals(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(V, 3) area-weighted unit normals."""
    a, b, c = (points[triangles[:, k]] for k in range(3))
    flat = np.cross(b - a, c - a)
    total = np.zeros_like(points)
    for k in range(3):
        np.add.at(total, triangles[:, k], flat)
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)


def subdivide(
    points: np.ndarray, triangles: np.ndarray, flat: Sequence[int] = ()
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each triangle cut into four; old points stay. Edges at the points `flat` are cut straight in the middle.

    Returns (V', 3) points, (4F, 3) triangles and (V' - V, 2) the old edge each new point lies on. Inner edges bulge
    as Phong tessellation does (Boubekeur & Alexa 2008, alpha 3/4); border edges follow the four-point rule of Dyn.
    """
    edges = sorted({e for t in triangles for e in _triangle_edges(t)})
    number = {e: len(points) + i for i, e in enumerate(edges)}
    pairs = np.array(edges)
    normals = vertex_normals(points, triangles)
    a, b = points[pairs[:, 0]], points[pairs[:, 1]]
    na, nb = normals[pairs[:, 0]], normals[pairs[:, 1]]
    middle = 0.5 * (a + b)
    on_a = middle - ((middle - a) * na).sum(1, keepdims=True) * na
    on_b = middle - ((middle - b) * nb).sum(1, keepdims=True) * nb
    middle = 0.25 * middle + 0.75 * 0.5 * (on_a + on_b)
    for loop in boundary_loops(triangles):
        for k in range(len(loop)):
            before, here, after, beyond = (loop[(k + i) % len(loop)] for i in (-1, 0, 1, 2))
            row = number[tuple(sorted((int(here), int(after))))] - len(points)
            middle[row] = (9 * (points[here] + points[after]) - points[before] - points[beyond]) / 16
    straight = np.isin(pairs, flat).any(axis=1)
    middle[straight] = 0.5 * (a + b)[straight]
    cut = []
    for t in triangles:
        p, q, r = map(int, t)
        pq, qr, rp = (number[tuple(sorted(e))] for e in ((p, q), (q, r), (r, p)))
        cut += [(p, pq, rp), (pq, q, qr), (rp, qr, r), (pq, qr, rp)]
    return np.concatenate([points, middle]), np.array(cut), pairs


def subdivided_mirror(mirror: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Mirror table of the points of `subdivide`."""
    number = {tuple(sorted(map(int, e))): len(mirror) + i for i, e in enumerate(pairs)}
    new = [number[tuple(sorted((int(mirror[a]), int(mirror[b]))))] for a, b in pairs]
    return np.concatenate([mirror, new])
