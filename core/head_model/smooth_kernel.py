"""How smoothly and how symmetrically heads differ: the kernel of a Gaussian process of displacements.

A sum of Gaussians of several widths (Lüthi et al. 2017, "Gaussian Process Morphable Models", section 4), split into a
mirror-symmetric and an antisymmetric part: no face is its own mirror image, but nearly. Shared by `identity`, which
looks at face points, and `gpmm`, which looks at whole heads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.structures import FloatArray

MIRROR = np.array([-1.0, 1.0, 1.0])
LOPSIDED_SHARE = 0.05
"""Share of the variance that is antisymmetric."""


@dataclass(frozen=True, slots=True)
class Level:
    """One width. deviation_m: of a displacement; scale_m: over which two points become strangers; is_local: whether it
    fades where a head has no features (see `Region`)."""

    deviation_m: float
    scale_m: float
    is_local: bool = False


@dataclass(frozen=True, slots=True)
class Region:
    """Where features are: 1 inside an ellipsoid (x, y, z metres, head frame), `least` beyond `fade` of its radii."""

    centre: tuple[float, float, float] = (0.0, -0.035, -0.020)
    radii: tuple[float, float, float] = (0.095, 0.085, 0.080)
    fade: float = 1.7
    least: float = 0.15

    def strength(self, points: FloatArray) -> FloatArray:
        """(n,) in [least, 1] for points (n, 3)."""
        distance = np.sqrt((((points - self.centre) / self.radii) ** 2).sum(axis=1))
        t = np.clip((distance - 1.0) / (self.fade - 1.0), 0.0, 1.0)
        return np.asarray(1.0 - (1.0 - self.least) * t * t * (3 - 2 * t))


@dataclass(frozen=True, slots=True)
class SmoothKernel:
    """levels: summed; region: where the local ones count, everywhere when None."""

    levels: tuple[Level, ...]
    region: Region | None = None
    lopsided_share: float = LOPSIDED_SHARE

    def plain(self, a: FloatArray, b: FloatArray) -> FloatArray:
        """(n, m) covariance of one coordinate's displacement at (n, 3) and (m, 3) points, square metres."""
        squared = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
        np.maximum(squared, 0.0, out=squared)
        everywhere, local = np.zeros_like(squared), np.zeros_like(squared)
        for level in self.levels:
            total = local if level.is_local else everywhere
            total += level.deviation_m**2 * np.exp(squared / (-2 * level.scale_m**2))
        if self.region is None:
            return everywhere + local
        return everywhere + local * self.region.strength(a)[:, None] * self.region.strength(b)

    def even_and_odd(self, a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(n, m) covariances of fields that are equal, and that are opposite, at mirrored places; their sum is `plain`.

        Space is mirrored, not a list of points: both are positive definite for crooked faces too.
        """
        same, across = self.plain(a, b), self.plain(a, b * MIRROR)
        return 0.5 * (same + across), 0.5 * (same - across)

    def sideways_and_other(self, a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(n, m) covariances of displacements along x, and of those along y and z."""
        even, odd = self.even_and_odd(a, b)
        share = self.lopsided_share
        return (1 - share) * odd + share * even, (1 - share) * even + share * odd
