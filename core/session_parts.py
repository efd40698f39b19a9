"""What a live session is made of: its settings, its newest-wins slots, its numbers, and how many may run."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median
from typing import Generic, TypeVar

from core.audio.speech_settings import SpeechSettings
from core.expression.smoothing import Smoothing
from core.face_follower import FollowerSettings, Neutral
from core.pipeline import Notice, PipelineSettings, StepResult
from core.rendering.camera import OrbitCamera
from core.structures import FaceLandmarks, FaceState, ImageArray
from core.tracking.settings import TrackerSettings
from core.tracking.view_quality import ViewQuality

T = TypeVar("T")
Clock = Callable[[], float]


class View(StrEnum):
    """What the returned picture shows."""

    CAMERA = "camera"
    AVATAR = "avatar"
    SIDE_BY_SIDE = "side by side"


class VoiceUse(StrEnum):
    """What a session does with sound."""

    OFF = "off"
    BESIDE = "beside"
    """It supports the face that the camera sees."""
    ALONE = "alone"
    """It moves the face; there is no camera."""


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """Everything that a person may move while the session runs.

    faces: most faces to follow. detection_confidence, tracking_confidence in [0, 1]. smoothing: the kind of filter;
    strength: of its fixed parts, in [0, 1]. mirrored turns the shown picture only, never what is tracked. orbit_*:
    radians and metres around the head. voice: what sound does; speech: how it moves the face.
    """

    faces: int = 1
    detection_confidence: float = 0.5
    tracking_confidence: float = 0.5
    smoothing: Smoothing = Smoothing.LEARNED
    strength: float = 0.3
    neutral: Neutral = Neutral.AUTOMATIC
    view: View = View.CAMERA
    draws_landmarks: bool = True
    mirrored: bool = True
    orbit_yaw_rad: float = 0.0
    orbit_pitch_rad: float = 0.0
    orbit_distance_m: float = OrbitCamera().distance_m
    voice: VoiceUse = VoiceUse.OFF
    speech: SpeechSettings = field(default_factory=SpeechSettings)

    @property
    def pipeline(self) -> PipelineSettings:
        """The part that the pipeline obeys."""
        return PipelineSettings(
            TrackerSettings(self.faces, self.detection_confidence, self.tracking_confidence),
            FollowerSettings(self.neutral, self.smoothing, self.strength),
        )

    @property
    def orbit(self) -> OrbitCamera:
        """The viewer's place around the head."""
        return OrbitCamera(self.orbit_yaw_rad, self.orbit_pitch_rad, self.orbit_distance_m)


class NewestSlot(Generic[T]):
    """Holds one value; a new one replaces an old one that nobody took."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._value: T | None = None
        self._dropped = 0

    def put(self, value: T) -> None:
        """Replaces what lies in the slot; never waits for a reader."""
        with self._condition:
            self._dropped += self._value is not None
            self._value = value
            self._condition.notify()

    def take(self, timeout_s: float) -> T | None:
        """The newest value, removed from the slot; None when none came in time or `wake` was called."""
        with self._condition:
            if self._value is None:
                self._condition.wait(timeout_s)
            value, self._value = self._value, None
            return value

    def wake(self) -> None:
        """Lets a waiting reader go on without a value."""
        with self._condition:
            self._condition.notify_all()

    def clear(self) -> None:
        """Forgets the value and the count of dropped ones."""
        with self._condition:
            self._value, self._dropped = None, 0

    @property
    def dropped(self) -> int:
        """How many values were replaced before anybody took them."""
        return self._dropped


@dataclass(frozen=True, slots=True, eq=False)
class Output:
    """A finished picture, (H, W, 3) uint8 RGB, with its number since the start of the run."""

    picture: ImageArray
    number: int


class Phase(StrEnum):
    """Where a session stands."""

    IDLE = "idle"
    STARTING = "starting"
    RUNNING = "running"
    BUSY = "busy"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class VoiceStats:
    """speaking: how sure it is, in [0, 1], that somebody speaks; level: loudest sample of the last second, in [0, 1];
    latency_ms: how far the face is behind the sound that
    was heard; dropped: chunks of sound that the engine was too slow for; weights: how much of each region of
    `core.animation.fusion.REGIONS` came from the voice, empty where there is no camera."""

    speaking: float
    level: float
    latency_ms: float
    dropped: int
    weights: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class SessionStats:
    """One moment's numbers. stage_ms: median of the last frames by stage; rate_hz: pictures a second;
    errors: exceptions since the start of the run; views: how well each face of `landmarks` is seen; voice: None while
    nobody listens."""

    phase: Phase = Phase.IDLE
    rate_hz: float = 0.0
    stage_ms: Mapping[str, float] = field(default_factory=dict)
    frames: int = 0
    dropped: int = 0
    errors: int = 0
    last_error: str = ""
    notice: Notice = Notice.NONE
    states: tuple[FaceState, ...] = ()
    landmarks: tuple[FaceLandmarks, ...] = ()
    views: tuple[ViewQuality, ...] = ()
    voice: VoiceStats | None = None

    @property
    def has_face(self) -> bool:
        return any(state.has_face for state in self.states)


class Meter:
    """Gathers a session's numbers from the engine thread and hands them to any other."""

    WINDOW = 60

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self.restart(Phase.IDLE)

    def restart(self, phase: Phase) -> None:
        """Forgets the last run."""
        with self._lock:
            self._phase = phase
            self._times: deque[float] = deque(maxlen=self.WINDOW)
            self._stages: dict[str, deque[float]] = {}
            self._frames = self._errors = 0
            self._last_error = ""
            self._notice = Notice.NONE
            self._states: tuple[FaceState, ...] = ()
            self._landmarks: tuple[FaceLandmarks, ...] = ()
            self._views: tuple[ViewQuality, ...] = ()
            self._voice: VoiceStats | None = None

    @property
    def phase(self) -> Phase:
        return self._phase

    def set_phase(self, phase: Phase) -> None:
        with self._lock:
            self._phase = phase

    def add_faces(self, result: StepResult, voice: VoiceStats | None) -> None:
        """Keeps what the newest frame showed and what the voice did."""
        with self._lock:
            self._voice = voice
            self._states, self._landmarks = result.states, result.landmarks
            self._views, self._notice = result.views, result.notice

    def add_picture(self, timings_ms: Mapping[str, float]) -> int:
        """Counts a finished picture and returns its number, from 1."""
        with self._lock:
            self._phase = Phase.RUNNING
            self._frames += 1
            self._times.append(self._clock())
            for stage, value in timings_ms.items():
                self._stages.setdefault(stage, deque(maxlen=self.WINDOW)).append(value)
            return self._frames

    def add_error(self, error: Exception) -> None:
        """Counts an exception and keeps its words."""
        with self._lock:
            self._errors += 1
            self._last_error = str(error) or type(error).__name__

    def fail(self, error: Exception) -> None:
        """Notes that the run could not start or go on."""
        self.add_error(error)
        self.set_phase(Phase.FAILED)

    def snapshot(self, dropped: int) -> SessionStats:
        """The numbers of this moment."""
        with self._lock:
            return SessionStats(
                phase=self._phase,
                rate_hz=self._rate_hz(),
                stage_ms={stage: median(values) for stage, values in self._stages.items()},
                frames=self._frames,
                dropped=dropped,
                errors=self._errors,
                last_error=self._last_error,
                notice=self._notice,
                states=self._states,
                landmarks=self._landmarks,
                views=self._views,
                voice=self._voice,
            )

    def _rate_hz(self) -> float:
        recent = [t for t in self._times if self._clock() - t < 2.0]
        span = recent[-1] - recent[0] if len(recent) > 1 else math.inf
        return (len(recent) - 1) / span if 0.0 < span < math.inf else 0.0


class SessionLimit:
    """How many sessions may run at once in this process: each one costs about a processor core."""

    def __init__(self, maximum: int) -> None:
        self._lock = threading.Lock()
        self.maximum = maximum
        self._running = 0

    @property
    def running(self) -> int:
        return self._running

    @property
    def is_full(self) -> bool:
        return self._running >= self.maximum

    def acquire(self) -> bool:
        """Takes a place; False when all are taken."""
        with self._lock:
            if self.is_full:
                return False
            self._running += 1
            return True

    def release(self) -> None:
        """Gives a place back."""
        with self._lock:
            self._running -= 1
