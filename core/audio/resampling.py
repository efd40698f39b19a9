"""Sound of any rate to 16 kHz while it comes: windowed-sinc interpolation, in step with the input's own time."""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from core.audio.mel import RATE_HZ
from core.errors import InputError
from core.structures import FloatArray

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 1000, 768_000
HALF_WIDTH = 24  # zero crossings of the sinc on each side: 1.5 ms of look-ahead above 16 kHz, 3 ms at 8 kHz
KAISER_BETA = 8.0  # side lobes 80 dB down
PASS_BAND = 0.945  # of the lower of both Nyquist rates, so that the stop band begins near it
FEW_PHASES = 8  # 8, 24, 32, 48, 96 and 192 kHz have at most two, 44.1 kHz has 160
BLOCK = 16_384  # outputs at once: bounds the memory of a long chunk


class Resampler:
    """One sound from `rate_hz` to 16 kHz mono. Cutting it into other pieces changes nothing.

    Output m is the sound at m / 16000 s of the input's time, so nothing is delayed; it is known as soon as the input
    is `latency_s` further. Samples that are not finite count as 0, those beyond full scale are clipped.
    InputError: a rate outside 1 kHz to 768 kHz.
    """

    def __init__(self, rate_hz: int) -> None:
        if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
            raise InputError(
                f"Sound must have {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} samples a second, but it has {rate_hz}."
            )
        shared = math.gcd(rate_hz, RATE_HZ)
        self._up, self._down = RATE_HZ // shared, rate_hz // shared
        self._half = 0 if self._up == self._down else math.ceil(HALF_WIDTH * max(1.0, rate_hz / RATE_HZ))
        self._bank = _phases(self._up, self._down, self._half)
        self.latency_s = self._half / rate_hz
        self.reset()

    def reset(self) -> None:
        """Forget everything; the next sample is at time 0."""
        self._waiting = np.zeros(max(0, self._half - 1))  # what came before the sound
        self._first = -len(self._waiting)  # index of the first waiting sample
        self._given = 0

    def push(self, samples: FloatArray) -> FloatArray:
        """(m,) float32 at 16 kHz: all that these (N,) samples make known."""
        clean = np.clip(np.nan_to_num(np.asarray(samples, np.float64), nan=0.0, posinf=0.0, neginf=0.0), -1.0, 1.0)
        if self._half == 0:
            return clean.astype(np.float32)
        self._waiting = np.concatenate([self._waiting, clean])
        known = self._first + len(self._waiting)
        # Output m reads up to input floor(m * down / up) + half.
        end = max(self._given, -(-(known - self._half) * self._up // self._down))
        pieces = [self._outputs(m, min(m + BLOCK, end)) for m in range(self._given, end, BLOCK)]
        self._given = end
        done = end * self._down // self._up - self._half + 1 - self._first
        self._waiting, self._first = self._waiting[done:], self._first + done
        return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)

    def finish(self) -> FloatArray:
        """(m,) float32: the rest, as if silence followed; the sound is then ceil(N * 16000 / rate) samples long."""
        if self._half == 0:
            return np.zeros(0, np.float32)
        total = -(-(self._first + len(self._waiting)) * self._up // self._down)
        missing = total - self._given
        return self.push(np.zeros(self._half))[:missing]

    def _outputs(self, first: int, end: int) -> FloatArray:
        position = np.arange(first, end, dtype=np.int64) * self._down
        start = position // self._up - self._half + 1 - self._first
        windows = sliding_window_view(self._waiting, 2 * self._half)
        if self._up > FEW_PHASES:
            return np.einsum("mk,mk->m", windows[start], self._bank[position % self._up]).astype(np.float32)
        result = np.empty(end - first, np.float32)
        for k in range(min(self._up, end - first)):  # outputs of one phase: evenly spaced windows, nothing is copied
            count = len(result[k :: self._up])
            spaced = windows[start[k] :: self._down][:count]
            result[k :: self._up] = np.einsum("mk,k->m", spaced, self._bank[position[k] % self._up])
        return result


def _phases(up: int, down: int, half: int) -> FloatArray:
    """(up, 2 half): weights of the inputs around each of the `up` places between two of them; each row sums to 1."""
    offset = np.arange(1 - half, half + 1) - np.arange(up)[:, None] / up  # of the input from the output
    cutoff = PASS_BAND * min(1.0, up / down)
    window = np.i0(KAISER_BETA * np.sqrt(np.maximum(0.0, 1.0 - (offset / max(half, 1)) ** 2)))
    weights = np.sinc(cutoff * offset) * window
    return weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-12)


def resampled(samples: FloatArray, rate_hz: int) -> FloatArray:
    """(ceil(N * 16000 / rate),) float32 at 16 kHz of a whole sound, (N,) at `rate_hz`; see `Resampler`."""
    resampler = Resampler(rate_hz)
    return np.concatenate([resampler.push(samples), resampler.finish()])
