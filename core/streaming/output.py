"""One output of the hub: maps the newest frame and hands it to a sink, in a thread of its own.

A sink that says so gets its frames in the thread that offers them: handing a frame to the server's process takes a
tenth of a millisecond, waking a thread beside a busy engine takes as long as that holds Python's lock.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median
from typing import Any, Protocol

from core.errors import InputError
from core.streaming.codecs.common import mirrored
from core.streaming.mapping import FaceMapping
from core.streaming.metrics import Metrics
from core.streaming.rate import RateGate
from core.structures import FaceState

Clock = Callable[[], float]
RECENT = 120
FRESH_S = 2.0  # older sendings say nothing about the present rate
JOIN_S = 5.0
LOOK_S = 0.5  # how often an output without frames looks whether its sink still lives


@dataclass(frozen=True, slots=True, eq=False)
class OutgoingFrame:
    """A state on its way. sequence: its number in the hub; arrived_s, tracked_s: when its frame came and when its face
    was known, seconds of the monotonic clock."""

    state: FaceState
    sequence: int
    arrived_s: float
    tracked_s: float


class Sink(Protocol):
    """Where frames leave; made, used and closed by one output. `send` must not wait.

    sends_at_once: `send` takes so little time that the thread which offers a frame can do it.
    """

    title: str
    address: str
    sends_at_once: bool

    def send(self, frame: OutgoingFrame) -> bool:
        """Whether it went out; False where there was no room for it. StreamError or OSError: it failed."""
        ...

    def is_alive(self) -> bool:
        """Whether further frames can go out."""
        ...

    def details(self) -> Mapping[str, Any]:
        """Numbers of its own kind, plain values."""
        ...

    def close(self) -> None:
        """Frees what it holds."""
        ...


@dataclass(frozen=True, slots=True)
class OutputSettings:
    """What one output does to the frames.

    rate_hz: at most so many a second, None as many as come. repeats: where fewer come, the last one goes out again at
    rate_hz, for receivers that forget. mirrored: sides swapped, as in a mirror. mapping: strength of the channels.
    face: which face of the picture, 0 the first. InputError: a rate out of range, or repeats without a rate.
    """

    rate_hz: float | None = None
    repeats: bool = False
    mirrored: bool = False
    mapping: FaceMapping = field(default_factory=FaceMapping)
    face: int = 0

    def __post_init__(self) -> None:
        RateGate(self.rate_hz)
        if self.repeats and self.rate_hz is None:
            raise InputError("An output that repeats frames needs a rate.")
        if self.face < 0:
            raise InputError(f"Faces are counted from 0, but the output asks for {self.face}.")


class OutputPhase(StrEnum):
    """Where an output stands."""

    RUNNING = "running"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class OutputStatus:
    """One moment's numbers.

    rate_hz: frames a second of the last two seconds. age_ms: median time from the arrival of a frame to its leaving,
    None before the first. sent, dropped (replaced by a newer one, or no room for it), errors: since the start.
    error: what went wrong last, empty where nothing did. details: of its kind, as `clients` of a WebSocket server.
    """

    name: str
    title: str
    address: str
    phase: OutputPhase
    settings: OutputSettings
    rate_hz: float
    age_ms: float | None
    sent: int
    dropped: int
    errors: int
    error: str
    details: Mapping[str, Any]


class Output:
    """Runs one sink until `close`. `offer` never waits; every method may be called from any thread."""

    def __init__(
        self, name: str, sink: Sink, settings: OutputSettings, metrics: Metrics, clock: Clock = time.monotonic
    ) -> None:
        self.name = name
        self._sink, self._settings, self._metrics, self._clock = sink, settings, metrics, clock
        self._gate = RateGate(settings.rate_hz)
        self._news = threading.Condition()
        self._sending = threading.Lock()
        self._frame: OutgoingFrame | None = None
        self._last: OutgoingFrame | None = None
        self._stopped = False
        self._phase = OutputPhase.RUNNING
        self._sent = self._dropped = self._errors = 0
        self._error = ""
        self._times_s: deque[float] = deque(maxlen=RECENT)
        self._ages_s: deque[float] = deque(maxlen=RECENT)
        self._thread = threading.Thread(target=self._run, name=f"stream-{name}", daemon=True)
        self._thread.start()

    @property
    def settings(self) -> OutputSettings:
        return self._settings

    @settings.setter
    def settings(self, settings: OutputSettings) -> None:
        with self._news:
            if settings.rate_hz != self._settings.rate_hz:
                self._gate = RateGate(settings.rate_hz)
            self._settings = settings
            self._news.notify()

    def offer(self, frame: OutgoingFrame) -> None:
        """Hands over the newest frame; one that nobody took yet is replaced."""
        if self._sink.sends_at_once:
            if self._phase is OutputPhase.RUNNING and not self._stopped:
                self._deliver(frame)
            return
        with self._news:
            self._dropped += self._frame is not None
            self._frame = frame
            self._news.notify()

    def status(self) -> OutputStatus:
        """The numbers of this moment."""
        details = self._sink.details()
        with self._news:
            now_s = self._clock()
            recent = [t for t in self._times_s if now_s - t < FRESH_S]
            span_s = recent[-1] - recent[0] if len(recent) > 1 else 0.0
            return OutputStatus(
                self.name, self._sink.title, self._sink.address, self._phase, self._settings,
                (len(recent) - 1) / span_s if span_s > 0.0 else 0.0,
                1000.0 * median(self._ages_s) if self._ages_s else None,
                self._sent, self._dropped, self._errors, self._error, details,
            )  # fmt: skip

    def close(self) -> None:
        """Ends the thread and the sink, after what still waits was sent."""
        with self._news:
            self._stopped = True
            self._news.notify()
        self._thread.join(JOIN_S)

    def _run(self) -> None:
        try:
            while True:
                frame = self._next()
                if frame is not None:
                    self._deliver(frame)
                elif self._stopped:  # only now: what still waits is the face's last look
                    return
                if not self._sink.is_alive():
                    self._phase = OutputPhase.FAILED
                    return
        finally:
            with self._sending:
                self._sink.close()
            if self._phase is OutputPhase.RUNNING:
                self._phase = OutputPhase.STOPPED

    def _next(self) -> OutgoingFrame | None:
        """The newest frame, or the last one again where its time has come; None: look again."""
        with self._news:
            rate_hz = self._settings.rate_hz
            repeats = self._settings.repeats and self._last is not None
            if self._frame is None and not self._stopped:
                self._news.wait(1.0 / rate_hz if repeats and rate_hz else LOOK_S)
            frame, self._frame = self._frame, None
            return self._last if frame is None and repeats and not self._stopped else frame

    def _deliver(self, frame: OutgoingFrame) -> None:
        with self._sending:
            if self._gate.passes(self._clock()):
                is_new, self._last = frame is not self._last, frame
                self._send(frame, is_new)

    def _send(self, frame: OutgoingFrame, is_new: bool) -> None:
        """What goes wrong here stays here: it is counted, and the next frame is tried."""
        settings = self._settings
        try:
            state = settings.mapping.apply(frame.state)
            state = mirrored(state) if settings.mirrored and state.has_face else state
            went = self._sink.send(OutgoingFrame(state, frame.sequence, frame.arrived_s, frame.tracked_s))
        except Exception as error:
            with self._news:
                self._errors += 1
                self._error = " ".join(str(error).split()) or type(error).__name__
            self._metrics.count("output_errors_total", "Frames that failed", output=self.name)
            return
        now_s = self._clock()
        with self._news:
            self._sent += went
            self._dropped += not went
            if went:
                self._times_s.append(now_s)
            if went and is_new:
                self._ages_s.append(now_s - frame.arrived_s)
        if went:
            self._metrics.count("output_frames_total", "Frames that left", output=self.name)
        if went and is_new:
            self._metrics.observe(
                "output_age_seconds", "From the arrival of a frame to its leaving", now_s - frame.arrived_s,
                output=self.name,
            )  # fmt: skip
