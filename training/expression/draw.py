"""Draws short clips of moving heads, spoils them as cameras do, and writes down what the engine sees of them.

Each head is seen four frames at rest and then `FRAMES` frames at 30 Hz, in one light, by one camera; FaceMesh follows
it as it does at run time. Everything depends on the seed alone. One .npz a job lies in the cache folder; what is there
already is not drawn again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import nullcontext
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from core.bench.studio import FACE_HEIGHT_M, random_lights
from core.bench.truth_heads import ict_path
from core.blendshapes import COUNT
from core.geometry.gaze_shapes import gaze_from_blendshapes
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.rendering.renderer import HeadRenderer
from core.structures import Camera, FaceState, Frame
from core.tracking import FaceMeshLandmarker
from training.expression.figures import rig_of, shape_mixture, strange_mixture
from training.expression.plain_people import PlainStudio
from training.expression.sequences import clip, lid_clip, read_takes, strangers_clip

FRAMES, CALM_FRAMES = 72, 4
HEADS_A_JOB = 6
FIRST_OF_LIDS, FIRST_STRANGE = 6000, 12000  # numbers of the first jobs of their kinds
SIZES = ((480, 360), (400, 400), (640, 480), (480, 360))
FIRST_SEED = 3_000_000  # lower seeds belong to the benchmarks and to the identity room

Picture = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True)
class Job:
    """number: also the seed; family: see `figures.FAMILIES`; models, takes: folders of optional material; is_of_lids:
    winks, glances down and squints instead of everything; is_strange: heads by other hands that move like nobody in
    the takes."""

    number: int
    family: str
    models: Path | None
    takes: Path | None
    held_takes: tuple[str, ...]
    is_of_lids: bool = False
    is_strange: bool = False


class Spoiler:
    """What a camera does to the pictures of one clip: tone, blur, grain, compression, few pixels."""

    def __init__(self, size: tuple[int, int], rng: np.random.Generator) -> None:
        self._rng = rng
        self._gain = rng.uniform(0.8, 1.3) * rng.normal(1, 0.05, 3)
        self._lift = rng.uniform(-12, 18)
        self._gamma = np.exp(rng.normal(0, 0.18))
        self._blur = rng.uniform(0.0, 1.1) if rng.random() < 0.7 else 0.0
        self._grain = rng.uniform(0, 7)
        bank = rng.normal(0, 1, (size[1] + 64, size[0] + 64, 3)).astype(np.float32)
        self._bank = cv2.GaussianBlur(bank, (0, 0), 0.6) * 2.1 if rng.random() < 0.4 else bank
        self._quality = int(rng.uniform(30, 95)) if rng.random() < 0.7 else None
        self._share = rng.uniform(0.45, 0.9) if rng.random() < 0.25 else None

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """(H, W, 3) uint8 the picture as a camera gives it."""
        height, width = picture.shape[:2]
        table = np.clip(255 * (np.arange(256) / 255) ** self._gamma, 0, 255)[:, None] * self._gain + self._lift
        image = cv2.LUT(picture, np.clip(table, 0, 255).astype(np.uint8).reshape(1, 256, 3))
        if self._share is not None:
            small = cv2.resize(image, None, fx=self._share, fy=self._share, interpolation=cv2.INTER_AREA)
            image = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
        if self._blur > 0.2:
            image = cv2.GaussianBlur(image, (0, 0), self._blur)
        y, x = self._rng.integers(0, 64, 2)
        noise = self._bank[y : y + height, x : x + width]
        image = cv2.addWeighted(image.astype(np.float32), 1.0, noise, self._grain, 0.0)
        image = np.clip(image, 0, 255).astype(np.uint8)
        if self._quality is not None:
            packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, self._quality])[1]
            image = cv2.imdecode(packed, cv2.IMREAD_COLOR)
        return np.ascontiguousarray(image)


def smooth_noise(frames: int, deviation: float, window: int, rng: np.random.Generator) -> np.ndarray:
    """(frames,) slow wandering of this standard deviation."""
    kernel = np.hanning(2 * window + 1)
    kernel /= np.sqrt((kernel**2).sum())
    return (
        deviation * np.convolve(rng.normal(size=frames + 4 * window), kernel, "same")[2 * window : 2 * window + frames]
    )


def movement(camera: Camera, distance_m: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """((n, 3) yaw, pitch, roll in radians, (n, 3) metres) of a head that sways a little, and sits askew."""
    n = CALM_FRAMES + FRAMES
    restless = rng.uniform(0.3, 1.6)
    aside = rng.normal(0, [9, 6, 4]) if rng.random() < 0.7 else np.zeros(3)
    angles = np.stack([smooth_noise(n, restless * sd, 25, rng) for sd in (7, 4, 3)], 1) + aside
    angles = np.clip(angles, (-35, -25, -25), (35, 25, 25))
    half_m = 0.5 * distance_m * np.array(camera.image_size) / camera.focal_px
    room = np.maximum(half_m - 0.11, 0.0)
    place = np.stack([smooth_noise(n, sd, 35, rng) for sd in (0.008, 0.006, 0.012)], 1)
    place[:, :2] = np.clip(place[:, :2] + rng.uniform(-0.6, 0.6, 2) * room, -room, room)
    place[:, 1] += 0.02
    place[:, 2] -= distance_m
    return np.radians(angles), place


def random_camera(size: tuple[int, int], rng: np.random.Generator) -> tuple[Camera, float]:
    """A lens and a distance that show the face 0.35 to 0.8 of the picture high."""
    distance = float(np.exp(rng.uniform(np.log(0.38), np.log(1.6))))
    focal = rng.uniform(0.35, 0.8) * size[1] * distance / FACE_HEIGHT_M
    return Camera(float(focal), (0.5 * size[0], 0.5 * size[1]), size), distance


def film(
    picture: Picture,
    landmarker: FaceMeshLandmarker,
    values: np.ndarray,
    camera: Camera,
    distance: float,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """What the engine sees of one head, frames without a face left out; `frame` counts from the first after rest."""
    angles, place = movement(camera, distance, rng)
    spoil = Spoiler(camera.image_size, rng)
    rows: list[dict[str, np.ndarray]] = []
    landmarker.reset()
    shown = np.concatenate([np.zeros((CALM_FRAMES, COUNT), np.float32), values])
    for number, coefficients in enumerate(shown):
        turn = rotation_from_yaw_pitch_roll(*(float(a) for a in angles[number])).astype(np.float32)
        image = spoil(picture(coefficients, turn, place[number].astype(np.float32)))
        for face in landmarker.detect(Frame(image, number / 30.0))[:1]:
            rows.append({
                "points": face.points.astype(np.float32), "coefficients": coefficients,
                "angles": angles[number].astype(np.float32), "frame": np.int16(number - CALM_FRAMES),
            })  # fmt: skip
    return {key: np.stack([row[key] for row in rows]) for key in rows[0]} if len(rows) > 20 else {}


def run_job(job: Job, folder: Path) -> int:
    """Draws the heads of one job into the folder; how many pictures there are now."""
    path = folder / f"{job.family}-{job.number:05d}.npz"
    if path.exists():
        with np.load(path) as stored:
            return len(stored["head"])
    clips = list(_clips(job))
    for number, made in enumerate(clips):
        made["head"] = np.full(len(made["frame"]), HEADS_A_JOB * job.number + number, np.int32)
    arrays = {key: np.concatenate([made[key] for made in clips]) for key in clips[0]}
    part = path.with_suffix(".part.npz")
    np.savez(part, **arrays)
    part.rename(path)
    return len(arrays["head"])


def _clips(job: Job) -> Iterator[dict[str, np.ndarray]]:
    cv2.setNumThreads(1)
    rng = np.random.default_rng([FIRST_SEED, job.number, sum(map(ord, job.family))])
    size = SIZES[rng.integers(len(SIZES))]
    takes = read_takes(job.takes, job.held_takes)
    path = ict_path(job.models) if job.family == "plain" and job.models is not None else None
    studio = nullcontext() if path is None else PlainStudio(path, size)
    with FaceMeshLandmarker() as landmarker, studio as plain:
        for number in range(HEADS_A_JOB):
            seed = FIRST_SEED + HEADS_A_JOB * job.number + number
            camera, distance = random_camera(size, rng)
            values = _values(job, takes, rng)
            lights = random_lights(rng)
            if job.family == "plain":
                made = _plain(job, plain, seed, values, camera, distance, lights, landmarker, rng)
            else:
                made = _rigged(job, seed, size, values, camera, distance, lights, landmarker, rng)
            if made:
                made["size"] = np.tile(np.array(size, np.int16), (len(made["frame"]), 1))
                yield made


def _values(job: Job, takes: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    if job.is_of_lids:
        return lid_clip(FRAMES, rng)
    return strangers_clip(FRAMES, takes, rng) if job.is_strange else clip(FRAMES, takes, rng)


def _plain(job, studio, seed, values, camera, distance, lights, landmarker, rng):  # type: ignore[no-untyped-def]
    mixture = strange_mixture(rng) if job.is_strange else shape_mixture(rng)
    studio.seat(seed, mixture, rng, None if rng.random() < 0.6 else lights, is_strange=job.is_strange)
    return film(lambda c, r, p: studio.take(c, r, p, camera), landmarker, values, camera, distance, rng)


def _rigged(job, seed, size, values, camera, distance, lights, landmarker, rng):  # type: ignore[no-untyped-def]
    rig = rig_of(job.family, seed, job.models, rng, is_strange=job.is_strange)
    low, high = rng.uniform(0.05, 0.95, 3), rng.uniform(0.05, 0.95, 3)
    with HeadRenderer(rig, size, background=tuple(low), background_top=tuple(high)) as renderer:
        renderer.set_lights(lights)

        def picture(coefficients: np.ndarray, turn: np.ndarray, place: np.ndarray) -> np.ndarray:
            gaze = gaze_from_blendshapes(coefficients)
            state = FaceState(0.0, blendshapes=coefficients, head_rotation=turn, head_translation=place, gaze=gaze)
            return renderer.render(state, camera)

        return film(picture, landmarker, values, camera, distance, rng)


def plan(count: int, models: Path | None, takes: Path | None, held_takes: Sequence[str], strange: int = 0) -> list[Job]:
    """Jobs of all families in turn, so that a stopped run is still a fair mixture: half plain people. One in seven
    comes on top, of lids alone: winks are rare in all other movement; and so many of strangers."""
    has_ict = models is not None and ict_path(models) is not None
    families = ("plain", "builtin", "plain", "builtin", "plain", "ict") if has_ict else ("builtin",)
    usual, lids = range(count), range(FIRST_OF_LIDS, FIRST_OF_LIDS + count // 7)
    numbers = [*usual, *lids, *range(FIRST_STRANGE, FIRST_STRANGE + strange)]
    return [
        Job(k, families[k % len(families)], models, takes, tuple(held_takes), k in lids, k >= FIRST_STRANGE)
        for k in numbers
    ]


def draw(jobs: Sequence[Job], folder: Path, processes: int = 2) -> int:
    """Draws all jobs; how many pictures lie in the folder. The result does not depend on the number of processes."""
    folder.mkdir(parents=True, exist_ok=True)
    done = 0
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(run_job, job, folder) for job in jobs]
        for number, future in enumerate(as_completed(waiting)):
            done += future.result()
            print(f"{number + 1} of {len(jobs)} jobs, {done} pictures", flush=True)
    return done
