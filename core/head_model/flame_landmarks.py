"""The 478 FaceMesh points on FLAME: those of the official embeddings, the rest carried from the built-in head.

FLAME's own files have no contour, no cheeks and no irises of FaceMesh.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import ModelPackError
from core.geometry.closest_points import Surface
from core.geometry.similarity import Similarity, fit_similarity
from core.head_model.face_points import landmark_normals, own_lip
from core.head_model.flame_embedding import CONTOUR_COUNT, IbugEmbedding, MediapipeEmbedding, SurfaceEmbedding
from core.head_model.flame_file import FlameFile
from core.head_model.flame_parts import CutPart
from core.head_model.ict_layout import IBUG_CHIN, IBUG_FACE_MESH
from core.head_model.identity import FACE_POINTS
from core.head_model.personalise import BiharmonicWarp
from core.head_model.rig import HeadRig
from core.head_model.skinning import JAW, LEFT_EYE, RIGHT_EYE
from core.structures import BoolArray, FloatArray, IntArray

RIGHT_IRIS, LEFT_IRIS = slice(468, 473), slice(473, 478)
WARP_SMOOTHING = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class CarriedLandmarks:
    """embedding: the 478 points on the model's triangles. is_known: (478,), from an official file and not carried.
    alignment: lays the built-in head on the model. warp: then bends it so that the known points meet."""

    embedding: SurfaceEmbedding
    is_known: BoolArray
    alignment: Similarity
    warp: BiharmonicWarp


def carry_landmarks(
    builtin: HeadRig,
    model: FlameFile,
    parts: tuple[CutPart, ...],
    ibug: IbugEmbedding | None,
    mediapipe: MediapipeEmbedding | None,
) -> CarriedLandmarks:
    """All 478 points. ModelPackError when neither embedding is given: then nothing says where the face's points lie."""
    known_ids, known = _known(ibug, mediapipe)
    places = known.points(model.template, model.faces)
    rest = builtin.landmarks().astype(np.float64)
    alignment = fit_similarity(rest[known_ids], places)
    aligned = alignment.apply(rest)
    warp = BiharmonicWarp(aligned[known_ids], places, smoothing=WARP_SMOOTHING)
    faces, weights = np.zeros(len(rest), np.int64), np.zeros((len(rest), 3))
    skin, eyes = parts[0], dict(zip((LEFT_EYE, RIGHT_EYE), parts[1:], strict=True))
    surface = Surface(model.template, model.faces[skin.rows])
    normals = landmark_normals(builtin) @ alignment.rotation.T
    jaw = model.skin_weights[model.faces[skin.rows], JAW].mean(axis=1)
    found = surface.closest(warp(aligned[:FACE_POINTS]), normals, own_lip(jaw))
    faces[:FACE_POINTS], weights[:FACE_POINTS] = skin.rows[found.faces], found.weights
    for joint, iris in ((RIGHT_EYE, RIGHT_IRIS), (LEFT_EYE, LEFT_IRIS)):
        goal = model.joints()[joint] + alignment.scale * (rest[iris] - builtin.joints[joint])
        on_eye = Surface(model.template, model.faces[eyes[joint].rows]).closest(goal)
        faces[iris], weights[iris] = eyes[joint].rows[on_eye.faces], on_eye.weights
    faces[known_ids], weights[known_ids] = known.faces, known.weights
    is_known = np.isin(np.arange(len(rest)), known_ids)
    return CarriedLandmarks(SurfaceEmbedding(faces, weights), is_known, alignment, warp)


def _known(ibug: IbugEmbedding | None, mediapipe: MediapipeEmbedding | None) -> tuple[IntArray, SurfaceEmbedding]:
    """FaceMesh numbers (n,) and places of what the files say; MediaPipe's own file goes before iBUG's."""
    ids: list[int] = []
    faces: list[IntArray] = []
    weights: list[FloatArray] = []
    if mediapipe is not None:
        ids, faces, weights = mediapipe.ids.tolist(), [mediapipe.points.faces], [mediapipe.points.weights]
    if ibug is not None:
        rows = [k for k in (IBUG_CHIN, *range(CONTOUR_COUNT, len(IBUG_FACE_MESH))) if IBUG_FACE_MESH[k] not in ids]
        ids = ids + [IBUG_FACE_MESH[k] for k in rows]
        faces, weights = [*faces, ibug.whole.faces[rows]], [*weights, ibug.whole.weights[rows]]
    if not ids:
        raise ModelPackError("has no landmarks beside it.")
    return np.array(ids), SurfaceEmbedding(np.concatenate(faces), np.concatenate(weights))
