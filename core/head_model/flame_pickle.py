"""Reads the pickles of FLAME without running anything of them: every name they may call stands for an inert stand-in.

Neither chumpy nor scipy nor torch is imported, and not even numpy's own unpickling is used: arrays come back as plain
bytes with a shape and a type, and are made only after these were checked.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np

from core.errors import ModelPackError

MAX_OPERATIONS = 100_000  # a model needs some hundred
MAX_DIMENSIONS = 4
NUMBER_CODES = frozenset(("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"))
_OBJECT_CODES = frozenset(("O", "O4", "O8"))
_CALLS_BY_OTHER_WAYS = frozenset(
    ("INST", "OBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4", "PERSID", "BINPERSID", "NEXT_BUFFER", "READONLY_BUFFER")
)
_MEMO_GET = frozenset(("GET", "BINGET", "LONG_BINGET"))
_MEMO_PUT = frozenset(("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"))
_NAMING = ("GLOBAL", "STACK_GLOBAL")

GlobalName = tuple[str, str]
StandIns = Mapping[GlobalName, Callable[..., Any]]


class StoredType:
    """Stands for `numpy.dtype`: a code such as `f8` and a byte order."""

    def __init__(self, code: str, *_flags: object) -> None:
        self.code = str(code)
        self._order = "<"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _version, order, _subtype, names, fields, *_sizes = state
        if names is not None or fields is not None:
            raise ModelPackError("holds an array of records, where plain numbers were expected.")
        self._order = str(order)

    @property
    def is_object(self) -> bool:
        return self.code in _OBJECT_CODES

    def numpy_type(self) -> np.dtype[Any]:
        """The plain type of numbers; ModelPackError for any other kind."""
        if self.code not in NUMBER_CODES or self._order not in ("<", ">", "|"):
            raise ModelPackError(f"holds an array of type '{self.code[:40]}', where plain numbers were expected.")
        return np.dtype(self._order + self.code)


class StoredArray:
    """Stands for `numpy.ndarray`: what the file says of an array, not yet made."""

    def __init__(self) -> None:
        self._shape: tuple[int, ...] = (0,)
        self._type = StoredType("b1")
        self._is_fortran = False
        self._content: Any = b""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _version, shape, kind, is_fortran, content = state
        if not isinstance(kind, StoredType):
            raise ModelPackError("holds an array without a type.")
        self._shape, self._type = _checked_shape(shape), kind
        self._is_fortran, self._content = bool(is_fortran), content

    def array(self) -> np.ndarray[Any, Any]:
        """The array; ModelPackError when its bytes do not fill its shape."""
        kind = self._type.numpy_type()
        content = as_bytes(self._content)
        if math.prod(self._shape) * kind.itemsize != len(content):
            raise ModelPackError(f"holds an array of shape {self._shape} with {len(content)} bytes, which do not fit.")
        return np.frombuffer(content, kind).reshape(self._shape, order="F" if self._is_fortran else "C")

    def single_object(self) -> object:
        """The one object of a 0-dimensional array of objects; ModelPackError when it is something else."""
        if self._shape != () or not self._type.is_object or not isinstance(self._content, list) or not self._content:
            raise ModelPackError("was expected to hold one dictionary, but it holds something else.")
        return self._content[0]


class StoredFields:
    """Stands for a chumpy or scipy object: its fields by name, and nothing that they would do."""

    def __init__(self) -> None:
        self.fields: Mapping[str, Any] = {}

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, dict):
            raise ModelPackError("holds an object whose fields cannot be read.")
        self.fields = state


class StoredExpression(StoredFields):
    """Stands for `chumpy.ch.Ch`: a value in the field `x`."""


class StoredSelection(StoredFields):
    """Stands for `chumpy.reordering.Select`: `a.ravel()[idxs].reshape(preferred_shape)`."""


class StoredColumns(StoredFields):
    """Stands for `scipy.sparse.csc_matrix`."""


def _checked_shape(shape: object) -> tuple[int, ...]:
    if (
        not isinstance(shape, tuple)
        or len(shape) > MAX_DIMENSIONS
        or not all(isinstance(n, int) and n >= 0 for n in shape)
    ):
        raise ModelPackError("holds an array whose shape cannot be.")
    return shape


def as_bytes(content: object) -> bytes:
    """Bytes as Python 3 wrote them, or as Python 2 did (then they were read as Latin-1 text)."""
    if isinstance(content, str):
        return content.encode("latin1")
    if isinstance(content, bytes):
        return content
    raise ModelPackError("holds an array without bytes.")


def _empty_array(kind: object, shape: object, _code: object) -> StoredArray:
    if kind is not StoredArray or shape != (0,):
        raise ModelPackError("asks for an array of its own size, which no honest file does.")
    return StoredArray()


def _scalar(kind: object, content: object) -> float:
    if not isinstance(kind, StoredType):
        raise ModelPackError("holds a number without a type.")
    return float(np.frombuffer(as_bytes(content), kind.numpy_type(), count=1)[0])


def _encode(text: object, encoding: object) -> bytes:
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise ModelPackError("holds text in an encoding that no honest file uses.")
    return text.encode("latin1")


def _reconstructor(kind: object, _base: object, _state: object) -> object:
    if kind not in (StoredExpression, StoredSelection, StoredColumns):
        raise ModelPackError("holds an object of a kind that no honest file holds.")
    return kind()


def _no_object(*_arguments: object) -> None:
    raise ModelPackError("makes a bare object, which no honest file does.")


def _members(items: object = ()) -> object:
    return items  # chumpy keeps a set of names; nothing here asks for them


STAND_INS: StandIns = {
    ("numpy", "dtype"): StoredType,
    ("numpy", "ndarray"): StoredArray,
    ("_codecs", "encode"): _encode,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _empty_array for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _scalar for core in ("core", "_core")},
    **{(f"scipy.sparse.{file}", "csc_matrix"): StoredColumns for file in ("csc", "_csc")},
    ("chumpy.ch", "Ch"): StoredExpression,
    ("chumpy.reordering", "Select"): StoredSelection,
    **{(registry, "_reconstructor"): _reconstructor for registry in ("copy_reg", "copyreg")},
    **{(builtins, "object"): _no_object for builtins in ("__builtin__", "builtins")},
    **{(builtins, "set"): _members for builtins in ("__builtin__", "builtins")},
}
"""Measured: chumpy 0.70 with numpy and scipy names these (`set` included), in pickles of protocol 2 and 4."""


class _InertUnpickler(pickle.Unpickler):
    """Knows the listed names only. outside: called for what the file keeps outside of the pickle."""

    def __init__(self, stream: io.BytesIO, stand_ins: StandIns, outside: Callable[[Any], object] | None = None) -> None:
        super().__init__(stream, encoding="latin1")
        self._stand_ins, self._outside = stand_ins, outside

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._stand_ins:
            raise _foreign(module, name)
        return self._stand_ins[module, name]

    def persistent_load(self, number: object) -> object:
        if self._outside is None:
            raise ModelPackError("refers to things outside of itself, which no honest file does.")
        return self._outside(number)


def load_inert(data: bytes, stand_ins: StandIns) -> object:
    """What a pickle says, made of stand-ins.

    ModelPackError when it names anything else, has too many operations, or is damaged. MemoryError is let through.
    """
    _check_operations(data, stand_ins)
    return load_next(io.BytesIO(data), stand_ins)


def load_next(stream: io.BytesIO, stand_ins: StandIns, outside: Callable[[Any], object] | None = None) -> object:
    """The next pickle of a stream of several, likewise."""
    try:
        return _InertUnpickler(stream, stand_ins, outside).load()
    except (ModelPackError, MemoryError):
        raise
    except Exception as error:  # a damaged pickle raises nearly every kind there is
        raise _damaged(error) from None


def _damaged(error: Exception) -> ModelPackError:
    return ModelPackError(f"is damaged or cut short ({type(error).__name__}).")


def _foreign(module: str, name: str) -> ModelPackError:
    return ModelPackError(
        f"names '{module[:60]}.{name[:60]}', which no honest file of this kind does. Nothing was run."
    )


def _check_operations(data: bytes, stand_ins: StandIns) -> None:
    """Refuses the pickle before it is loaded: too long, a call by an unusual way, or a name that is not listed."""
    pushed: list[object] = [None, None]
    memo: dict[int, object] = {}
    try:
        for count, (operation, argument, _place) in enumerate(pickletools.genops(data)):
            name, value = operation.name, cast(Any, argument)
            if count > MAX_OPERATIONS or name in _CALLS_BY_OTHER_WAYS:
                raise ModelPackError("holds operations that no honest file of this kind holds. Nothing was run.")
            if name in _MEMO_PUT:
                memo[len(memo) if name == "MEMOIZE" else int(value)] = pushed[-1]
            elif name != "FRAME":
                if name in _NAMING:
                    _check_name(value.split(" ", 1) if name == "GLOBAL" else pushed, stand_ins)
                pushed = [pushed[-1], memo.get(int(value)) if name in _MEMO_GET else value]
    except (ValueError, KeyError, UnicodeDecodeError, OverflowError, EOFError, TypeError) as error:
        raise _damaged(error) from None


def _check_name(named: list[Any], stand_ins: StandIns) -> None:
    if len(named) != 2 or tuple(named) not in stand_ins:
        raise _foreign(str(named[0]), str(named[-1]))
