"""ICT-FaceKit's mean head as checked arrays, whatever kind of file they came from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.blendshapes import ARKIT_NAMES, COUNT
from core.errors import ModelPackError
from core.head_model.ict_layout import REQUIRED_NAMES, VERTEX_COUNT, ict_names
from core.structures import FloatArray, IntArray

METRES_PER_UNIT = 0.01
MAX_FACES, MAX_UV, MAX_SHAPES = 100_000, 200_000, 512
MAX_COORDINATE = 100.0  # centimetres; a head is about 34 high
LEAST_HEIGHT = 10.0
IDENTITY_COUNT = 100
NEGLIGIBLE_M = 3e-5  # rounding of the stored displacements and less than can be seen; zeros keep files small
ADVICE = "Get the light model of ICT-FaceKit again from https://github.com/USC-ICT/ICT-FaceKit."


@dataclass(frozen=True, slots=True, eq=False)
class StoredArrays:
    """What a file holds, unchecked. neutral: (V, 3) centimetres; faces, faces_uv: (F, 4), -1 in the fourth place of a
    triangle; uv: (U, 2), v up, u counts tiles; names and displacements (n, V, 3) of the expressions, centimetres."""

    neutral: npt.NDArray[Any]
    faces: npt.NDArray[Any]
    uv: npt.NDArray[Any]
    faces_uv: npt.NDArray[Any]
    names: list[str]
    displacements: npt.NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class IctModel:
    """The mean head as it lies in the file, in metres.

    vertices: (26719, 3) float32; triangles, triangles_uv: (T, 3) int32 into vertices and uv; uv: (U, 2) float32, v up,
    u counts tiles; shapes: (52, 26719, 3) float32 in the order of `ARKIT_NAMES`, tongueOut zero.
    """

    vertices: FloatArray
    triangles: IntArray
    triangles_uv: IntArray
    uv: FloatArray
    shapes: FloatArray


def checked_model(stored: StoredArrays, name: str) -> IctModel:
    """The model of arrays that fit together; ModelPackError with the first thing about file `name` that does not."""
    for problem in _problems(stored):
        raise ModelPackError(f"{name} is not ICT-FaceKit's light model: {problem}. {ADVICE}")
    return IctModel(
        vertices=stored.neutral.astype(np.float32) * np.float32(METRES_PER_UNIT),
        triangles=_triangles(stored.faces),
        triangles_uv=_triangles(stored.faces_uv),
        uv=stored.uv.astype(np.float32),
        shapes=_arkit_shapes(stored.names, stored.displacements),
    )


def _problems(stored: StoredArrays) -> Iterator[str]:
    if stored.neutral.shape != (VERTEX_COUNT, 3):
        yield f"it should have {VERTEX_COUNT} vertices, but it has {len(stored.neutral)}"
    missing = sorted(set(REQUIRED_NAMES) - set(stored.names))
    if missing:
        yield f"its expressions lack {', '.join(missing[:3])}"
    if len(stored.names) != len(stored.displacements):
        yield "its expressions and their names differ in number"
    if stored.faces.shape != stored.faces_uv.shape or not np.array_equal(
        stored.faces[:, 3] < 0, stored.faces_uv[:, 3] < 0
    ):
        yield "its faces are others in space than in texture"
    if not _in_range(stored.faces, VERTEX_COUNT):
        yield "its faces point at vertices that are not there"
    if not _in_range(stored.faces_uv, len(stored.uv)):
        yield "its faces point at texture places that are not there"
    values = {"vertices": stored.neutral, "texture places": stored.uv, "displacements": stored.displacements}
    for what, array in values.items():
        if not (np.isfinite(array).all() and np.abs(array).max() <= MAX_COORDINATE):
            yield f"its {what} are not finite or beyond {MAX_COORDINATE:.0f}"
    if np.ptp(stored.neutral[:, 1]) < LEAST_HEIGHT:
        yield f"its head is less than {LEAST_HEIGHT:.0f} units high, expected centimetres"


def _in_range(faces: IntArray, count: int) -> bool:
    """Whether all corners are in [0, count); the fourth may be -1, then the face is a triangle."""
    return bool(faces.max() < count and faces[:, :3].min() >= 0 and faces[:, 3].min() >= -1)


def _triangles(faces: IntArray) -> IntArray:
    """(T, 3) int32: each quad cut from its first corner."""
    quads = faces[faces[:, 3] >= 0]
    return np.concatenate([faces[:, :3], quads[:, [0, 2, 3]]]).astype(np.int32)


def _arkit_shapes(names: list[str], deltas: FloatArray) -> FloatArray:
    place = {name: row for row, name in enumerate(names)}
    shapes = np.zeros((COUNT, VERTEX_COUNT, 3), np.float32)
    for row, name in enumerate(ARKIT_NAMES):
        for part in ict_names(name):
            shapes[row] += deltas[place[part]]
    shapes *= np.float32(METRES_PER_UNIT)
    shapes[np.abs(shapes).max(axis=2) < NEGLIGIBLE_M] = 0.0
    return shapes
