"""A stand-in for the speech driver whose jaw opens as loud as the sound is, and sounds to drive it."""

from __future__ import annotations

import math
import threading

import numpy as np

from core.audio.speech_settings import SpeechFrame, SpeechSettings
from core.blendshapes import INDEX
from core.structures import AudioChunk, FaceState

RATE_HZ = 48_000
PACKET_S = 0.02
UNLUCKY = 0.125
HEAD_M = np.array([0.0, 0.0, -0.55], np.float32)


class LoudnessDriver:
    """One frame each 1/30 s of sound, look-ahead late: jawOpen is the loudest sample of the last 1/30 s."""

    def __init__(self, settings: SpeechSettings | None = None) -> None:
        self.settings = settings or SpeechSettings()
        self.threads: set[int] = set()
        self.pushed: list[float] = []
        self.resets = 0
        self.reset()

    @property
    def latency_ms(self) -> float:
        return self.settings.look_ahead_ms

    def reset(self) -> None:
        self.resets += 1
        self._chunks: list[AudioChunk] = []
        self._next: int | None = None

    def push(self, chunk: AudioChunk) -> list[SpeechFrame]:
        self.threads.add(threading.get_ident())
        self.pushed.append(chunk.timestamp_s)
        if len(chunk.samples) and chunk.samples[0] == UNLUCKY:
            raise ValueError("an unlucky packet")
        self._chunks = [*self._chunks[-20:], chunk]
        return self._frames(chunk.timestamp_s + len(chunk.samples) / chunk.rate_hz - 0.001 * self.latency_ms)

    def finish(self) -> list[SpeechFrame]:
        if not self._chunks:
            return []
        last = self._chunks[-1]
        return self._frames(last.timestamp_s + len(last.samples) / last.rate_hz)

    def _frames(self, until_s: float) -> list[SpeechFrame]:
        if self._next is None:
            self._next = math.ceil(30 * self._chunks[0].timestamp_s - 1e-6)
        frames = []
        while self._next / 30 <= until_s + 1e-9:
            frames.append(self._frame(self._next / 30))
            self._next += 1
        return frames

    def _frame(self, time_s: float) -> SpeechFrame:
        loud = 0.0
        for chunk in self._chunks:
            times_s = chunk.timestamp_s + np.arange(len(chunk.samples)) / chunk.rate_hz
            near = np.abs(chunk.samples[(times_s > time_s - 1 / 30) & (times_s <= time_s)])
            loud = max(loud, float(near.max(initial=0.0)))
        values = np.zeros(52, np.float32)
        values[INDEX["jawOpen"]] = min(1.0, loud * self.settings.strength)
        return SpeechFrame(FaceState(time_s, blendshapes=values, head_translation=HEAD_M), min(1.0, loud))


def packet(number: int, level: float = 0.5, seconds: float = PACKET_S) -> AudioChunk:
    """The `number`-th packet of a tone of this level."""
    samples = np.full(round(RATE_HZ * seconds), level, np.float32)
    return AudioChunk(samples, RATE_HZ, number * seconds)


def jaw(state: FaceState) -> float:
    return float(state.blendshapes[INDEX["jawOpen"]])
