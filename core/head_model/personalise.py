"""Carries the whole built-in head to a person's neutral face points: skull, eyes, mouth, teeth and all 52 shapes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.linalg import lu_factor, lu_solve

from core.blendshapes import COUNT, INDEX
from core.geometry.similarity import Similarity, fit_similarity
from core.head_model.correctives import EXCESS, PairCorrective, PoseCorrectives
from core.head_model.eyes import eye_centre, on_lid_sphere
from core.head_model.identity import FACE_POINTS
from core.head_model.rig import HeadRig
from core.head_model.skinning import LEFT_EYE, RIGHT_EYE
from core.structures import FloatArray, IntArray

LEFT_LID_MARGIN = (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249)
RIGHT_LID_MARGIN = (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7)
LOOSE_POINTS = (76, 62, 78, 184, 183, 191, 77, 96, 95, 306, 292, 308, 408, 407, 415, 307, 325, 324)
"""In the corners of the mouth, where four rows of the lips end within 2 mm: no network tells them apart, and taken at
its word they would cross. They follow their surroundings."""
ANCHOR_DISTANCE_M = 0.045  # skin farther than this from every face point keeps the template's form
ANCHOR_COUNT = 60
NEGLIGIBLE_MOTION_M = 1e-5
MENDING_M = 0.0006  # correctives that move a vertex less only mend
STIFF_PARTS = ("upperTeeth", "lowerTeeth", "tongue")
PIECE = 16384  # points warped at once: 70 MB of distances


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

    def _moved(self, points: FloatArray) -> FloatArray:
        n = len(self._centres)
        bent = self._distances(points) @ self._weights[:n]
        return points + bent + self._weights[n] + points @ self._weights[n + 1 :]


def _spread_anchors(rig: HeadRig, landmarks: FloatArray) -> IntArray:
    """Skin vertices of the skull and neck, far from the face and evenly apart (farthest-point sampling)."""
    skin = rig.vertices[rig.part("skin").vertices].astype(np.float64)
    nearest = np.full(len(skin), np.inf)
    for point in landmarks[:FACE_POINTS]:
        nearest = np.minimum(nearest, np.linalg.norm(skin - point, axis=1))
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


def personalise(rig: HeadRig, neutral_landmarks: FloatArray, name: str) -> HeadRig:
    """`rig` (the built-in head) reshaped so that its face points are the person's.

    neutral_landmarks: (478, 3) metres, roughly in the rig's head frame. The result's origin lies again between the
    eyeballs. Textures are kept. Every shape is carried by the same warp: phi(rest + shape) - phi(rest), so a lid that
    closes on the template closes on the person; correctives are carried as well.
    """
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
    vertices, shapes = _carry(rig, warp)
    correctives = tuple(_carried_pair(rig, warp, vertices, shapes, pair) for pair in rig.correctives)
    joints = warp(rig.joints)
    joints[[LEFT_EYE, RIGHT_EYE]] = left_eye, right_eye
    for part_name, joint in (("leftEye", LEFT_EYE), ("rightEye", RIGHT_EYE)):
        part = rig.part(part_name)
        vertices[part.vertices] = rig.vertices[part.vertices] + (joints[joint] - rig.joints[joint])
    return replace(
        rig,
        name=name,
        vertices=vertices.astype(np.float32),
        shapes=shapes.astype(np.float32),
        joints=joints.astype(np.float32),
        correctives=correctives,
        pose_correctives=_scaled_pose(rig.pose_correctives, whole.scale),
    )


def _upright(similarity: Similarity) -> Similarity:
    """The same size and place without the turn: the skull stays upright when a face was seen a little tilted."""
    return Similarity(similarity.scale, np.eye(3), similarity.translation)


def _carry(rig: HeadRig, warp: BiharmonicWarp) -> tuple[FloatArray, FloatArray]:
    """(V, 3) warped vertices and (52, V, 3) warped shapes; teeth and tongue move stiffly, as bones do."""
    rest = rig.vertices.astype(np.float64)
    vertices = warp(rest)
    shapes = np.zeros((COUNT, len(rest), 3))
    soft = np.ones(len(rest), bool)
    for part in rig.parts:
        if part.name in STIFF_PARTS:
            stiff = fit_similarity(rest[part.vertices], vertices[part.vertices])
            vertices[part.vertices] = stiff.apply(rest[part.vertices])
            turned = rig.shapes[:, part.vertices] @ stiff.rotation.T
            shapes[:, part.vertices] = stiff.scale * turned
            soft[part.vertices] = False
    moved = np.abs(rig.shapes).max(axis=2) > NEGLIGIBLE_MOTION_M
    numbers, columns = np.nonzero(moved & soft)
    displaced = rest[columns] + rig.shapes[numbers, columns]
    shapes[numbers, columns] = warp(displaced) - vertices[columns]
    shut, opened = INDEX["mouthClose"], INDEX["jawOpen"]
    rows = np.flatnonzero(moved[shut] & soft)
    # The lips close on an open jaw, so that is where their motion is carried: the sum seals on any face.
    sealed = rest[rows] + rig.shapes[opened, rows] + rig.shapes[shut, rows]
    shapes[shut, rows] = warp(sealed) - vertices[rows] - shapes[opened, rows]
    return vertices, shapes


def _carried_pair(
    rig: HeadRig, warp: BiharmonicWarp, vertices: FloatArray, shapes: FloatArray, pair: PairCorrective
) -> PairCorrective:
    """What the person needs beside the two shapes. vertices (V, 3) and shapes (52, V, 3) are the person's.

    Where a corrective moves a vertex far, as a lid that must meet the other, the sum of all three is carried as a
    whole; where it mends a fold, only what it adds to the two: so it fades out as smoothly as the template's.
    """
    rows = pair.rows
    names = (pair.first,) if pair.weight == EXCESS else (pair.first, pair.second)
    shown = [INDEX[name] for name in names]
    both = rig.vertices[rows].astype(np.float64) + rig.shapes[shown][:, rows].sum(axis=0)
    before, after = warp(both), warp(both + pair.displacement)
    missing = before - vertices[rows] - shapes[shown][:, rows].sum(axis=0)
    far = np.clip((np.linalg.norm(pair.displacement, axis=1, keepdims=True) - MENDING_M) / MENDING_M, 0.0, 1.0)
    moved = after - before + far * missing
    for part in rig.parts:
        if part.name in STIFF_PARTS:
            own = (rows >= part.vertices.start) & (rows < part.vertices.stop)
            stiff = fit_similarity(rig.vertices[part.vertices], vertices[part.vertices])
            moved[own] = stiff.scale * pair.displacement[own] @ stiff.rotation.T
    return replace(pair, displacement=moved.astype(np.float32))


def _scaled_pose(pose: PoseCorrectives | None, scale: float) -> PoseCorrectives | None:
    """A skull and neck `scale` times as large lose as much more of their volume when they turn."""
    return None if pose is None else replace(pose, directions=(scale * pose.directions).astype(np.float32))
