"""One form out of all pictures of a person: outliers fade, expressions are out, what the halves disagree on is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import RigError
from core.geometry.similarity import fit_similarity
from core.head_model.identity import INNER_LIP_PAIRS, SEALED_GAP_M
from core.rigging.covering import covered_shares
from core.rigging.face_gaussian import FaceEstimate, FaceGaussian, load_face_gaussian
from core.rigging.observation import Observation
from core.structures import LANDMARK_COUNT, FloatArray

STRANGE, FADING = 1.6, 8
"""From how many usual surprises on a picture counts half, and how steeply. Drawn people's own pictures lie within 1.5
of them, those of others beyond 1.7."""
COVERED, HIDING = 0.065, 8
"""Share of the skin that something covers at which a picture counts half, and how steeply it fades."""
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
    nearness = lens_nearness(observations, trust, estimate.size)
    if nearness is not None:
        estimate = _estimate(observations, trust, gaussian, nearness)
    landmarks = np.zeros((LANDMARK_COUNT, 3))
    landmarks[: len(estimate.landmarks)] = estimate.landmarks
    return FaceShape(with_closed_lips(landmarks), estimate, trust, _disagreement(observations, trust, gaussian))


def picture_trust(observations: Sequence[Observation], gaussian: FaceGaussian) -> FloatArray:
    """(n,) in (0, 1]: sharpness and restfulness, what covers the face, and how well a picture goes with the others: it
    fades with its median surprise by them, see `FaceGaussian.mutual_surprise`, in parts of the usual one."""
    quality = np.array([seen.restfulness * (0.2 + seen.sharpness) for seen in observations])
    quality /= 1 + (covered_shares(observations) / COVERED) ** HIDING
    quality = np.maximum(quality / quality.max(), 1e-3)
    if len(observations) == 1:
        return np.ones(1)
    surprise = gaussian.mutual_surprise([seen.resting for seen in observations])
    np.fill_diagonal(surprise, np.nan)
    own = np.nanmedian(surprise, axis=1)
    trust = quality / (1 + (own / max(STRANGE * float(np.median(own)), 1e-9)) ** FADING)
    return np.asarray(trust / trust.max())


def lens_nearness(observations: Sequence[Observation], trust: FloatArray, size: float) -> float | None:
    """1 / metres of the camera to a face of this size, by the pictures that tell their lens; None where none does."""
    told = [
        (1 / (seen.focal_per_long_side * seen.metres_per_long_side(size)), weight)
        for seen, weight in zip(observations, trust, strict=True)
        if seen.focal_per_long_side is not None
    ]
    return float(np.average([n for n, _ in told], weights=[w for _, w in told])) if told else None


def _estimate(
    observations: Sequence[Observation], trust: FloatArray, gaussian: FaceGaussian, nearness: float | None = None
) -> FaceEstimate:
    kept = np.flatnonzero(trust >= LEAST_TRUST * trust.max())
    return gaussian.estimate([observations[k].resting for k in kept], trust[kept], nearness)


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
