"""The whole way from sound to face, with the network that ships."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.audio.speech_driver import MOUTH, SpeechDriver, load_network
from core.audio.speech_settings import SpeechSettings
from core.blendshapes import INDEX
from core.structures import AudioChunk
from tests.sounds import RATE_HZ, noise, read_wav, syllables

NETWORK = load_network()
JAW = INDEX["jawOpen"]


def spoken(chunks, **changes):
    driver = SpeechDriver(NETWORK, SpeechSettings(**changes))
    return [frame for chunk in chunks for frame in driver.push(chunk)] + driver.finish()


def whole(sound, rate_hz=RATE_HZ):
    return [AudioChunk(sound, rate_hz, 0.0)]


def packets(sound, rate_hz=RATE_HZ, seconds=0.02):
    size = round(seconds * rate_hz)
    return [AudioChunk(sound[i : i + size], rate_hz, i / rate_hz) for i in range(0, len(sound), size)]


def values(frames):
    return np.array([frame.state.blendshapes for frame in frames])


@settings(max_examples=10, deadline=None)
@given(
    st.lists(st.integers(1, 12_000), max_size=30),
    st.sampled_from([8000, 16000, 44100, 48000]),
    st.floats(0.0, 100.0),
    st.floats(-1.0, 1.0),
)
def test_streaming_equals_offline_whatever_the_chunks(sizes, rate_hz, look_ahead_ms, valence):
    sound = np.interp(np.arange(round(1.5 * rate_hz)) / rate_hz, np.arange(24000) / RATE_HZ, syllables(1.5))
    changes = {"look_ahead_ms": look_ahead_ms, "valence": valence}
    chunks, at = [], 0
    for size in [*sizes, len(sound)]:
        chunks.append(AudioChunk(sound[at : at + size], rate_hz, at / rate_hz))
        at += size
    streamed, offline = spoken(chunks, **changes), spoken(whole(sound, rate_hz), **changes)
    np.testing.assert_allclose(values(streamed), values(offline), atol=1e-4)
    for a, b in zip(streamed, offline, strict=True):
        np.testing.assert_allclose(a.state.head_rotation, b.state.head_rotation, atol=1e-4)


@pytest.mark.parametrize("mood", [(0.0, 0.0), (1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0), (1.0, -1.0)])
def test_silence_is_a_closed_calm_mouth_in_every_mood(mood):
    frames = spoken(whole(np.zeros(3 * RATE_HZ, np.float32)), valence=mood[0], arousal=mood[1])
    mouth = values(frames)[:, MOUTH]
    assert np.ptp(mouth, axis=0).max() < 1e-4 and values(frames)[:, JAW].max() == 0.0


@pytest.mark.parametrize("colour", ["white", "pink", "brown"])
@pytest.mark.parametrize("level", [0.005, 0.05])
def test_noise_alone_does_not_talk(colour, level):
    steady = noise(colour, 4.0, level)
    swelling = steady * (1.0 + np.sin(2 * np.pi * 4.0 * np.arange(len(steady)) / RATE_HZ))
    assert values(spoken(whole(steady)))[40:, JAW].max() < 0.05
    assert values(spoken(whole(swelling)))[:, JAW].max() < 0.2


def test_a_voice_moves_the_mouth_and_its_pauses_close_it(shared_file):
    sound = read_wav(shared_file("media/speech/jfk.wav"))
    jaw = values(spoken(packets(np.concatenate([sound, np.zeros(RATE_HZ, np.float32)]))))[:, JAW]
    assert np.percentile(jaw[:330], 90) > 0.15 and jaw[-15:].max() == 0.0


def test_quiet_voices_move_the_mouth_as_much(shared_file):
    sound = read_wav(shared_file("media/speech/libri_198.wav"))[: 6 * RATE_HZ]
    loud, quiet = (values(spoken(whole(gain * sound)))[:, JAW] for gain in (1.0, 0.05))
    assert np.corrcoef(loud, quiet)[0, 1] > 0.9 and quiet.std() > 0.75 * loud.std()


def test_lost_packets_heal_within_200_ms(shared_file):
    sound = read_wav(shared_file("media/speech/libri_3436.wav"))[: 4 * RATE_HZ]
    through = values(spoken(packets(sound)))
    rng = np.random.default_rng(0)
    for start in rng.integers(60, 160, 3):
        kept = packets(sound)
        del kept[start : start + 2]  # 40 ms
        healed = values(spoken(kept))
        after = int(np.ceil(30 * (0.02 * (start + 2) + 0.2)))
        assert np.abs(healed - through)[after:, MOUTH].max() < 0.1
        assert np.abs(np.diff(healed[:, JAW])).max() <= np.abs(np.diff(through[:, JAW])).max() + 0.1
