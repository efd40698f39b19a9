"""What the speech network hears: 80 log-Mel bands and 4 prosody values every 10 ms, from the past alone."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.signal import lfilter

from core.audio.activity import ActivityDetector
from core.audio.mel import BANDS, RATE_HZ, WINDOW, log_mel, mel_power
from core.audio.pitch import PITCH_WINDOW, pitch_and_voicing
from core.structures import FloatArray

__all__ = ["BANDS", "FEATURES", "HOP", "RATE_HZ", "FeatureStream", "speech_features"]

HOP: Final = 160  # samples, 10 ms
PROSODY: Final = 4
FEATURES: Final = BANDS + PROSODY
LOG_F0, ENERGY, VOICING, ACTIVITY = range(BANDS, FEATURES)  # columns

HIGH_PASS_HZ = 30.0  # takes the microphone's offset and the room's rumble
F0_ZERO_HZ = 50.0
CONTEXT = PITCH_WINDOW - HOP
BLOCK_FRAMES = 1024  # at once: bounds the memory of a long sound


class FeatureStream:
    """Features of one sound while it comes. Cutting it into other pieces changes nothing.

    Columns 0 to 79: log-Mel (`core.audio.mel`). 80: log10(F0 / 50 Hz), 0 where nothing is voiced, 1 at 500 Hz.
    81: energy of the last 25 ms, (dBFS + 60) / 60, not below -1/3. 82: voicing, 83: speech activity, both in [0, 1].
    Frame t is known at sample 160 (t + 1) and hears nothing later; before the sound there was silence.
    presence: (frames,) of the last push, how far any sound, voiced or not, stands above the noise, in [0, 1].
    """

    def __init__(self) -> None:
        self._activity = ActivityDetector()
        decay = np.exp(-2.0 * np.pi * HIGH_PASS_HZ / RATE_HZ)
        self._numerator, self._denominator = (1.0, -1.0), (1.0, -decay)
        self.reset()

    def reset(self) -> None:
        """Forget everything heard."""
        self._activity.reset()
        self._filter_state = np.zeros(1)
        self._waiting = np.zeros(CONTEXT)
        self.presence: FloatArray = np.zeros(0)

    def push(self, samples: FloatArray) -> FloatArray:
        """(frames, 84) float32 of every frame that these (N,) finite samples at 16 kHz, in [-1, 1], complete."""
        self.presence = np.zeros(0)
        if len(samples) == 0:
            return np.zeros((0, FEATURES), np.float32)
        fresh, self._filter_state = lfilter(
            self._numerator, self._denominator, np.asarray(samples, np.float64), zi=self._filter_state
        )
        sound = np.concatenate([self._waiting, fresh])
        count = (len(sound) - CONTEXT) // HOP
        self._waiting = sound[count * HOP :]
        if count == 0:
            return np.zeros((0, FEATURES), np.float32)
        windows = sliding_window_view(sound, PITCH_WINDOW)[::HOP][:count]
        blocks = [self._features(windows[i : i + BLOCK_FRAMES]) for i in range(0, count, BLOCK_FRAMES)]
        return np.concatenate(blocks)

    def _features(self, windows: FloatArray) -> FloatArray:
        recent = windows[:, -WINDOW:]
        power = mel_power(recent)
        f0_hz, voicing = pitch_and_voicing(windows)
        features = np.empty((len(windows), FEATURES), np.float32)
        features[:, :BANDS] = log_mel(power)
        features[:, LOG_F0] = np.where(voicing > 0.0, np.log10(f0_hz / F0_ZERO_HZ), 0.0)
        features[:, ENERGY] = 1.0 + np.log10(np.mean(recent**2, axis=1) + 1e-8) / 6.0
        features[:, VOICING] = voicing
        presence, features[:, ACTIVITY] = self._activity.push(power, voicing)
        self.presence = np.concatenate([self.presence, presence])
        return features


def speech_features(samples: FloatArray) -> FloatArray:
    """(N // 160, 84) float32 features of a whole sound, (N,) at 16 kHz in [-1, 1]; see `FeatureStream`."""
    stream = FeatureStream()
    minute = 60 * RATE_HZ
    pieces = [stream.push(samples[i : i + minute]) for i in range(0, len(samples), minute)]
    return np.concatenate([np.zeros((0, FEATURES), np.float32), *pieces])
