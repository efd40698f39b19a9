"""Where the 68 iBUG points and MediaPipe's points lie on FLAME's surface, as the official files say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import ModelPackError
from core.geometry.mesh import VertexNormals, interpolate
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.head_model.flame_child import ChildLimits, read_in_child
from core.head_model.flame_file import FACE_COUNT, FlameFile, numbers, places
from core.structures import FloatArray, IntArray

IBUG_COUNT, CONTOUR_COUNT = 68, 17
FEATURE_COUNT = IBUG_COUNT - CONTOUR_COUNT
MEDIAPIPE_COUNT = 105
YAW_LIMIT_DEG = 39
CONTOUR_ROWS = 2 * YAW_LIMIT_DEG + 1
_ADVICE = "Get it again from https://flame.is.tue.mpg.de or from the DECA and EMOCA pages there."
_WEIGHT_SLACK = 1e-2


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceEmbedding:
    """Points on a mesh. faces: (..., n) triangle numbers; weights: (..., n, 3) barycentric."""

    faces: IntArray
    weights: FloatArray

    def points(self, vertices: FloatArray, triangles: IntArray) -> FloatArray:
        """(n, 3) places on (V, 3) vertices; for embeddings of one row."""
        return interpolate(vertices, triangles, self.faces, self.weights)


@dataclass(frozen=True, slots=True, eq=False)
class IbugEmbedding:
    """The 68 iBUG points on FLAME.

    features: the 51 of brows, eyes, nose and lips. contours: (79, 17), the outline of the face as it is seen at a
    yaw of 0 to 39 degrees, then -1 to -39. whole: all 68 on the face seen from the front.
    """

    features: SurfaceEmbedding
    contours: SurfaceEmbedding
    whole: SurfaceEmbedding


@dataclass(frozen=True, slots=True, eq=False)
class MediapipeEmbedding:
    """105 FaceMesh points of brows, eyes, nose and lips on FLAME. ids: (105,) their FaceMesh numbers."""

    points: SurfaceEmbedding
    ids: IntArray


def read_ibug_embedding(path: Path, limits: ChildLimits | None = None) -> IbugEmbedding:
    """The embedding of an official `landmark_embedding.npy`; ModelPackError in one line when it is another file."""
    arrays = read_in_child(path, "landmarks", limits)
    try:
        return IbugEmbedding(
            _embedding(arrays, "static_lmk_faces_idx", "static_lmk_bary_coords", (FEATURE_COUNT,)),
            _embedding(arrays, "dynamic_lmk_faces_idx", "dynamic_lmk_bary_coords", (CONTOUR_ROWS, CONTOUR_COUNT)),
            _first_row(_embedding(arrays, "full_lmk_faces_idx", "full_lmk_bary_coords", (1, IBUG_COUNT))),
        )
    except ModelPackError as error:
        raise ModelPackError(f"{path.name} {error} {_ADVICE}") from None


def read_mediapipe_embedding(path: Path, limits: ChildLimits | None = None) -> MediapipeEmbedding:
    """The embedding of an official `mediapipe_landmark_embedding.npz`; ModelPackError likewise."""
    arrays = read_in_child(path, "mediapipe", limits)
    try:
        points = _embedding(arrays, "lmk_face_idx", "lmk_b_coords", (MEDIAPIPE_COUNT,))
        ids = places(arrays, "landmark_indices", (MEDIAPIPE_COUNT,), 468)
    except ModelPackError as error:
        raise ModelPackError(f"{path.name} {error} {_ADVICE}") from None
    return MediapipeEmbedding(points, ids)


def _embedding(
    arrays: dict[str, np.ndarray[Any, Any]], faces: str, weights: str, shape: tuple[int, ...]
) -> SurfaceEmbedding:
    values = numbers(arrays, weights, (*shape, 3))
    if values.min() < -_WEIGHT_SLACK or np.abs(values.sum(axis=-1) - 1.0).max() > _WEIGHT_SLACK:
        raise ModelPackError(f"should have barycentric weights in {weights}, but some are not.")
    return SurfaceEmbedding(places(arrays, faces, shape, FACE_COUNT), values)


def _first_row(embedding: SurfaceEmbedding) -> SurfaceEmbedding:
    return SurfaceEmbedding(embedding.faces[0], embedding.weights[0])


def contour_sign(model: FlameFile, contours: SurfaceEmbedding) -> int:
    """+1 when the contours' yaw is positive to the subject's left, -1 when to the right.

    Published readers of the same file disagree (DECA takes +, FLAME_PyTorch and smplx take -), so the file is asked:
    seen from the front, the outline of a turned head is where its skin stands edge-on.
    """
    normals = VertexNormals(model.faces, len(model.template))(model.template)
    edge_on = []
    for sign in (1, -1):
        facing = 0.0
        for row, degrees in ((YAW_LIMIT_DEG, YAW_LIMIT_DEG), (CONTOUR_ROWS - 1, -YAW_LIMIT_DEG)):
            turned = normals @ rotation_from_yaw_pitch_roll(np.radians(sign * degrees), 0.0, 0.0).T
            at_points = interpolate(turned, model.faces, contours.faces[row], contours.weights[row])
            facing += float(np.abs(at_points[:, 2]).mean())
        edge_on.append(facing)
    return 1 if edge_on[0] <= edge_on[1] else -1
