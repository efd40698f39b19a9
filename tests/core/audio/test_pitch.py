import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from core.audio.pitch import LONGEST_LAG, PITCH_WINDOW, SUMMED, pitch_and_voicing
from tests.sounds import noise, vowel


def windows(sound):
    return sliding_window_view(np.asarray(sound, np.float64), PITCH_WINDOW)[::160]


@pytest.mark.parametrize("name", ["a", "i", "u"])
@pytest.mark.parametrize("f0_hz", [75.0, 110.0, 180.0, 260.0, 440.0])
def test_the_pitch_of_a_vowel_is_found(f0_hz, name):
    found_hz, voicing = pitch_and_voicing(windows(vowel(f0_hz, 0.5, name))[10:])
    assert np.abs(np.log2(found_hz / f0_hz)).max() < 0.02  # a quarter of a semitone
    assert voicing.min() > 0.9


def test_a_gliding_pitch_is_followed_at_the_middle_of_the_window():
    glide_hz = np.linspace(100.0, 200.0, 16000)
    found_hz, _ = pitch_and_voicing(windows(vowel(glide_hz, 1.0)))
    middle = np.arange(len(found_hz)) * 160 + PITCH_WINDOW // 2
    assert np.abs(np.log2(found_hz / glide_hz[middle]))[5:].max() < 0.05


@pytest.mark.parametrize("level", [1e-4, 0.01, 0.3])
def test_white_noise_and_silence_are_unvoiced(level):
    assert pitch_and_voicing(windows(noise("white", 3.0, level)))[1].max() < 0.1
    assert pitch_and_voicing(windows(np.zeros(16000)))[1].max() == 0.0


def test_voicing_falls_with_noise_and_not_with_level():
    clean, hiss = vowel(120.0, 1.0), noise("white", 1.0)
    ladder = [pitch_and_voicing(windows(clean + gain * hiss))[1].mean() for gain in (0.1, 0.5, 1.0, 2.0)]
    assert ladder[0] > 0.95 and ladder == sorted(ladder, reverse=True) and ladder[-1] < 0.1
    np.testing.assert_allclose(
        pitch_and_voicing(windows(0.02 * clean))[1], pitch_and_voicing(windows(clean))[1], atol=0.02
    )


def test_mains_hum_below_the_range_is_no_voice():
    assert pitch_and_voicing(windows(0.01 * np.sin(2 * np.pi * 60.0 * np.arange(16000) / 16000)))[1].max() == 0.0


def test_the_difference_is_yins():
    sound = windows(vowel(130.0, 0.3) + noise("pink", 0.3, 0.03))[7]
    direct = np.array([((sound[:SUMMED] - sound[k : k + SUMMED]) ** 2).sum() for k in range(LONGEST_LAG + 1)])
    mean = np.concatenate([[1.0], direct[1:] * np.arange(1, LONGEST_LAG + 1) / np.cumsum(direct[1:])])
    period = next(k for k in range(32, LONGEST_LAG) if mean[k] < 0.15 and mean[k] < mean[k + 1])
    assert pitch_and_voicing(sound[None])[0][0] == pytest.approx(16000 / period, rel=0.02)
