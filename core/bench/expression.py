"""How true the coefficients are: heads that this project draws itself, driven by known takes, tracked as a camera's
picture would be. With the optional packs also a head of ICT-FaceKit, and MediaPipe's own blendshape network beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from core.animation.demo import demo_take
from core.assets.registry import models_folder
from core.bench.report import BenchResult, Reading
from core.bench.signal_measures import following
from core.bench.truth_heads import ict_modes, ict_path, ict_person, relative, with_skin
from core.blendshapes import ARKIT_NAMES, COUNT, INDEX
from core.geometry.gaze_shapes import gaze_from_blendshapes
from core.geometry.rotation import rotation_angle
from core.head_model.builtin import load_builtin_rig
from core.head_model.rig import HeadRig
from core.pipeline import Pipeline
from core.rendering.renderer import HeadRenderer
from core.structures import FaceState, FloatArray, Frame, ImageArray
from core.tracking.camera import default_camera
from core.tracking.face_task import TASK_FILE_NAME
from core.tracking.mediapipe_loading import load_mediapipe

SIZE, RATE_HZ = (640, 480), 30.0
FEWEST = 60
SKIPPED = 15  # frames in which every method still finds its feet
MOVES = 0.02  # standard deviation from which on a channel counts as moving
GRAIN = 3.0  # grey levels
WORST = 8
NETWORK_STAGE = "landmarks"
CALM, ONSET, HELD = 40, 6, 15  # frames of a held gesture
LOOK_DOWN = 0.8
DISTANCE_M = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A drawn performance: its pictures and its truth."""

    name: str
    images: list[ImageArray]
    states: Sequence[FaceState]


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """correlation: by name, of the channels that move; error: mean absolute, of those; jitter: mean second difference
    over the truth's; lag_frames."""

    correlation: dict[str, float]
    error: float
    jitter: float
    lag_frames: float


def agreement(found: FloatArray, truth: FloatArray) -> Agreement:
    """How well (n, 52) coefficients follow the true ones; rows of NaN, where no face was found, are left out."""
    found, truth = found[SKIPPED:], truth[SKIPPED:]
    seen = np.isfinite(found).all(axis=1)
    found, truth = found[seen], truth[seen]
    moving = [k for k in range(COUNT) if truth[:, k].std() > MOVES]
    correlation = {
        ARKIT_NAMES[k]: float(np.corrcoef(found[:, k], truth[:, k])[0, 1]) if found[:, k].std() > 1e-6 else 0.0
        for k in moving
    }
    jitter = np.abs(np.diff(found, 2, axis=0)).mean() / max(float(np.abs(np.diff(truth, 2, axis=0)).mean()), 1e-9)
    error = float(np.abs(found - truth)[:, moving].mean())
    return Agreement(correlation, error, float(jitter), following(found[:, moving], truth[:, moving]).lag_frames)


def drawn_clip(rig: HeadRig, frames: int, seed: int) -> Clip:
    """The demonstration take of this seed on this head, with a camera's grain."""
    rng = np.random.default_rng(seed)
    states = demo_take(frames / RATE_HZ, RATE_HZ, seed=seed).states
    camera = default_camera(SIZE)
    images = []
    with HeadRenderer(rig, SIZE) as renderer:
        for state in states:
            picture = renderer.render(state, camera)
            grain = np.asarray(rng.normal(0.0, GRAIN, picture.shape), np.float32)
            images.append(np.clip(picture + grain, 0, 255).astype(np.uint8))
    return Clip(rig.name, images, states)


def expression_result(frames: int) -> BenchResult:
    """The readings of all clips, of so many frames each, 60 at least: fewer tell nothing."""
    frames = max(frames, FEWEST)
    models = models_folder()
    heads = [load_builtin_rig(), with_skin(relative(41), 41)]
    pack = ict_path(models)
    if pack is not None:
        heads.append(with_skin(ict_person(ict_modes(pack), 42), 42))
    readings: list[Reading] = []
    for seed, rig in enumerate(heads, start=41):
        clip = drawn_clip(rig, frames, seed)
        readings += _own_readings(clip)
        readings += _gesture_readings(rig)
        task = models / TASK_FILE_NAME
        if task.is_file():
            readings += _agreement_readings(f"{clip.name}, MediaPipe", mediapipe_blendshapes(clip, task), clip)
    setting = f"demonstration takes on {', '.join(rig.name for rig in heads)}, {frames} frames each, grain {GRAIN:g}"
    return BenchResult("expression", setting, tuple(readings))


def _own_readings(clip: Clip) -> list[Reading]:
    found = np.full((len(clip.images), COUNT), np.nan)
    turns_deg, gaze_deg, costs = [], [], []
    with Pipeline() as pipeline:
        for number, (image, true) in enumerate(zip(clip.images, clip.states, strict=True)):
            step = pipeline.step(Frame(image, true.timestamp_s, number))
            if not step.landmarks:
                continue
            state = step.states[0]
            found[number] = state.blendshapes
            turns_deg.append(np.degrees(rotation_angle(state.head_rotation @ true.head_rotation.T)))
            gaze_deg.append(np.degrees(np.abs(state.gaze - true.gaze).mean()))
            costs.append(sum(step.timings_ms.values()) / step.timings_ms[NETWORK_STAGE] - 1.0)
    readings = _agreement_readings(clip.name, found, clip)
    if turns_deg:
        readings += [
            Reading(f"{clip.name}: head rotation, median error", median(turns_deg), "deg"),
            Reading(f"{clip.name}: gaze, median error", median(gaze_deg), "deg"),
            Reading(f"{clip.name}: after the network / network", median(costs), "", 0.5),
        ]
    return readings


def _gesture_readings(rig: HeadRig) -> list[Reading]:
    """A wink must not be a blink, neither must a look at the floor, and half a smile must stay half: the worse side,
    half a second after a calm one."""
    lids = [INDEX["eyeBlinkLeft"], INDEX["eyeBlinkRight"]]
    smile = [INDEX["mouthSmileLeft"], INDEX["mouthSmileRight"]]
    left, right = (held_gesture(rig, {ARKIT_NAMES[lid]: 1.0})[lids] for lid in lids)
    down = held_gesture(rig, dict.fromkeys(("eyeLookDownLeft", "eyeLookDownRight"), LOOK_DOWN))
    one, other = (held_gesture(rig, {ARKIT_NAMES[corner]: 1.0})[smile] for corner in smile)
    return [
        Reading(f"{rig.name}: wink, the open eye's eyeBlink", float(max(left[1], right[0])), "", 0.25),
        Reading(f"{rig.name}: wink, the shut eye's eyeBlink", float(min(left[0], right[1])), ""),
        Reading(f"{rig.name}: looking down, eyeBlink", float(down[lids].max()), "", 0.3),
        Reading(f"{rig.name}: half a smile, its own side", float(min(one[0], other[1])), ""),
        Reading(f"{rig.name}: half a smile, the other side", float(max(one[1], other[0])), ""),
    ]


def held_gesture(rig: HeadRig, coefficients: Mapping[str, float]) -> FloatArray:
    """(52,) what is told of this head once it has held these coefficients for half a second."""
    camera = default_camera(SIZE)
    target = np.zeros(COUNT, np.float32)
    for name, value in coefficients.items():
        target[INDEX[name]] = value
    shares = np.concatenate([np.zeros(CALM), np.linspace(0, 1, ONSET), np.ones(HELD)]).astype(np.float32)
    with HeadRenderer(rig, SIZE) as renderer, Pipeline() as pipeline:
        for number, share in enumerate(shares):
            values = share * target
            state = FaceState(
                number / RATE_HZ, blendshapes=values, head_translation=np.array([0.0, 0.0, -DISTANCE_M], np.float32),
                gaze=gaze_from_blendshapes(values),
            )  # fmt: skip
            step = pipeline.step(Frame(renderer.render(state, camera), state.timestamp_s, number))
    return step.states[0].blendshapes


def _agreement_readings(name: str, found: FloatArray, clip: Clip) -> list[Reading]:
    truth = np.stack([state.blendshapes for state in clip.states])
    measured = agreement(found, truth)
    worst = sorted(measured.correlation.items(), key=lambda item: item[1])[:WORST]
    return [
        Reading(f"{name}: mean correlation", float(np.mean(list(measured.correlation.values()))), ""),
        Reading(f"{name}: error of moving channels", measured.error, "", 0.035),
        Reading(f"{name}: jitter over the truth's", measured.jitter, "", 1.3),
        Reading(f"{name}: lag", measured.lag_frames, "frames", 1.0),
        *(Reading(f"{name}: {channel}", value, "") for channel, value in worst),
    ]


def mediapipe_blendshapes(clip: Clip, task: Path) -> FloatArray:
    """(n, 52) what MediaPipe's own network says of the clip, NaN where it finds no face."""
    mediapipe: Any = load_mediapipe()
    vision = mediapipe.tasks.vision
    options = vision.FaceLandmarkerOptions(
        base_options=mediapipe.tasks.BaseOptions(model_asset_buffer=task.read_bytes()),
        output_face_blendshapes=True, running_mode=vision.RunningMode.VIDEO,
    )  # fmt: skip
    found = np.full((len(clip.images), COUNT), np.nan)
    with vision.FaceLandmarker.create_from_options(options) as landmarker:
        for number, image in enumerate(clip.images):
            picture = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=image)
            faces = landmarker.detect_for_video(picture, round(1000 * number / RATE_HZ)).face_blendshapes
            if faces:
                found[number] = 0.0
                for category in faces[0]:
                    if category.category_name in INDEX:
                        found[number, INDEX[category.category_name]] = category.score
    return found
