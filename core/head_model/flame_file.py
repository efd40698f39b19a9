"""A FLAME model as its file has it (Li et al. 2017, "Learning a model of facial shape and expression")."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import ModelPackError
from core.head_model.flame_child import ADVICE, ChildLimits, read_in_child
from core.head_model.skinning import JOINT_NAMES, JOINT_PARENTS
from core.structures import FloatArray, IntArray

VERTEX_COUNT, FACE_COUNT = 5023, 9976
SHAPE_COUNT, EXPRESSION_COUNT = 300, 100
POSE_FEATURES = 9 * (len(JOINT_NAMES) - 1)
MAX_HEAD_M = 1.0  # a head in millimetres or centimetres is refused


@dataclass(frozen=True, slots=True, eq=False)
class FlameFile:
    """The published arrays, float64 and int64; metres, +Y up, +Z out of the face, +X to the subject's left.

    template: (5023, 3). faces: (9976, 3). shape_basis: (5023, 3, 300). expression_basis: (5023, 3, 100).
    pose_correctives: (5023, 3, 36), for the nine cells of (R - I) of neck, jaw, left and right eye, row by row.
    joint_regressor: (5, 5023). skin_weights: (5023, 5). Joints and their parents are those of `skinning`.
    """

    template: FloatArray
    faces: IntArray
    shape_basis: FloatArray
    expression_basis: FloatArray
    pose_correctives: FloatArray
    joint_regressor: FloatArray
    skin_weights: FloatArray

    def joints(self, shaped: FloatArray | None = None) -> FloatArray:
        """(5, 3) rest places of the joints in a shaped head (5023, 3), the template when left out."""
        return self.joint_regressor @ (self.template if shaped is None else shaped)


def read_flame_file(path: Path, limits: ChildLimits | None = None) -> FlameFile:
    """The model of an official pickle (FLAME 2020, 2023 or 2023 Open), read without running anything of it.

    ModelPackError in one line: absent, damaged, hostile, or not FLAME's 5023 vertices with 300 + 100 directions.
    """
    arrays = read_in_child(path, "model", limits)
    try:
        return _checked(arrays)
    except ModelPackError as error:
        raise ModelPackError(f"{path.name} {error} {ADVICE}") from None


def _checked(arrays: dict[str, np.ndarray[Any, Any]]) -> FlameFile:
    joint_count = len(JOINT_NAMES)
    template = numbers(arrays, "v_template", (VERTEX_COUNT, 3))
    directions = numbers(arrays, "shapedirs", (VERTEX_COUNT, 3, SHAPE_COUNT + EXPRESSION_COUNT))
    weights = numbers(arrays, "weights", (VERTEX_COUNT, joint_count))
    regressor = numbers(arrays, "J_regressor", (joint_count, VERTEX_COUNT))
    if np.abs(template).max() > MAX_HEAD_M or np.ptp(template, axis=0).max() < 0.1 * MAX_HEAD_M:
        raise ModelPackError("should hold a head in metres, but its size is not that of a head.")
    for key, sums in (("weights", weights.sum(axis=1)), ("J_regressor", regressor.sum(axis=1))):
        if np.abs(sums - 1.0).max() > 1e-3:
            raise ModelPackError(f"should have rows of {key} that sum to 1, but they do not.")
    _check_parents(arrays["kintree_table"])
    return FlameFile(
        template=template,
        faces=places(arrays, "f", (FACE_COUNT, 3), VERTEX_COUNT),
        shape_basis=directions[:, :, :SHAPE_COUNT],
        expression_basis=directions[:, :, SHAPE_COUNT:],
        pose_correctives=numbers(arrays, "posedirs", (VERTEX_COUNT, 3, POSE_FEATURES)),
        joint_regressor=regressor,
        skin_weights=weights,
    )


def _check_parents(table: np.ndarray[Any, Any]) -> None:
    """The root's own parent is stored as 2^32 - 1 or -1."""
    if table.shape != (2, len(JOINT_NAMES)) or tuple(table[0, 1:].tolist()) != JOINT_PARENTS[1:]:
        raise ModelPackError(
            f"should have the joints {', '.join(JOINT_NAMES)} with FLAME's parents, but it has others."
        )


def numbers(arrays: dict[str, np.ndarray[Any, Any]], key: str, shape: tuple[int, ...]) -> FloatArray:
    """The array `key` as float64; ModelPackError when its shape or kind differs or it is not finite."""
    value = arrays[key]
    if value.shape != shape or value.dtype.kind not in "fiu":
        raise ModelPackError(f"should have {key} of shape {shape}, but it is {value.dtype} of shape {value.shape}.")
    converted = value.astype(np.float64)
    if not np.isfinite(converted).all():
        raise ModelPackError(f"holds NaN or infinity in {key}.")
    return converted


def places(arrays: dict[str, np.ndarray[Any, Any]], key: str, shape: tuple[int, ...], bound: int) -> IntArray:
    """The array `key` as int64 indices below `bound`; ModelPackError when it is anything else."""
    value = numbers(arrays, key, shape)
    if (value != np.floor(value)).any() or value.min() < 0 or value.max() >= bound:
        raise ModelPackError(f"should have {key} with whole numbers below {bound}, but it has others.")
    return value.astype(np.int64)
