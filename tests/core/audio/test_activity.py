import numpy as np
import pytest

from core.audio.features import ACTIVITY, speech_features
from tests.sounds import RATE_HZ, noise, read_wav, syllables, vowel


def activity(sound):
    return speech_features(sound)[:, ACTIVITY]


@pytest.mark.parametrize("colour", ["white", "pink", "brown"])
@pytest.mark.parametrize("level", [0.003, 0.1])
def test_noise_is_nobody_whether_it_stays_or_comes_and_goes(colour, level):
    sound = noise(colour, 8.0, level)
    gate = 0.5 + 0.5 * np.sin(2 * np.pi * 4.0 * np.arange(len(sound)) / RATE_HZ)
    assert activity(sound).max() < 0.5 and activity(gate * sound).max() < 0.5


def test_clicks_are_nobody():
    assert activity(0.5 * (np.arange(5 * RATE_HZ) % 4000 < 30)).max() < 0.1


def test_a_hum_is_nobody_after_a_moment():
    sound = 0.05 * np.sign(np.sin(2 * np.pi * 100 * np.arange(6 * RATE_HZ) / RATE_HZ))
    assert activity(sound)[150:].max() < 0.1


def test_speech_is_heard_at_once_through_its_consonants_and_until_it_ends():
    silence = np.zeros(2 * RATE_HZ, np.float32)
    sound = np.concatenate([silence, syllables(3.0), silence]) + noise("pink", 7.0, 0.003)
    heard = activity(sound)
    assert heard[:200].max() < 0.1
    assert heard[215:490].min() > 0.5
    assert heard[560:].max() < 0.1


def test_speech_without_a_pause_before_it_is_heard():
    assert activity(vowel(140.0, 0.5))[5:].min() > 0.9


@pytest.mark.parametrize(("decibels", "share"), [(20, 0.65), (10, 0.45)])
def test_recorded_speech_is_heard_in_noise(decibels, share, shared_file):
    sound = read_wav(shared_file("media/speech/libri_198.wav"))
    hiss = noise("pink", len(sound) / RATE_HZ, float(sound.std()) * 10 ** (-decibels / 20))
    clean, noisy = activity(sound) > 0.5, activity(sound + hiss) > 0.5
    assert clean.mean() > 0.7 and noisy.mean() > share
    assert (noisy & ~clean).mean() < 0.03  # noise adds nobody
