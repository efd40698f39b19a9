"""Pitch and voicing of one window by YIN (de Cheveigné & Kawahara, JASA 111, 2002), without look-ahead or smoothing.

The window ends where the frame ends, so the estimate is causal by construction; trackers that follow the best path
over the whole clip (pYIN, CREPE with Viterbi) are not.
"""

from __future__ import annotations

import numpy as np

from core.structures import BoolArray, FloatArray, IntArray

RATE_HZ = 16000
LOWEST_HZ, HIGHEST_HZ = 70.0, 500.0  # not down to 60 Hz: mains hum in quiet recordings would be a voice
SHORTEST_LAG = int(RATE_HZ / HIGHEST_HZ)
LONGEST_LAG = int(np.ceil(RATE_HZ / LOWEST_HZ)) + 1  # one more, for the parabola
SUMMED = 400  # samples compared at each lag: 25 ms
PITCH_WINDOW = SUMMED + LONGEST_LAG
TRANSFORM = 640  # at least PITCH_WINDOW, so that no lag wraps around; 2^7 * 5
DIP = 0.15  # YIN's absolute threshold: the first dip below it is the period
VOICED, UNVOICED = 0.12, 0.45  # aperiodicity of a clear vowel, and of what is no voice any more
SILENCE_POWER = 1e-9  # mean square that counts as none, so that digital silence is unvoiced


def pitch_and_voicing(windows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(n,) F0 in Hz and (n,) voicing in [0, 1] of (n, 630) samples at 16 kHz.

    F0 is the best guess even where nothing is voiced. Voicing falls from 1 to 0 while YIN's normalised difference
    at that period, the share of power that does not repeat, grows from 0.12 to 0.45.
    """
    difference = _normalised_difference(windows)
    lag, found = _first_dip(difference)
    period, aperiodicity = _parabola(difference, lag)
    voicing = np.where(found, np.clip((UNVOICED - aperiodicity) / (UNVOICED - VOICED), 0.0, 1.0), 0.0)
    return RATE_HZ / np.clip(period, SHORTEST_LAG, LONGEST_LAG), voicing


def _normalised_difference(windows: FloatArray) -> FloatArray:
    """(n, LONGEST_LAG + 1): YIN's cumulative mean normalised difference (equation 8), its correlation by FFT."""
    ours = np.fft.rfft(windows[:, :SUMMED], TRANSFORM)
    theirs = np.fft.rfft(windows, TRANSFORM)
    correlation = np.fft.irfft(ours.conj() * theirs, TRANSFORM)[:, : LONGEST_LAG + 1]
    squares = np.zeros((len(windows), PITCH_WINDOW + 1))
    np.cumsum(windows**2, axis=1, out=squares[:, 1:])
    energy = squares[:, SUMMED:] - squares[:, : LONGEST_LAG + 1]
    difference = np.maximum(energy[:, :1] + energy - 2.0 * correlation, 0.0) + 2.0 * SUMMED * SILENCE_POWER
    lags = np.arange(1, LONGEST_LAG + 1)
    normalised = np.ones_like(difference)
    normalised[:, 1:] = difference[:, 1:] * lags / np.cumsum(difference[:, 1:], axis=1)
    return normalised


def _first_dip(difference: FloatArray) -> tuple[IntArray, BoolArray]:
    """(n,) lag of the first local minimum below the threshold, or of the lowest one, and whether there is any."""
    inner = difference[:, SHORTEST_LAG:LONGEST_LAG]
    is_minimum = inner <= difference[:, SHORTEST_LAG - 1 : LONGEST_LAG - 1]
    is_minimum &= inner < difference[:, SHORTEST_LAG + 1 : LONGEST_LAG + 1]
    is_dip = is_minimum & (inner < DIP)
    lowest = np.where(is_minimum, inner, np.inf).argmin(axis=1)
    lag = np.where(is_dip.any(axis=1), is_dip.argmax(axis=1), lowest) + SHORTEST_LAG
    return lag, is_minimum.any(axis=1)


def _parabola(difference: FloatArray, lag: IntArray) -> tuple[FloatArray, FloatArray]:
    """The lag and the value at the bottom of the parabola through three neighbours."""
    rows = np.arange(len(lag))
    before, at, after = (difference[rows, lag + step] for step in (-1, 0, 1))
    bend = before - 2.0 * at + after
    slope = 0.5 * (after - before)
    shift = np.clip(np.divide(-slope, bend, out=np.zeros_like(bend), where=bend > 1e-12), -1.0, 1.0)
    return lag + shift, np.maximum(at + 0.5 * slope * shift, 0.0)
