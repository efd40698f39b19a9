"""UV atlas of the skin: the face in the middle, the skull in rings around it, one ear in each upper corner, the flat
base in a lower one."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import spsolve

FACE_RADII = (0.275, 0.335)  # of the face's outline in the atlas
RIM_RADIUS = 0.487
EAR_RADIUS = 0.065
BASE_CENTRE = (0.928, 0.928)
EAR_CENTRES = {1.0: (0.928, 0.072), -1.0: (0.072, 0.072)}  # v runs downwards


def mean_value_embedding(
    points: np.ndarray, triangles: np.ndarray, border: np.ndarray, fixed: np.ndarray
) -> np.ndarray:
    """(V, 2) plane positions without overlaps (Floater 2003); border: (b,) vertices pinned at convex `fixed`."""
    n = len(points)
    rows, columns, values = [], [], []
    for k in range(3):
        i, j, o = triangles[:, k], triangles[:, (k + 1) % 3], triangles[:, (k + 2) % 3]
        u, v = points[j] - points[i], points[o] - points[i]
        lu, lv = np.linalg.norm(u, axis=1), np.linalg.norm(v, axis=1)
        half = np.tan(0.5 * np.arccos(np.clip((u * v).sum(1) / np.maximum(lu * lv, 1e-12), -1, 1)))
        rows += [i, i]
        columns += [j, o]
        values += [half / np.maximum(lu, 1e-6), half / np.maximum(lv, 1e-6)]
    graph = sparse.csr_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), (n, n))
    system = sparse.diags(np.asarray(graph.sum(1)).ravel()) - graph
    inner = np.setdiff1d(np.arange(n), border)
    plane = np.zeros((n, 2))
    plane[border] = fixed
    plane[inner] = spsolve(system[inner][:, inner].tocsc(), -(system[inner][:, border] @ fixed))
    return plane


def _filled(points: np.ndarray, triangles: np.ndarray, holes: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Surface with each hole closed by a fan, so that the holes keep their shape in the plane."""
    for loop in holes:
        centre = len(points)
        points = np.concatenate([points, points[loop].mean(axis=0, keepdims=True)])
        fan = [(loop[(k + 1) % len(loop)], loop[k], centre) for k in range(len(loop))]
        triangles = np.concatenate([triangles, fan])
    return points, triangles


def face_uv(points: np.ndarray, triangles: np.ndarray, outline: np.ndarray, holes: list[np.ndarray]) -> np.ndarray:
    """(V, 2) atlas positions of the face part."""
    angle = outline_angles(points[outline])
    ring = np.stack([0.5 + FACE_RADII[0] * np.sin(angle), 0.5 - FACE_RADII[1] * np.cos(angle)], axis=1)
    closed_points, closed_triangles = _filled(points, triangles, holes)
    return mean_value_embedding(closed_points, closed_triangles, outline, ring)[: len(points)]


def outline_angles(outline: np.ndarray) -> np.ndarray:
    """(n,) angle of each outline point about the face's middle, 0 at the crown, growing to the subject's left."""
    middle = 0.5 * (outline[:, 1].max() + outline[:, 1].min())
    half_height = 0.5 * (outline[:, 1].max() - outline[:, 1].min())
    return np.arctan2(outline[:, 0] / np.abs(outline[:, 0]).max(), (outline[:, 1] - middle) / half_height)


def ring_uv(outline: np.ndarray, ring_count: int) -> np.ndarray:
    """(ring_count, n, 2) atlas positions of the rings behind the outline."""
    angle = outline_angles(outline)
    inner = np.stack([FACE_RADII[0] * np.sin(angle), -FACE_RADII[1] * np.cos(angle)], axis=1)
    outer = RIM_RADIUS * np.stack([np.sin(angle), -np.cos(angle)], axis=1)
    shares = np.arange(1, ring_count + 1)[:, None, None] / ring_count
    return 0.5 + inner * (1 - shares) + outer * shares


def ear_uv(local: np.ndarray, sign: float) -> np.ndarray:
    """(n, 2) atlas positions of an ear from its own unit disc; the two ears mirror each other."""
    return np.array(EAR_CENTRES[sign]) + EAR_RADIUS * local * (sign, 1)


def base_uv(count: int) -> np.ndarray:
    """(count, 2) atlas positions of the flat base: its rim, then its middle."""
    angle = np.arange(count - 1) / (count - 1) * 2 * np.pi
    rim = EAR_RADIUS * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.array(BASE_CENTRE) + np.concatenate([rim, np.zeros((1, 2))])
