"""Sound to a take: the whole sound, in order, whatever the pieces."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.animation.speech_take import SLICE_S, speech_take, spoken_states
from core.audio.speech_settings import SpeechSettings
from core.errors import TakeError
from core.structures import AudioChunk
from tests.speech_tools import LoudnessDriver, jaw

RATE_HZ = 16_000
SETTINGS = SpeechSettings(look_ahead_ms=60.0)


def sound(seconds: float) -> AudioChunk:
    """Loud in every second half second."""
    times_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return AudioChunk(np.where(times_s % 1.0 >= 0.5, 0.8, 0.0).astype(np.float32), RATE_HZ, 0.0)


def pieces(whole: AudioChunk, cuts: list[int]):
    ends = sorted({0, len(whole.samples), *(cut for cut in cuts if cut < len(whole.samples))})
    return [AudioChunk(whole.samples[a:b], RATE_HZ, a / RATE_HZ) for a, b in itertools.pairwise(ends)]


def test_a_take_is_as_long_as_its_sound_and_moves_with_it():
    take = speech_take([sound(3.0)], LoudnessDriver(SETTINGS), "speech")
    assert (take.name, take.rate_hz) == ("speech", 30.0)
    np.testing.assert_allclose(take.times_s, np.arange(len(take.states)) / 30.0, atol=1e-9)
    assert take.duration_s == pytest.approx(3.0, abs=SLICE_S + 1e-6)
    for state in take.states:
        if 0.06 < state.timestamp_s % 0.5 < 0.44:
            assert jaw(state) == pytest.approx(0.8 if state.timestamp_s % 1.0 >= 0.5 else 0.0)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(1, 2 * RATE_HZ), max_size=8))
def test_the_driver_hears_every_sample_once_in_order_in_short_slices(cuts):
    whole, driver, pushed = sound(2.0), LoudnessDriver(SETTINGS), []
    push = driver.push
    driver.push = lambda chunk: pushed.append(chunk) or push(chunk)
    speech_take(pieces(whole, cuts), driver, "speech")
    np.testing.assert_array_equal(np.concatenate([chunk.samples for chunk in pushed]), whole.samples)
    counts = [len(chunk.samples) for chunk in pushed]
    starts_s = [chunk.timestamp_s for chunk in pushed]
    np.testing.assert_allclose(starts_s, np.cumsum([0, *counts[:-1]]) / RATE_HZ, atol=1e-9)
    assert max(counts) <= SLICE_S * RATE_HZ + 1


def test_faces_come_while_the_sound_is_read():
    read = []

    def chunks():
        for piece in pieces(sound(4.0), [RATE_HZ, 2 * RATE_HZ, 3 * RATE_HZ]):
            read.append(piece.timestamp_s)
            yield piece

    states = spoken_states(chunks(), LoudnessDriver(SETTINGS))
    next(states)
    assert read == [0.0]


@pytest.mark.parametrize("chunks", [[], [AudioChunk(np.zeros(0, np.float32), RATE_HZ, 0.0)]])
def test_no_sound_no_take(chunks):
    with pytest.raises(TakeError, match="no sound to listen to"):
        speech_take(chunks, LoudnessDriver(SETTINGS), "nothing")
