"""A person's neutral face out of one observed face that may smile, speak or blink.

Generative model of the observed points `p`: template + identity + expression + noise, where the identity is a
Gaussian process, smooth and mirror symmetric (Lüthi et al. 2017, Gaussian Process Morphable Models), and the
expression is a non-negative mix of the rig's shapes. Integrating the identity out leaves a bounded least-squares
problem in the 52 coefficients; what the shapes explain is taken away from the observed points, the rest is the person.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from core.blendshapes import ARKIT_NAMES, COUNT
from core.geometry.least_squares import BoundedLeastSquares
from core.head_model.rig import HeadRig
from core.head_model.smooth_kernel import Level, SmoothKernel
from core.structures import FloatArray, IntArray

FACE_POINTS = 468
POSED_SHAPES: dict[str, float] = {
    "eyeBlink": 0.15, "jawOpen": 0.3, "mouthSmile": 1.5, "mouthDimple": 0.2, "mouthStretch": 0.2,
    "mouthLowerDown": 0.6, "mouthUpperUp": 0.6, "cheekSquint": 0.5,
}  # fmt: skip
"""What people do in photos, by the beginning of the shape's name, and how strongly (standard deviation of the
coefficient). The others (funnel, roll, press, shrug ...) would be used in pairs that cancel and take the width of a
mouth for an expression; brows tell more of who somebody is than of what they feel."""
INNER_LIP_PAIRS = ((191, 95), (80, 88), (81, 178), (82, 87), (13, 14), (312, 317), (311, 402), (310, 318), (415, 324))
_DEVIATIONS = np.array([max((d for n, d in POSED_SHAPES.items() if a.startswith(n)), default=0.0) for a in ARKIT_NAMES])
_POSED = _DEVIATIONS > 0
SEALED_GAP_M = 0.00024  # between the lips of the built-in head


@dataclass(frozen=True, slots=True)
class IdentityPrior:
    """How faces vary, in metres. Two scales: the proportions of a face, and the form of its features."""

    broad_deviation_m: float = 0.008
    broad_scale_m: float = 0.060
    fine_deviation_m: float = 0.0025
    fine_scale_m: float = 0.018
    depth_factor: float = 1.5  # FaceMesh's depth is less sure than its picture plane
    noise_m: float = 0.0010

    @property
    def kernel(self) -> SmoothKernel:
        """Of the true displacements, without noise."""
        return SmoothKernel(
            (Level(self.broad_deviation_m, self.broad_scale_m), Level(self.fine_deviation_m, self.fine_scale_m))
        )


@dataclass(frozen=True, slots=True, eq=False)
class IdentityFit:
    """neutral_landmarks: (478, 3) metres, head frame, the person's points at rest; blendshapes: (52,) float32, the
    expression found in the observation."""

    neutral_landmarks: FloatArray
    blendshapes: FloatArray


def mirrored_landmarks(points: FloatArray) -> IntArray:
    """(n,) the point on the other side, for points (n, 3) that are mirror symmetric about x = 0."""
    distance = np.linalg.norm(points[:, None] * (-1, 1, 1) - points[None], axis=2)
    return distance.argmin(axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class _WhitenedShapes:
    """What depends on the rig alone. template: (468, 3); gram: (52, 52); per_axis: three (468, 52) whitened shapes."""

    template: FloatArray
    gram: FloatArray
    per_axis: tuple[FloatArray, ...]


@lru_cache(maxsize=4)
def _whitened_shapes(rig: HeadRig, prior: IdentityPrior) -> _WhitenedShapes:
    template = rig.landmarks()[:FACE_POINTS].astype(np.float64)
    shapes = rig.shape_landmarks()[:, :FACE_POINTS].astype(np.float64)
    shapes[~_POSED] = 0.0
    sideways, other = prior.kernel.sideways_and_other(template, template)
    noise = prior.noise_m**2 * np.eye(FACE_POINTS)
    gram = np.diag(1 / np.where(_POSED, _DEVIATIONS, 1.0) ** 2)
    per_axis = []
    for axis, covariance, factor in ((0, sideways, 1.0), (1, other, 1.0), (2, other, prior.depth_factor)):
        basis = shapes[:, :, axis].T
        whitened = cho_solve(cho_factor(factor**2 * (covariance + noise)), basis)
        gram += basis.T @ whitened
        per_axis.append(whitened)
    return _WhitenedShapes(template, gram, tuple(per_axis))


def fit_identity(points: FloatArray, rig: HeadRig, prior: IdentityPrior | None = None) -> IdentityFit:
    """The person's neutral points and the expression in which they were seen.

    points: (478, 3) metres, aligned with the rig's head frame. Lips that the expression leaves a little open are
    closed: nobody is asked to press them together for a photo, and a rig's rest position is a closed mouth.
    """
    known = _whitened_shapes(rig, prior or IdentityPrior())
    residual = points[:FACE_POINTS] - known.template
    target = sum((w.T @ residual[:, axis] for axis, w in enumerate(known.per_axis)), np.zeros(COUNT))
    coefficients = BoundedLeastSquares(known.gram, 0.0, 1.0).solve(target)
    coefficients[~_POSED] = 0.0
    neutral = points - np.einsum("s,snd->nd", coefficients, rig.shape_landmarks())
    return IdentityFit(_with_closed_lips(neutral).astype(np.float32), coefficients.astype(np.float32))


def _with_closed_lips(points: FloatArray) -> FloatArray:
    """(478, 3) points whose inner lips meet; each pair moves half the way."""
    closed = points.copy()
    for upper, lower in INNER_LIP_PAIRS:
        middle = 0.5 * (points[upper] + points[lower])
        half_gap = np.array([0.0, 0.5 * SEALED_GAP_M, 0.0])
        offset = 0.5 * (points[upper] - points[lower]) * (1.0, 0.0, 1.0)
        closed[upper], closed[lower] = middle + half_gap + offset, middle - half_gap - offset
    return closed
