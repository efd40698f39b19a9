"""The child process that reads FLAME's files: `python -m core.head_model.flame_worker`, started by `flame_child`.

Request on standard input: one line of JSON (`kind`, `memory_bytes`, `cpu_s`), then the file. Answer on standard
output: `A` and an array file, or `R` and why the file was refused.
"""

from __future__ import annotations

import io
import json
import math
import os
import sys
import zipfile
from contextlib import suppress
from typing import Any

import numpy as np

from core.errors import ModelPackError
from core.head_model.flame_pickle import (
    STAND_INS,
    StoredArray,
    StoredColumns,
    StoredExpression,
    StoredSelection,
    load_inert,
)
from core.head_model.flame_tensor import TENSOR_STAND_INS

MODEL_KEYS = ("v_template", "shapedirs", "posedirs", "J_regressor", "kintree_table", "weights", "f")
LANDMARK_KEYS = (
    "static_lmk_faces_idx", "static_lmk_bary_coords", "dynamic_lmk_faces_idx", "dynamic_lmk_bary_coords",
    "full_lmk_faces_idx", "full_lmk_bary_coords",
)  # fmt: skip
MEDIAPIPE_KEYS = ("lmk_face_idx", "lmk_b_coords", "landmark_indices")
ARRAY_FORMAT: Any = np.lib.format  # numpy annotates it only in part
LID_SHAPE = (5023, 3)
MAX_MATRIX_CELLS = 1_000_000
MAX_UNPACKED_BYTES = 16 << 20
ACCEPTED, REFUSED = b"A", b"R"

Arrays = dict[str, np.ndarray[Any, Any]]


def _numbers(value: object) -> np.ndarray[Any, Any]:
    """The array that a value of the file stands for."""
    if isinstance(value, StoredArray):
        return value.array()
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, StoredExpression):
        return _numbers(value.fields.get("x"))
    if isinstance(value, StoredSelection):
        chosen = _numbers(value.fields.get("a")).ravel()[_numbers(value.fields.get("idxs"))]
        return chosen.reshape(value.fields.get("preferred_shape"))
    if isinstance(value, StoredColumns):
        return _dense(value)
    raise ModelPackError("holds something else where numbers were expected.")


def _dense(matrix: StoredColumns) -> np.ndarray[Any, Any]:
    """The whole of a matrix stored by columns: `indptr`, `indices`, `data`."""
    shape = matrix.fields.get("_shape")
    if not (isinstance(shape, tuple) and len(shape) == 2 and all(isinstance(n, int) and n >= 0 for n in shape)):
        raise ModelPackError("holds a sparse matrix without a shape.")
    ends, rows, values = (_numbers(matrix.fields.get(name)) for name in ("indptr", "indices", "data"))
    lengths = np.diff(ends.astype(np.int64))
    whole = (
        math.prod(shape) <= MAX_MATRIX_CELLS
        and len(ends) == shape[1] + 1
        and (lengths >= 0).all()
        and len(rows) == len(values) == lengths.sum()
        and (len(rows) == 0 or (rows.min() >= 0 and rows.max() < shape[0]))
    )
    if not whole:
        raise ModelPackError("holds a sparse matrix whose entries do not fit its shape.")
    dense = np.zeros(shape)
    np.add.at(dense, (rows, np.repeat(np.arange(shape[1]), lengths)), values)
    return dense


def _chosen(content: object, keys: tuple[str, ...], kind: str) -> Arrays:
    if not isinstance(content, dict):
        raise ModelPackError(f"is not {kind}: it holds no dictionary.")
    missing = [key for key in keys if key not in content]
    if missing:
        raise ModelPackError(f"is not {kind}: {', '.join(missing)} is missing.")
    return {key: _numbers(content[key]) for key in keys}


def _read_model(data: bytes) -> Arrays:
    return _chosen(load_inert(data, STAND_INS), MODEL_KEYS, "a FLAME model")


def _read_landmarks(data: bytes) -> Arrays:
    stream = io.BytesIO(data)
    if ARRAY_FORMAT.read_magic(stream) != (1, 0):
        raise ModelPackError("is not an array file of version 1.0.")
    shape, _fortran, kind = ARRAY_FORMAT.read_array_header_1_0(stream)
    if shape != () or kind != np.dtype(object):
        raise ModelPackError("is not a landmark embedding: it does not hold one dictionary.")
    stored = load_inert(stream.read(), TENSOR_STAND_INS)
    content = stored.single_object() if isinstance(stored, StoredArray) else None
    return _chosen(content, LANDMARK_KEYS, "a landmark embedding")


def _read_mediapipe(data: bytes) -> Arrays:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > MAX_UNPACKED_BYTES:
            raise ModelPackError("unpacks to more than a landmark embedding needs.")
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        return _chosen(dict(stored), MEDIAPIPE_KEYS, "a landmark embedding")


def _read_eyelid(data: bytes) -> Arrays:
    stream = io.BytesIO(data)
    if ARRAY_FORMAT.read_magic(stream) != (1, 0):
        raise ModelPackError("is not an array file of version 1.0.")
    shape, _fortran, kind = ARRAY_FORMAT.read_array_header_1_0(stream)
    if shape != LID_SHAPE or kind.kind != "f" or len(data) - stream.tell() != math.prod(shape) * kind.itemsize:
        raise ModelPackError(f"is not a lid of FLAME: it should hold numbers of shape {LID_SHAPE}.")
    return {"displacements": np.load(io.BytesIO(data), allow_pickle=False)}


READERS = {"model": _read_model, "landmarks": _read_landmarks, "mediapipe": _read_mediapipe, "eyelid": _read_eyelid}


def answer(kind: str, data: bytes) -> bytes:
    """One message for the parent; whatever a hostile file raises becomes a refusal."""
    try:
        packed = io.BytesIO()
        np.savez(packed, **READERS[kind](data))
        return ACCEPTED + packed.getvalue()
    except ModelPackError as error:
        reason = str(error)
    except MemoryError:
        reason = "needs more memory than is allowed."
    except Exception as error:  # shapes, indices and headers of a hostile file fail in nearly every way there is
        reason = f"is damaged or of another kind ({type(error).__name__})."
    return REFUSED + reason.encode()


def apply_limits(memory_bytes: int, cpu_s: int) -> None:
    """Bound this process; what the system does not know how to bound is left to the parent's patience."""
    with suppress(ImportError):
        import resource

        for kind, value in (
            (resource.RLIMIT_AS, memory_bytes),
            (resource.RLIMIT_CPU, cpu_s),
            (resource.RLIMIT_FSIZE, 0),
            (resource.RLIMIT_CORE, 0),
        ):
            with suppress(ValueError, OSError):
                resource.setrlimit(kind, (value, value))


def main() -> None:
    """Answer one request, then end."""
    descriptor = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints must not land in the answer
    request = json.loads(sys.stdin.buffer.readline())
    apply_limits(request["memory_bytes"], request["cpu_s"])
    rest = memoryview(answer(request["kind"], sys.stdin.buffer.read()))
    while rest:
        rest = rest[os.write(descriptor, rest) :]


if __name__ == "__main__":
    main()
