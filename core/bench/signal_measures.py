"""How well a filtered signal follows the true one: lag, what is left of peaks, and shaking."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.structures import FloatArray

LAGS_FRAMES = np.arange(-1.0, 4.01, 0.05)


@dataclass(frozen=True, slots=True)
class Following:
    """lag_frames: the delay of the truth that fits best. peak_gain: slope on the delayed truth, 1 where peaks keep
    their height. acceleration_error: mean absolute difference of second differences against the delayed truth, per
    frame². error: root mean square against the undelayed truth."""

    lag_frames: float
    peak_gain: float
    acceleration_error: float
    error: float


def delayed(signal: FloatArray, frames: float) -> FloatArray:
    """(T, C) signal of `frames` earlier, linear in between, ends held."""
    at = np.arange(len(signal))
    return np.stack([np.interp(at - frames, at, channel) for channel in signal.T], axis=1)


def following(filtered: FloatArray, truth: FloatArray) -> Following:
    """The measures over (T, C) signals; frames at both ends, where the delay has no neighbours, are left out."""
    inner = slice(4, len(truth) - 4)
    errors = [float(((filtered - delayed(truth, lag))[inner] ** 2).mean()) for lag in LAGS_FRAMES]
    lag = float(LAGS_FRAMES[int(np.argmin(errors))])
    shifted = delayed(truth, lag)[inner]
    found = filtered[inner]
    centred = shifted - shifted.mean(0)
    gain = float((centred * (found - found.mean(0))).sum() / max(float((centred**2).sum()), 1e-12))
    shaking = float(np.abs(np.diff(found, 2, axis=0) - np.diff(shifted, 2, axis=0)).mean())
    return Following(lag, gain, shaking, float(np.sqrt(((filtered - truth)[inner] ** 2).mean())))
