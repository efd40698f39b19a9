"""Recorded people whose words are known: what a network makes of them, by the times of forced alignment."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.io import wavfile

from core.audio.features import RATE_HZ, speech_features
from core.audio.speech_network import SpeechNetwork
from core.bench.speech_measures import Phone, recorded_speech
from training.speech.alignment import align
from training.speech.sounds import CLOSED_VOWELS, OPEN_VOWELS, VOWELS

# What is said in the optional recordings of speech (a president's address of 1961, public domain; LibriSpeech, CC-BY).
TEXTS = {
    "jfk": "and so my fellow americans ask not what your country can do for you ask what you can do for your country",
    "libri_198": "mrs allen said catherine the next morning will there be any harm in my calling on miss tilney today "
    "i shall not be easy till i have explained everything go by all means my dear only put on a white gown "
    "miss tilney always wears white",
    "libri_3436": "the adventure of the cart it befell in the month of may queen guenever called to her knights of the "
    "table round and gave them warning that early upon the morrow she would ride a maying into the woods and fields "
    "besides westminster",
}
PRONUNCIATIONS = {"tilney": "T IH L N IY", "guenever": "G W EH N IH V ER", "maying": "M EY IH NG"}
ROUNDED = frozenset({"WW", "UW", "OW"})
GROUPS = {
    "closed": frozenset({"PP"}),
    "spared": frozenset({"sil", "FF"}),
    "open": OPEN_VOWELS,
    "closed_vowels": CLOSED_VOWELS,
    "rounded": ROUNDED,
    "unrounded": VOWELS - ROUNDED - {"UH", "UE", "AO", "ER"},
}


def read_recording(path: Path) -> np.ndarray:
    """(N,) float32 in [-1, 1] of a 16-bit mono file at 16 kHz."""
    rate_hz, samples = wavfile.read(path)
    if rate_hz != RATE_HZ or samples.ndim != 1 or samples.dtype != np.int16:
        raise ValueError(f"{path.name} must have 16 bits, one channel and 16 kHz.")
    return samples.astype(np.float32) / 32768.0


def phones_of(samples: np.ndarray, text: str) -> list[Phone]:
    """Sounds and their times."""
    return [(s.sound, s.start_s, s.end_s) for s in align(samples, text, PRONUNCIATIONS)]


def judge(
    network: SpeechNetwork, samples: np.ndarray, phones: list[Phone], look_ahead_ms: float = 100.0
) -> dict[str, float]:
    """`recorded_speech` of what the network makes of a recording."""
    found = network.step(network.start(look_ahead_ms), speech_features(samples))
    return recorded_speech(found, phones, GROUPS)
