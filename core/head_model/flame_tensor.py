"""Tensors inside a pickle, in the form that torch gives them there, read without torch."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from core.errors import ModelPackError
from core.head_model.flame_pickle import STAND_INS, StandIns, as_bytes, load_next

TORCH_MAGIC = 0x1950A86A20F9469CFC6C  # first pickle of torch's format before 1.6, still used inside other pickles
_STORAGES: dict[str, str] = {
    "LongStorage": "<i8", "IntStorage": "<i4", "FloatStorage": "<f4", "DoubleStorage": "<f8",
}  # fmt: skip


class StoredNumbers:
    """Stands for a torch storage: a flat run of numbers of one type."""

    def __init__(self, kind: str, count: int) -> None:
        self.kind, self.count = np.dtype(kind), count
        self.values = np.zeros(0, self.kind)


def _storage_kind(name: str) -> Callable[[], str]:
    return lambda: _STORAGES[name]


_STORAGE_NAMES: StandIns = {("torch", name): _storage_kind(name) for name in _STORAGES}


def _storage(content: object) -> StoredNumbers:
    """Four pickles (magic, version, system, storage), then a list of keys, then length and numbers of each."""
    stream = io.BytesIO(as_bytes(content))
    found: list[StoredNumbers] = []

    def outside(number: Any) -> StoredNumbers:
        _word, kind, _key, _device, count, *_view = number
        found.append(StoredNumbers(kind(), int(count)))
        return found[-1]

    if load_next(stream, {}) != TORCH_MAGIC:
        raise ModelPackError("holds a tensor in a form that is not known.")
    load_next(stream, {})
    load_next(stream, {})
    load_next(stream, _STORAGE_NAMES, outside)
    load_next(stream, {})
    if len(found) != 1:
        raise ModelPackError("holds a tensor in a form that is not known.")
    stored = found[0]
    rest = stream.read()
    if len(rest) != 8 + stored.count * stored.kind.itemsize:
        raise ModelPackError("holds a tensor that is cut short.")
    stored.values = np.frombuffer(rest, stored.kind, offset=8)
    return stored


def _tensor(storage: object, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_rest: object) -> Any:
    """The array of a tensor that lies in its storage row by row."""
    if not isinstance(storage, StoredNumbers) or len(size) > 4 or min((*size, offset)) < 0:
        raise ModelPackError("holds a tensor in a form that is not known.")
    row_by_row = tuple(math.prod(size[k + 1 :]) for k in range(len(size)))
    if tuple(stride) != row_by_row or offset + math.prod(size) > storage.count:
        raise ModelPackError("holds a tensor that does not lie row by row in its numbers.")
    return storage.values[offset : offset + math.prod(size)].reshape(size)


def _nothing(*_arguments: object) -> None:
    return None  # a tensor's hooks, always empty


TENSOR_STAND_INS: StandIns = {
    **STAND_INS,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch.storage", "_load_from_bytes"): _storage,
    ("collections", "OrderedDict"): _nothing,
}
"""Measured: torch 2.13 names these for a tensor inside an object array."""
