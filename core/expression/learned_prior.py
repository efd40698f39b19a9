"""What FaceMesh's points usually mean: a linear map from landmark displacements to coefficients, learned from heads
that this project draws itself (`python -m training.learn_expression_prior`, card in docs/expression.md)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from core.blendshapes import ARKIT_NAMES, COUNT
from core.errors import ModelPackError
from core.structures import FloatArray

PRIOR_FILE = Path(__file__).parent / "data" / "expression_prior.npz"
FACE_POINTS = 468


class ExpressionPrior:
    """matrix: (1404, 52), coefficients per millimetre of displacement of the 468 face points; names: its columns.

    ModelPackError when the shape or the names are others.
    """

    def __init__(self, matrix: FloatArray, names: tuple[str, ...]) -> None:
        if names != ARKIT_NAMES:
            raise ModelPackError("The expression prior must answer the 52 ARKit names in their order. Learn it again.")
        if matrix.shape != (3 * FACE_POINTS, COUNT):
            raise ModelPackError(
                f"The expression prior must have shape {(3 * FACE_POINTS, COUNT)}, but it has {matrix.shape}."
            )
        self._matrix = np.ascontiguousarray(matrix, np.float64)

    def expected(self, displacement: FloatArray) -> FloatArray:
        """(52,) coefficients in [0, 1] for (478, 3) displacements from the person's neutral, metres, head frame."""
        return np.clip(1000.0 * displacement[:FACE_POINTS].reshape(-1) @ self._matrix, 0.0, 1.0)


@cache
def learned_prior() -> ExpressionPrior:
    """The prior that ships with this version."""
    with np.load(PRIOR_FILE, allow_pickle=False) as stored:
        return ExpressionPrior(stored["matrix"].astype(np.float64), tuple(map(str, stored["names"])))
