"""Sounds with known properties: sung vowels, noises, and WAV files of every kind."""

from __future__ import annotations

import struct
import wave
from pathlib import Path

import numpy as np
from scipy.signal import lfilter

from core.structures import FloatArray

RATE_HZ = 16000
FORMANTS_HZ = {"a": (730.0, 1090.0, 2440.0), "i": (270.0, 2290.0, 3010.0), "u": (300.0, 870.0, 2240.0)}
"""Of vowels of men: Peterson & Barney, JASA 24, 1952."""


def vowel(f0_hz: float | FloatArray, duration_s: float, name: str = "a", level: float = 0.1) -> FloatArray:
    """(n,) float32 vowel at 16 kHz: pulses of this pitch (one, or one a sample) through three formants; RMS `level`."""
    count = round(duration_s * RATE_HZ)
    phase = np.cumsum(np.broadcast_to(f0_hz, count) / RATE_HZ)
    sound = np.diff(np.floor(phase), prepend=0.0)
    for formant_hz in FORMANTS_HZ[name]:
        radius = np.exp(-np.pi * 80.0 / RATE_HZ)
        sound = lfilter([1.0], [1.0, -2.0 * radius * np.cos(2.0 * np.pi * formant_hz / RATE_HZ), radius**2], sound)
    return (sound * level / sound.std()).astype(np.float32)


def noise(colour: str, duration_s: float, level: float = 0.1, seed: int = 0) -> FloatArray:
    """(n,) float32 noise at 16 kHz: "white", "pink" or "brown"; level: its RMS."""
    count = round(duration_s * RATE_HZ)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(count))
    power = {"white": 0.0, "pink": 0.5, "brown": 1.0}[colour]
    sound = np.fft.irfft(spectrum / np.maximum(np.fft.rfftfreq(count, 1 / RATE_HZ), 20.0) ** power, count)
    return (sound * level / sound.std()).astype(np.float32)


def syllables(duration_s: float, level: float = 0.1) -> FloatArray:
    """(n,) float32: vowels of changing colour and pitch, about four a second, with short pauses: like babbling."""
    pieces, total, k = [], 0, 0
    while total < duration_s * RATE_HZ:
        piece = vowel(120.0 + 25.0 * (k % 4), 0.17, "aiu"[k % 3], level) * np.hanning(round(0.17 * RATE_HZ))
        pieces += [piece, np.zeros(round((0.12 if k % 7 == 6 else 0.07) * RATE_HZ))]
        total += len(pieces[-2]) + len(pieces[-1])
        k += 1
    return np.concatenate(pieces)[: round(duration_s * RATE_HZ)].astype(np.float32)


def read_wav(path: Path) -> FloatArray:
    """(n,) float32 samples of a 16-bit mono WAV file."""
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768.0


def wav_bytes(samples: FloatArray, rate_hz: int, kind: str = "16") -> bytes:
    """A WAV file of (n,) or (n, channels) samples in [-1, 1]; kind: "8", "16", "24", "32", "float" or "alaw"."""
    frames = np.asarray(samples, np.float64)
    frames = frames[:, None] if frames.ndim == 1 else frames
    width = {"8": 1, "16": 2, "24": 3, "32": 4, "float": 4, "alaw": 1}[kind]
    code = {"float": 3, "alaw": 6}.get(kind, 1)
    data = ENCODERS[kind](frames)
    channels = frames.shape[1]
    form = struct.pack("<HHIIHH", code, channels, rate_hz, rate_hz * channels * width, channels * width, 8 * width)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def _integers(frames: FloatArray, bits: int) -> FloatArray:
    top = 2 ** (bits - 1)
    return np.clip(np.round(frames * top), -top, top - 1)


def _as_24_bit(frames: FloatArray) -> bytes:
    return np.ascontiguousarray(_integers(frames, 24).astype("<i4")).view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


def _as_a_law(frames: FloatArray) -> bytes:
    """ITU-T G.711 A-law by its continuous curve (A = 87.6), 7 bits and a sign, every other bit turned."""
    size, a = np.abs(frames), 87.6
    curve = np.where(size < 1 / a, a * size, 1 + np.log(np.maximum(a * size, 1))) / (1 + np.log(a))
    value = np.minimum(np.floor(curve * 128), 127).astype(np.uint8)
    return ((value | np.where(frames >= 0, 0x80, 0).astype(np.uint8)) ^ 0x55).tobytes()


ENCODERS = {
    "8": lambda frames: (_integers(frames, 8) + 128).astype(np.uint8).tobytes(),
    "16": lambda frames: _integers(frames, 16).astype("<i2").tobytes(),
    "24": _as_24_bit,
    "32": lambda frames: _integers(frames, 32).astype("<i4").tobytes(),
    "float": lambda frames: frames.astype("<f4").tobytes(),
    "alaw": _as_a_law,
}
