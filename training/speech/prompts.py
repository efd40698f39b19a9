"""Recorded prompts of a telephone exchange with their texts as lessons: one person's real voice, phones by alignment.

Debian's asterisk-core-sounds-en and -en-g722: read by Allison Smith, CC BY-SA 3.0; 16 kHz.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from core.audio.features import RATE_HZ
from training.speech.alignment import align
from training.speech.voices import Spoken

SOUNDS = "usr/share/asterisk/sounds/en_US_f_Allison"
TEXTS = "usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz"
PROMPT_VOICE = 253  # in lessons, where others have the index of a synthesiser
SHORTEST_S, LONGEST_PHONE_S = 0.75, 0.6  # a longer phone was aligned wrongly


def spoken_prompts(folder: Path) -> Iterator[Spoken]:
    """Every prompt without figures and signals whose text fits its sound, of the packages unpacked in a folder."""
    for name, text in sorted(_texts(folder / TEXTS).items()):
        path = folder / SOUNDS / f"{name}.g722"
        if not path.exists() or re.search(r"[\[\d]", text):
            continue
        samples = _read(path)
        if len(samples) < SHORTEST_S * RATE_HZ:
            continue
        try:
            segments = align(samples, re.sub(r"\(.*?\)|-", " ", text.replace("’", "'")))
        except (ValueError, RuntimeError):
            continue
        longest_s = max((s.end_s - s.start_s for s in segments if s.sound != "sil"), default=np.inf)
        if len(segments) > 3 and longest_s < LONGEST_PHONE_S:
            yield Spoken(samples, RATE_HZ, segments)


def _texts(path: Path) -> dict[str, str]:
    with gzip.open(path, "rt", encoding="utf-8", errors="replace") as file:
        lines = [line.split(":", 1) for line in file if ":" in line and not line.startswith(";")]
    return {name.strip(): text.strip() for name, text in lines}


def _read(path: Path) -> np.ndarray:
    """(N,) float32 at 16 kHz."""
    resampler = av.AudioResampler("flt", "mono", RATE_HZ)
    with av.open(str(path), format="g722") as file:
        parts = [part.to_ndarray()[0] for frame in file.decode(audio=0) for part in resampler.resample(frame)]
    return np.concatenate(parts).astype(np.float32)
