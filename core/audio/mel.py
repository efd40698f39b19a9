"""The 80-band log-Mel spectrum of one window of speech: nothing of it depends on the rest of the sound."""

from __future__ import annotations

from functools import cache

import numpy as np

from core.structures import FloatArray

RATE_HZ = 16000
WINDOW = 400  # 25 ms
BANDS = 80
HIGHEST_HZ = 8000.0
FLOOR = 1e-8  # power of white noise with an RMS of about 5e-5: below what 16 bits hold, so silence has one value
LOG_CENTRE, LOG_HALF_RANGE = -4.0, 2.5  # log10 of clean speech lies within these, so that values are near [-1.6, 2]

# Slaney's mel scale (Auditory Toolbox, Interval Research TR 1998-010): linear up to 1 kHz, then logarithmic.
LINEAR_HZ_PER_MEL = 200.0 / 3.0
BREAK_HZ, BREAK_MEL = 1000.0, 15.0
LOG_STEP = np.log(6.4) / 27.0


def mel_of_hz(frequency_hz: FloatArray) -> FloatArray:
    """Slaney's mel of frequencies, any shape, Hz."""
    above = np.log(np.maximum(frequency_hz, BREAK_HZ) / BREAK_HZ) / LOG_STEP
    return np.where(frequency_hz < BREAK_HZ, frequency_hz / LINEAR_HZ_PER_MEL, BREAK_MEL + above)


def hz_of_mel(mel: FloatArray) -> FloatArray:
    """Frequencies, Hz, of Slaney's mel, any shape."""
    above = BREAK_HZ * np.exp(LOG_STEP * (np.maximum(mel, BREAK_MEL) - BREAK_MEL))
    return np.where(mel < BREAK_MEL, mel * LINEAR_HZ_PER_MEL, above)


@cache
def mel_filters() -> FloatArray:
    """(201, 80) float64 triangles over the bins of a 400-point transform at 16 kHz, each of area 1 per Hz (Slaney)."""
    bins_hz = np.fft.rfftfreq(WINDOW, 1.0 / RATE_HZ)
    edges_hz = hz_of_mel(np.linspace(0.0, mel_of_hz(np.array(HIGHEST_HZ)), BANDS + 2))
    low, middle, high = edges_hz[:-2], edges_hz[1:-1], edges_hz[2:]
    rising = (bins_hz[:, None] - low) / (middle - low)
    falling = (high - bins_hz[:, None]) / (high - middle)
    return np.maximum(0.0, np.minimum(rising, falling)) * (2.0 / (high - low))


@cache
def _hann() -> FloatArray:
    return 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(WINDOW) / WINDOW)


def mel_power(windows: FloatArray) -> FloatArray:
    """(n, 80) power per band of (n, 400) samples at 16 kHz under a periodic Hann window."""
    spectrum = np.fft.rfft(windows * _hann())
    return np.asarray((spectrum.real**2 + spectrum.imag**2) @ mel_filters())


def log_mel(power: FloatArray) -> FloatArray:
    """(n, 80) log10 of power per band, moved and scaled by fixed numbers; silence is -1.6 in every band."""
    return (np.log10(power + FLOOR) - LOG_CENTRE) / LOG_HALF_RANGE
