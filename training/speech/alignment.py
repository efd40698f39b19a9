"""Phone times of recorded speech with a known text, by forced alignment with pocketsphinx and its own model."""

from __future__ import annotations

import re

import numpy as np

from core.audio.features import RATE_HZ
from training.speech.sounds import Segment, segments_of

FRAME_S = 0.01


def align(samples: np.ndarray, text: str, pronunciations: dict[str, str] | None = None) -> list[Segment]:
    """The sounds of a text in (N,) samples at 16 kHz. pronunciations: of words that the dictionary lacks, in ARPAbet.

    ValueError where text and sound do not fit. pocketsphinx aligns words first, then states within them.
    """
    from pocketsphinx import Config, Decoder

    decoder = Decoder(Config(samprate=RATE_HZ, bestpath=False, loglevel="FATAL"))
    for word, phones in (pronunciations or {}).items():
        if decoder.lookup_word(word) is None:
            decoder.add_word(word, phones, True)
    words = re.sub(r"[^a-z' ]+", " ", text.lower()).split()
    unknown = [word for word in words if decoder.lookup_word(word) is None]
    if unknown:
        raise ValueError(f"The dictionary lacks {', '.join(unknown)}.")
    data = (np.clip(samples, -1, 1) * 32767).astype(np.int16).tobytes()
    decoder.set_align_text(" ".join(words))
    _decode(decoder, data)
    decoder.set_alignment()
    _decode(decoder, data)
    alignment = decoder.get_alignment()
    if alignment is None:
        raise ValueError("Text and sound do not fit each other.")
    found = [
        (phone.name, phone.start * FRAME_S, (phone.start + phone.duration) * FRAME_S) for phone in alignment.phones()
    ]
    return segments_of(found, "arpabet")


def _decode(decoder, data: bytes) -> None:
    decoder.start_utt()
    decoder.process_raw(data, full_utt=True)
    decoder.end_utt()
