"""The neutral of a take that lies there whole: what is left of a face once what it does is taken away.

Alternates (expectation and maximisation in their plainest form): tell the coefficients from a neutral, take what such
coefficients move off the points, and the median of the rest is a better neutral. The movements are FaceMesh's own,
learned from drawn heads whose coefficients are known (`python -m training.expression`, docs/expression.md).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from core.blendshapes import ARKIT_NAMES, COUNT, INDEX
from core.errors import ModelPackError
from core.structures import LANDMARK_COUNT, FloatArray

MOVEMENTS_FILE = Path(__file__).parent / "data" / "landmark_movements.npz"
PASSES = 2  # a third changes correlations by less than 0.001
HELD_ABOVE, HELD_QUANTILE = 0.15, 0.25
"""A smile or an open mouth that is told above this in all but the least quarter of the frames may be held throughout;
of that the take tells nothing, and the start keeps its word."""
_MAY_BE_HELD = ([INDEX["mouthSmileLeft"], INDEX["mouthSmileRight"]], [INDEX["jawOpen"]])

Tell = Callable[[FloatArray], FloatArray]
"""The (n, 52) coefficients that this neutral (478, 3) makes of the frames."""


def neutral_of_take(points: FloatArray, start: FloatArray, tell: Tell) -> FloatArray:
    """(478, 3) metres, head frame: the face at rest, as the frames of one face say.

    points: (n, 478, 3) metres, head frame. start: (478, 3), the guess of the first second. tell: asked about the same
    frames `PASSES` times.
    """
    movements = landmark_movements()
    neutral = np.asarray(start, np.float64)
    held: list[int] | None = None
    for _ in range(PASSES):
        told = tell(neutral)
        if held is None:
            least = np.quantile(told, HELD_QUANTILE, axis=0)
            held = [k for sides in _MAY_BE_HELD if least[sides].max() > HELD_ABOVE for k in sides]
        left = points - np.tensordot(told, movements, 1)
        neutral = start + _without(np.median(left, axis=0) - start, movements[held])
    return neutral


def _without(correction: FloatArray, movements: FloatArray) -> FloatArray:
    """(478, 3) the correction less the non-negative part of these movements (k, 478, 3) in it."""
    if len(movements) == 0:
        return correction
    flat = movements.reshape(len(movements), -1)
    shares, *_ = np.linalg.lstsq(flat.T, correction.ravel(), rcond=None)
    return correction - np.tensordot(np.maximum(shares, 0.0), movements, 1)


def load_movements(path: Path) -> FloatArray:
    """(52, 478, 3) metres at coefficient 1. ModelPackError: absent, damaged, of another shape or for other names."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            names, movements = tuple(map(str, stored["names"])), stored["movements"].astype(np.float64)
    except (OSError, ValueError, KeyError) as error:
        raise ModelPackError(f"The landmark movements {path.name} cannot be read: {error}") from None
    if names != ARKIT_NAMES:
        raise ModelPackError(f"{path.name} must be made for the 52 ARKit names in their order. Learn it again.")
    if movements.shape != (COUNT, LANDMARK_COUNT, 3) or not np.isfinite(movements).all():
        raise ModelPackError(
            f"{path.name} must hold finite movements of shape {(COUNT, LANDMARK_COUNT, 3)}, but it does not."
        )
    return movements / 1000.0


@cache
def landmark_movements() -> FloatArray:
    """(52, 478, 3) metres at coefficient 1: how FaceMesh's points move, the ones that ship with this version."""
    return load_movements(MOVEMENTS_FILE)
