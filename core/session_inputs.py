"""Where a session's frames come from: a camera or a voice that push, a take or a video at its own times."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Protocol, TypeAlias

from core.animation.take import Take
from core.audio.speech_settings import SpeechSettings
from core.media.videos import read_video
from core.session_parts import Clock, NewestSlot, VoiceStats
from core.session_voice import Ear, MakeDriver, SoundQueue
from core.structures import FaceState, Frame

LazyFrame: TypeAlias = Callable[[], Frame]
"""A frame that is not decoded yet: the event loop hands over the reference, the engine thread pays for it."""

TAKE_RATE_HZ = 30.0
PATIENCE_S = 0.5


class Arrival(NamedTuple):
    """A frame that somebody put, and when, seconds of the session's clock."""

    frame: Frame | LazyFrame
    arrived_s: float


class Input(Protocol):
    """What the engine asks, in its own thread.

    gives_frames: whether pictures come, which need the landmark network. arrived_s: when the newest thing that `next`
    gave had come, seconds of the session's clock; None for this moment. timings_ms: what it cost, by stage. voice: what
    is heard, where sound is what comes.
    """

    gives_frames: bool = True
    arrived_s: float | None = None
    timings_ms: Mapping[str, float] = MappingProxyType({})
    voice: VoiceStats | None = None

    def next(self) -> Frame | FaceState | None:
        """The next thing to show, after waiting for it; None when nothing came for a while."""

    def close(self) -> None:
        """Frees what the input holds."""


class CameraInput(Input):
    """The newest frame that somebody put."""

    def __init__(self, slot: NewestSlot[Arrival]) -> None:
        self._slot = slot

    def next(self) -> Frame | None:
        """The newest frame, decoded."""
        arrival = self._slot.take(PATIENCE_S)
        if arrival is None:
            return None
        frame, self.arrived_s = arrival
        return frame() if callable(frame) else frame

    def close(self) -> None:
        """Forgets the last picture of the person."""
        self._slot.clear()


class VoiceInput(Input):
    """The face of a voice, thirty times a second of sound. speech: asked for the settings of this moment."""

    gives_frames = False
    MOST_WAITING = 3  # a slow machine shows fewer faces, never older ones

    def __init__(self, sounds: SoundQueue, make_driver: MakeDriver, speech: Callable[[], SpeechSettings]) -> None:
        self._sounds, self._speech = sounds, speech
        self._ear = Ear(sounds, make_driver, speech())
        self._waiting: deque[FaceState] = deque(maxlen=self.MOST_WAITING)

    def next(self) -> FaceState | None:
        """The next face, once its sound is there."""
        frames = self._ear.listen(self._speech(), 0.0 if self._waiting else PATIENCE_S)
        self._waiting.extend(frame.state for frame in frames)
        self.arrived_s, self.voice = self._ear.arrived_s, self._ear.stats()
        self.timings_ms = {"voice": self._ear.worked_ms}
        return self._waiting.popleft() if self._waiting else None

    def close(self) -> None:
        """Forgets what was said."""
        self._sounds.clear()


class TakeInput(Input):
    """A recorded take, again and again, at the time that has passed."""

    gives_frames = False

    def __init__(self, take: Take, clock: Clock, stopped: threading.Event) -> None:
        self._take = take
        self._clock = clock
        self._stopped = stopped
        self._started_s = clock()
        self._ticks = 0

    def next(self) -> FaceState | None:
        """The state of this moment of the take."""
        self._ticks += 1
        due_s = self._started_s + self._ticks / TAKE_RATE_HZ
        late_s = self._clock() - due_s
        if late_s > 0.0:
            self._ticks += int(late_s * TAKE_RATE_HZ)
        elif self._stopped.wait(-late_s):
            return None
        duration_s = max(self._take.duration_s, 1.0 / TAKE_RATE_HZ)
        return self._take.at(self._take.states[0].timestamp_s + (self._ticks / TAKE_RATE_HZ) % duration_s)

    def close(self) -> None:
        """Nothing to free."""


class VideoInput(Input):
    """A video, a file or its bytes, again and again, at its own times; frames that come too late are left out."""

    LATE_S = 0.15

    def __init__(self, video: Path | bytes, clock: Clock, stopped: threading.Event) -> None:
        self._video = video
        self._clock = clock
        self._stopped = stopped
        self._frames: Iterator[Frame] = iter(())
        self._started_s: float | None = None
        self._offset_s = 0.0
        self._last_s = 0.0

    def next(self) -> Frame | None:
        """The next frame at its time; its timestamps go on rising from one round to the next."""
        while not self._stopped.is_set():
            frame = next(self._frames, None)
            if frame is None:
                self._rewind()
                frame = next(self._frames, None)
                if frame is None:
                    self._stopped.wait(PATIENCE_S)
                    return None
            timestamp_s = self._offset_s + frame.timestamp_s
            if self._started_s is None:
                self._started_s = self._clock() - timestamp_s
            self._last_s = timestamp_s
            late_s = self._clock() - self._started_s - timestamp_s
            if late_s > self.LATE_S:
                continue
            self._stopped.wait(max(0.0, -late_s))
            return Frame(frame.image, timestamp_s, frame.index)
        return None

    def close(self) -> None:
        """Ends the decoding child."""
        close = getattr(self._frames, "close", None)
        if close is not None:
            close()
        self._frames = iter(())

    def _rewind(self) -> None:
        self.close()
        self._offset_s = self._last_s + 1.0 / 30.0 if self._started_s is not None else 0.0
        self._started_s = None
        self._frames = iter(read_video(self._video))
