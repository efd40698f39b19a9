"""The 478 FaceMesh points on ICT-FaceKit's mean head, carried over from the built-in head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.geometry.closest_points import Surface, SurfacePoints
from core.geometry.similarity import Similarity, fit_similarity
from core.head_model import ict_layout as layout
from core.head_model.eyes import EYE_RADIUS_M, IRIS_DIAMETER_M
from core.head_model.face_points import landmark_normals, own_lip
from core.head_model.ict_contours import FACE_MESH_ON_RIM, Rims
from core.head_model.ict_model import IctModel
from core.head_model.ict_parts import jaw_share
from core.head_model.identity import FACE_POINTS
from core.head_model.personalise import BiharmonicWarp
from core.head_model.rig import HeadRig
from core.head_model.skinning import LEFT_EYE, RIGHT_EYE
from core.structures import FloatArray, IntArray

RIGHT_IRIS_START, LEFT_IRIS_START, IRIS_POINTS = 468, 473, 5
IRIS_ANGLE = float(np.arcsin(0.5 * IRIS_DIAMETER_M / EYE_RADIUS_M))
_FEATURES = tuple(range(layout.IBUG_CONTOUR_COUNT, len(layout.IBUG_VERTICES)))


@dataclass(frozen=True, slots=True, eq=False)
class CarriedPoints:
    """faces: (478,) triangles of the model; weights: (478, 3)."""

    faces: IntArray
    weights: FloatArray


def align_builtin(builtin: HeadRig, model: IctModel) -> Similarity:
    """The similarity that lays the built-in head on the model, by eyes, brows, nose and lips."""
    ids = [layout.IBUG_FACE_MESH[k] for k in _FEATURES]
    vertices = [layout.IBUG_VERTICES[k] for k in _FEATURES]
    return fit_similarity(builtin.landmarks()[ids], model.vertices[vertices])


def carry_landmarks(builtin: HeadRig, model: IctModel, eye_centres: FloatArray) -> CarriedPoints:
    """The built-in head's points on the model's triangles.

    The points are laid on by `align_builtin`, bent so that the iBUG points meet, and dropped on the closest skin that
    faces the same way; those of lid margins and inner lips on the model's own rims. The irises go to their angle on
    the eyeballs.
    """
    aligned = align_builtin(builtin, model)
    template = aligned.apply(builtin.landmarks().astype(np.float64)[:FACE_POINTS])
    pairs = [k for k in range(len(layout.IBUG_VERTICES)) if k in _FEATURES or k == layout.IBUG_CHIN]
    ids = [layout.IBUG_FACE_MESH[k] for k in pairs]
    warp = BiharmonicWarp(template[ids], model.vertices[[layout.IBUG_VERTICES[k] for k in pairs]])
    face = np.flatnonzero(model.triangles.max(axis=1) < layout.FACE.stop)
    surface = Surface(model.vertices, model.triangles[face])
    allowed = own_lip(jaw_share(model)[model.triangles[face]].mean(axis=1))
    on_skin = surface.closest(warp(template), landmark_normals(builtin) @ aligned.rotation.T, allowed)
    faces, weights = face[on_skin.faces], on_skin.weights
    rims = Rims(model)
    for ibug, ids_on_rim in FACE_MESH_ON_RIM:
        own = list(ids_on_rim)
        faces[own], weights[own] = rims.places(ibug, ids_on_rim, template)
    on_eyes = [
        _iris(builtin, model, RIGHT_EYE, RIGHT_IRIS_START, layout.RIGHT_EYE_SHELL, eye_centres[1]),
        _iris(builtin, model, LEFT_EYE, LEFT_IRIS_START, layout.LEFT_EYE_SHELL, eye_centres[0]),
    ]
    return CarriedPoints(
        np.concatenate([faces, *(own for own, _ in on_eyes)]),
        np.concatenate([weights, *(found.weights for _, found in on_eyes)]),
    )


def _iris(
    builtin: HeadRig, model: IctModel, joint: int, first: int, shell: slice, centre: FloatArray
) -> tuple[IntArray, SurfacePoints]:
    """Triangles and places of an iris: its middle on the optical axis, its rim at the angle of a human iris."""
    ids = slice(first, first + IRIS_POINTS)
    around = builtin.landmarks().astype(np.float64)[ids] - builtin.joints[joint]
    sideways = around[:, :2] - around[0, :2]
    sideways /= np.maximum(np.linalg.norm(sideways, axis=1, keepdims=True), 1e-12)
    direction = np.concatenate([np.sin(IRIS_ANGLE) * sideways, np.full((IRIS_POINTS, 1), np.cos(IRIS_ANGLE))], axis=1)
    direction[0] = (0.0, 0.0, 1.0)
    last = model.triangles.max(axis=1)
    own = np.flatnonzero((last >= shell.start) & (last < shell.stop))
    surface = Surface(model.vertices, model.triangles[own])
    found = surface.closest(centre + EYE_RADIUS_M * direction, direction)
    return own[found.faces], found
