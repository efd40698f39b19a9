"""Least squares with bounds for a fixed Gram matrix, exact and fast enough for every frame."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.linalg import lapack

from core.errors import InputError
from core.structures import FloatArray

_AT_LOWER, _FREE, _AT_UPPER = -1, 0, 1
_PATIENCE = 3  # full exchanges without progress before one at a time; the value of Kim and Park 2011, section 3


class BoundedLeastSquares:
    """Minimises `1/2 x'Gx - b'x` with `lower <= x <= upper`.

    gram: (n, n) symmetric positive definite G (`A'A` plus a ridge); lower, upper: (n,) or one number, finite.

    Block principal pivoting with bounds (Judice and Pires 1994; Kim and Park 2011): guess which unknowns lie at a
    bound, solve the others, and swap all that contradict the guess. It ends at the exact minimum, usually after
    one or two solves, because it starts from the sides that the last call found.
    """

    def __init__(self, gram: FloatArray, lower: FloatArray | float = 0.0, upper: FloatArray | float = 1.0) -> None:
        self._gram = np.ascontiguousarray(gram, np.float64)
        if self._gram.ndim != 2 or self._gram.shape[0] != self._gram.shape[1]:
            raise InputError(f"A Gram matrix must be square, but its shape is {self._gram.shape}.")
        count = len(self._gram)
        self._lower = np.broadcast_to(np.asarray(lower, np.float64), (count,)).copy()
        self._upper = np.broadcast_to(np.asarray(upper, np.float64), (count,)).copy()
        if not (np.isfinite(self._lower).all() and np.isfinite(self._upper).all()):
            raise InputError("The bounds must be finite numbers, but some are NaN or infinite.")
        if (self._lower > self._upper).any():
            raise InputError("Every lower bound must be at most its upper bound, but some are above it.")
        self._tolerance = 1e-10 * max(1.0, float(np.abs(self._gram).max(initial=0.0)))
        self.reset()

    def reset(self) -> None:
        """Forget where the last solution lay; changes the speed of the next call, never its result."""
        self._side = np.where(self._lower < self._upper, _FREE, _AT_LOWER)

    def solve(self, target: FloatArray) -> FloatArray:
        """(n,) float64, the unique minimum for `target` (n,) = b.

        InputError when `target` has another shape or is not finite, or when the Gram matrix turns out singular.
        """
        b = np.asarray(target, np.float64)
        if b.shape != self._lower.shape or not np.isfinite(b).all():
            raise InputError(f"The target must hold {len(self._lower)} finite numbers, but its shape is {b.shape}.")
        fewest, patience = len(b) + 1, _PATIENCE
        while True:
            x, wanted = self._step(b)
            wrong = np.flatnonzero(wanted != self._side)
            if len(wrong) == 0:
                return np.clip(x, self._lower, self._upper)
            if len(wrong) < fewest:
                fewest, patience = len(wrong), _PATIENCE
            elif patience > 0:
                patience -= 1
            else:
                wrong = wrong[-1:]  # Murty's rule: always the last one; it cannot cycle
            self._side[wrong] = wanted[wrong]

    def _step(self, b: FloatArray) -> tuple[FloatArray, npt.NDArray[np.int_]]:
        """The solution for the present sides, and the side on which each unknown would rather be."""
        side = self._side
        x = np.where(side == _AT_UPPER, self._upper, self._lower)
        free = np.flatnonzero(side == _FREE)
        fixed = np.flatnonzero((side != _FREE) & (x != 0.0))
        if len(free):
            rest = b[free] - self._gram[np.ix_(free, fixed)] @ x[fixed]
            _, solution, failed = lapack.dposv(self._gram[np.ix_(free, free)], rest)
            if failed:
                raise InputError("The Gram matrix must be positive definite, but it is singular. Add a ridge to it.")
            x[free] = solution
        slope = self._gram @ x - b
        margin = self._tolerance
        wanted = side.copy()
        wanted[(side == _FREE) & (x < self._lower - margin)] = _AT_LOWER
        wanted[(side == _FREE) & (x > self._upper + margin)] = _AT_UPPER
        movable = self._lower < self._upper
        wanted[(side == _AT_LOWER) & (slope < -margin) & movable] = _FREE
        wanted[(side == _AT_UPPER) & (slope > margin) & movable] = _FREE
        return x, wanted
