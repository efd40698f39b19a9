"""One form out of all pictures of a person: outliers fade, expressions are out, what the halves disagree on is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import RigError
from core.geometry.similarity import fit_similarity
from core.head_model.identity import INNER_LIP_PAIRS, SEALED_GAP_M
from core.rigging.face_gaussian import FaceEstimate, FaceGaussian, load_face_gaussian
from core.rigging.observation import Observation
from core.structures import LANDMARK_COUNT, FloatArray

TYPICAL_MISFIT_M = 0.0010  # root mean square over coordinates by which pictures of one resting face differ
LEAST_TRUST = 0.05
FEWEST_FOR_HALVES = 6


@dataclass(frozen=True, slots=True, eq=False)
class FaceShape:
    """landmarks: (478, 3) metres, head frame, the person at rest; estimate: where they come from; trust: (n,) of each
    picture, in [0, 1]; disagreement_m: typical distance of a point between two forms from halves of the pictures, None
    when they are too few."""

    landmarks: FloatArray
    estimate: FaceEstimate
    trust: FloatArray
    disagreement_m: float | None


def estimate_shape(observations: Sequence[Observation]) -> FaceShape:
    """The person's form. RigError when there are no pictures."""
    if not observations:
        raise RigError("A form needs at least one picture.")
    gaussian = load_face_gaussian()
    trust = picture_trust(observations, gaussian)
    estimate = _estimate(observations, trust, gaussian)
    landmarks = np.zeros((LANDMARK_COUNT, 3))
    landmarks[: len(estimate.landmarks)] = estimate.landmarks
    return FaceShape(with_closed_lips(landmarks), estimate, trust, _disagreement(observations, trust, gaussian))


def picture_trust(observations: Sequence[Observation], gaussian: FaceGaussian) -> FloatArray:
    """(n,) in (0, 1]: Cauchy weights of the pictures' distances from their median, times sharpness and restfulness."""
    residuals = np.stack(
        [seen.resting.points - gaussian.seen_mean[seen.resting.direction] for seen in observations]
    ).reshape(len(observations), -1)
    quality = np.array([seen.restfulness * (0.2 + seen.sharpness) for seen in observations])
    quality = np.maximum(quality / quality.max(), 1e-3)
    trust = quality
    for _ in range(4):
        middle = _weighted_median(residuals, trust)
        distance = np.sqrt(((residuals - middle) ** 2).mean(axis=1))
        scale = max(TYPICAL_MISFIT_M, float(np.median(distance)))
        trust = quality / (1 + (distance / scale) ** 2)
    return np.asarray(trust / trust.max())


def _weighted_median(rows: FloatArray, weights: FloatArray) -> FloatArray:
    """(d,) of rows (n, d): half of the weight lies on each side."""
    order = np.argsort(rows, axis=0)
    summed = np.cumsum(weights[order], axis=0)
    at = (summed >= 0.5 * weights.sum()).argmax(axis=0)
    return np.take_along_axis(rows, np.take_along_axis(order, at[None], 0), 0)[0]


def _estimate(observations: Sequence[Observation], trust: FloatArray, gaussian: FaceGaussian) -> FaceEstimate:
    kept = np.flatnonzero(trust >= LEAST_TRUST * trust.max())
    return gaussian.estimate([observations[k].resting for k in kept], trust[kept])


def _disagreement(observations: Sequence[Observation], trust: FloatArray, gaussian: FaceGaussian) -> float | None:
    if len(observations) < FEWEST_FOR_HALVES:
        return None
    halves = [_estimate(observations[first::2], trust[first::2], gaussian).landmarks for first in (0, 1)]
    laid = fit_similarity(halves[0], halves[1]).apply(halves[0])
    return float(np.median(np.linalg.norm(laid - halves[1], axis=1)))


def with_closed_lips(points: FloatArray) -> FloatArray:
    """(478, 3) points whose inner lips meet: nobody is asked to press them together for a photo, and a rig's rest
    position is a closed mouth. Each pair moves half the way."""
    closed = points.copy()
    for upper, lower in INNER_LIP_PAIRS:
        middle = 0.5 * (points[upper] + points[lower])
        half_gap = np.array([0.0, 0.5 * SEALED_GAP_M, 0.0])
        offset = 0.5 * (points[upper] - points[lower]) * (1.0, 0.0, 1.0)
        closed[upper], closed[lower] = middle + half_gap + offset, middle - half_gap - offset
    return closed
