"""The voice of a live session: sound comes in through a bounded queue; a face goes out, in the engine's thread.

Unlike pictures, sound must not be skipped: the newest packet says nothing without the one before it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from core.animation.fusion import VoiceFusion
from core.animation.take import between_states
from core.audio.speech_settings import SpeechFrame, SpeechSettings
from core.pipeline import StepResult
from core.session_parts import VoiceStats
from core.structures import AudioChunk, FaceState

if TYPE_CHECKING:
    from core.audio.speech_driver import SpeechDriver

LazySound: TypeAlias = Callable[[], AudioChunk]
"""Sound that is not decoded yet: the event loop hands over the reference, the engine thread pays for it."""
MakeDriver: TypeAlias = "Callable[[SpeechSettings], SpeechDriver]"

MOST_CHUNKS = 50  # one second of a browser's packets of 20 ms
MOST_AT_ONCE = 5  # a machine that fell behind shows a face and hears of a stop in between, and catches up
SPARE_S = 0.02  # a packet may come that much later than its neighbours without a step in the movement
STALE_S = 0.5  # a voice that was not heard for longer has gone
LAG_CHUNKS = 150  # three seconds: as long as a slow clock may hide behind one quick packet
LEVEL_CHUNKS = 50  # one second
KEPT_FRAMES = 30
BACKWARDS_S = 0.5  # a sound that starts anew, not a packet that came late


def make_speech_driver(settings: SpeechSettings) -> SpeechDriver:
    """The driver of a live session; its network is loaded now, where a voice is used."""
    from core.audio.speech_driver import SpeechDriver

    return SpeechDriver(settings=settings)


class Heard(NamedTuple):
    """Sound that somebody put, and when, seconds of the session's clock."""

    sound: AudioChunk | LazySound
    arrived_s: float


class SoundQueue:
    """Sound on its way to the engine, oldest first. When it is full, the oldest is dropped and counted."""

    def __init__(self, most_chunks: int = MOST_CHUNKS) -> None:
        self._condition = threading.Condition()
        self._sounds: deque[Heard] = deque()
        self._most_chunks = most_chunks
        self._dropped = 0

    def put(self, heard: Heard) -> None:
        """Adds to the end; never waits for a reader."""
        with self._condition:
            if len(self._sounds) >= self._most_chunks:
                self._sounds.popleft()
                self._dropped += 1
            self._sounds.append(heard)
            self._condition.notify()

    def take(self, most: int, timeout_s: float = 0.0) -> list[Heard]:
        """What waits, oldest first, `most` at most; after waiting for the first where a time is given. May be empty."""
        with self._condition:
            if not self._sounds and timeout_s > 0.0:
                self._condition.wait(timeout_s)
            return [self._sounds.popleft() for _ in range(min(most, len(self._sounds)))]

    def wake(self) -> None:
        """Lets a waiting reader go on without sound."""
        with self._condition:
            self._condition.notify_all()

    def clear(self) -> None:
        """Forgets the sound and the count of what was dropped."""
        with self._condition:
            self._sounds.clear()
            self._dropped = 0

    @property
    def dropped(self) -> int:
        """How many chunks were pushed out before anybody took them."""
        return self._dropped


class SoundClock:
    """Where the sound's own time stands on the session's clock: the quickest of the last packets tells.

    Packets only ever come late, so the least distance between a packet's end and its arrival is the true one; it
    follows a clock that drifts as old packets are forgotten.
    """

    def __init__(self) -> None:
        self._lags: deque[float] = deque(maxlen=LAG_CHUNKS)

    def note(self, end_s: float, arrived_s: float) -> None:
        """Takes in a packet. end_s: sound time after its last sample; arrived_s: session's clock."""
        self._lags.append(arrived_s - end_s)

    def sound_time(self, now_s: float) -> float:
        """The sound time that has been heard by now, seconds."""
        return now_s - min(self._lags)


class Ear:
    """Sound to faces, for the thread that owns it. settings: the driver's, changed as they come."""

    def __init__(self, sounds: SoundQueue, make_driver: MakeDriver, settings: SpeechSettings) -> None:
        self._sounds = sounds
        self._driver = make_driver(settings)
        self._clock = SoundClock()
        self._frames: deque[SpeechFrame] = deque(maxlen=KEPT_FRAMES)
        self._peaks: deque[float] = deque(maxlen=LEVEL_CHUNKS)
        self._end_s: float | None = None
        self.arrived_s: float | None = None
        self.worked_ms = 0.0

    def listen(self, settings: SpeechSettings, timeout_s: float = 0.0) -> list[SpeechFrame]:
        """The frames that the next waiting sound completes, after waiting for some where a time is given."""
        if settings != self._driver.settings:
            self._driver.settings = settings
        heard = self._sounds.take(MOST_AT_ONCE, timeout_s)
        started_s = time.perf_counter()
        frames = [frame for sound, arrived_s in heard for frame in self._push(sound, arrived_s)]
        self.worked_ms = 1000.0 * (time.perf_counter() - started_s) / max(1, len(frames))
        self._frames.extend(frames)
        return frames

    def at(self, now_s: float) -> FaceState | None:
        """The voice's face at this moment of the session's clock, between two frames; None where nobody is heard."""
        if not self._frames or self.arrived_s is None or now_s - self.arrived_s > STALE_S:
            return None
        time_s = self._clock.sound_time(now_s) - 0.001 * self._driver.latency_ms - SPARE_S
        after = self._frames[-1].state
        for frame in reversed(self._frames):
            before = frame.state
            if before.timestamp_s <= time_s:
                span_s = after.timestamp_s - before.timestamp_s
                weight = min(1.0, (time_s - before.timestamp_s) / span_s) if span_s > 0.0 else 0.0
                return between_states(before, after, weight, time_s)
            after = before
        return after

    def stats(self) -> VoiceStats:
        """The numbers of this moment."""
        speaking = self._frames[-1].speaking if self._frames else 0.0
        return VoiceStats(speaking, max(self._peaks, default=0.0), self._driver.latency_ms, self._sounds.dropped)

    def _push(self, sound: AudioChunk | LazySound, arrived_s: float) -> list[SpeechFrame]:
        chunk = sound() if callable(sound) else sound
        if self._end_s is not None and chunk.timestamp_s < self._end_s - BACKWARDS_S:
            self._driver.reset()
            self._clock = SoundClock()
            self._frames.clear()
        self._end_s = chunk.timestamp_s + len(chunk.samples) / chunk.rate_hz
        self._clock.note(self._end_s, arrived_s)
        self._peaks.append(float(np.abs(chunk.samples).max(initial=0.0)))
        self.arrived_s = arrived_s
        return self._driver.push(chunk)


class VoiceBeside:
    """The voice beside the camera: it supports the first face, and moves the head alone while there is none."""

    def __init__(self, sounds: SoundQueue, make_driver: MakeDriver) -> None:
        self._sounds, self._make_driver = sounds, make_driver
        self._ear: Ear | None = None
        self._is_broken = False
        self._fusion = VoiceFusion()

    @property
    def is_in_use(self) -> bool:
        """Whether it listens, or lets go of the face."""
        return self._ear is not None or any(self._fusion.weights.values())

    def support(
        self, result: StepResult, arrived_s: float, settings: SpeechSettings, listens: bool
    ) -> tuple[tuple[FaceState, ...], VoiceStats | None]:
        """(the faces of this frame with the voice in the first, what the voice does). arrived_s: when the frame came.

        Raises what the driver raises when it cannot start, once until the voice is switched off and on again.
        """
        if not listens:
            self._stop()
        voice = self._heard(arrived_s, settings) if listens else None
        first, *others = result.states
        views = zip(result.landmarks, result.views, strict=False)
        sight = next((view.regions for face, view in views if face.face_id == first.face_id), None)
        fused = self._fusion.fuse(first, sight, voice)
        stats = None if self._ear is None else replace(self._ear.stats(), weights=self._fusion.weights)
        return (fused, *others), stats

    def _heard(self, now_s: float, settings: SpeechSettings) -> FaceState | None:
        if self._ear is None:
            if self._is_broken:
                return None
            self._is_broken = True
            self._ear = Ear(self._sounds, self._make_driver, settings)
            self._is_broken = False
        self._ear.listen(settings)
        return self._ear.at(now_s)

    def _stop(self) -> None:
        if self._ear is not None or self._is_broken:
            self._ear, self._is_broken = None, False
            self._sounds.clear()
