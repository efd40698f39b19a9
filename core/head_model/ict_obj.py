"""Reads ICT-FaceKit as it is published: a folder of OBJ files, one for the neutral head and one for each expression."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.errors import ModelPackError
from core.head_model.ict_layout import REQUIRED_NAMES, VERTEX_COUNT
from core.head_model.ict_model import ADVICE, IDENTITY_COUNT, MAX_FACES, MAX_UV, StoredArrays
from core.structures import FloatArray, IntArray

NEUTRAL_FILE = "generic_neutral_mesh.obj"
MAX_FILE_BYTES = 32 * 2**20  # the published ones have 3.4 MB


def read_ict_folder(folder: Path) -> StoredArrays:
    """The arrays of the folder `FaceXModel`, centimetres.

    ModelPackError in one line: a file is absent, too large, not text, or has another number of vertices.
    """
    names = sorted(set(REQUIRED_NAMES))
    lines = _lines(folder / NEUTRAL_FILE)
    neutral = _vertices(lines, NEUTRAL_FILE)
    uv = _numbers(lines, b"vt ", 2, NEUTRAL_FILE)
    faces, faces_uv = _faces(lines)
    displacements = np.zeros((len(names), VERTEX_COUNT, 3), np.float32)
    for row, name in enumerate(names):
        file = f"{name}.obj"
        displacements[row] = _vertices(_lines(folder / file), file) - neutral
    if not 0 < len(uv) <= MAX_UV:
        raise _error(NEUTRAL_FILE, f"it should have up to {MAX_UV} texture places, but it has {len(uv)}")
    return StoredArrays(neutral, faces, uv, faces_uv, names, displacements)


def read_folder_identities(folder: Path) -> FloatArray:
    """(100, 26719, 3) float32 the identities' displacements in the folder `FaceXModel`, centimetres.

    ModelPackError in one line as `read_ict_folder`.
    """
    neutral = _vertices(_lines(folder / NEUTRAL_FILE), NEUTRAL_FILE)
    identities = np.zeros((IDENTITY_COUNT, VERTEX_COUNT, 3), np.float32)
    for number in range(IDENTITY_COUNT):
        file = f"identity{number:03d}.obj"
        identities[number] = _vertices(_lines(folder / file), file) - neutral
    return identities


def _error(file: str, problem: str) -> ModelPackError:
    return ModelPackError(f"{file} is not a file of ICT-FaceKit's light model: {problem}. {ADVICE}")


def _lines(path: Path) -> list[bytes]:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise _error(path.name, error.strerror or "it could not be read") from None
    if len(data) > MAX_FILE_BYTES:
        raise _error(path.name, f"it is larger than {MAX_FILE_BYTES // 2**20} MiB")
    return data.splitlines()


def _vertices(lines: list[bytes], file: str) -> FloatArray:
    """(26719, 3) float64."""
    found = _numbers(lines, b"v ", 3, file)
    if len(found) != VERTEX_COUNT:
        raise _error(file, f"it should have {VERTEX_COUNT} vertices, but it has {len(found)}")
    return found


def _numbers(lines: list[bytes], keyword: bytes, columns: int, file: str) -> FloatArray:
    """(n, columns) the numbers behind a keyword."""
    try:
        rows = [[float(word) for word in line.split()[1 : columns + 1]] for line in lines if line.startswith(keyword)]
        return np.array(rows, np.float64).reshape(-1, columns)
    except ValueError:
        raise _error(file, f"its '{keyword.decode().strip()}' lines should hold {columns} numbers each") from None


def _faces(lines: list[bytes]) -> tuple[IntArray, IntArray]:
    """(F, 4) vertex and texture numbers from 0; the fourth of a triangle is -1."""
    faces, faces_uv = [], []
    try:
        for line in lines:
            if line.startswith(b"f "):
                corners = [word.split(b"/") for word in line.split()[1:]]
                if len(corners) not in (3, 4):
                    raise ValueError
                open_place = [-1] * (4 - len(corners))
                faces.append([int(corner[0]) - 1 for corner in corners] + open_place)
                faces_uv.append([int(corner[1]) - 1 for corner in corners] + open_place)
        pair = np.array(faces, np.int64), np.array(faces_uv, np.int64)
    except (ValueError, IndexError, OverflowError):
        raise _error(NEUTRAL_FILE, "its 'f' lines should name 3 or 4 corners as vertex/texture") from None
    if not 0 < len(faces) <= MAX_FACES:
        raise _error(NEUTRAL_FILE, f"it should have up to {MAX_FACES} faces, but it has {len(faces)}")
    return pair
