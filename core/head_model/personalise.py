"""Carries the whole built-in head to a person's neutral face points: skull, eyes, mouth, teeth and all 52 shapes."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy.linalg import lu_factor, lu_solve
from scipy.spatial import cKDTree

from core.geometry.similarity import Similarity, fit_similarity
from core.head_model.correctives import PoseCorrectives
from core.head_model.eyes import LEFT_LID_MARGIN, RIGHT_LID_MARGIN, eye_centre, on_lid_sphere
from core.head_model.identity import FACE_POINTS
from core.head_model.lid_clearance import rest_off_eyes
from core.head_model.personal_shapes import MADE_BY, STIFF_PARTS, PersonalShapes
from core.head_model.rig import HeadRig
from core.head_model.skinning import LEFT_EYE, RIGHT_EYE
from core.structures import FloatArray, IntArray

LOOSE_POINTS = (76, 62, 78, 184, 183, 191, 77, 96, 95, 306, 292, 308, 408, 407, 415, 307, 325, 324)
"""In the corners of the mouth, where four rows of the lips end within 2 mm: no network tells them apart, and taken at
its word they would cross. They follow their surroundings."""
ANCHOR_DISTANCE_M = 0.045  # skin farther than this from every face point keeps the template's form
ANCHOR_COUNT = 60
NEAR_CENTRE_M = 1e-6
PIECE = 1024  # points warped at once: 4 MB of distances stay in the cache, and cost a third of 70 MB


class BiharmonicWarp:
    """Smooth motion of space that takes (n, 3) centres to targets exactly: phi(r) = r and an affine part."""

    def __init__(self, centres: FloatArray, targets: FloatArray, smoothing: float = 0.0) -> None:
        self._centres = np.asarray(centres, np.float64)
        n = len(self._centres)
        system = np.zeros((n + 4, n + 4))
        system[:n, :n] = self._distances(self._centres) - smoothing * np.eye(n)
        system[:n, n] = system[n, :n] = 1.0
        system[:n, n + 1 :] = self._centres
        system[n + 1 :, :n] = self._centres.T
        right = np.concatenate([np.asarray(targets, np.float64) - self._centres, np.zeros((4, 3))])
        self._weights = lu_solve(lu_factor(system), right)

    def _distances(self, points: FloatArray) -> FloatArray:
        squared = (points**2).sum(1)[:, None] + (self._centres**2).sum(1) - 2 * points @ self._centres.T
        return np.sqrt(np.maximum(squared, 0.0))

    def __call__(self, points: FloatArray) -> FloatArray:
        """(m, 3) points moved; in pieces, so that memory stays bounded for heads of any size."""
        points = np.asarray(points, np.float64)
        pieces = [self._moved(points[k : k + PIECE]) for k in range(0, len(points), PIECE)]
        return np.concatenate(pieces) if pieces else points.copy()

    def slopes(self, points: FloatArray) -> FloatArray:
        """(m, 3, 3) at the points: [j, i] of where component i goes along axis j; a centre's own share is left out."""
        points, n = np.asarray(points, np.float64), len(self._centres)
        weights = self._weights[:n]
        turning = np.concatenate([weights, (self._centres[:, :, None] * weights[:, None, :]).reshape(n, 9)], axis=1)
        found = []
        for k in range(0, len(points), PIECE):
            distances = self._distances(points[k : k + PIECE])
            near = np.divide(1.0, distances, out=distances, where=distances > NEAR_CENTRE_M) @ turning
            bent = points[k : k + PIECE, :, None] * near[:, None, :3] - near[:, 3:].reshape(-1, 3, 3)
            found.append(np.eye(3) + self._weights[n + 1 :] + bent)
        return np.concatenate(found) if found else np.zeros((0, 3, 3))

    def _moved(self, points: FloatArray) -> FloatArray:
        n = len(self._centres)
        bent = self._distances(points) @ self._weights[:n]
        return points + bent + self._weights[n] + points @ self._weights[n + 1 :]


def _spread_anchors(rig: HeadRig, landmarks: FloatArray) -> IntArray:
    """Skin vertices of the skull and neck, far from the face and evenly apart (farthest-point sampling)."""
    skin = rig.vertices[rig.part("skin").vertices].astype(np.float64)
    nearest, _ = cKDTree(landmarks[:FACE_POINTS]).query(skin)
    candidates = np.flatnonzero(nearest > ANCHOR_DISTANCE_M)
    chosen: list[int] = []
    for _ in range(min(ANCHOR_COUNT, len(candidates))):
        best = int(candidates[nearest[candidates].argmax()])
        chosen.append(best)
        nearest = np.minimum(nearest, np.linalg.norm(skin - skin[best], axis=1))
    return np.array(chosen, int)


def _eyes_fitted(landmarks: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The (468, 3) points with both lid margins laid on the eyeballs, and the eyeballs' centres."""
    points = landmarks[:FACE_POINTS].astype(np.float64)
    centres = []
    for margin in (LEFT_LID_MARGIN, RIGHT_LID_MARGIN):
        ids = list(margin)
        centre = eye_centre(points[ids])
        points[ids] = on_lid_sphere(points[ids], centre)
        centres.append(centre)
    return points, centres[0], centres[1]


class PersonalRest(NamedTuple):
    """A head at rest in a person's form. vertices: (V, 3); joints: (J, 3); warp: what carried them there; scale: of the
    person in parts of the head."""

    vertices: FloatArray
    joints: FloatArray
    warp: BiharmonicWarp
    scale: float


def personal_rest(rig: HeadRig, neutral_landmarks: FloatArray) -> PersonalRest:
    """The rig's rest in the person's form; arguments as `personalise` takes them."""
    targets, left_eye, right_eye = _eyes_fitted(neutral_landmarks)
    origin = 0.5 * (left_eye + right_eye)
    targets, left_eye, right_eye = targets - origin, left_eye - origin, right_eye - origin
    template = rig.landmarks().astype(np.float64)[:FACE_POINTS]
    told = np.setdiff1d(np.arange(FACE_POINTS), LOOSE_POINTS)
    anchors = rig.vertices[_spread_anchors(rig, template)].astype(np.float64)
    whole = fit_similarity(template, targets)
    warp = BiharmonicWarp(
        np.concatenate([template[told], anchors]),
        np.concatenate([targets[told], _upright(whole).apply(anchors)]),
        smoothing=1e-6,
    )
    vertices = _warped(rig, warp)
    joints = warp(rig.joints)
    joints[[LEFT_EYE, RIGHT_EYE]] = left_eye, right_eye
    for part_name, joint in (("leftEye", LEFT_EYE), ("rightEye", RIGHT_EYE)):
        part = rig.part(part_name)
        vertices[part.vertices] = rig.vertices[part.vertices] + (joints[joint] - rig.joints[joint])
    return PersonalRest(rest_off_eyes(rig, vertices, joints), joints, warp, whole.scale)


def personalise(rig: HeadRig, neutral_landmarks: FloatArray, name: str) -> HeadRig:
    """`rig` (the built-in head) reshaped so that its face points are the person's.

    neutral_landmarks: (478, 3) metres, roughly in the rig's head frame. The result's origin lies again between the
    eyeballs. Textures are kept. Shapes and correctives are transferred (see `personal_shapes`); `details` says so under
    "shapes".
    """
    return with_personal_shapes(rig, personal_rest(rig, neutral_landmarks), name)


def at_rest(rig: HeadRig, rest: PersonalRest) -> HeadRig:
    """`rig` in the person's form, for what looks at its rest alone: its shapes are nobody's."""
    return replace(rig, vertices=rest.vertices.astype(np.float32), joints=rest.joints.astype(np.float32))


def with_personal_shapes(rig: HeadRig, rest: PersonalRest, name: str) -> HeadRig:
    """`rig` in the person's form, with shapes and correctives as `personalise` says."""
    maker = PersonalShapes(rig, rest.warp, rest.vertices, rest.joints)
    shapes = maker.shapes()
    return replace(
        at_rest(rig, rest),
        name=name,
        shapes=shapes.astype(np.float32),
        correctives=maker.correctives(shapes),
        pose_correctives=_scaled_pose(rig.pose_correctives, rest.scale),
        details={**rig.details, "shapes": MADE_BY},
    )


def _upright(similarity: Similarity) -> Similarity:
    """The same size and place without the turn: the skull stays upright when a face was seen a little tilted."""
    return Similarity(similarity.scale, np.eye(3), similarity.translation)


def _warped(rig: HeadRig, warp: BiharmonicWarp) -> FloatArray:
    """(V, 3) the rest where the warp takes it; teeth and tongue stiffly, as bones."""
    rest = rig.vertices.astype(np.float64)
    vertices = warp(rest)
    for name in STIFF_PARTS:
        part = rig.part(name).vertices
        vertices[part] = fit_similarity(rest[part], vertices[part]).apply(rest[part])
    return vertices


def _scaled_pose(pose: PoseCorrectives | None, scale: float) -> PoseCorrectives | None:
    """A skull and neck `scale` times as large lose as much more of their volume when they turn."""
    return None if pose is None else replace(pose, directions=(scale * pose.directions).astype(np.float32))
