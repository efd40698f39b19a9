"""A file that Chromium takes for a microphone: the example voice, or silence."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.media.sounds import load_sound
from core.structures import AudioChunk
from ui.spoken import EXAMPLE_VOICE, wav_file

SILENCE_S = 1.0


def write_voice(path: Path) -> Path:
    """The example voice and a second of silence, which Chromium repeats."""
    voice = load_sound(EXAMPLE_VOICE, 60.0)
    samples = np.concatenate([voice.samples, np.zeros(round(SILENCE_S * voice.rate_hz), np.float32)])
    path.write_bytes(wav_file(AudioChunk(samples, voice.rate_hz, 0.0)))
    return path


def write_silence(path: Path) -> Path:
    """Three seconds of nothing."""
    path.write_bytes(wav_file(AudioChunk(np.zeros(3 * 16_000, np.float32), 16_000, 0.0)))
    return path
