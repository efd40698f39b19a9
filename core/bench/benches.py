"""The benches: what is timed, and how often. Times are taken with the machine as it is; read the ratios first."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from core.bench.expression import expression_result
from core.bench.footage import FRAME_RATE_HZ, drawn_frames, performance, photo, video_frames
from core.bench.identity import bench_identity
from core.bench.report import BenchResult, Reading, percentiles, resident_mib
from core.bench.speech import speech_result
from core.bench.stream import stream_result
from core.head_model.builtin import load_builtin_rig
from core.head_model.rig import HeadRig
from core.media.images import load_image
from core.pipeline import Pipeline, StepResult
from core.rendering.renderer import HeadRenderer
from core.rig_maker import VIDEO_PICTURES, make_rig
from core.structures import Frame

WARM_UP = 10
FRAMES = 200
VIDEO_S = 10
NETWORK_STAGE = "landmarks"


@dataclass(frozen=True, slots=True)
class BenchInput:
    """What to measure with. video: frames instead of drawn ones; photo: a portrait instead of a drawn one."""

    video: Path | None = None
    photo: Path | None = None
    frames: int = FRAMES

    @property
    def head(self) -> HeadRig:
        """The head that is drawn."""
        return load_builtin_rig()


def bench_frame(given: BenchInput) -> BenchResult:
    """One frame from the camera to `FaceState`, by stage."""
    frames = _frames(given, given.frames + WARM_UP)
    totals_ms: list[float] = []
    steps: list[StepResult] = []
    with Pipeline() as pipeline:
        for frame in frames:
            started = time.perf_counter()
            steps.append(pipeline.step(frame))
            totals_ms.append(1000.0 * (time.perf_counter() - started))
    return frame_result(steps[WARM_UP:], totals_ms[WARM_UP:], _setting(given, frames))


def frame_result(steps: Sequence[StepResult], totals_ms: Sequence[float], setting: str) -> BenchResult:
    """The readings of timed steps; stages are medians over the frames that showed a face, because a mean would show
    what else the machine did meanwhile."""
    tracked = [step.timings_ms for step in steps if step.landmarks]
    readings = [
        *percentiles("frame to FaceState", totals_ms, p50=10.0, p95=20.0),
        Reading("frames with a face", 100.0 * len(tracked) / max(1, len(steps)), "%"),
    ]
    if tracked:
        network_ms = median(timings[NETWORK_STAGE] for timings in tracked)
        for name in tracked[-1]:
            stage_ms = [timings.get(name, 0.0) for timings in tracked]
            readings += percentiles(f"stage {name}", stage_ms)
            readings.append(Reading(f"stage {name} / network", median(stage_ms) / network_ms, ""))
        after_ms = median(sum(timings.values()) - timings[NETWORK_STAGE] for timings in tracked)
        readings.append(Reading("after the network / network", after_ms / network_ms, "", 0.5))
    return BenchResult("frame", setting, tuple(readings))


def bench_picture(given: BenchInput) -> BenchResult:
    """`HeadRig.deform` and a 512x512 picture."""
    rig = given.head
    states = performance(given.frames + WARM_UP)
    with HeadRenderer(rig, (512, 512)) as renderer:
        deform_ms = [_milliseconds(partial(rig.deform, state)) for state in states]
        picture_ms = [_milliseconds(partial(renderer.render, state)) for state in states]
    readings = (
        *percentiles("deform", deform_ms[WARM_UP:]),
        *percentiles("deform + picture", picture_ms[WARM_UP:], p50=12.0),
    )
    setting = f"{rig.name}, {len(rig.vertices)} vertices, 512x512, {given.frames} pictures"
    return BenchResult("picture", setting, readings)


def bench_rig(given: BenchInput) -> BenchResult:
    """A rig from one photo, and from as many pictures as are taken from a video."""
    picture = load_image(given.photo) if given.photo else photo(given.head)
    seconds = [_milliseconds(partial(make_rig, [picture], "bench")) / 1000.0 for _ in range(3)]
    step = int(FRAME_RATE_HZ * VIDEO_S / VIDEO_PICTURES)
    film = [frame.image for frame in drawn_frames(given.head, VIDEO_PICTURES, step=step)]
    film_s = _milliseconds(partial(make_rig, film, "bench")) / 1000.0
    height, width = picture.shape[:2]
    readings = (
        Reading("one photo, first time", seconds[0], "s", 3.0),
        Reading("one photo, once warm", min(seconds[1:]), "s", 3.0),
        Reading(f"{VIDEO_PICTURES} pictures of a {VIDEO_S} s video", film_s, "s", 15.0),
    )
    return BenchResult("rig", f"photo of {width}x{height}, video drawn, without its decoding", readings)


def bench_memory(given: BenchInput) -> BenchResult:
    """Resident memory with one live engine (tracker, solver, renderer), and what a second one adds."""
    frames = _frames(given, 30)
    rig = given.head
    with Pipeline(rig) as first, HeadRenderer(rig) as first_renderer:
        _work(first, first_renderer, frames)
        one = resident_mib()
        with Pipeline(rig) as second, HeadRenderer(rig) as second_renderer:
            _work(second, second_renderer, frames)
            two = resident_mib()
    readings = (
        Reading("one live engine", one, "MiB", 1500.0),
        Reading("each further one", two - one, "MiB", 200.0),
    )
    return BenchResult("memory", "resident memory of this process, without the web server", readings)


def bench_stream(given: BenchInput) -> BenchResult:
    """From a known face to WebSocket clients, while capture runs and while it does not."""
    return stream_result(given.frames)


def bench_form(given: BenchInput) -> BenchResult:
    """How true rigs of people of known form are, and how like their photo."""
    return bench_identity(given.photo)


def bench_expression(given: BenchInput) -> BenchResult:
    """How true the coefficients, the head's turn and the gaze are on heads whose truth is known."""
    return expression_result(given.frames)


def bench_speech(given: BenchInput) -> BenchResult:
    """How true the face of a voice is, and how long a step takes."""
    return speech_result()


BENCHES: dict[str, Callable[[BenchInput], BenchResult]] = {
    "frame": bench_frame,
    "identity": bench_form,
    "picture": bench_picture,
    "rig": bench_rig,
    "memory": bench_memory,
    "stream": bench_stream,
    "expression": bench_expression,
    "speech": bench_speech,
}


def _work(pipeline: Pipeline, renderer: HeadRenderer, frames: Sequence[Frame]) -> None:
    for frame in frames:
        renderer.render(pipeline.step(frame).states[0])


def _frames(given: BenchInput, count: int) -> list[Frame]:
    return video_frames(given.video, count) if given.video else drawn_frames(given.head, count)


def _setting(given: BenchInput, frames: Sequence[Frame]) -> str:
    width, height = frames[0].size
    source = given.video.name if given.video else f"drawn {given.head.name}"
    return f"{source}, {width}x{height}, {len(frames) - WARM_UP} frames"


def _milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return 1000.0 * (time.perf_counter() - started)
