"""The One-Euro filter: steady at rest, quick in motion.

Source: Casiez, Roussel, Vogel, "1 Euro Filter: A Simple Speed-based Low-pass Filter for Noisy Input in Interactive
Systems", CHI 2012. Two points differ, both so that the same movement gives the same curve at every frame rate: the
smoothing factor is the exact one of a first-order low-pass, `1 - exp(-2 pi f dt)`, where the paper has its
approximation `1 / (1 + 1 / (2 pi f dt))`, and the speed is the difference of two raw values, where the paper takes
the last filtered one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.errors import InputError
from core.structures import FloatArray


@dataclass(frozen=True, slots=True)
class OneEuroParameters:
    """How much to smooth.

    min_cutoff_hz: cutoff at rest; lower is steadier. The lag at rest is `1 / (2 pi min_cutoff_hz)`: 20 ms at 8 Hz.
    beta: how fast the cutoff rises with speed, Hz per (unit of the value / s); higher is quicker.
    derivative_cutoff_hz: cutoff of the speed itself.
    """

    min_cutoff_hz: float = 1.0
    beta: float = 0.0
    derivative_cutoff_hz: float = 1.0

    def __post_init__(self) -> None:
        for name in ("min_cutoff_hz", "derivative_cutoff_hz"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise InputError(f"{name} must be a positive number of hertz, but it is {value}.")
        if not (math.isfinite(self.beta) and self.beta >= 0):
            raise InputError(f"beta must be zero or more, but it is {self.beta}.")


def smoothing_factor(cutoff_hz: FloatArray | float, elapsed_s: FloatArray | float) -> FloatArray:
    """Weight of the new value in a first-order low-pass, in [0, 1]: `1 - exp(-2 pi cutoff_hz elapsed_s)`."""
    return -np.expm1(-2.0 * np.pi * np.asarray(cutoff_hz) * np.asarray(elapsed_s))


class OneEuroFilter:
    """Smooths an array of any one shape, every element by itself.

    State, per element: the last raw value, the last output, the smoothed speed, and the time of the last raw value.
    An element without a value so far (`reset`, or only NaN until now) has no state and takes its first value as it is.
    """

    def __init__(self, parameters: OneEuroParameters | None = None) -> None:
        self.parameters = parameters or OneEuroParameters()
        self.reset()

    def reset(self) -> None:
        """Forget everything; the next value passes unchanged."""
        self._timestamp_s = -math.inf
        self._shape: tuple[int, ...] | None = None
        self._raw = np.empty(0)
        self._output = np.empty(0)
        self._speed = np.empty(0)
        self._time_s = np.empty(0)

    def filter(self, values: FloatArray, timestamp_s: float) -> FloatArray:
        """Smoothed `values`: same shape, float32 for float32 input, else float64.

        timestamp_s: the values' own time, seconds. The same time again changes nothing and gives the last output.
        A time before the last one means that the source began anew: the filter resets itself.
        An element that is NaN or infinite is held: its output stays, its state waits for the next finite value
        (before the first finite value its output is NaN).
        InputError: the shape changed without `reset`, or the time is not finite.
        """
        raw = np.asarray(values, np.float64)
        if not math.isfinite(timestamp_s):
            raise InputError(f"A filter needs a finite time in seconds, but got {timestamp_s}.")
        if self._shape is not None and raw.shape != self._shape:
            raise InputError(f"The filter holds values of shape {self._shape}, but got {raw.shape}. Reset it before.")
        if timestamp_s < self._timestamp_s:
            self.reset()
        if self._shape is None:
            self._start(raw.shape)
        if timestamp_s > self._timestamp_s:
            self._advance(raw, timestamp_s)
            self._timestamp_s = timestamp_s
        return self._output.astype(np.float32 if np.asarray(values).dtype == np.float32 else np.float64)

    def _start(self, shape: tuple[int, ...]) -> None:
        self._shape = shape
        self._raw = np.full(shape, np.nan)
        self._output = np.full(shape, np.nan)
        self._speed = np.zeros(shape)
        self._time_s = np.full(shape, np.nan)

    def _advance(self, raw: npt.NDArray[np.float64], timestamp_s: float) -> None:
        p = self.parameters
        finite = np.isfinite(raw)
        known = finite & np.isfinite(self._output)
        elapsed_s = np.where(known, timestamp_s - self._time_s, 1.0)
        previous = np.where(known, self._raw, 0.0)
        current = np.where(known, raw, 0.0)
        output = np.where(known, self._output, 0.0)
        speed = self._speed + smoothing_factor(p.derivative_cutoff_hz, elapsed_s) * (
            (current - previous) / elapsed_s - self._speed
        )
        weight = smoothing_factor(p.min_cutoff_hz + p.beta * np.abs(speed), elapsed_s)
        self._speed = np.where(known, speed, self._speed)
        self._output = np.where(known, output + weight * (current - output), np.where(finite, raw, self._output))
        self._raw = np.where(finite, raw, self._raw)
        self._time_s = np.where(finite, timestamp_s, self._time_s)
