"""The built-in head: made by `python -m training.build_head`, shipped as one compressed array file."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from core.blendshapes import ARKIT_NAMES
from core.errors import RigError
from core.head_model.correctives import PairCorrective, PoseCorrectives
from core.head_model.eyes import EYE_RADIUS_M, IRIS_DIAMETER_M
from core.head_model.rig import HeadRig, Material, Part

BUILTIN_PATH = Path(__file__).parent / "data" / "builtin_head.npz"
_ARRAYS = (
    "vertices", "faces", "uv", "shapes", "joints", "skin_weights", "landmark_faces", "landmark_weights", "seam_groups",
)  # fmt: skip
EYE_TEXTURE_ANGLE = np.radians(115.0)  # polar angle of the eyeball at the rim of its texture
EYE_IRIS_SHARE = float(0.5 * np.arcsin(0.5 * IRIS_DIAMETER_M / EYE_RADIUS_M) / EYE_TEXTURE_ANGLE)
"""Radius of the iris as a share of the eye texture's width."""
SHAPE_STEP_M = 1e-6
"""Shapes are stored in whole micrometres: a quarter of the size of float32, and finer than any part's tolerance."""


def save_builtin(rig: HeadRig, path: Path) -> None:
    """Writes a rig as the array file that `load_builtin_rig` reads."""
    arrays: dict[str, np.ndarray[Any, np.dtype[Any]]] = {name: getattr(rig, name) for name in _ARRAYS}
    arrays["shapes"] = np.round(rig.shapes / SHAPE_STEP_M).astype(np.int32)
    parts = []
    for part in rig.parts:
        parts.append(
            {
                "name": part.name,
                "vertices": [part.vertices.start, part.vertices.stop],
                "faces": [part.faces.start, part.faces.stop],
                "color": list(part.material.color),
                "roughness": part.material.roughness,
            }
        )
        if part.material.texture is not None:
            arrays[f"texture_{part.name}"] = part.material.texture
    header = {"name": rig.name, "shapes": list(ARKIT_NAMES), "parts": parts, "details": dict(rig.details)}
    header["correctives"] = [
        {"shapes": [c.first, c.second], "weight": c.weight, "count": len(c.rows)} for c in rig.correctives
    ]
    if rig.correctives:
        arrays["corrective_rows"] = np.concatenate([c.rows for c in rig.correctives])
        moved = np.concatenate([c.displacement for c in rig.correctives])
        arrays["corrective_displacements"] = np.round(moved / SHAPE_STEP_M).astype(np.int32)
    if rig.pose_correctives is not None:
        arrays["pose_columns"], arrays["pose_rows"] = rig.pose_correctives.columns, rig.pose_correctives.rows
        arrays["pose_directions"] = np.round(rig.pose_correctives.directions / SHAPE_STEP_M).astype(np.int32)
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)


@cache
def load_builtin_rig() -> HeadRig:
    """The mannequin; shared and immutable."""
    with np.load(BUILTIN_PATH, allow_pickle=False) as stored:
        arrays = dict(stored)
    header = json.loads(arrays["header"].tobytes())
    if tuple(header["shapes"]) != ARKIT_NAMES:
        raise RigError(
            "The built-in head's shapes are not the 52 of this version. Run `python -m training.build_head`."
        )
    parts = tuple(
        Part(
            entry["name"],
            slice(*entry["vertices"]),
            slice(*entry["faces"]),
            Material(tuple(entry["color"]), arrays.get(f"texture_{entry['name']}"), entry["roughness"]),
        )
        for entry in header["parts"]
    )
    fields = {name: arrays[name] for name in _ARRAYS}
    fields["shapes"] = _metres(fields["shapes"])
    for array in fields.values():
        array.flags.writeable = False
    return HeadRig(
        name=header["name"],
        parts=parts,
        details=header["details"],
        correctives=_stored_correctives(arrays, header.get("correctives", [])),
        pose_correctives=_stored_pose_correctives(arrays),
        **fields,
    )


def _metres(steps: np.ndarray[Any, np.dtype[Any]]) -> np.ndarray[Any, np.dtype[Any]]:
    values: np.ndarray[Any, np.dtype[Any]] = steps.astype(np.float32) * np.float32(SHAPE_STEP_M)
    values.flags.writeable = False
    return values


def _stored_correctives(arrays: dict[str, Any], entries: list[dict[str, Any]]) -> tuple[PairCorrective, ...]:
    made, start = [], 0
    for entry in entries:
        own = slice(start, start + entry["count"])
        start = own.stop
        rows, moved = arrays["corrective_rows"][own], _metres(arrays["corrective_displacements"][own])
        first, second = entry["shapes"]
        made.append(PairCorrective(first, second, rows, moved, entry["weight"]))
    return tuple(made)


def _stored_pose_correctives(arrays: dict[str, Any]) -> PoseCorrectives | None:
    if "pose_rows" not in arrays:
        return None
    return PoseCorrectives(arrays["pose_columns"], arrays["pose_rows"], _metres(arrays["pose_directions"]))
