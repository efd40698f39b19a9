"""Deformation transfer (Sumner & Popović 2004): one surface moves as another of the same triangles does, each triangle
turned, stretched and sheared alike.

Their fourth vertex along the normal stands in the wanted slopes alone: as an unknown it would take whatever is left
over, so leaving it out changes nothing else (Botsch et al. 2006, Deformation transfer for detail-preserving surface
editing) and spares an unknown for each triangle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from core.geometry.mesh import face_normals
from core.structures import FloatArray, IntArray

LEAST_AREA_M2 = 5e-10  # a triangle that is nearly a line has no slope of its own
LEAST_COSINE, ALIKE = 0.1, 1e-3
"""A triangle that turned further from its rest than this cosine, and further than the source's, counts as folded."""
STEPS = (0.5, 1.0)  # of the way at which folds are looked for
ROUNDS = 5
HARDER, SPARED = 6.0, 0.9
"""From round to round a folded triangle counts that much more, and less is asked of it: some fold on the way that the
source went, because they lay otherwise at rest."""


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """What moves. rows: (n,) vertices, all others stay. before, after: (V, 3) displacements of the source, metres; the
    motion leads from one to the other. upon: (V, 3) displacement of the target that stands for `before`. guess: (n, 3)
    where the motion of the target is thought to lead; tie: (n,) square metres, how much that counts against slopes.
    whole: `upon` is not to be trusted, the motion makes up for what it lacks."""

    rows: IntArray
    before: FloatArray
    after: FloatArray
    upon: FloatArray
    guess: FloatArray
    tie: FloatArray
    whole: bool = False


class DeformationTransfer:
    """Between two surfaces of the same triangles: source and target (V, 3) metres, faces (F, 3).

    weld: (V,) vertices that are one point of the surface share a number.
    """

    def __init__(self, source: FloatArray, target: FloatArray, faces: IntArray, weld: IntArray) -> None:
        self._weld = np.asarray(weld)
        self._faces = self._weld[faces]
        self._source, self._target = np.asarray(source, np.float64), np.asarray(target, np.float64)
        self._source_slopes, _ = _corner_slopes(self._source, self._faces)
        self._source_normals = face_normals(self._source, self._faces)
        self._slopes, areas = _corner_slopes(self._target, self._faces)
        # Between equal weights, with which large triangles shear, and areas, with which small ones fold.
        self._weights = np.sqrt(areas * areas.mean())
        self._normals = _unit(face_normals(self._target, self._faces))
        self._place = np.full(len(self._weld), -1)

    def weights(self) -> FloatArray:
        """(V,) square metres, what the slopes around each vertex count."""
        around = np.bincount(self._faces.ravel(), np.repeat(self._weights / 3, 3), len(self._weld))
        return np.asarray(around[self._weld], np.float64)

    def __call__(self, motion: Motion) -> FloatArray:
        """(n, 3) displacement of the target's rows, metres. Only vertices that move are unknowns: what rests on the
        source rests on the target. Least squares, again with more weight on triangles that turn over."""
        points, first, place = np.unique(self._weld[motion.rows], return_index=True, return_inverse=True)
        self._place[:] = -1
        self._place[points] = np.arange(len(points))
        near = np.flatnonzero((self._place[self._faces] >= 0).any(axis=1))
        goal = self._missing(near, motion, 1.0) if motion.whole else self._wanted(near, motion.before, motion.after)
        weights = self._weights[near]
        own = _least_cosine(self._source, motion.after, _unit(self._source_normals[near]), self._faces[near])
        floor = np.minimum(LEAST_COSINE, own - ALIKE)
        for attempt in range(ROUNDS):
            found = self._solved(near, goal, weights, motion.guess[first], motion.tie[first])
            reached = motion.upon.copy()
            reached[points] += found
            folded = _least_cosine(self._target, reached, self._normals[near], self._faces[near]) < floor
            if not folded.any():
                break
            weights[folded] *= HARDER
            goal[folded] = self._missing(near[folded], motion, SPARED ** (attempt + 1))
        return np.asarray(found[place.ravel()], np.float64)

    def _wanted(self, near: IntArray, before: FloatArray, after: FloatArray) -> FloatArray:
        """(f, 3, 3) what the source's slopes gain: [j, i] of component i along axis j, with the fourth vertex's."""
        faces = self._faces[near]
        slopes = self._source_slopes[near].transpose(0, 2, 1) @ (after - before)[faces]
        rest = self._source_normals[near]
        first, last = (face_normals(self._source + moved, faces) for moved in (before, after))
        heights = [np.sqrt(np.maximum(_length(normal), 2 * LEAST_AREA_M2)) for normal in (rest, first, last)]
        fourth = (last / heights[2] - first / heights[1]) / heights[0]
        return np.asarray(slopes + _unit(rest)[:, :, None] * fourth[:, None, :], np.float64)

    def _missing(self, near: IntArray, motion: Motion, share: float) -> FloatArray:
        """(f, 3, 3) what the target lacks of a share of the source's whole way."""
        there = self._slopes[near].transpose(0, 2, 1) @ motion.upon[self._faces[near]]
        whole = self._wanted(near, np.zeros_like(motion.after), motion.after)
        return np.asarray(share * whole - there, np.float64)

    def _solved(
        self, near: IntArray, goal: FloatArray, weights: FloatArray, guess: FloatArray, tie: FloatArray
    ) -> FloatArray:
        """(p, 3) displacement of the points that move."""
        slopes, count = self._slopes[near], len(guess)
        place = self._place[self._faces[near]]
        weighted = weights[:, None, None] * slopes
        stiffness = (weighted @ slopes.transpose(0, 2, 1)).ravel()
        rows, columns = np.repeat(place, 3, axis=1).ravel(), np.tile(place, (1, 3)).ravel()
        inside = (rows >= 0) & (columns >= 0)
        system = sparse.csc_matrix((stiffness[inside], (rows[inside], columns[inside])), (count, count))
        own = place.ravel() >= 0
        pull = (weighted @ goal).reshape(-1, 3)[own]
        right = np.stack([np.bincount(place.ravel()[own], pull[:, axis], count) for axis in range(3)], axis=1)
        solve = splu(
            (system + sparse.diags(tie)).tocsc(),
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        ).solve
        return np.asarray(solve(right + tie[:, None] * guess), np.float64)


def _length(vectors: FloatArray) -> FloatArray:
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, None], np.float64)


def _unit(vectors: FloatArray) -> FloatArray:
    return np.asarray(vectors / np.maximum(_length(vectors), 1e-15), np.float64)


def _corner_slopes(points: FloatArray, faces: IntArray) -> tuple[FloatArray, FloatArray]:
    """(F, 3, 3) slope of each corner's hat function, and (F,) areas in square metres."""
    a, b, c = points[faces[:, 0]], points[faces[:, 1]], points[faces[:, 2]]
    normal = face_normals(points, faces)
    doubled = np.maximum(_length(normal), 2 * LEAST_AREA_M2)
    turned = np.stack([np.cross(normal, side) for side in (c - b, a - c, b - a)], axis=1)
    return np.asarray(turned / doubled[:, :, None] ** 2, np.float64), np.asarray(0.5 * doubled[:, 0], np.float64)


def _least_cosine(points: FloatArray, moved: FloatArray, normals: FloatArray, faces: IntArray) -> FloatArray:
    """(F,) how far triangles turn from their unit normals (F, 3) on the way of displacements (V, 3)."""
    worst = np.ones(len(faces))
    for step in STEPS:
        turned = _unit(face_normals(points + step * moved, faces))
        worst = np.minimum(worst, np.einsum("ij,ij->i", turned, normals))
    return np.asarray(worst, np.float64)
