"""Reads glTF 2.0 accessors and embedded images of a file that nobody has vouched for.

All counts are added up before the first array is made, accessors without a buffer view included: a file of 400
bytes can ask for gigabytes otherwise.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt
from PIL import Image

from core.errors import RigError
from core.structures import ImageArray

MAX_ARRAY_BYTES = 256 * 2**20
MAX_ITEMS = 4096
MAX_IMAGE_PIXELS = 2 * 4096 * 4096  # of all images together
_COMPONENTS: dict[int, str] = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_ELEMENTS: dict[str, tuple[int, ...]] = {
    "SCALAR": (), "VEC2": (2,), "VEC3": (3,), "VEC4": (4,), "MAT2": (2, 2), "MAT3": (3, 3), "MAT4": (4, 4),
}  # fmt: skip
UNSIGNED = ("<u1", "<u2", "<u4")
FLOAT = ("<f4",)


class GltfDocument:
    """A parsed document with its BIN chunk. Every method raises RigError, one line, when the file is not sound."""

    def __init__(self, document: dict[str, Any], binary: bytes, name: str) -> None:
        self.document = document
        self.name = name
        self._binary = binary
        self._lists: dict[str, list[dict[str, Any]]] = {}
        self._image_pixels = 0
        if document.get("extensionsRequired"):
            raise self.error("it requires glTF extensions, which are not supported")
        buffers = self.items("buffers")
        if len(buffers) > 1 or any("uri" in buffer for buffer in buffers):
            raise self.error("it must hold all its data in its own BIN chunk, but it refers to other files")
        total = sum(self._accessor_bytes(accessor) for accessor in self.items("accessors"))
        if total > MAX_ARRAY_BYTES:
            raise self.error(f"its arrays may have {MAX_ARRAY_BYTES} bytes, but they would have {total}")

    def error(self, reason: str) -> RigError:
        """An error about this file."""
        return RigError(f"{self.name} is not a usable rig file: {reason}.")

    def items(self, collection: str) -> list[dict[str, Any]]:
        """A top-level list such as "meshes"; empty when absent."""
        if collection not in self._lists:
            found = self.list_of(self.document, collection, dict) if collection in self.document else []
            if len(found) > MAX_ITEMS:
                raise self.error(f"it may have {MAX_ITEMS} {collection}, but it has {len(found)}")
            self._lists[collection] = found
        return self._lists[collection]

    def item(self, collection: str, index: object) -> dict[str, Any]:
        """One entry of a top-level list."""
        found = self.items(collection)
        if not _is_count(index) or index >= len(found):
            raise self.error(f"it refers to number {index!r} of its {len(found)} {collection}")
        return found[index]

    def list_of(self, owner: dict[str, Any], key: str, kind: type) -> list[Any]:
        """`owner[key]` when it is a list whose members are all of `kind`."""
        found = owner.get(key)
        if not isinstance(found, list) or not all(type(member) is kind for member in found):
            raise self.error(f"'{key}' must be a list of {kind.__name__} values")
        return found

    def object_of(self, owner: dict[str, Any], key: str) -> dict[str, Any]:
        """`owner[key]` when it is an object; empty when absent."""
        found = owner.get(key, {})
        if not isinstance(found, dict):
            raise self.error(f"'{key}' must be an object")
        return found

    def accessor_count(self, index: object) -> int:
        """How many elements an accessor has; nothing is read yet."""
        count: int = self.item("accessors", index)["count"]
        return count

    def array(
        self, index: object, element: str, components: Sequence[str], count: int | None = None
    ) -> npt.NDArray[Any]:
        """(n, ...) copy of an accessor. element: the glTF type that it must have; components: the numpy types it
        may have; count: the n that it must have. Floats are finite."""
        accessor = self.item("accessors", index)
        dtype = _COMPONENTS[accessor["componentType"]]
        if accessor["type"] != element or dtype not in components or accessor.get("normalized", False) is not False:
            raise self.error(f"accessor {index} must be {element} of {' or '.join(components)}, not normalized")
        if count is not None and accessor["count"] != count:
            raise self.error(f"accessor {index} must have {count} elements, but it has {accessor['count']}")
        values = self._dense(accessor, dtype)
        if "sparse" in accessor:
            self._substitute(values, self.object_of(accessor, "sparse"), dtype)
        if dtype == "<f4" and not np.isfinite(values).all():
            raise self.error(f"accessor {index} must be finite, but it holds NaN or infinity")
        return values

    def image(self, index: object) -> ImageArray:
        """(H, W, 3) uint8 sRGB of an embedded PNG or JPEG image."""
        description = self.item("images", index)
        if "uri" in description:
            raise self.error("its images must be embedded, but one refers to another file")
        view = self.item("bufferViews", description.get("bufferView"))
        start, length = self._view_range(view)
        try:
            with Image.open(io.BytesIO(self._binary[start : start + length]), formats=("PNG", "JPEG")) as image:
                self._image_pixels += image.width * image.height
                if self._image_pixels <= MAX_IMAGE_PIXELS:
                    return np.array(image.convert("RGB"), np.uint8)
        except Exception:  # decoders of hostile bytes raise almost any type
            raise self.error(f"its image {index} cannot be decoded as PNG or JPEG") from None
        raise self.error(f"its images may have {MAX_IMAGE_PIXELS} pixels, but they have more")

    def _accessor_bytes(self, accessor: dict[str, Any]) -> int:
        component, element, count = accessor.get("componentType"), accessor.get("type"), accessor.get("count")
        if type(component) is not int or component not in _COMPONENTS:
            raise self.error(f"an accessor has the unknown componentType {component!r}")
        if not isinstance(element, str) or element not in _ELEMENTS:
            raise self.error(f"an accessor has the unknown type {element!r}")
        if not _is_count(count) or count < 1:
            raise self.error("an accessor's count must be a whole number of at least 1")
        size: int = np.dtype((_COMPONENTS[component], _ELEMENTS[element])).itemsize
        return size * count

    def _view_range(self, view: dict[str, Any]) -> tuple[int, int]:
        """Start and length of a view in the BIN chunk."""
        start, length = view.get("byteOffset", 0), view.get("byteLength")
        if not (_is_count(start) and _is_count(length)) or view.get("buffer") != 0:
            raise self.error("a buffer view must have whole numbers for its place in buffer 0")
        if start + length > len(self._binary):
            raise self.error("a buffer view reaches beyond the end of the file; it may be cut short")
        return start, length

    def _dense(self, accessor: dict[str, Any], dtype: str) -> npt.NDArray[Any]:
        shape = (accessor["count"], *_ELEMENTS[accessor["type"]])
        if "bufferView" not in accessor:
            return np.zeros(shape, dtype)
        return self._strided(accessor["bufferView"], accessor.get("byteOffset", 0), shape, dtype)

    def _strided(self, view_index: object, offset: object, shape: tuple[int, ...], dtype: str) -> npt.NDArray[Any]:
        view = self.item("bufferViews", view_index)
        start, length = self._view_range(view)
        size = np.dtype((dtype, shape[1:])).itemsize
        stride = view.get("byteStride", size)
        if not _is_count(offset) or not _is_count(stride) or not size <= stride <= max(size, 252):
            raise self.error("a buffer view's byteStride or an accessor's byteOffset is out of range")
        if offset + stride * (shape[0] - 1) + size > length:
            raise self.error("an accessor reaches beyond the end of its buffer view")
        within = np.empty(shape[1:], dtype).strides
        return np.ndarray(shape, dtype, self._binary, start + offset, (stride, *within)).copy()

    def _substitute(self, values: npt.NDArray[Any], sparse: dict[str, Any], dtype: str) -> None:
        count = sparse.get("count")
        if not _is_count(count) or not 1 <= count <= len(values):
            raise self.error("a sparse accessor's count is out of range")
        where, what = self.object_of(sparse, "indices"), self.object_of(sparse, "values")
        component = where.get("componentType")
        index_type = _COMPONENTS.get(component, "") if type(component) is int else ""
        if index_type not in UNSIGNED:
            raise self.error("a sparse accessor's indices must be unsigned whole numbers")
        indices = self._strided(where.get("bufferView"), where.get("byteOffset", 0), (count,), index_type)
        rows = indices.astype(np.int64)
        if rows[-1] >= len(values) or (np.diff(rows) <= 0).any():
            raise self.error("a sparse accessor's indices must rise and stay below its count")
        shape = (count, *values.shape[1:])
        values[rows] = self._strided(what.get("bufferView"), what.get("byteOffset", 0), shape, dtype)


def _is_count(value: object) -> TypeGuard[int]:
    # bool is an int in Python, but not in JSON.
    return type(value) is int and value >= 0
