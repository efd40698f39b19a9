"""One step of the engine, without threads: a frame goes in, the state of every face in it comes out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import TracebackType
from typing import Self

import numpy as np

from core.expression.presence import Presence
from core.face_follower import FaceFollower, FollowerSettings, Neutral, RigMeasures
from core.geometry.rotation import yaw_pitch_roll
from core.head_model.builtin import load_builtin_rig
from core.head_model.rig import HeadRig
from core.pipeline_take import LOOK_AHEAD_S, Faces, appearances, neutrals_of
from core.structures import FaceLandmarks, FaceState, FloatArray, Frame, ImageArray
from core.tracking.camera import default_camera
from core.tracking.framing import CUT_OFF_BELOW, visible_fraction
from core.tracking.landmarker import FaceLandmarker, create_landmarker
from core.tracking.settings import TrackerSettings
from core.tracking.view_quality import FaceWatch, ViewQuality

Clock = Callable[[], float]

BLACK_LEVEL = 24  # a switched-off camera arrives as video black, 16 at most, plus the codec's ringing
FORGET_AFTER_S = 1.2  # a face that blinks out for less keeps its filters and its neutral; as long as one fades
LOOK_EVERY_S = 0.1  # light and hands change slowly, and a look costs a twentieth of the landmark network's time
LEAST_CONFIDENCE = 0.01  # a face that is found but hidden is not yet "no face"
SMALL_FACE = 0.12  # face height over picture height, below which the network sees a dozen pixels of mouth


class Notice(StrEnum):
    """What stands in the way of good tracking."""

    NONE = "none"
    CAMERA_OFF = "camera off"
    NO_FACE = "no face"
    CUT_OFF = "cut off"
    TOO_SMALL = "too small"
    DARK = "dark"
    TURNED_AWAY = "turned away"
    COVERED = "covered"


@dataclass(frozen=True, slots=True)
class PipelineSettings:
    """tracker: the landmark network's; follower: neutral and smoothing of each face."""

    tracker: TrackerSettings = field(default_factory=TrackerSettings)
    follower: FollowerSettings = field(default_factory=FollowerSettings)


@dataclass(frozen=True, slots=True, eq=False)
class StepResult:
    """What one frame gave.

    landmarks: the faces found, by rising face_id. states: one per face by rising face_id, those included that are lost
    and fade to neutral, or a single `FaceState.no_face`. timings_ms: milliseconds by stage (`landmarks`, `pose`,
    `expression`, `gaze`, `smoothing`, `view`), summed over the faces. notice: what a person should change. views: how
    well each face of `landmarks` is seen.
    """

    landmarks: tuple[FaceLandmarks, ...]
    states: tuple[FaceState, ...]
    timings_ms: Mapping[str, float]
    notice: Notice = Notice.NONE
    views: tuple[ViewQuality, ...] = ()


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


def view_notice(view: ViewQuality) -> Notice:
    """What hides the face, worst first."""
    if view.is_turned_away:
        return Notice.TURNED_AWAY
    if view.is_dark:
        return Notice.DARK
    return Notice.COVERED if view.covered else Notice.NONE


class _KnownFace:
    """The memory of one face: what follows it, how it comes and goes, how it looks."""

    def __init__(self, follower: FaceFollower) -> None:
        self.follower = follower
        self.presence = Presence()
        self.seen_s = -math.inf
        self._watch = FaceWatch()
        self._view: ViewQuality | None = None
        self._looked_s = -math.inf

    def look(self, image: ImageArray, face: FaceLandmarks, state: FaceState) -> ViewQuality:
        """How well the face is seen; looked up anew every `LOOK_EVERY_S`."""
        if self._view is None or not 0 <= state.timestamp_s - self._looked_s < LOOK_EVERY_S:
            yaw, pitch, _ = yaw_pitch_roll(state.head_rotation)
            self._view = self._watch.observe(image, face, (yaw, pitch), state.timestamp_s)
            self._looked_s = state.timestamp_s
        return self._view


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
        self._faces: dict[int, _KnownFace] = {}
        self._found_ahead: dict[int, Faces] = {}
        self._neutrals_ahead: Mapping[tuple[int, float], FloatArray] = {}

    @property
    def settings(self) -> PipelineSettings:
        return self._settings

    @settings.setter
    def settings(self, settings: PipelineSettings) -> None:
        if settings.tracker != self._settings.tracker:
            self._landmarker.settings = settings.tracker
        if settings.follower != self._settings.follower:
            for known in self._faces.values():
                known.follower.settings = settings.follower
        self._settings = settings

    def look_ahead(self, frames: Iterable[Frame]) -> None:
        """Finds each face's neutral from all frames of a take, `LOOK_AHEAD_S` at most, which `step` is to be given
        again from the first on. Nothing is looked up twice by the landmark network."""
        seen: list[tuple[Faces, float]] = []
        for frame in frames:
            if seen and frame.timestamp_s - seen[0][1] > LOOK_AHEAD_S:
                break
            if not is_black(frame.image):
                self._found_ahead[frame.index] = self._landmarker.detect(frame)
                seen.append((self._found_ahead[frame.index], frame.timestamp_s))
        self._neutrals_ahead = neutrals_of(appearances(seen, FORGET_AFTER_S), self._measures, self._settings.follower)

    def step(self, frame: Frame) -> StepResult:
        """The faces of this frame; timestamps must not run backwards within one pipeline."""
        watch = Stopwatch(self._clock)
        if is_black(frame.image):
            return StepResult((), self._fading(frame.timestamp_s, ()), {}, Notice.CAMERA_OFF)
        with watch.stage("landmarks"):
            ahead = self._found_ahead.pop(frame.index, None)
            faces = self._landmarker.detect(frame) if ahead is None else ahead
        self._forget_absent(faces, frame.timestamp_s)
        camera = default_camera(frame.size)
        states, views = [], []
        for face in faces:
            known = self._known(face, frame.timestamp_s)
            state = known.follower.step(face, camera, frame.timestamp_s, watch.stage)
            with watch.stage("view"):
                view = known.look(frame.image, face, state)
            sure = state.confidence * float(np.mean(list(view.regions.values())))
            states.append(known.presence.seen(replace(state, confidence=max(sure, LEAST_CONFIDENCE))))
            views.append(view)
        if not faces:
            return StepResult((), self._fading(frame.timestamp_s, ()), watch.timings_ms, Notice.NO_FACE)
        notice = framing_notice(faces[0])
        notice = view_notice(views[0]) if notice is Notice.NONE else notice
        shown = tuple(sorted([*states, *self._fading(frame.timestamp_s, states)], key=lambda state: state.face_id))
        return StepResult(faces, shown, watch.timings_ms, notice, tuple(views))

    def calibrate(self) -> None:
        """Takes the next half second of every face in view as its neutral look."""
        for known in self._faces.values():
            known.follower.calibrate()

    def reset(self) -> None:
        """Forgets every face, as after a cut in a video."""
        self._faces.clear()
        self._found_ahead, self._neutrals_ahead = {}, {}

    def close(self) -> None:
        """Frees the landmarker."""
        self.reset()
        self._landmarker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _known(self, face: FaceLandmarks, timestamp_s: float) -> _KnownFace:
        if face.face_id not in self._faces:
            neutral = self._neutrals_ahead.get((face.face_id, timestamp_s))
            self._faces[face.face_id] = _KnownFace(FaceFollower(self._measures, self._settings.follower, neutral))
        return self._faces[face.face_id]

    def _fading(self, timestamp_s: float, present: Sequence[FaceState]) -> tuple[FaceState, ...]:
        """The states of faces that are lost; `no_face` where no face is shown at all."""
        here = {state.face_id for state in present}
        lost = (known.presence.missed(timestamp_s) for face_id, known in self._faces.items() if face_id not in here)
        fading = tuple(state for state in lost if state is not None)
        return fading if fading or present else (FaceState.no_face(timestamp_s),)

    def _forget_absent(self, faces: tuple[FaceLandmarks, ...], timestamp_s: float) -> None:
        for face in faces:
            self._known(face, timestamp_s).seen_s = timestamp_s
        for face_id, known in tuple(self._faces.items()):
            if timestamp_s - known.seen_s > FORGET_AFTER_S:
                del self._faces[face_id]
