"""espeak-ng through its C interface: sound and phone events of a text.

An event of a stop is its release: the closure lies before it, inside the phone named before (`synthesize.c`: the
pause before the burst is emitted first). So a closed phase of `CLOSURE_S` is taken from the phone before.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from functools import cache

import numpy as np

from training.speech.sounds import segments_of
from training.speech.voices import Spoken

AUDIO_OUTPUT_SYNCHRONOUS, PHONEME_EVENTS = 2, 1
EVENT_END, EVENT_PHONEME = 0, 7
CHARS_UTF8 = 1
RATE, VOLUME, PITCH, RANGE = 1, 2, 3, 4
CLOSURE_S = {"p": 0.055, "t": 0.05, "k": 0.05, "b": 0.04, "d": 0.035, "g": 0.035}  # nominal pauses before the burst
PLACE_SHARE = 0.6  # of the phone before, at most


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int), ("unique_identifier", ctypes.c_uint), ("text_position", ctypes.c_int),
        ("length", ctypes.c_int), ("audio_position", ctypes.c_int), ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p), ("id", _Id),
    )  # fmt: skip


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))
_heard: list[np.ndarray] = []
_events: list[tuple[str, int]] = []


@_Callback
def _listen(samples, count: int, events) -> int:
    if count > 0 and samples:
        _heard.append(np.ctypeslib.as_array(samples, (count,)).copy())
    i = 0
    while events[i].type != EVENT_END:
        if events[i].type == EVENT_PHONEME:
            _events.append((events[i].id.string.decode("utf-8", "replace"), events[i].sample))
        i += 1
    return 0


@cache
def library() -> tuple[ctypes.CDLL, int] | None:
    """The loaded library and its rate, Hz; None where espeak-ng is not installed."""
    name = ctypes.util.find_library("espeak-ng")
    if name is None:
        return None
    loaded = ctypes.CDLL(name)
    rate_hz = loaded.espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, None, PHONEME_EVENTS)
    loaded.espeak_SetSynthCallback(_listen)
    return (loaded, rate_hz) if rate_hz > 0 else None


def speak_text(voice: str, text: str, rng: np.random.Generator) -> Spoken | None:
    """The text in a voice ("en-us+f3"), at a drawn rate and pitch."""
    found = library()
    if found is None:
        return None
    loaded, rate_hz = found
    if loaded.espeak_SetVoiceByName(voice.encode()) != 0:
        return None
    for parameter, value in (
        (RATE, rng.integers(115, 220)),
        (PITCH, rng.integers(25, 90)),
        (RANGE, rng.integers(20, 99)),
    ):
        loaded.espeak_SetParameter(parameter, int(value), 0)
    _heard.clear()
    _events.clear()
    data = text.encode()
    loaded.espeak_Synth(data, len(data) + 1, 0, 0, 0, CHARS_UTF8, None, None)
    if not _heard or len(_events) < 3:
        return None
    samples = np.concatenate(_heard).astype(np.float32) / 32768.0
    ends = [sample for _, sample in _events[1:]] + [len(samples)]
    phones = [
        (name.rstrip("!"), start / rate_hz, end / rate_hz)
        for (name, start), end in zip(_events, ends, strict=True)
        if end > start and not name.startswith("(")  # "(en)": another language begins
    ]
    return Spoken(samples, rate_hz, segments_of(_closures_first(phones), "espeak"))


def _closures_first(phones: list[tuple[str, float, float]]) -> list[tuple[str, float, float]]:
    """The same phones, each stop begun with its closure instead of its release."""
    moved = list(phones)
    for i in range(1, len(moved)):
        name, start, end = moved[i]
        closure_s = CLOSURE_S.get(name.strip("'ˈ,")[:1], 0.0) if not name.startswith(("tS", "dZ", "D", "T")) else 0.0
        before, first, last = moved[i - 1]
        closure_s = min(closure_s, PLACE_SHARE * (last - first))
        moved[i - 1], moved[i] = (before, first, last - closure_s), (name, start - closure_s, end)
    return moved
