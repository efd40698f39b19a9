"""Best similarity between two point sets (Umeyama 1991, eq. 34-42)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import InputError
from core.structures import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Similarity:
    """`y = scale * rotation @ x + translation`. rotation: (3, 3); translation: (3,)."""

    scale: float
    rotation: FloatArray
    translation: FloatArray

    def apply(self, points: FloatArray) -> FloatArray:
        """(n, 3) points moved."""
        return self.scale * points @ self.rotation.T + self.translation

    def inverse(self) -> Similarity:
        """The similarity that undoes this one."""
        rotation = self.rotation.T
        return Similarity(1.0 / self.scale, rotation, -(rotation @ self.translation) / self.scale)


def fit_similarity(source: FloatArray, target: FloatArray, weights: FloatArray | None = None) -> Similarity:
    """Similarity that takes `source` to `target` with the least weighted squared error.

    source, target: (n, 3), n >= 3 and not all on one line; weights: (n,), default 1.
    """
    source = np.asarray(source, np.float64)
    target = np.asarray(target, np.float64)
    if source.shape != target.shape or source.ndim != 2 or source.shape[1] != 3 or len(source) < 3:
        raise InputError(
            f"A similarity needs two (n, 3) point sets with n >= 3, but got {source.shape} and {target.shape}."
        )
    w = np.ones(len(source)) if weights is None else np.asarray(weights, np.float64)
    w = w / w.sum()
    source_mean, target_mean = w @ source, w @ target
    a, b = source - source_mean, target - target_mean
    u, d, vt = np.linalg.svd(b.T @ (a * w[:, None]))
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = u @ (sign[:, None] * vt)
    variance = float(w @ (a**2).sum(1))
    if variance < 1e-18:
        raise InputError("A similarity needs points that differ, but all source points are the same.")
    scale = float((d * sign).sum() / variance)
    return Similarity(scale, rotation, target_mean - scale * rotation @ source_mean)
