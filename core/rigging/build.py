"""From photos to a rig: stage 1 of the house, thin and whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from core.blendshapes import ARKIT_NAMES
from core.errors import Cancelled, InputError, NoFaceError
from core.head_model.builtin import EYE_IRIS_SHARE, load_builtin_rig
from core.head_model.personalise import personalise
from core.head_model.rig import HeadRig
from core.rigging.eye_colour import iris_colour, tint_eyes
from core.rigging.observation import Observation, observe
from core.rigging.texture import make_texture, with_texture
from core.structures import FloatArray, ImageArray
from core.tracking import FaceLandmarker, FaceMeshLandmarker, TrackerSettings

Progress = Callable[[str, float], None]
DETECTION_CONFIDENCE = 0.4  # photos: a missed face costs more than a second look


def build_rig(
    images: Sequence[ImageArray],
    name: str,
    *,
    base: HeadRig | None = None,
    landmarker: FaceLandmarker | None = None,
    progress: Progress | None = None,
    is_cancelled: Callable[[], bool] | None = None,
) -> HeadRig:
    """The person's rig from one or more pictures (H, W, 3) uint8 of one person.

    base: the head that is reshaped, the built-in one when left out. Pictures without a usable face are passed over
    when others have one. NoFaceError: none has; its text says why. Cancelled: the caller stopped the work.
    """
    if not images:
        raise InputError("A rig needs at least one picture, but none was given.")
    base = base or load_builtin_rig()
    report = progress or (lambda phase, share: None)
    stopped = is_cancelled or (lambda: False)
    if landmarker is None:
        settings = TrackerSettings(max_faces=2, detection_confidence=DETECTION_CONFIDENCE)
        with FaceMeshLandmarker(settings, still_images=True) as own:
            observations = _observe_all(images, own, base, report, stopped)
    else:
        observations = _observe_all(images, landmarker, base, report, stopped)
    report("Shaping the head", 0.5)
    rig = personalise(base, _common_neutral(observations), name)
    _check(stopped)
    report("Painting the skin", 0.7)
    texture, coverage = make_texture(rig, observations)
    best = max(observations, key=lambda seen: seen.frontality)
    rig = tint_eyes(with_texture(rig, texture), iris_colour(best), EYE_IRIS_SHARE)
    report("Head built", 1.0)
    return replace(rig, details=_details(base, observations, coverage))


def _check(stopped: Callable[[], bool]) -> None:
    if stopped():
        raise Cancelled("Stopped. Nothing was kept.")


def _observe_all(
    images: Sequence[ImageArray],
    landmarker: FaceLandmarker,
    base: HeadRig,
    report: Progress,
    stopped: Callable[[], bool],
) -> list[Observation]:
    found: list[Observation] = []
    reason: NoFaceError | None = None
    for number, image in enumerate(images):
        _check(stopped)
        report("Looking for the face", 0.5 * number / len(images))
        try:
            found.append(observe(image, landmarker, base))
        except NoFaceError as error:
            reason = error
    if not found:
        raise reason or NoFaceError("No face was found.")
    return found


def _common_neutral(observations: list[Observation]) -> FloatArray:
    """(478, 3) neutral points that all pictures agree on: their median, frontal pictures counting more."""
    neutrals = np.stack([seen.fit.neutral_landmarks for seen in observations]).astype(np.float64)
    weights = np.array([seen.frontality**4 for seen in observations])
    weights = np.maximum(weights / weights.max(), 1e-3)
    middle = np.median(neutrals[weights > 0.5], axis=0)
    distance = np.linalg.norm(neutrals - middle, axis=2).mean(axis=1)
    typical = max(float(np.median(distance)), 1e-4)
    weights = weights / (1 + (distance / (2 * typical)) ** 2)  # Cauchy weights: a picture that stands apart fades
    return np.einsum("i,ind->nd", weights / weights.sum(), neutrals)


def _details(base: HeadRig, observations: list[Observation], coverage: float) -> dict[str, object]:
    residual = [
        float(np.sqrt(((seen.fit.neutral_landmarks - observations[0].fit.neutral_landmarks) ** 2).sum(1)).mean())
        for seen in observations
    ]
    expression = observations[0].fit.blendshapes
    return {
        "head": base.details.get("head", "builtin"),
        "pictures_used": len(observations),
        "face_seen": round(coverage, 3),
        "spread_mm": round(1000 * float(np.mean(residual)), 2),
        "expression_removed": {n: round(float(v), 2) for n, v in zip(ARKIT_NAMES, expression, strict=True) if v > 0.1},
    }
