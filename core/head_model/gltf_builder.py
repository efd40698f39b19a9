"""Collects buffer views, accessors and images of a glTF 2.0 document that is being written."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from core.head_model.glb import pack_glb
from core.structures import FloatArray, IntArray

VERTICES, INDICES = 34962, 34963  # bufferView.target
_COMPONENT_TYPES = {"uint8": 5121, "uint16": 5123, "uint32": 5125, "float32": 5126}
_ELEMENT_TYPES: dict[tuple[int, ...], str] = {(): "SCALAR", (2,): "VEC2", (3,): "VEC3", (4,): "VEC4", (4, 4): "MAT4"}


def smallest_index_type(vertex_count: int) -> type[np.unsignedinteger[Any]]:
    """uint16 or uint32. Never uint8: UniVRM (pull request 2186) could not read sparse indices of that type."""
    # 65535 itself is the primitive restart value and may not be an index.
    return np.uint16 if vertex_count <= 65535 else np.uint32


class GltfBuilder:
    """A growing glTF document with one buffer; each `add_...` returns the index of what it added."""

    def __init__(self, asset: dict[str, Any]) -> None:
        self.document: dict[str, Any] = {"asset": {"version": "2.0", **asset}}
        self._binary = bytearray()
        self._zero_views: dict[int, int] = {}

    def add(self, collection: str, item: dict[str, Any]) -> int:
        """Append to a top-level list such as "nodes"."""
        items = self.document.setdefault(collection, [])
        items.append(item)
        return len(items) - 1

    def add_view(self, data: bytes, target: int | None = None, stride: int | None = None) -> int:
        """A buffer view of its own, aligned to 4 bytes."""
        self._binary.extend(b"\0" * (-len(self._binary) % 4))
        view: dict[str, Any] = {"buffer": 0, "byteOffset": len(self._binary), "byteLength": len(data)}
        if target is not None:
            view["target"] = target
        if stride is not None:
            view["byteStride"] = stride
        self._binary.extend(data)
        return self.add("bufferViews", view)

    def add_accessor(self, values: npt.NDArray[Any], target: int | None = None, *, bounds: bool = False) -> int:
        """A dense accessor. values: (n, ...) of uint8, uint16, uint32 or float32; bounds: write min and max."""
        accessor = self._describe(values)
        accessor["bufferView"] = self.add_view(np.ascontiguousarray(values).tobytes(), target)
        if bounds:
            _add_bounds(accessor, values)
        return self.add("accessors", accessor)

    def add_sparse_accessor(self, values: FloatArray) -> int:
        """A sparse accessor of (n, 3) float32 displacements: only the rows that are not zero, at least one.

        The rows that are left out refer to a shared view of zeros. The specification lets that view be absent,
        but glTFast (issue 24) and UnityGLTF (pull request 900) fail then; and an empty list is legal but poorly
        supported (Blender's exporter avoids it).
        """
        rows = np.flatnonzero(values.any(axis=1))
        rows = rows if len(rows) else np.zeros(1, np.intp)
        indices = rows.astype(smallest_index_type(len(values)))
        accessor = self._describe(values)
        accessor["bufferView"] = self._zero_view(len(values))
        accessor["sparse"] = {
            "count": len(rows),
            "indices": {
                "bufferView": self.add_view(indices.tobytes()),
                "componentType": _COMPONENT_TYPES[indices.dtype.name],
            },
            "values": {"bufferView": self.add_view(np.ascontiguousarray(values[rows]).tobytes())},
        }
        _add_bounds(accessor, values)
        return self.add("accessors", accessor)

    def add_indices(self, faces: IntArray, vertex_count: int) -> int:
        """A triangle list. faces: (F, 3) numbers of the mesh's own vertices."""
        return self.add_accessor(faces.ravel().astype(smallest_index_type(vertex_count)), INDICES)

    def to_glb(self) -> bytes:
        """The whole file."""
        return pack_glb({**self.document, "buffers": [{"byteLength": len(self._binary)}]}, bytes(self._binary))

    def _zero_view(self, count: int) -> int:
        if count not in self._zero_views:
            # byteStride is required as soon as several accessors share a view of vertex attributes.
            self._zero_views[count] = self.add_view(bytes(12 * count), VERTICES, 12)
        return self._zero_views[count]

    def _describe(self, values: npt.NDArray[Any]) -> dict[str, Any]:
        return {
            "componentType": _COMPONENT_TYPES[values.dtype.name],
            "type": _ELEMENT_TYPES[values.shape[1:]],
            "count": len(values),
        }


def _add_bounds(accessor: dict[str, Any], values: npt.NDArray[Any]) -> None:
    accessor["min"] = values.min(axis=0).tolist()
    accessor["max"] = values.max(axis=0).tolist()
