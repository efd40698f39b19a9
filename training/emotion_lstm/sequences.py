"""Sequences to learn from: faces that speak, blink, glance and feel, and what a tracker would report of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.blendshapes import ARKIT_NAMES, COUNT
from training.emotion_lstm.feelings import DULL, Feeling, labels_of, random_feeling
from training.motion import random_motion

FINE_RATE_HZ = 120.0
RATES_HZ = (15.0, 24.0, 25.0, 30.0, 30.0, 60.0)
DROP_SHARE = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Sequences:
    """truth, noisy: (B, T, 52) in [0, 1]. elapsed_s: (B, T), of each frame since the last. plane: (B, T, 2) valence and
    arousal. emotion: (B, T, 8). rate_hz: (B,)."""

    truth: np.ndarray
    noisy: np.ndarray
    elapsed_s: np.ndarray
    plane: np.ndarray
    emotion: np.ndarray
    rate_hz: np.ndarray


def draw_sequences(count: int, frames: int, rng: np.random.Generator, rate_hz: float | None = None) -> Sequences:
    """`count` sequences; rate_hz: of all of them, a random usual one each when left out."""
    drawn = [_one(frames, rng, rate_hz or float(rng.choice(RATES_HZ))) for _ in range(count)]
    return Sequences(*(np.stack(parts) for parts in zip(*drawn, strict=True)))


def _one(frames: int, rng: np.random.Generator, rate_hz: float) -> tuple[np.ndarray, ...]:
    time_s = _frame_times(frames, rate_hz, rng)
    fine_s = np.arange(0.0, time_s[-1] + 1 / FINE_RATE_HZ, 1 / FINE_RATE_HZ)
    moved = random_motion(len(fine_s), FINE_RATE_HZ, rng)
    felt, plane, emotion = labels_of(_feelings(time_s[-1], rng), time_s)
    truth = np.stack([np.interp(time_s, fine_s, moved[:, k]) for k in range(COUNT)], axis=1)
    truth = np.clip(np.maximum(truth, felt) * channel_gains(rng), 0, 1)
    noisy = with_noise(truth, rng)
    elapsed_s = np.diff(time_s, prepend=time_s[0] - 1 / rate_hz)
    return tuple(part.astype(np.float32) for part in (truth, noisy, elapsed_s, plane, emotion, np.array(rate_hz)))


def _frame_times(frames: int, rate_hz: float, rng: np.random.Generator) -> np.ndarray:
    """(frames,) with a little camera jitter and dropped frames."""
    steps = rng.normal(1.0, rng.uniform(0, 0.08), frames).clip(0.5, 1.5) + rng.geometric(1 - DROP_SHARE, frames) - 1
    return np.cumsum(steps) / rate_hz


def _feelings(duration_s: float, rng: np.random.Generator) -> list[Feeling]:
    """Expressions one after another; half of the time the face feels nothing it shows."""
    feelings: list[Feeling] = []
    start_s = rng.uniform(-1.0, 3.0)
    while start_s < duration_s:
        feelings.append(random_feeling(start_s, rng))
        start_s = feelings[-1].times_s[-1] + rng.exponential(2.5)
    return feelings


def channel_gains(rng: np.random.Generator) -> np.ndarray:
    """(52,) how much of each channel a tracker sees; some see nothing of the dull ones."""
    gains = rng.uniform(0.6, 1.1, COUNT)
    for index, name in enumerate(ARKIT_NAMES):
        if name.startswith(DULL):
            gains[index] = 0.0 if rng.random() < 0.3 else rng.uniform(0.2, 1.0)
    return gains


def with_noise(truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(T, 52) what is reported of (T, 52): white and slow noise, more where a channel is raised, rare outliers; all
    channels shake together a little, because their landmarks do. Never outside [0, 1]."""
    frames = len(truth)
    size = np.exp(rng.normal(np.log(0.013), 0.7)) * np.exp(rng.normal(0, 0.4, COUNT))
    at_rest = rng.uniform(0.4, 1.0)
    memory = rng.uniform(0, 0.7, COUNT)
    white = rng.normal(0, 1, (frames, COUNT)) + 0.5 * rng.normal(0, 1, (frames, 1)) * rng.normal(0, 1, COUNT)
    noise = np.zeros((frames, COUNT))
    noise[0] = white[0]
    for frame in range(1, frames):
        noise[frame] = memory * noise[frame - 1] + np.sqrt(1 - memory**2) * white[frame]
    outliers = (rng.random((frames, COUNT)) < 0.004) * rng.normal(0, 0.12, (frames, COUNT))
    shaken = truth + size * (at_rest + truth) * noise + outliers
    return np.clip(shaken, 0, 1)
