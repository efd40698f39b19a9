"""Skull, nape and neck: rings swept from the face's outline over the crown to the base of the neck.

Each ring lies in a plane that turns about a sideways axis under the chin: the first is the face's outline, the last
lies level at the base of the neck. In each plane the ring is where rays from the middle meet an implicit surface of
ellipsoids (head length 192 mm, breadth 150 mm, means of the NIOSH survey) melted with a tapered neck.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import spsolve

RING_COUNT = 20
# The sideways axis about which the planes turn lies level with the base of the neck: before the throat for the chin's
# points, at first under the skull for the crown's, whose planes would otherwise graze the forehead. [m]
HINGE_Y, HINGE_Z_CHIN, HINGE_Z_CROWN = -0.212, 0.034, -0.060
RING_CROWDING = 1.25  # rings lie closer near the face
BLEND_REACH = 0.040  # how far behind the outline the surface is smoothed into the face [m]

# (centre, half axes) in metres; the origin lies between the pupils.
ELLIPSOIDS = (
    ((0.0, 0.018, -0.080), (0.0740, 0.0960, 0.0960)),  # braincase
    ((0.0, 0.014, -0.056), (0.0640, 0.0800, 0.0620)),  # forehead
    ((0.0, -0.026, -0.060), (0.0610, 0.0540, 0.0540)),  # cheekbones
    ((0.0, -0.068, -0.046), (0.0540, 0.0440, 0.0560)),  # jaw
)
NECK_AXIS = ((0.0, -0.060, -0.072), (0.0, -0.215, -0.086))
NECK_RADII = ((0.0530, 0.0540), (0.0600, 0.0560))  # sideways and front to back, at the top and at the base
MELT = 0.011


def _smooth_union(distances: np.ndarray) -> np.ndarray:
    """Soft minimum over the first axis."""
    return -MELT * np.log(np.exp(-distances / MELT).sum(axis=0))


def surface_distance(points: np.ndarray) -> np.ndarray:
    """(n,) approximate signed distance of (n, 3) points to the bare head, negative inside."""
    parts = []
    for centre, axes in ELLIPSOIDS:
        scaled = (points - np.array(centre)) / np.array(axes)
        parts.append((np.linalg.norm(scaled, axis=-1) - 1) * min(axes))
    top, base = (np.array(p) for p in NECK_AXIS)
    axis = base - top
    raw = (points - top) @ axis / (axis @ axis)
    along = np.clip(raw, 0.0, 1.2)[..., None]
    radii = np.array(NECK_RADII[0]) * (1 - along) + np.array(NECK_RADII[1]) * along
    flare = 0.030 * np.clip((along[..., 0] - 0.62) / 0.38, 0, 1.3) ** 2
    off = points - top - along * axis
    across = np.stack([off[..., 0], off[..., 2]], axis=-1) / radii
    above = np.maximum(-raw, 0.0) * np.linalg.norm(axis) * 1.5
    parts.append((np.linalg.norm(across, axis=-1) - 1) * 0.055 - flare + above)
    return _smooth_union(np.stack(parts))


def _ray_hits(origins: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """(n,) distance at which each ray leaves the surface for good, by marching inwards and bisection."""
    far = np.full(len(directions), 0.26)
    found = np.zeros(len(directions), bool)
    for step in np.linspace(0.26, 0.0, 261):
        inside = surface_distance(origins + step * directions) < 0
        far = np.where(inside & ~found, step, far)
        found |= inside
    low, high = far, far + 0.001
    for _ in range(20):
        middle = 0.5 * (low + high)
        inside = surface_distance(origins + middle[:, None] * directions) < 0
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return 0.5 * (low + high)


def _plane_centre(hinge: np.ndarray, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Middle of the head's section by the plane through `hinge` at `angle`, and the plane's upward direction."""
    up = np.array([0.0, np.cos(angle), np.sin(angle)])
    reach = np.linspace(-0.14 * np.sin(angle) ** 2, 0.34, 341)
    hit = reach[surface_distance(hinge + reach[:, None] * up) < 0]
    return hinge + 0.5 * (hit[0] + hit[-1]) * up, up


def _hinges(outline: np.ndarray) -> np.ndarray:
    """(n, 3) hinge of each outline point, from chin to crown by the angle seen from the outline's middle."""
    middle = outline.mean(axis=0)
    towards_crown = np.cos(np.arctan2(outline[:, 0], outline[:, 1] - middle[1]))
    share = 0.5 + 0.5 * towards_crown
    z = HINGE_Z_CHIN + (HINGE_Z_CROWN - HINGE_Z_CHIN) * share
    return np.stack([np.zeros(len(outline)), np.full(len(outline), HINGE_Y), z], axis=1)


def sweep_rings(outline: np.ndarray) -> np.ndarray:
    """(RING_COUNT, n, 3) rings behind the (n, 3) outline of the face, point k of each ring behind point k.

    The outline is no plane curve, so each of its points starts from the plane in which it lies.
    """
    n = len(outline)
    hinges = _hinges(outline)
    first = np.arctan2(outline[:, 2] - hinges[:, 2], outline[:, 1] - hinges[:, 1])
    start = np.empty(n)
    for k, point in enumerate(outline):
        centre, up = _plane_centre(hinges[k], first[k])
        start[k] = np.arctan2(point[0], (point - centre) @ up)
    crown = np.argmax(outline[:, 1])
    turn = np.sign(((start[(crown + 1) % n] - start[crown]) + np.pi) % (2 * np.pi) - np.pi)
    even = start[crown] + turn * 2 * np.pi * ((np.arange(n) - crown) % n) / n
    drift = (even - start + np.pi) % (2 * np.pi) - np.pi
    rings = []
    for number in range(1, RING_COUNT + 1):
        share = (number / RING_COUNT) ** RING_CROWDING
        moved = hinges.copy()
        moved[:, 2] += (HINGE_Z_CHIN - hinges[:, 2]) * (1 - (1 - min(1.0, share / 0.55)) ** 2)
        frames = [_plane_centre(h, a) for h, a in zip(moved, first + (-np.pi / 2 - first) * share, strict=True)]
        centres, ups = (np.stack([f[i] for f in frames]) for i in range(2))
        angles = start + min(1.0, share / 0.6) * drift
        directions = np.cos(angles)[:, None] * ups + np.sin(angles)[:, None] * np.array([1.0, 0.0, 0.0])
        rings.append(centres + _ray_hits(centres, directions)[:, None] * directions)
    return np.stack(rings)


def ring_triangles(rows: list[np.ndarray]) -> np.ndarray:
    """(F, 3) triangles between consecutive closed rows of vertex numbers, cut mirror symmetrically in each half."""
    triangles = []
    for row, following in zip(rows, rows[1:], strict=False):
        n = len(row)
        for k in range(n):
            a, b, c, d = row[k], row[(k + 1) % n], following[k], following[(k + 1) % n]
            triangles += [(a, c, b), (b, c, d)] if k < n // 2 else [(a, c, d), (a, d, b)]
    return np.array(triangles)


def fair(points: np.ndarray, triangles: np.ndarray, free: np.ndarray, order: int = 2) -> np.ndarray:
    """(V, 3) points with the `free` ones moved to the smoothest surface through the rest (k-harmonic, uniform)."""
    n = len(points)
    i = np.concatenate([triangles[:, k] for k in range(3)] + [triangles[:, (k + 1) % 3] for k in range(3)])
    j = np.concatenate([triangles[:, (k + 1) % 3] for k in range(3)] + [triangles[:, k] for k in range(3)])
    graph = sparse.csr_matrix((np.ones(len(i)), (i, j)), (n, n))
    graph.data[:] = 1.0
    degree = np.asarray(graph.sum(axis=1)).ravel()
    laplacian = sparse.eye(n) - sparse.diags(1 / np.maximum(degree, 1)) @ graph
    operator = laplacian
    for _ in range(order - 1):
        operator = operator @ laplacian
    operator = operator.tocsr()[free]
    mask = np.zeros(n, bool)
    mask[free] = True
    right = -operator[:, ~mask] @ points[~mask]
    moved = points.copy()
    moved[free] = spsolve(operator[:, mask].tocsc(), right)
    return moved
