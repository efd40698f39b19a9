"""Reads ICT-FaceKit's arrays out of an `.npz` file that is not trusted until every count has been checked."""

from __future__ import annotations

import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from core.errors import ModelPackError
from core.head_model.ict_layout import VERTEX_COUNT
from core.head_model.ict_model import ADVICE, IDENTITY_COUNT, MAX_FACES, MAX_SHAPES, MAX_UV, StoredArrays
from core.structures import FloatArray

MAX_FILE_BYTES = 256 * 2**20
MAX_ARRAY_BYTES = 128 * 2**20
MAX_NAME_BYTES = 256
_READ_ERRORS = (
    OSError, ValueError, TypeError, KeyError, EOFError, RuntimeError, NotImplementedError, MemoryError,
    struct.error, SyntaxError, tokenize.TokenError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def read_ict_file(path: Path) -> StoredArrays:
    """The arrays of an `.npz` with neutral, faces, uv, faces_uv, expr_names and expr_delta.

    Kinds and counts are those of the light model; what the numbers say is left to `checked_model`. ModelPackError in
    one line: damaged, too large, or of another layout.
    """
    with _opened(path) as reader:
        return StoredArrays(
            neutral=reader.read("neutral", "f", (VERTEX_COUNT, 3)),
            faces=reader.read("faces", "i", (MAX_FACES, 4)),
            uv=reader.read("uv", "f", (MAX_UV, 2)),
            faces_uv=reader.read("faces_uv", "i", (MAX_FACES, 4)),
            names=[str(name) for name in reader.read("expr_names", "U", (MAX_SHAPES,))],
            displacements=reader.read("expr_delta", "f", (MAX_SHAPES, VERTEX_COUNT, 3)),
        )


def read_file_identities(path: Path) -> FloatArray:
    """(n, 26719, 3) float32 the identities' displacements (`identity_delta`), centimetres; n at most 100.

    ModelPackError in one line: absent, damaged or of another layout.
    """
    with _opened(path) as reader:
        return reader.read("identity_delta", "f", (IDENTITY_COUNT, VERTEX_COUNT, 3)).astype(np.float32)


@contextmanager
def _opened(path: Path) -> Iterator[_ArrayReader]:
    """A reader of the file's arrays; whatever goes wrong while it is used becomes one ModelPackError."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ValueError(f"it may have {MAX_FILE_BYTES // 2**20} MiB, but it has {path.stat().st_size}")
        with zipfile.ZipFile(path) as archive:
            yield _ArrayReader(archive, path.name)
    except ModelPackError:
        raise
    except _READ_ERRORS as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise ModelPackError(f"{path.name} could not be read as an ICT-FaceKit model: {reason}. {ADVICE}") from None


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
