"""Sound to a take: everything that a voice says, as one performance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from core.animation.take import DEFAULT_RATE_HZ, Take
from core.errors import TakeError
from core.structures import AudioChunk, FaceState

if TYPE_CHECKING:
    from core.audio.speech_driver import SpeechDriver

SLICE_S = 1.0 / DEFAULT_RATE_HZ  # as a live voice comes: the work is spread, and the result does not depend on it


def spoken_states(chunks: Iterable[AudioChunk], driver: SpeechDriver) -> Iterator[FaceState]:
    """The faces of this sound, thirty a second, at the sound's own times, each as soon as its sound is read."""
    for chunk in chunks:
        for piece in _slices(chunk):
            yield from (frame.state for frame in driver.push(piece))
    yield from (frame.state for frame in driver.finish())


def speech_take(chunks: Iterable[AudioChunk], driver: SpeechDriver, name: str) -> Take:
    """The take of this sound; it starts with the sound's own time. TakeError: there is no sound in it."""
    states = tuple(spoken_states(chunks, driver))
    if not states:
        raise TakeError("There is no sound to listen to: the file is empty or shorter than one thirtieth of a second.")
    return Take(name, states, DEFAULT_RATE_HZ)


def _slices(chunk: AudioChunk) -> Iterator[AudioChunk]:
    step = max(1, round(chunk.rate_hz * SLICE_S))
    for start in range(0, len(chunk.samples), step):
        time_s = chunk.timestamp_s + start / chunk.rate_hz
        yield replace(chunk, samples=chunk.samples[start : start + step], timestamp_s=time_s)
