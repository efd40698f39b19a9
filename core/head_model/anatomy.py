"""How a head's parts follow a displacement field: skin freely, lids along the eyeball, eyeballs and teeth as bones.

Everything here is linear in the field, so that a Gaussian process of fields stays one of whole heads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from core.head_model.personal_shapes import STIFF_PARTS
from core.head_model.rig import HeadRig
from core.head_model.skinning import LEFT_EYE, RIGHT_EYE
from core.structures import FloatArray, IntArray

LID_REACH_M, LID_FADE_M = 0.0160, 0.0250
"""Skin nearer to an eyeball's centre than the first keeps its distance from it, farther than the second it does not
care."""
LID_PRESS = 0.08
"""Share of a displacement towards or away from the eyeball that a lid takes part in."""
BITE_ANCHORS = 12
SOFT, LEFT_BALL, RIGHT_BALL, BITE = range(4)


@dataclass(frozen=True, slots=True, eq=False)
class Sources:
    """Displacements as a linear map of the field at places. matrix: (3n, 3m) sparse, x, y, z of each point together;
    places: (m, 3) metres."""

    matrix: sparse.csr_matrix
    places: FloatArray

    def rows(self, chosen: sparse.csr_matrix) -> Sources:
        """What `chosen` (k, 3n) makes of the displacements, without the places that do not count."""
        matrix = sparse.csr_matrix(chosen @ self.matrix)
        used = np.unique(matrix.indices // 3)
        columns = (3 * used[:, None] + np.arange(3)).ravel()
        return Sources(sparse.csr_matrix(matrix[:, columns]), self.places[used])


class Anatomy:
    """The parts of one head in its rest pose."""

    def __init__(self, rig: HeadRig) -> None:
        self._rest = rig.vertices.astype(np.float64)
        self.eyes = rig.joints[[LEFT_EYE, RIGHT_EYE]].astype(np.float64)
        self.kinds: IntArray = np.full(len(self._rest), SOFT)
        for name, kind in (("leftEye", LEFT_BALL), ("rightEye", RIGHT_BALL), *((name, BITE) for name in STIFF_PARTS)):
            self.kinds[rig.part(name).vertices] = kind
        teeth = self._rest[rig.part("upperTeeth").vertices]
        front = teeth[teeth[:, 2] > np.median(teeth[:, 2])]
        self.bite = _spread(front, BITE_ANCHORS)
        self.hubs = np.concatenate([self.eyes, self.bite])

    def vertices(self) -> Sources:
        """Of all the head's vertices."""
        return self.points(self._rest, self.kinds)

    def points(self, points: FloatArray, kinds: IntArray) -> Sources:
        """Of points (n, 3) that belong to parts of these kinds (n,)."""
        count, hub_count = len(points), len(self.hubs)
        own = np.zeros((count, 3, 3))
        hubs = np.zeros((count, 3, hub_count, 3))
        soft = kinds == SOFT
        own[soft] = np.eye(3)
        for eye, centre in enumerate(self.eyes):
            held = self._held(points[soft], centre)
            own[soft] -= held
            hubs[soft, :, eye] += held
            hubs[kinds == (LEFT_BALL, RIGHT_BALL)[eye], :, eye] = np.eye(3)
        hubs[kinds == BITE, :, len(self.eyes) :] = _similarity_rows(self.bite, points[kinds == BITE])
        at_itself = _block_diagonal(own)
        at_hubs = sparse.csr_matrix(hubs.reshape(3 * count, 3 * hub_count))
        return Sources(sparse.csr_matrix(sparse.hstack([at_itself, at_hubs])), np.concatenate([points, self.hubs]))

    def _held(self, points: FloatArray, centre: FloatArray) -> FloatArray:
        """(n, 3, 3) what of a displacement relative to the eyeball the lid does not take part in."""
        away = points - centre
        distance = np.linalg.norm(away, axis=1)
        share = (1 - LID_PRESS) * held_share(distance)
        normal = away / np.maximum(distance, 1e-9)[:, None]
        return np.asarray(share[:, None, None] * normal[:, :, None] * normal[:, None, :])


def held_share(distance: FloatArray) -> FloatArray:
    """(n,) in [0, 1], how much skin at distances (n,) metres from an eyeball's centre is its lid."""
    t = np.clip((LID_FADE_M - distance) / (LID_FADE_M - LID_REACH_M), 0.0, 1.0)
    return np.asarray(t * t * (3 - 2 * t))


def _block_diagonal(blocks: FloatArray) -> sparse.csr_matrix:
    """(3n, 3n) with blocks (n, 3, 3) along its diagonal."""
    count = len(blocks)
    return sparse.bsr_matrix((blocks, np.arange(count), np.arange(count + 1)), shape=(3 * count, 3 * count)).tocsr()


def _spread(points: FloatArray, count: int) -> FloatArray:
    """(about count, 3) of the points, far from each other, with their mirror images."""
    half = points[points[:, 0] >= 0]
    chosen = [int(half[:, 0].argmin())]
    while len(chosen) < count // 2:
        distance = np.linalg.norm(half[:, None] - half[chosen], axis=2).min(axis=1)
        chosen.append(int(distance.argmax()))
    return np.concatenate([half[chosen], half[chosen] * (-1, 1, 1)])


def _similarity_rows(anchors: FloatArray, points: FloatArray) -> FloatArray:
    """(n, 3, a, 3) linear map from displacements of the anchors (a, 3) to those of the points (n, 3): the small
    translation, rotation and change of size that fit the anchors best."""
    middle = anchors.mean(axis=0)
    solve = np.linalg.pinv(similarity_design(anchors - middle))
    moved = similarity_design(points - middle) @ solve
    return moved.reshape(len(points), 3, len(anchors), 3)


def similarity_design(offsets: FloatArray) -> npt.NDArray[np.float64]:
    """(3n, 7) displacements of offsets (n, 3) for unit translations, rotations about x, y, z, and growth."""
    count = len(offsets)
    design = np.zeros((count, 3, 7))
    design[:, :, :3] = np.eye(3)
    for axis in range(3):
        design[:, :, 3 + axis] = np.cross(np.eye(3)[axis], offsets)
    design[:, :, 6] = offsets
    return design.reshape(3 * count, 7)
