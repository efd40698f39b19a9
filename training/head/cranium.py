"""Skull, nape and neck: rings swept from the face's outline over the crown to the base of the neck.

Each ring lies in a plane that turns about a sideways axis under the chin: the first is the face's outline, the last
lies level at the base of the neck. In each plane the ring is where rays from the middle meet an implicit surface of
ellipsoids (head length 192 mm, breadth 150 mm, means of the NIOSH survey) melted with a tapered neck.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import sparse
from scipy.ndimage import gaussian_filter1d
from scipy.sparse.linalg import spsolve

from training.head.sculpt import cotangent_laplacian

RING_COUNT = 27
SWEEP_COUNT = 72  # planes from which the rings' places are chosen
# The sideways axis about which the planes turn lies level with the base of the neck: before the throat for the chin's
# points, at first under the skull for the crown's, whose planes would otherwise graze the forehead. [m]
HINGE_Y, HINGE_Z_CHIN, HINGE_Z_CROWN = -0.192, 0.030, -0.060
BLEND_REACH = 0.026  # how far behind the outline the surface is smoothed into the face [m]
PULL_REACH = 0.030  # how far the face's outline pulls the bare head's surface towards itself [m]
CHIN_PULL = 0.003  # the chin stands out of the bare head: its underside is left to the smoothing [m]
RIM_INSET = 0.0022  # radius of the rounded lower edge [m]

# (centre, half axes) in metres; the origin lies between the pupils.
ELLIPSOIDS = (
    ((0.0, 0.024, -0.080), (0.0740, 0.0890, 0.0960)),  # braincase
    ((0.0, 0.014, -0.056), (0.0640, 0.0800, 0.0620)),  # forehead
    ((0.0, -0.026, -0.060), (0.0610, 0.0540, 0.0540)),  # cheekbones
    ((0.0, -0.068, -0.046), (0.0540, 0.0440, 0.0560)),  # jaw
)
NECK_AXIS = ((0.0, -0.060, -0.072), (0.0, -0.195, -0.086))
NECK_RADII = ((0.0475, 0.0510), (0.0520, 0.0520))  # sideways and front to back, at the top and at the base
MELT = 0.011


def _smooth_union(distances: np.ndarray) -> np.ndarray:
    """Soft minimum over the first axis."""
    return -MELT * np.log(np.exp(-distances / MELT).sum(axis=0))


def _bare_distance(points: np.ndarray) -> np.ndarray:
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
    flare = 0.024 * np.clip((along[..., 0] - 0.62) / 0.38, 0, 1.3) ** 2
    off = points - top - along * axis
    across = np.stack([off[..., 0], off[..., 2]], axis=-1) / radii
    above = np.maximum(-raw, 0.0) * np.linalg.norm(axis) * 1.5
    parts.append((np.linalg.norm(across, axis=-1) - 1) * 0.055 - flare + above)
    return _smooth_union(np.stack(parts))


@dataclass(frozen=True, slots=True, eq=False)
class BareHead:
    """Implicit surface of skull and neck, pulled so that it passes through the outline of the face.

    anchors: (n, 3) points on the outline; weights: (n,) metres.
    """

    anchors: np.ndarray
    weights: np.ndarray

    @classmethod
    def through(cls, outline: np.ndarray) -> BareHead:
        """The head whose surface meets the (n, 3) outline; a little smoothing keeps the pull free of waves."""
        kernel = _hill(outline, outline)
        wanted = np.minimum(_bare_distance(outline), CHIN_PULL)
        weights = np.linalg.solve(kernel + 0.05 * np.eye(len(outline)), wanted)
        return cls(outline, weights)

    def distance(self, points: np.ndarray) -> np.ndarray:
        """(n,) approximate signed distance of (n, 3) points, negative inside; metres."""
        return _bare_distance(points) - _hill(points, self.anchors) @ self.weights

    def side(self, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """(n,) x of the left side's surface at heights and depths (n,)."""
        origins = np.stack([np.zeros_like(y), y, z], axis=1)
        return _ray_hits(self, origins, np.tile([1.0, 0.0, 0.0], (len(y), 1)))


def _hill(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    squared = (points**2).sum(1)[:, None] + (centres**2).sum(1) - 2 * points @ centres.T
    return np.exp(-0.5 * np.maximum(squared, 0.0) / PULL_REACH**2)


def _ray_hits(head: BareHead, origins: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """(n,) distance at which each ray leaves the surface for good, by marching inwards and bisection."""
    steps = np.linspace(0.26, 0.0, 131)
    marched = origins[:, None] + steps[None, :, None] * directions[:, None]
    inside = (head.distance(marched.reshape(-1, 3)) < 0).reshape(len(origins), -1)
    low = np.where(inside.any(axis=1), steps[inside.argmax(axis=1)], 0.26)
    high = low + (steps[0] - steps[1])
    for _ in range(16):
        middle = 0.5 * (low + high)
        within = head.distance(origins + middle[:, None] * directions) < 0
        low, high = np.where(within, middle, low), np.where(within, high, middle)
    return 0.5 * (low + high)


def _plane_centres(head: BareHead, hinges: np.ndarray, angles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n, 3) middles of the head's sections by the planes through the hinges at these angles, and (n, 3) upward
    directions in the planes."""
    ups = np.stack([np.zeros(len(angles)), np.cos(angles), np.sin(angles)], axis=1)
    lowest = -0.14 * np.sin(angles) ** 2
    reach = lowest[:, None] + (0.34 - lowest[:, None]) * np.linspace(0, 1, 171)
    samples = hinges[:, None] + reach[..., None] * ups[:, None]
    inside = (head.distance(samples.reshape(-1, 3)) < 0).reshape(reach.shape)
    row = np.arange(len(angles))
    first, last = inside.argmax(axis=1), inside.shape[1] - 1 - inside[:, ::-1].argmax(axis=1)
    return hinges + 0.5 * (reach[row, first] + reach[row, last])[:, None] * ups, ups


def _hinges(outline: np.ndarray) -> np.ndarray:
    """(n, 3) hinge of each outline point, from chin to crown by the angle seen from the outline's middle."""
    middle = outline.mean(axis=0)
    towards_crown = np.cos(np.arctan2(outline[:, 0], outline[:, 1] - middle[1]))
    share = 0.5 + 0.5 * towards_crown
    z = HINGE_Z_CHIN + (HINGE_Z_CROWN - HINGE_Z_CHIN) * share
    return np.stack([np.zeros(len(outline)), np.full(len(outline), HINGE_Y), z], axis=1)


def sweep_rings(head: BareHead, outline: np.ndarray) -> np.ndarray:
    """(RING_COUNT, n, 3) rings behind the (n, 3) outline of the face, point k of each ring behind point k.

    The outline is no plane curve, so each of its points starts from the plane in which it lies.
    """
    n = len(outline)
    hinges = _hinges(outline)
    first = np.arctan2(outline[:, 2] - hinges[:, 2], outline[:, 1] - hinges[:, 1])
    centres, ups = _plane_centres(head, hinges, first)
    start = np.arctan2(outline[:, 0], ((outline - centres) * ups).sum(axis=1))
    crown = np.argmax(outline[:, 1])
    turn = np.sign(((start[(crown + 1) % n] - start[crown]) + np.pi) % (2 * np.pi) - np.pi)
    even = start[crown] + turn * 2 * np.pi * ((np.arange(n) - crown) % n) / n
    drift = (even - start + np.pi) % (2 * np.pi) - np.pi
    swept = [outline]
    for share in np.arange(1, SWEEP_COUNT + 1) / SWEEP_COUNT:
        moved = hinges.copy()
        moved[:, 2] += (HINGE_Z_CHIN - hinges[:, 2]) * (1 - (1 - min(1.0, share / 0.55)) ** 2)
        centres, ups = _plane_centres(head, moved, first + (-np.pi / 2 - first) * share)
        angles = start + min(1.0, share / 0.6) * drift
        directions = np.cos(angles)[:, None] * ups + np.sin(angles)[:, None] * np.array([1.0, 0.0, 0.0])
        swept.append(centres + _ray_hits(head, centres, directions)[:, None] * directions)
    rings = _chosen_rings(np.stack(swept), RING_COUNT - 1)
    return np.concatenate([rings, _rounded_under(rings[-1])[None]])


def _chosen_rings(swept: np.ndarray, count: int) -> np.ndarray:
    """(count, n, 3) rings along the (m, n, 3) swept ones: closer where the head bends and near the face."""
    step = np.linalg.norm(np.diff(swept, axis=0), axis=2)
    length = np.concatenate([np.zeros((1, swept.shape[1])), np.cumsum(step, axis=0)])
    tangent = np.diff(swept, axis=0) / np.maximum(step[..., None], 1e-9)
    bend = np.zeros_like(step)
    bend[1:] = np.linalg.norm(np.diff(tangent, axis=0), axis=2)
    density = step * (1 + 0.8 * np.exp(-length[1:] / 0.03)) + 0.10 * gaussian_filter1d(bend, 5.0, axis=0)
    # Neighbouring columns share their spacing, or the rings would zigzag.
    place = np.concatenate([np.zeros((1, swept.shape[1])), np.cumsum(density, axis=0)])
    place = gaussian_filter1d(place / place[-1], 3.0, axis=1, mode="wrap")
    wanted = np.arange(1, count + 1) / count
    columns = [
        np.stack([np.interp(wanted, place[:, k], swept[:, k, axis]) for axis in range(3)], axis=1)
        for k in range(swept.shape[1])
    ]
    return np.stack(columns, axis=1)


def _rounded_under(rim: np.ndarray) -> np.ndarray:
    """(n, 3) a ring a little in and below the (n, 3) rim: the edge of the flat base."""
    middle = rim.mean(axis=0)
    outward = (rim - middle) * (1, 0, 1)
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    return rim - RIM_INSET * outward - np.array([0.0, RIM_INSET, 0.0])


def flat_base(rim: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n + 1, 3) vertices and (n, 3) triangles of the disc that closes the head below its (n, 3) rim."""
    n = len(rim)
    k = np.arange(n)
    vertices = np.concatenate([rim, rim.mean(axis=0, keepdims=True)])
    return vertices, np.stack([(k + 1) % n, k, np.full(n, n)], axis=1)


def ring_triangles(rows: list[np.ndarray]) -> np.ndarray:
    """(F, 3) triangles between consecutive closed rows of vertex numbers, cut mirror symmetrically in each half."""
    triangles = []
    for row, following in pairwise(rows):
        n = len(row)
        for k in range(n):
            a, b, c, d = row[k], row[(k + 1) % n], following[k], following[(k + 1) % n]
            triangles += [(a, c, b), (b, c, d)] if k < n // 2 else [(a, c, d), (a, d, b)]
    return np.array(triangles)


def fair(points: np.ndarray, triangles: np.ndarray, free: np.ndarray) -> np.ndarray:
    """(V, 3) points with the `free` ones moved to the surface of least bending through the rest (bi-Laplacian)."""
    moved = points.copy()
    mask = np.zeros(len(points), bool)
    mask[free] = True
    for _ in range(2):  # the second time with the weights of the smoothed surface
        stiffness, areas = cotangent_laplacian(moved, triangles)
        operator = (stiffness @ sparse.diags(1 / areas) @ stiffness).tocsr()[free]
        moved[free] = spsolve(operator[:, mask].tocsc(), -operator[:, ~mask] @ moved[~mask])
    return moved
