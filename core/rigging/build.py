"""From photos to a rig: stage 1 of the house, thin and whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from core.blendshapes import ARKIT_NAMES
from core.errors import Cancelled, InputError, NoFaceError
from core.head_model.builtin import EYE_IRIS_SHARE, load_builtin_rig
from core.head_model.personalise import at_rest, personal_rest, with_personal_shapes
from core.head_model.rig import HeadRig
from core.media.images import Photo
from core.rigging.eye_colour import iris_colour, tint_eyes
from core.rigging.face_gaussian import DIRECTIONS_DEG, FaceEstimate
from core.rigging.face_shape import FaceShape, estimate_shape
from core.rigging.observation import Observation, observe
from core.rigging.person_mask import person_masks
from core.rigging.shading import moved_mm, refined_by_shading
from core.rigging.texture import make_texture, with_texture
from core.structures import ImageArray
from core.tracking import FaceLandmarker, FaceMeshLandmarker, TrackerSettings

Progress = Callable[[str, float], None]
Picture = ImageArray | Photo
DETECTION_CONFIDENCE = 0.4  # photos: a missed face costs more than a second look
TEXTURE_PICTURES = 8
LEAST_FOR_TEXTURE = 0.15  # of the best picture's trust


def build_rig(
    images: Sequence[Picture],
    name: str,
    *,
    base: HeadRig | None = None,
    landmarker: FaceLandmarker | None = None,
    progress: Progress | None = None,
    is_cancelled: Callable[[], bool] | None = None,
    refine: bool = True,
) -> HeadRig:
    """The person's rig from one or more pictures of one person: (H, W, 3) uint8, or photos with their lens.

    base: the head that is reshaped, the built-in one when left out; refine: by the skin's shading. Pictures without a
    usable face are passed over when others have one. NoFaceError: none has; its text says why.
    Cancelled: the caller stopped the work.
    """
    base = base or load_builtin_rig()
    report = progress or (lambda phase, share: None)
    stopped = is_cancelled or (lambda: False)
    observations = observe_all(images, landmarker=landmarker, progress=report, is_cancelled=stopped)
    report("Shaping the head", 0.5)
    shape = estimate_shape(observations)
    shown = texture_pictures(observations, shape)
    refinement: dict[str, object] = {}
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="rigging") as beside:  # what does not need the other
        persons = beside.submit(person_masks, shown)
        if refine:
            report("Refining by shading", 0.55)
            shape, refinement = _refined(base, shown, shape, stopped)
        _check(stopped)
        report("Painting the skin", 0.7)
        rest = personal_rest(base, shape.landmarks)
        moving = beside.submit(with_personal_shapes, base, rest, name)
        texture, coverage = make_texture(at_rest(base, rest), shown, persons.result(), shape.estimate.size)
        rig = moving.result()
    best = max(shown, key=lambda seen: seen.frontality)
    rig = tint_eyes(with_texture(rig, texture), iris_colour(best), EYE_IRIS_SHARE)
    report("Head built", 1.0)
    return replace(rig, details={**rig.details, **_details(base, observations, shape, coverage), **refinement})


def _refined(
    base: HeadRig, shown: Sequence[Observation], shape: FaceShape, stopped: Callable[[], bool]
) -> tuple[FaceShape, dict[str, object]]:
    """The refined form, and what the rig's details say of it."""
    found = refined_by_shading(base, shown, shape, lambda: _check(stopped))
    return found, {"shading_moved_mm": round(moved_mm(shape, found), 2)}


def _check(stopped: Callable[[], bool]) -> None:
    if stopped():
        raise Cancelled("Stopped. Nothing was kept.")


def observe_all(
    images: Sequence[Picture],
    *,
    landmarker: FaceLandmarker | None = None,
    progress: Progress | None = None,
    is_cancelled: Callable[[], bool] | None = None,
) -> list[Observation]:
    """What the pictures tell; those without a usable face are passed over. Errors as `build_rig`."""
    if not images:
        raise InputError("A rig needs at least one picture, but none was given.")
    if landmarker is None:
        settings = TrackerSettings(max_faces=2, detection_confidence=DETECTION_CONFIDENCE)
        with FaceMeshLandmarker(settings, still_images=True) as own:
            return observe_all(images, landmarker=own, progress=progress, is_cancelled=is_cancelled)
    found: list[Observation] = []
    reason: NoFaceError | None = None
    for number, image in enumerate(images):
        if is_cancelled is not None:
            _check(is_cancelled)
        if progress is not None:
            progress("Looking for the face", 0.5 * number / len(images))
        try:
            photo = image if isinstance(image, Photo) else Photo(image)
            seen = observe(photo.image, landmarker)
            found.append(replace(seen, focal_per_long_side=photo.focal_per_long_side))
        except NoFaceError as error:
            reason = error
    if not found:
        raise reason or NoFaceError("No face was found.")
    return found


def texture_pictures(observations: Sequence[Observation], shape: FaceShape) -> list[Observation]:
    """The pictures that the skin is painted from: the best of each direction, the frontal ones first; at most eight."""
    best: dict[int, list[int]] = {}
    for k in np.argsort(-shape.trust, kind="stable"):
        if shape.trust[k] >= LEAST_FOR_TEXTURE:
            best.setdefault(observations[k].resting.direction, []).append(int(k))
    chosen: list[int] = []
    for rank in range(2):
        for direction in range(len(DIRECTIONS_DEG)):
            chosen += best.get(direction, [])[rank : rank + 1]
    return [observations[k] for k in chosen[:TEXTURE_PICTURES]]


def _camera(seen: Observation, estimate: FaceEstimate) -> tuple[float, float]:
    """Distance in metres and focal length in parts of the longer side: the lens as its camera told it, and how far off
    a face of this size then was; else the distance that the face itself told."""
    metres_per_long_side = seen.metres_per_long_side(estimate.size)
    if seen.focal_per_long_side is not None:
        return seen.focal_per_long_side * metres_per_long_side, seen.focal_per_long_side
    return estimate.distance_m, estimate.distance_m / metres_per_long_side


def _details(
    base: HeadRig, observations: Sequence[Observation], shape: FaceShape, coverage: float
) -> dict[str, object]:
    """What the maker measured, plain JSON values."""
    estimate, best = shape.estimate, int(shape.trust.argmax())
    seen = observations[best]
    distance_m, focal = _camera(seen, estimate)
    yaws = np.degrees([o.aligned.turn[0] for o in observations])
    expression = seen.resting.blendshapes
    details: dict[str, object] = {
        "head": base.details.get("head", "builtin"),
        **{key: base.details[key] for key in ("unreachable", "made") if key in base.details},
        "pictures_used": int((shape.trust > LEAST_FOR_TEXTURE).sum()),
        "pictures_seen": len(observations),
        "yaw_deg": [round(float(yaws.min()), 1), round(float(yaws.max()), 1)],
        "face_seen": round(coverage, 3),
        "misfit_mm": round(1000 * float(np.average([o.resting.misfit for o in observations], weights=shape.trust)), 2),
        "expected_error_mm": round(1000 * estimate.deviation_m, 2),
        "size": round(estimate.size, 3),
        "size_deviation": round(estimate.size_deviation, 3),
        "camera_distance_m": round(distance_m, 2),
        "focal_per_long_side": round(focal, 2),
        "expression_removed": {n: round(float(v), 2) for n, v in zip(ARKIT_NAMES, expression, strict=True) if v > 0.1},
    }
    if shape.disagreement_m is not None:
        details["halves_differ_mm"] = round(1000 * shape.disagreement_m, 2)
    remarks = sorted({o.remark for o in observations} - {""})
    if remarks:
        details["remarks"] = remarks
    return details
