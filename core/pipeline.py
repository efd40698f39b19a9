"""One step of the engine, without threads: a frame goes in, the state of every face in it comes out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Self

import numpy as np

from core.face_follower import FaceFollower, FollowerSettings, Neutral, RigMeasures
from core.head_model.builtin import load_builtin_rig
from core.head_model.rig import HeadRig
from core.structures import FaceLandmarks, FaceState, Frame, ImageArray
from core.tracking.camera import default_camera
from core.tracking.framing import CUT_OFF_BELOW, visible_fraction
from core.tracking.landmarker import FaceLandmarker, create_landmarker
from core.tracking.settings import TrackerSettings

Clock = Callable[[], float]

BLACK_LEVEL = 24  # a switched-off camera arrives as video black, 16 at most, plus the codec's ringing
FORGET_AFTER_S = 0.6  # a face that blinks out for less keeps its filters and its neutral
SMALL_FACE = 0.12  # face height over picture height, below which the network sees a dozen pixels of mouth


class Notice(StrEnum):
    """What stands in the way of good tracking."""

    NONE = "none"
    CAMERA_OFF = "camera off"
    NO_FACE = "no face"
    CUT_OFF = "cut off"
    TOO_SMALL = "too small"


@dataclass(frozen=True, slots=True)
class PipelineSettings:
    """tracker: the landmark network's; follower: neutral and smoothing of each face."""

    tracker: TrackerSettings = field(default_factory=TrackerSettings)
    follower: FollowerSettings = field(default_factory=FollowerSettings)


@dataclass(frozen=True, slots=True, eq=False)
class StepResult:
    """What one frame gave.

    landmarks: the faces found, by rising face_id. states: one per face in the same
    order, or a single `FaceState.no_face`. timings_ms: milliseconds by stage (`landmarks`, `pose`, `expression`,
    `gaze`, `smoothing`), summed over the faces. notice: what a person should change.
    """

    landmarks: tuple[FaceLandmarks, ...]
    states: tuple[FaceState, ...]
    timings_ms: Mapping[str, float]
    notice: Notice = Notice.NONE


class Stopwatch:
    """Milliseconds by stage, added up within one step."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.timings_ms: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Adds the time of the `with` block to this stage."""
        started = self._clock()
        try:
            yield
        finally:
            elapsed_ms = 1000.0 * (self._clock() - started)
            self.timings_ms[name] = self.timings_ms.get(name, 0.0) + elapsed_ms


def is_black(image: ImageArray) -> bool:
    """Whether the picture is the black one that a browser sends while the camera is switched off."""
    return int(image[::16, ::16].max(initial=0)) <= BLACK_LEVEL


def framing_notice(landmarks: FaceLandmarks) -> Notice:
    """Whether the face is whole and large enough in its picture."""
    if visible_fraction(landmarks.points, landmarks.image_size) < CUT_OFF_BELOW:
        return Notice.CUT_OFF
    if np.ptp(landmarks.points[:, 1]) < SMALL_FACE * landmarks.image_size[1]:
        return Notice.TOO_SMALL
    return Notice.NONE


class Pipeline:
    """Landmarks, pose, coefficients and gaze of every face, with the memory that each face needs.

    rig: the person's own head, whose shapes explain the face when the settings say `Neutral.RIG`; the built-in head
    explains everybody else. landmarker: made from the settings where None; the pipeline closes it either way. clock:
    seconds, for the timings only; all filters take the frame's own timestamp. Must be used and closed in one thread.
    """

    def __init__(
        self,
        rig: HeadRig | None = None,
        settings: PipelineSettings | None = None,
        *,
        landmarker: FaceLandmarker | None = None,
        clock: Clock = time.perf_counter,
    ) -> None:
        self._settings = settings or PipelineSettings()
        is_rigs_person = self._settings.follower.neutral is Neutral.RIG
        self._measures = RigMeasures.of(rig if rig is not None and is_rigs_person else load_builtin_rig())
        self._landmarker = landmarker or create_landmarker(self._settings.tracker)
        self._clock = clock
        self._followers: dict[int, FaceFollower] = {}
        self._last_seen_s: dict[int, float] = {}

    @property
    def settings(self) -> PipelineSettings:
        return self._settings

    @settings.setter
    def settings(self, settings: PipelineSettings) -> None:
        if settings.tracker != self._settings.tracker:
            self._landmarker.settings = settings.tracker
        if settings.follower != self._settings.follower:
            for follower in self._followers.values():
                follower.settings = settings.follower
        self._settings = settings

    def step(self, frame: Frame) -> StepResult:
        """The faces of this frame; timestamps must not run backwards within one pipeline."""
        watch = Stopwatch(self._clock)
        if is_black(frame.image):
            return StepResult((), (FaceState.no_face(frame.timestamp_s),), {}, Notice.CAMERA_OFF)
        with watch.stage("landmarks"):
            faces = self._landmarker.detect(frame)
        self._forget_absent(faces, frame.timestamp_s)
        camera = default_camera(frame.size)
        states = tuple(self._follower(face).step(face, camera, frame.timestamp_s, watch.stage) for face in faces)
        if not states:
            return StepResult((), (FaceState.no_face(frame.timestamp_s),), watch.timings_ms, Notice.NO_FACE)
        return StepResult(faces, states, watch.timings_ms, framing_notice(faces[0]))

    def calibrate(self) -> None:
        """Takes the next half second of every face in view as its neutral look."""
        for follower in self._followers.values():
            follower.calibrate()

    def reset(self) -> None:
        """Forgets every face, as after a cut in a video."""
        self._followers.clear()
        self._last_seen_s.clear()

    def close(self) -> None:
        """Frees the landmarker."""
        self.reset()
        self._landmarker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _follower(self, face: FaceLandmarks) -> FaceFollower:
        if face.face_id not in self._followers:
            self._followers[face.face_id] = FaceFollower(self._measures, self._settings.follower)
        return self._followers[face.face_id]

    def _forget_absent(self, faces: tuple[FaceLandmarks, ...], timestamp_s: float) -> None:
        for face in faces:
            self._last_seen_s[face.face_id] = timestamp_s
        for face_id, seen_s in tuple(self._last_seen_s.items()):
            if timestamp_s - seen_s > FORGET_AFTER_S:
                del self._last_seen_s[face_id]
                self._followers.pop(face_id, None)
