"""Reads ICT-FaceKit's arrays out of an `.npz` file that is not trusted until every count has been checked."""

from __future__ import annotations

import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from core.blendshapes import ARKIT_NAMES, COUNT
from core.errors import ModelPackError
from core.head_model.ict_layout import REQUIRED_NAMES, VERTEX_COUNT, ict_names
from core.structures import FloatArray, IntArray

METRES_PER_UNIT = 0.01
MAX_ARRAY_BYTES = 128 * 2**20
MAX_FACES, MAX_UV, MAX_SHAPES, MAX_NAME_BYTES = 100_000, 200_000, 512, 256
MAX_COORDINATE = 100.0  # centimetres; a head is about 34 high
LEAST_HEIGHT = 10.0
NEGLIGIBLE_M = 1e-5  # rounding of the stored displacements; zeros keep exported files small
ADVICE = "Get the light model of ICT-FaceKit again from https://github.com/USC-ICT/ICT-FaceKit."
_READ_ERRORS = (
    OSError, ValueError, TypeError, KeyError, EOFError, RuntimeError, NotImplementedError, MemoryError,
    struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


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


def read_ict_file(path: Path) -> IctModel:
    """The model in an `.npz` with neutral, faces, uv, faces_uv, expr_names and expr_delta.

    ModelPackError in one line: absent, damaged, too large, or of another layout.
    """
    if not path.is_file():
        raise ModelPackError(f"There is no ICT-FaceKit model at {path}. {ADVICE}")
    try:
        with zipfile.ZipFile(path) as archive:
            reader = _ArrayReader(archive, path.name)
            neutral = reader.read("neutral", "f", (VERTEX_COUNT, 3))
            faces = reader.read("faces", "i", (MAX_FACES, 4))
            uv = reader.read("uv", "f", (MAX_UV, 2))
            faces_uv = reader.read("faces_uv", "i", (MAX_FACES, 4))
            names = [str(name) for name in reader.read("expr_names", "U", (MAX_SHAPES,))]
            deltas = reader.read("expr_delta", "f", (MAX_SHAPES, VERTEX_COUNT, 3))
    except ModelPackError:
        raise
    except _READ_ERRORS as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise ModelPackError(f"{path.name} could not be read as an ICT-FaceKit model: {reason}. {ADVICE}") from None
    _check(path.name, neutral, faces, uv, faces_uv, names, deltas)
    return IctModel(
        vertices=neutral.astype(np.float32) * np.float32(METRES_PER_UNIT),
        triangles=_triangles(faces),
        triangles_uv=_triangles(faces_uv),
        uv=uv.astype(np.float32),
        shapes=_arkit_shapes(names, deltas),
    )


class _ArrayReader:
    """Looks at an array's header before a byte of its content is unpacked."""

    def __init__(self, archive: zipfile.ZipFile, file_name: str) -> None:
        self._archive = archive
        self._file_name = file_name

    def read(self, name: str, kind: str, most: tuple[int, ...]) -> npt.NDArray[Any]:
        """The array of this dtype kind; `most` bounds its first axis, and fixes it where it counts vertices."""
        member = self._archive.getinfo(f"{name}.npy")
        if member.file_size > MAX_ARRAY_BYTES:
            raise self._error(f"'{name}' may have {MAX_ARRAY_BYTES // 2**20} MiB, but it has {member.file_size}")
        with self._archive.open(member) as stream:
            shape, dtype = _header(stream)
        fits = len(shape) == len(most) and all(
            size == wanted if wanted in (VERTEX_COUNT, *most[1:]) else 0 < size <= wanted
            for size, wanted in zip(shape, most, strict=False)
        )
        if dtype.kind != kind or dtype.itemsize > MAX_NAME_BYTES or not fits:
            raise self._error(
                f"'{name}' should hold numbers of kind '{kind}' in at most {most}, but it has {dtype} {shape}"
            )
        with self._archive.open(member) as stream:
            return np.lib.format.read_array(stream, allow_pickle=False)  # type: ignore[no-untyped-call]

    def _error(self, problem: str) -> ModelPackError:
        return ModelPackError(f"{self._file_name} is not ICT-FaceKit's light model: {problem}. {ADVICE}")


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = np.lib.format.read_magic(stream)  # type: ignore[no-untyped-call]
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(stream)  # type: ignore[no-untyped-call]
    return shape, dtype


def _check(
    name: str,
    neutral: npt.NDArray[Any],
    faces: IntArray,
    uv: FloatArray,
    faces_uv: IntArray,
    names: list[str],
    deltas: FloatArray,
) -> None:
    """ModelPackError with the first thing that does not fit."""
    missing = sorted(set(REQUIRED_NAMES) - set(names))
    problems = {
        f"its expressions lack {', '.join(missing[:3])}": bool(missing),
        "its expressions and their names differ in number": len(names) != len(deltas),
        "its faces and their texture places differ in number": faces.shape != faces_uv.shape,
        "its faces point at vertices that are not there": not _in_range(faces, VERTEX_COUNT),
        "its faces point at texture places that are not there": not _in_range(faces_uv, len(uv)),
        "its triangles are others in space than in texture": not np.array_equal(faces[:, 3] < 0, faces_uv[:, 3] < 0),
    }
    for what, values in (("vertices", neutral), ("texture places", uv), ("displacements", deltas)):
        problems[f"its {what} are not finite or beyond {MAX_COORDINATE:.0f}"] = not bool(
            np.isfinite(values).all() and np.abs(values).max() <= MAX_COORDINATE
        )
    problems[f"its head is less than {LEAST_HEIGHT:.0f} units high, expected centimetres"] = bool(
        np.ptp(neutral[:, 1]) < LEAST_HEIGHT
    )
    for problem, is_so in problems.items():
        if is_so:
            raise ModelPackError(f"{name} is not ICT-FaceKit's light model: {problem}. {ADVICE}")


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
