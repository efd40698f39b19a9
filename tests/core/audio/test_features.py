import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.audio.features import (
    ACTIVITY,
    BANDS,
    ENERGY,
    FEATURES,
    HOP,
    LOG_F0,
    VOICING,
    FeatureStream,
    speech_features,
)
from tests.sounds import RATE_HZ, noise, syllables, vowel

SOUND = syllables(2.0) + noise("pink", 2.0, 0.01)
OFFLINE = speech_features(SOUND)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 3000), min_size=1, max_size=60))
def test_streaming_equals_offline_whatever_the_chunks(sizes):
    stream, pieces, at = FeatureStream(), [], 0
    for size in [*sizes, len(SOUND)]:
        pieces.append(stream.push(SOUND[at : at + size]))
        at += size
        assert sum(map(len, pieces)) == min(at, len(SOUND)) // HOP  # a frame is given as soon as it is complete
    np.testing.assert_array_equal(np.concatenate(pieces), OFFLINE)


def test_the_future_changes_nothing():
    other = SOUND.copy()
    other[16000:] = noise("white", 1.0, 0.3)
    np.testing.assert_array_equal(speech_features(other)[:100], OFFLINE[:100])
    assert not np.array_equal(speech_features(other)[100:], OFFLINE[100:])


def test_the_past_is_forgotten_so_a_cut_does_not_matter_for_the_spectrum():
    late = speech_features(SOUND[8000:])
    np.testing.assert_allclose(late[30:, :BANDS], OFFLINE[80:, :BANDS], atol=1e-4)


def test_an_offset_of_the_microphone_is_taken_out():
    np.testing.assert_allclose(speech_features(SOUND + 0.2)[40:], OFFLINE[40:], atol=0.02)


def test_columns():
    features = speech_features(vowel(200.0, 0.7, level=0.1))[20:]
    assert features.shape == (50, FEATURES) and features.dtype == np.float32
    np.testing.assert_allclose(features[:, LOG_F0], np.log10(4.0), atol=0.01)
    np.testing.assert_allclose(features[:, ENERGY], 1 - 20 / 60, atol=0.03)
    assert features[:, VOICING].min() > 0.9 and features[:, ACTIVITY].min() > 0.9


def test_silence():
    features = speech_features(np.zeros(RATE_HZ, np.float32))
    assert np.isfinite(features).all()
    assert (features[:, [LOG_F0, VOICING, ACTIVITY]] == 0).all()
    assert np.ptp(features, axis=0).max() == 0.0


@pytest.mark.parametrize("count", [0, 1, HOP - 1, HOP])
def test_hardly_anything(count):
    assert speech_features(np.zeros(count, np.float32)).shape == (count // HOP, FEATURES)


def test_reset_forgets():
    stream = FeatureStream()
    stream.push(SOUND)
    stream.reset()
    np.testing.assert_array_equal(stream.push(SOUND), OFFLINE)


def test_full_scale_square_waves_are_finite():
    assert np.isfinite(speech_features(np.sign(vowel(100.0, 1.0)))).all()
