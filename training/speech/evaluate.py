"""The held-out clips as the bench hears them, and what the bench says of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.audio.speech_layout import FRAME_RATE_HZ, HIGHEST_LOOK_AHEAD_MS
from core.audio.speech_network import SpeechNetwork
from core.bench.speech import HeldOutSpeech, speech_measures
from core.blendshapes import COUNT
from training.speech.articulation import MOVED
from training.speech.draw import Lessons

HELD_OUT_S = 240.0


def held_out_clips(lessons: Lessons, seconds: float = HELD_OUT_S) -> HeldOutSpeech:
    """The first so many seconds of drawn lessons with the truth at 30 Hz."""
    steps = min(round(100 * seconds), len(lessons.seal) - 2)
    # Step i belongs to 10 (i + 1) ms.
    place = np.arange(int(steps * FRAME_RATE_HZ / 100)) * 100.0 / FRAME_RATE_HZ - 1.0
    low = np.maximum(np.floor(place).astype(int), 0)
    share = np.clip(place - low, 0, 1)
    blendshapes = np.zeros((len(place), COUNT), np.float32)
    blendshapes[:, MOVED] = _between(lessons.blendshapes, low, share[:, None])
    seal = _between(lessons.seal, low, share)
    return HeldOutSpeech(lessons.features[:steps].astype(np.float32), blendshapes, seal, lessons.sound[low].astype(int))


def _between(values: np.ndarray, low: np.ndarray, share: np.ndarray) -> np.ndarray:
    return values[low].astype(np.float32) * (1 - share) + values[low + 1].astype(np.float32) * share


def report(network: SpeechNetwork, held_out: Path) -> dict[str, float]:
    """Every measure on the held-out clips, with the longest look-ahead."""
    return speech_measures(network, HeldOutSpeech.load(held_out), HIGHEST_LOOK_AHEAD_MS)
