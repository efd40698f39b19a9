"""What is added to a head where its linear parts fall short: two shapes that meet, a joint that turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.blendshapes import INDEX
from core.errors import RigError
from core.head_model.skinning import JOINT_NAMES, ROOT
from core.structures import FloatArray, IntArray

PRODUCT, EXCESS = "product", "excess"
WEIGHTS: tuple[str, ...] = (PRODUCT, EXCESS)
POSE_FEATURES = 9 * (len(JOINT_NAMES) - 1)


@dataclass(frozen=True, slots=True, eq=False)
class PairCorrective:
    """A displacement that comes on with two shapes, beside their own.

    first, second: ARKit names. rows: (n,) int32, the vertices that move, rising. displacement: (n, 3) float32, metres
    at amount 1. weight: how the amount follows from both coefficients a and b: "product" a * b, which blends from
    either shape alone to both together; "excess" max(0, a - b), for a first shape that means something only under the
    second. RigError for anything else.
    """

    first: str
    second: str
    rows: IntArray
    displacement: FloatArray
    weight: str = PRODUCT

    def __post_init__(self) -> None:
        if self.first not in INDEX or self.second not in INDEX or self.first == self.second:
            raise RigError(f"A corrective needs two ARKit shapes, but it names '{self.first}' and '{self.second}'.")
        if self.weight not in WEIGHTS:
            raise RigError(f"A corrective's weight must be one of {', '.join(WEIGHTS)}, but it is '{self.weight}'.")
        _require_rows(self.rows, self.displacement, (len(self.rows), 3))

    def amount(self, coefficients: Sequence[float]) -> float:
        """How far it comes on, in [0, 1]. coefficients: 52 plain numbers; this runs for every pair of a frame."""
        a, b = coefficients[INDEX[self.first]], coefficients[INDEX[self.second]]
        return a * b if self.weight == PRODUCT else max(0.0, a - b)


@dataclass(frozen=True, slots=True, eq=False)
class PoseCorrectives:
    """FLAME's pose correctives (Li et al. 2017, eq. 3), without the zeros: displacements linear in R - I of the joints.

    columns: (k,) int32, which of the 36 numbers of `pose_features` count, rising. rows: (n,) int32, the vertices that
    move, rising. directions: (n, 3, k) float32, metres for each number, applied before skinning.
    """

    columns: IntArray
    rows: IntArray
    directions: FloatArray

    def __post_init__(self) -> None:
        columns = self.columns
        if columns.ndim != 1 or (np.diff(columns) <= 0).any() or not ((columns >= 0) & (columns < POSE_FEATURES)).all():
            raise RigError(f"Pose correctives' columns must rise within [0, {POSE_FEATURES}), but they do not.")
        _require_rows(self.rows, self.directions, (len(self.rows), 3, len(columns)))

    @classmethod
    def from_dense(cls, dense: FloatArray, least: float = 0.0) -> PoseCorrectives:
        """The same as a (V, 3, 36) array has it; vertices and columns that stay at or below `least` are left out."""
        moves = np.abs(dense) > least
        rows, columns = np.flatnonzero(moves.any(axis=(1, 2))), np.flatnonzero(moves.any(axis=(0, 1)))
        kept = dense[np.ix_(rows, np.arange(3), columns)]
        return cls(columns.astype(np.int32), rows.astype(np.int32), np.ascontiguousarray(kept, np.float32))

    def displacement(self, rotations: FloatArray) -> FloatArray:
        """(n, 3) of `rows`, metres. rotations: (5, 3, 3), each relative to its parent joint."""
        features = pose_features(rotations)[self.columns].astype(np.float32)
        moved: FloatArray = (self.directions.reshape(-1, len(features)) @ features).reshape(-1, 3)
        return moved


def pose_features(rotations: FloatArray) -> FloatArray:
    """(36,) R - I of neck, jaw, left and right eye, row by row. rotations: (5, 3, 3)."""
    features: FloatArray = (rotations[ROOT + 1 :] - np.eye(3)).ravel()
    return features


def require_within(correctives: tuple[PairCorrective, ...], pose: PoseCorrectives | None, vertex_count: int) -> None:
    """RigError unless all rows point at one of the vertices."""
    for moved in (*correctives, *(() if pose is None else (pose,))):
        if len(moved.rows) and moved.rows[-1] >= vertex_count:
            raise RigError(f"A rig's correctives must point at its {vertex_count} vertices, but some point elsewhere.")


def _require_rows(rows: IntArray, values: FloatArray, shape: tuple[int, ...]) -> None:
    if rows.ndim != 1 or (np.diff(rows) <= 0).any() or (len(rows) and rows[0] < 0):
        raise RigError("A corrective's rows must be vertex numbers that rise, but they do not.")
    if values.shape != shape:
        raise RigError(f"A corrective's displacement must have shape {shape}, but it has {values.shape}.")
    if not np.isfinite(values).all():
        raise RigError("A corrective's displacement must be finite, but it holds NaN or infinity.")
