"""Chunks as they come, with gaps, overlaps and a clock that drifts, to one unbroken sound at 16 kHz."""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import Final

import numpy as np

from core.audio.resampling import Resampler
from core.structures import AudioChunk, FloatArray

GRID_HZ: Final = 30
TOLERANCE_S = 0.015  # of a chunk's time against the count of samples: rounded and slightly late times are no gaps
CONCEALED_S = 0.06  # how long a gap goes on with what was heard, fading: a lost packet must not shut the mouth
LONGEST_FILLED_S = 1.0  # of silence in a gap; of a longer one the rest is left out, so that nobody waits for it
NEW_SOUND_S = 1.0  # back in time by more is another sound


class ContinuousSound:
    """Puts the chunks of one sound in a row, so that sample and time never differ by more than 15 ms.

    A gap is filled when the chunk after it comes: for 60 ms with the mirrored, fading end of what was heard, then with
    silence; what was heard already is left out. Stream time counts what `push` gives, seconds at 16 kHz from 0;
    `time_s` tells the sound's own time of it. Both differ by the first chunk's time and by what long gaps leave out,
    which is whole frames of 1/30 s.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything; the next chunk begins a new sound."""
        self._resampler: Resampler | None = None
        self._rate_hz = 0
        self._next_s = 0.0
        self._heard = np.zeros(0, np.float32)
        self._cuts_s: list[float] = []  # stream times from which on the offset of the same place counts
        self._offsets_s: list[float] = []

    @property
    def has_begun(self) -> bool:
        """Whether a chunk has come."""
        return self._resampler is not None

    @property
    def latency_s(self) -> float:
        """How long a sample waits in the resampler, seconds."""
        return self._resampler.latency_s if self._resampler else 0.0

    @property
    def length_s(self) -> float:
        """Stream time that is pushed so far, seconds."""
        return self._next_s - self._offsets_s[-1] if self._offsets_s else 0.0

    def time_s(self, stream_s: float) -> float:
        """The sound's own time at this stream time, seconds."""
        return stream_s + self._offsets_s[max(0, bisect_right(self._cuts_s, stream_s + 1e-9) - 1)]

    def is_new_sound(self, chunk: AudioChunk) -> bool:
        """Whether the chunk lies so far back in time that it belongs to another sound."""
        return self.has_begun and chunk.timestamp_s < self._next_s - NEW_SOUND_S

    def push(self, chunk: AudioChunk) -> FloatArray:
        """(n,) float32 at 16 kHz: what this chunk, and the gap before it, make known. InputError: its rate."""
        samples = np.nan_to_num(np.asarray(chunk.samples, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
        if len(samples) == 0:
            return samples
        begun_s = chunk.timestamp_s if math.isfinite(chunk.timestamp_s) else self._next_s
        pieces = self._use_rate(chunk.rate_hz, begun_s)
        assert self._resampler is not None
        late_s = begun_s - self._next_s
        if late_s > TOLERANCE_S:
            pieces.append(self._resampler.push(self._filler(late_s)))
        elif late_s < -TOLERANCE_S:
            samples = samples[round(-late_s * chunk.rate_hz) :]
        pieces.append(self._resampler.push(samples))
        self._next_s += len(samples) / chunk.rate_hz
        kept = round(CONCEALED_S * chunk.rate_hz)
        self._heard = np.concatenate([self._heard, samples])[-kept:]
        return np.concatenate(pieces)

    def finish(self) -> FloatArray:
        """(n,) float32: what still waits in the resampler."""
        return self._resampler.finish() if self._resampler else np.zeros(0, np.float32)

    def _use_rate(self, rate_hz: int, begun_s: float) -> list[FloatArray]:
        if rate_hz == self._rate_hz:
            return []
        resampler = Resampler(rate_hz)
        rest = self.finish()
        if self._resampler is None:
            self._cuts_s, self._offsets_s, self._next_s = [0.0], [begun_s], begun_s
        self._resampler, self._rate_hz = resampler, rate_hz
        self._heard = np.zeros(0, np.float32)
        return [rest]

    def _filler(self, gap_s: float) -> FloatArray:
        left_out_s = max(0.0, math.floor((gap_s - LONGEST_FILLED_S) * GRID_HZ) / GRID_HZ)
        filled = np.zeros(round((gap_s - left_out_s) * self._rate_hz), np.float32)
        mirrored = self._heard[::-1][: len(filled)]
        filled[: len(mirrored)] = mirrored * np.linspace(1.0, 0.0, len(self._heard), dtype=np.float32)[: len(mirrored)]
        self._next_s += gap_s
        if left_out_s > 0.0:
            offset_s = self._offsets_s[-1] + left_out_s
            self._cuts_s.append(self._next_s - offset_s)
            self._offsets_s.append(offset_s)
        return filled
