"""Changes of a sound that leave its phone times known: pitch and rate, rooms, noise, bands, codecs, level, clipping."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.signal import butter, fftconvolve, lfilter, resample_poly, sosfilt

from core.audio.features import RATE_HZ
from training.speech.sounds import Segment


@dataclass(frozen=True, slots=True)
class SoundChanges:
    """How often and how far sounds are changed; shares in [0, 1], each drawn by itself."""

    slowest: float = 0.84  # resampling by this factor lowers pitch, formants and rate alike
    fastest: float = 1.2
    tilted: float = 0.7
    in_rooms: float = 0.4
    noisy: float = 0.6
    lowest_snr_db: float = 3.0
    band_limited: float = 0.25
    coded: float = 0.2
    clipped: float = 0.06
    quietest_dbfs: float = -42.0
    loudest_dbfs: float = -12.0


def to_feature_rate(samples: np.ndarray, rate_hz: int, factor: float) -> np.ndarray:
    """(M,) float32 at 16 kHz; factor 1.1: a tenth faster and higher."""
    down = max(1, round(rate_hz * factor / 100))
    return resample_poly(samples, RATE_HZ // 100, down).astype(np.float32)


def stretched(segments: list[Segment], rate_hz: int, factor: float, later_s: float) -> list[Segment]:
    """The segments of the sound after `to_feature_rate`, moved later_s later."""
    true_factor = max(1, round(rate_hz * factor / 100)) * 100 / rate_hz
    return [
        replace(s, start_s=s.start_s / true_factor + later_s, end_s=s.end_s / true_factor + later_s) for s in segments
    ]


def change(samples: np.ndarray, rng: np.random.Generator, how: SoundChanges) -> np.ndarray:
    """The same sound elsewhere: through another microphone, in a room, with noise, over a line. Same length."""
    out = samples
    if rng.random() < how.tilted:
        out = _tilt(out, rng)
    if rng.random() < how.in_rooms:
        out = _room(out, rng)
    out = _levelled(out, rng.uniform(how.quietest_dbfs, how.loudest_dbfs))
    if rng.random() < how.noisy:
        snr_db = rng.uniform(how.lowest_snr_db, 40.0)
        out = out + noise(len(out), rng) * _rms(out) * 10 ** (-snr_db / 20)
    if rng.random() < how.band_limited:
        out = _band(out, rng)
    if rng.random() < how.clipped:
        limit = np.quantile(np.abs(out), rng.uniform(0.97, 0.999)) + 1e-6
        out = np.clip(out, -limit, limit)
    if rng.random() < how.coded:
        out = _mu_law(out, int(rng.choice([32, 64, 255])))
    return np.clip(out, -1.0, 1.0).astype(np.float32)


def _rms(samples: np.ndarray) -> float:
    return float(max(np.sqrt(np.mean(samples**2)), 1e-9))


def _levelled(samples: np.ndarray, dbfs: float) -> np.ndarray:
    return samples * (10 ** (dbfs / 20) / _rms(samples))


def _tilt(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A smooth drawn frequency response of up to 12 dB up or down."""
    knots_hz = np.array([0, 150, 400, 1000, 2000, 4000, 8000])
    gains_db = np.cumsum(rng.normal(0, 2.5, len(knots_hz)))
    spectrum = np.fft.rfft(samples)
    gains = np.interp(
        np.fft.rfftfreq(len(samples), 1 / RATE_HZ), knots_hz, np.clip(gains_db - gains_db.mean(), -12, 12)
    )
    return np.fft.irfft(spectrum * 10 ** (gains / 20), len(samples))


def _room(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A direct sound and an exponentially dying tail of noise (Polack's model)."""
    decay_s = rng.uniform(0.12, 0.6)
    time_s = np.arange(int(decay_s * RATE_HZ)) / RATE_HZ
    tail = rng.normal(size=len(time_s)) * 10 ** (-3 * time_s / decay_s)
    tail = lfilter([1], [1, -rng.uniform(0, 0.6)], tail)
    tail[: int(rng.uniform(0.001, 0.006) * RATE_HZ)] = 0
    tail *= 10 ** (-rng.uniform(2, 18) / 20) / np.sqrt(np.sum(tail**2) + 1e-9)
    tail[0] = 1.0
    return fftconvolve(samples, tail)[: len(samples)]


def noise(count: int, rng: np.random.Generator) -> np.ndarray:
    """(count,) noise of RMS 1: coloured, hum, gusts or a mixture."""
    colour = rng.uniform(0.0, 2.0)  # power falls with f to this exponent: white to brown
    frequency = np.fft.rfftfreq(count, 1 / RATE_HZ)
    shape = np.maximum(frequency, 20.0) ** (-colour / 2)
    found = np.fft.irfft(shape * (rng.normal(size=len(shape)) + 1j * rng.normal(size=len(shape))), count)
    if rng.random() < 0.3:
        time_s = np.arange(count) / RATE_HZ
        base_hz = float(rng.choice([50, 60, 100, 120]))
        hum = sum(np.sin(2 * np.pi * base_hz * k * time_s + rng.uniform(0, 6)) / k for k in range(1, 6))
        found = found / _rms(found) + rng.uniform(0.2, 1.5) * hum
    if rng.random() < 0.3:
        knots = rng.uniform(0.1, 1.0, max(2, count // 4000))
        found = found * np.interp(np.arange(count), np.linspace(0, count, len(knots)), knots)
    return found / _rms(found)


def tones(count: int, rng: np.random.Generator) -> np.ndarray:
    """(count,) something like music: chords and beats, RMS 1."""
    time_s = np.arange(count) / RATE_HZ
    out = np.zeros(count)
    beat_s = rng.uniform(0.2, 0.7)
    for beat in range(int(time_s[-1] / beat_s) + 1):
        age = time_s - beat * beat_s
        shape = np.where(age >= 0, np.exp(-np.maximum(age, 0) / rng.uniform(0.1, 0.6)), 0.0)
        for semitone in rng.choice(36, rng.integers(1, 4), replace=False):
            pitch_hz = 110 * 2 ** (semitone / 12)
            for k in range(1, int(rng.integers(2, 7))):
                out += shape * np.sin(2 * np.pi * k * pitch_hz * time_s) / k ** rng.uniform(0.8, 2)
        if rng.random() < 0.5:
            out += shape**6 * rng.normal(size=count) * rng.uniform(0, 3)
    return out / _rms(out)


def _band(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    low_hz, high_hz = [(300, 3400), (150, 3800), (100, 5500), (60, 7000)][rng.integers(4)]
    return sosfilt(butter(4, [low_hz, high_hz], "bandpass", fs=RATE_HZ, output="sos"), samples)


def _mu_law(samples: np.ndarray, levels: int) -> np.ndarray:
    """Through a logarithmic quantiser (ITU-T G.711's law, coarser too)."""
    peak = float(np.abs(samples).max() + 1e-9)
    coded = np.sign(samples) * np.log1p(255 * np.abs(samples) / peak) / np.log(256)
    coded = np.round(coded * levels / 2) / (levels / 2)
    return np.sign(coded) * peak * np.expm1(np.abs(coded) * np.log(256)) / 255
