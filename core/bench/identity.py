"""How true a rig's form is: drawn people whose form is known become rigs, from one photo and from a video.

Protocol as in `face_distance`. With the ICT-FaceKit pack the people are `ict_person(seed)`; without it they are
relatives of the built-in head, whose variety is another: numbers of both kinds do not compare.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path

import numpy as np

from core.assets.registry import models_folder
from core.bench.face_distance import laid_on, rig_distances_mm
from core.bench.likeness import photo_likeness
from core.bench.report import BenchResult, Reading
from core.bench.studio import OPEN_MOUTH, SMILE, Shot, Studio, neutral_shot, random_lights
from core.bench.truth_heads import closest_scale, face_region, ict_modes, ict_path, ict_person, relative, with_skin
from core.blendshapes import COUNT, INDEX
from core.head_model.builtin import load_builtin_rig
from core.head_model.identity import FACE_POINTS
from core.head_model.personalise import personalise
from core.head_model.rig import HeadRig
from core.media.images import load_image
from core.rig_maker import VIDEO_PICTURES, make_rig
from core.rigging.build import build_rig, observe_all, texture_pictures
from core.rigging.face_shape import FaceShape, estimate_shape
from core.rigging.observation import Observation
from core.rigging.shading import refined_by_shading
from core.structures import FloatArray, ImageArray
from core.tracking import FaceMeshLandmarker

PEOPLE = 12
FIRST_SEED = 500
FILM_TURN_DEG = 35.0
WEBCAM_DISTANCE_M = 0.58
SOURCES = ("photo", "smile", "open mouth", "video")
SECOND_FILM = "second video"
POINTS_ALONE = ", face points alone"
BOUNDS = {("built-in", "photo"): 1.1, ("built-in", "video"): 0.8, ("ict", "photo"): 0.9, ("ict", "video"): 0.65}


@dataclass
class Measured:
    """What was found of all people. errors: by head and source, mm; halves: forms from either half of the video, and
    films: from it and from another one in other light, by person."""

    errors: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    sizes: dict[str, list[float]] = field(default_factory=dict)
    halves: list[tuple[FloatArray, FloatArray]] = field(default_factory=list)
    films: list[tuple[FloatArray, FloatArray]] = field(default_factory=list)

    def note(self, head: str, source: str, error_mm: float) -> None:
        self.errors.setdefault((head, source), []).append(error_mm)


def person(number: int, models: Path) -> HeadRig:
    """The person of this number, dressed in a skin of their own."""
    path, seed = ict_path(models), FIRST_SEED + number
    return with_skin(relative(seed) if path is None else ict_person(ict_modes(path), seed), seed)


def portraits(rig: HeadRig, number: int, studio: Studio) -> dict[str, list[ImageArray]]:
    """The pictures of each source; camera and turns differ a little from person to person."""
    rng = np.random.default_rng([FIRST_SEED, number])
    studio.seat(rig, random_lights(rng))
    camera = studio.camera(WEBCAM_DISTANCE_M)

    def photo(blendshapes: FloatArray) -> list[ImageArray]:
        yaw, pitch, roll = (float(angle) for angle in rng.normal(0, (4, 3, 3)))
        shot = neutral_shot(yaw, pitch, roll, WEBCAM_DISTANCE_M)
        return [studio.take(replace(shot, blendshapes=blendshapes), camera, rng)]

    taken = {
        "photo": photo(np.zeros(COUNT, np.float32)), "smile": photo(SMILE), "open mouth": photo(OPEN_MOUTH),
    }  # fmt: skip
    taken["video"] = [studio.take(shot, camera, rng) for shot in film(rng)]
    studio.seat(rig, random_lights(rng))
    taken[SECOND_FILM] = [studio.take(shot, camera, rng) for shot in film(rng)]
    return taken


def film(rng: np.random.Generator, count: int = VIDEO_PICTURES) -> list[Shot]:
    """Frames of ten seconds: the head turns to both sides and nods, blinks, says a word."""
    shots = []
    for k in range(count):
        phase = 2 * np.pi * k / count
        values = np.zeros(COUNT, np.float32)
        if k % 11 == 5:
            values[[INDEX["eyeBlinkLeft"], INDEX["eyeBlinkRight"]]] = 1.0
        if k % 9 == 7:
            values[INDEX["jawOpen"]] = 0.25
        yaw, pitch = FILM_TURN_DEG * np.sin(phase), 8 * np.sin(2 * phase) + rng.normal(0, 1)
        shot = neutral_shot(float(yaw), float(pitch), float(rng.normal(0, 2)), WEBCAM_DISTANCE_M)
        shots.append(replace(shot, blendshapes=values))
    return shots


def _bare(rig: HeadRig) -> HeadRig:
    """The head without its shapes, which cost the most to carry and do not change its form."""
    return replace(rig, shapes=np.zeros_like(rig.shapes), correctives=(), pose_correctives=None)


def _heads(models: Path) -> dict[str, HeadRig]:
    path = ict_path(models)
    heads = {"built-in": _bare(load_builtin_rig())}
    if path is not None:
        heads["ict"] = _bare(ict_modes(path).mean)
    return heads


def measure(count: int, models: Path) -> Measured:
    """Everything of `count` people."""
    measured, heads = Measured(), _heads(models)
    with Studio() as studio, FaceMeshLandmarker(still_images=True) as landmarker:
        for number in range(count):
            truth = person(number, models)
            points = truth.vertices[truth.part("skin").vertices][face_region(truth)].astype(np.float64)
            for head, rig in heads.items():
                measured.note(head, "mean head", float(np.median(rig_distances_mm(truth, points, rig))))
            seen = {
                source: observe_all(pictures, landmarker=landmarker)
                for source, pictures in portraits(truth, number, studio).items()
            }
            for source in SOURCES:
                shape = estimate_shape(seen[source])
                for kind, form in _forms(seen[source], shape).items():
                    for head, rig in heads.items():
                        made = personalise(rig, form.landmarks, head)
                        measured.note(head, source + kind, float(np.median(rig_distances_mm(truth, points, made))))
                scale = closest_scale(shape.landmarks[:FACE_POINTS], truth.landmarks()[:FACE_POINTS].astype(float))
                measured.sizes.setdefault(source, []).append(abs(100 * (scale - 1)))
            raw = personalise(heads["built-in"], _raw_points(seen["photo"][0].aligned.points), "raw")
            measured.note("built-in", "raw points", float(np.median(rig_distances_mm(truth, points, raw))))
            video = seen["video"]
            measured.halves.append((_refined_points(video[0::2]), _refined_points(video[1::2])))
            measured.films.append((_refined_points(video), _refined_points(seen[SECOND_FILM])))
    return measured


def _forms(seen: Sequence[Observation], shape: FaceShape) -> dict[str, FaceShape]:
    """The form as rigs have it, refined by shading, and by the face's points alone."""
    return {"": _refined(seen, shape), POINTS_ALONE: shape}


def _refined(seen: Sequence[Observation], shape: FaceShape) -> FaceShape:
    return refined_by_shading(load_builtin_rig(), texture_pictures(seen, shape), shape)


def _refined_points(seen: Sequence[Observation]) -> FloatArray:
    return _refined(seen, estimate_shape(seen)).landmarks[:FACE_POINTS]


def _raw_points(aligned: FloatArray) -> FloatArray:
    points = np.zeros((478, 3))
    points[:FACE_POINTS] = aligned
    return points


def consistency(pairs: Sequence[tuple[FloatArray, FloatArray]]) -> tuple[float, float]:
    """Median distance in mm between two forms of one person, and between forms of two persons."""

    def apart(first: FloatArray, second: FloatArray) -> float:
        return float(1000 * np.sqrt(((laid_on(first, second) - second) ** 2).sum(axis=1).mean()))

    own = [apart(first, second) for first, second in pairs]
    others = [apart(a[0], b[1]) for a, b in combinations(pairs, 2)]
    return float(np.median(own)), float(np.median(others)) if others else float("nan")


def bench_identity(photo: Path | None = None, count: int = PEOPLE) -> BenchResult:
    """Form, size, steadiness and likeness. photo: for the likeness, scikit-image's astronaut when left out."""
    models = models_folder()
    measured = measure(count, models)
    readings = [
        Reading(f"{head}: {source}", float(np.median(errors)), "mm", BOUNDS.get((head, source)))
        for (head, source), errors in measured.errors.items()
    ]
    for head in {head for head, _ in measured.errors}:
        plain = np.array(measured.errors[head, "photo"])
        for source in ("smile", "open mouth"):
            cost = float(np.median(np.array(measured.errors[head, source]) - plain))
            readings.append(Reading(f"{head}: {source} costs", cost, "mm", 0.2))
    for source in SOURCES:
        readings.append(Reading(f"size, {source}", float(np.median(measured.sizes[source])), "%", 4.0))
    own, others = consistency(measured.halves)
    between_films, _ = consistency(measured.films)
    readings.append(Reading("two halves of a video differ", own, "mm"))
    readings.append(Reading("two videos in two lights differ", between_films, "mm"))
    readings.append(Reading("two persons differ", others, "mm"))
    readings.append(Reading("halves / persons", own / others, "", 1 / 3))
    readings.append(Reading("videos / persons", between_films / others, "", 1 / 3))
    readings += _likeness(photo)
    kind = "relatives of the built-in head" if ict_path(models) is None else "ICT-FaceKit people, scale 1.2, 100 modes"
    return BenchResult("identity", f"{count} {kind}, median over people of the median over the face", tuple(readings))


def _likeness(photo: Path | None) -> list[Reading]:
    """SSIM of the rig drawn again in the photo, and the seconds of one photo, of a whole rig, once warm."""
    picture = load_image(photo) if photo else _astronaut()
    if picture is None:
        return []
    rig = build_rig([picture], "likeness")
    (seen,) = observe_all([picture])
    size = float(str(rig.details["size"]))
    started = time.perf_counter()
    make_rig([picture], "seconds")
    elapsed = time.perf_counter() - started
    return [
        Reading("1 - SSIM of the photo drawn again", 1 - photo_likeness(rig, seen, size), "", 0.15),
        Reading("one photo, once warm", elapsed, "s", 3.0),
    ]


def _astronaut() -> ImageArray | None:
    """scikit-image's portrait, where that library is installed (it is not needed to run)."""
    try:
        from skimage import data
    except ImportError:
        return None
    portrait: ImageArray = data.astronaut()  # type: ignore[no-untyped-call]
    return np.ascontiguousarray(portrait)
