"""The light of a photo, estimated from the skin it falls on, and taken out again.

Nine spherical harmonics a colour channel describe what any distant light does to a matt surface to within a few per
cent (Ramamoorthi & Hanrahan 2001). Skin of one tone makes them a linear least-squares problem; highlights, beards and
cast shadows stand apart from it and fade by their residuals. All of it in linear light: photos are taken as sRGB
(IEC 61966-2-1) and texture and rig stay sRGB.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.structures import FloatArray

STRENGTH = 0.85  # how much of the estimated shading is taken out: what is left keeps a wrong estimate believable
SHADING_RANGE = (0.35, 2.2)
ROUNDS = 5
LIT_PERCENTILE = 55  # the brighter part of a face is what even light would show
RIDGE = np.array([0.0, 0.01, 0.01, 0.01, 0.05, 0.05, 0.05, 0.05, 0.05])


def to_linear(colours: FloatArray) -> FloatArray:
    """sRGB in [0, 1] to linear light."""
    return np.asarray(
        np.where(colours <= 0.04045, colours / 12.92, ((np.maximum(colours, 0) + 0.055) / 1.055) ** 2.4), np.float32
    )


def to_srgb(linear: FloatArray) -> FloatArray:
    """Linear light to sRGB; values above 1 are clipped."""
    linear = np.clip(linear, 0.0, 1.0)
    return np.asarray(np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055), np.float32)


def harmonics(normals: FloatArray) -> FloatArray:
    """(n, 9) real spherical harmonics up to the second order of unit normals (n, 3), without their constants."""
    x, y, z = normals.T
    return np.stack([np.ones_like(x), x, y, z, x * y, x * z, y * z, x * x - y * y, 3 * z * z - 1], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class Lighting:
    """coefficients: (9, 3) of the light on skin of `tone` (3,), linear; normals are those of the picture's camera."""

    coefficients: FloatArray
    tone: FloatArray

    def shading(self, normals: FloatArray) -> FloatArray:
        """(n, 3) brightness by channel in parts of a typical place's."""
        raw = harmonics(normals) @ self.coefficients / self.tone
        return np.asarray(np.clip(raw, *SHADING_RANGE), np.float32)

    def removed(self, colours: FloatArray, normals: FloatArray) -> FloatArray:
        """(n, 3) sRGB colours as an even light would show them."""
        return to_srgb(to_linear(colours) / self.shading(normals) ** STRENGTH)

    def applied(self, colours: FloatArray, normals: FloatArray) -> FloatArray:
        """Undoes `removed`."""
        return to_srgb(to_linear(colours) * self.shading(normals) ** STRENGTH)


def estimate_lighting(colours: FloatArray, normals: FloatArray, weights: FloatArray) -> Lighting:
    """The light on skin. colours: (n, 3) sRGB in [0, 1]; normals: (n, 3) unit, camera frame; weights: (n,), 0 where it
    is not plain skin. Even light where hardly any skin is seen."""
    linear = to_linear(colours).astype(np.float64)
    if weights.sum() < 50:
        tone = np.median(linear, axis=0) if len(linear) else np.full(3, 0.3)
        return Lighting(np.vstack([tone, np.zeros((8, 3))]), np.maximum(tone, 1e-3))
    basis = harmonics(normals.astype(np.float64))
    brightness = linear.mean(axis=1)
    typical = max(float(np.median(brightness[weights > 0.3 * weights.max()])), 1e-3)
    trust = weights.astype(np.float64)
    for _ in range(ROUNDS):
        gram = basis.T @ (basis * trust[:, None]) / trust.sum() + np.diag(RIDGE)
        coefficients = np.linalg.solve(gram, basis.T @ (linear * trust[:, None]) / trust.sum())
        residual = (brightness - (basis @ coefficients).mean(axis=1)) / typical
        slack = np.where(residual > 0, 0.10, 0.18)  # highlights are sharper than shadows
        trust = weights / (1 + (residual / slack) ** 2)
    fitted = basis @ coefficients
    bright = fitted.mean(axis=1) > np.percentile(fitted.mean(axis=1)[weights > 0], LIT_PERCENTILE)
    tone = np.average(fitted[bright], axis=0, weights=trust[bright] + 1e-9)
    return Lighting(coefficients, np.maximum(tone, 1e-3))
