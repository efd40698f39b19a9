"""Arrays as base64 text in a glTF document's extras, where glTF has no place for them."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import numpy as np
import numpy.typing as npt

from core.blendshapes import INDEX
from core.head_model.correctives import POSE_FEATURES, WEIGHTS, PairCorrective, PoseCorrectives
from core.head_model.gltf_document import GltfDocument
from core.structures import FloatArray, IntArray

MAX_CORRECTIVES = 512


def encoded(values: FloatArray | IntArray, dtype: str) -> str:
    """The values' bytes as base64."""
    return base64.b64encode(np.ascontiguousarray(values, dtype).tobytes()).decode("ascii")


def decoded(
    gltf: GltfDocument, owner: dict[str, Any], key: str, dtype: str, shape: tuple[int, ...]
) -> npt.NDArray[Any]:
    """The array of this shape, of a type of 4 bytes, under `owner[key]`. RigError when it is not there."""
    text = owner.get(key)
    try:
        data = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (ValueError, binascii.Error):
        data = b""
    if len(data) != int(np.prod(shape)) * 4:
        raise gltf.error(f"'{key}' must hold {shape} values in base64, but it does not")
    return np.frombuffer(data, dtype).reshape(shape).copy()


def encoded_correctives(correctives: tuple[PairCorrective, ...], pose: PoseCorrectives | None) -> dict[str, Any]:
    """Entries of the extras; empty for a rig without any."""
    entries: dict[str, Any] = {}
    if correctives:
        entries["correctives"] = [
            {
                "shapes": [c.first, c.second],
                "weight": c.weight,
                "count": len(c.rows),
                "rows": encoded(c.rows, "<i4"),
                "displacement": encoded(c.displacement, "<f4"),
            }
            for c in correctives
        ]
    if pose is not None:
        entries["poseCorrectives"] = {
            "columns": pose.columns.tolist(),
            "count": len(pose.rows),
            "rows": encoded(pose.rows, "<i4"),
            "directions": encoded(pose.directions, "<f4"),
        }
    return entries


def decoded_correctives(gltf: GltfDocument, extras: dict[str, Any], vertex_count: int) -> tuple[PairCorrective, ...]:
    """The pair correctives in the extras, none when the file has none. RigError when they are not sound."""
    if "correctives" not in extras:
        return ()
    entries = gltf.list_of(extras, "correctives", dict)
    if len(entries) > MAX_CORRECTIVES:
        raise gltf.error(f"it may have {MAX_CORRECTIVES} correctives, but it has {len(entries)}")
    made = []
    for entry in entries:
        names = gltf.list_of(entry, "shapes", str)
        if len(names) != 2 or not set(names) <= set(INDEX) or len(set(names)) < 2:
            raise gltf.error("a corrective must name two ARKit shapes")
        weight = entry.get("weight")
        if not isinstance(weight, str) or weight not in WEIGHTS:
            raise gltf.error(f"a corrective's weight must be one of {', '.join(WEIGHTS)}")
        rows = _rows(gltf, entry, vertex_count)
        displacement = _finite(gltf, entry, "displacement", (len(rows), 3))
        made.append(PairCorrective(names[0], names[1], rows, displacement, weight))
    return tuple(made)


def decoded_pose_correctives(gltf: GltfDocument, extras: dict[str, Any], vertex_count: int) -> PoseCorrectives | None:
    """The pose correctives in the extras, None when the file has none. RigError when they are not sound."""
    if "poseCorrectives" not in extras:
        return None
    entry = gltf.object_of(extras, "poseCorrectives")
    numbers = gltf.list_of(entry, "columns", int)
    if numbers != sorted(set(numbers) & set(range(POSE_FEATURES))):
        raise gltf.error(f"the columns of its pose correctives must rise within [0, {POSE_FEATURES})")
    columns = np.array(numbers, np.int32)
    rows = _rows(gltf, entry, vertex_count)
    directions = _finite(gltf, entry, "directions", (len(rows), 3, len(columns)))
    columns.flags.writeable = False
    return PoseCorrectives(columns, rows, directions)


def _rows(gltf: GltfDocument, entry: dict[str, Any], vertex_count: int) -> IntArray:
    count = entry.get("count")
    if type(count) is not int or not 0 <= count <= vertex_count:
        raise gltf.error("a corrective's count must be a whole number up to the number of vertices")
    rows: IntArray = decoded(gltf, entry, "rows", "<i4", (count,))
    if (np.diff(rows) <= 0).any() or (count and (rows[0] < 0 or rows[-1] >= vertex_count)):
        raise gltf.error("a corrective's rows must be vertex numbers that rise")
    rows.flags.writeable = False
    return rows


def _finite(gltf: GltfDocument, entry: dict[str, Any], key: str, shape: tuple[int, ...]) -> FloatArray:
    values: FloatArray = decoded(gltf, entry, key, "<f4", shape)
    if not np.isfinite(values).all():
        raise gltf.error(f"a corrective's {key} must be finite, but they hold NaN or infinity")
    values.flags.writeable = False
    return values
