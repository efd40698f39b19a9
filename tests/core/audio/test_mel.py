import numpy as np
import pytest

from core.audio.mel import BANDS, WINDOW, hz_of_mel, log_mel, mel_filters, mel_of_hz, mel_power


def test_the_scale_is_slaneys():
    hz = np.array([0.0, 200.0, 1000.0, 6400.0])
    np.testing.assert_allclose(mel_of_hz(hz), [0.0, 3.0, 15.0, 42.0])
    np.testing.assert_allclose(hz_of_mel(mel_of_hz(hz)), hz)


def test_every_filter_has_bins_and_an_area_of_about_one():
    filters = mel_filters()
    assert filters.shape == (201, BANDS) and filters.min() == 0.0 and (filters > 0).any(axis=0).all()
    # A narrow triangle is sampled by one or two bins; the wide ones show the norm.
    np.testing.assert_allclose(filters[:, 50:].sum(axis=0) * 40.0, 1.0, rtol=0.02)
    centres = hz_of_mel(np.linspace(0, mel_of_hz(np.array(8000.0)), BANDS + 2))[1:-1]
    assert np.abs(filters.argmax(axis=0) * 40.0 - centres).max() <= 21.0


def test_a_tone_lands_in_its_band_with_its_power():
    time_s = np.arange(WINDOW) / 16000
    tone = 0.5 * np.sin(2 * np.pi * 3000.0 * time_s)
    power = mel_power(tone[None])[0]
    # Slow and direct: the transform by its definition, the periodic window, the filters.
    window = np.sin(np.pi * np.arange(WINDOW) / WINDOW) ** 2
    waves = np.exp(-2j * np.pi * np.outer(np.arange(201), np.arange(WINDOW)) / WINDOW)
    np.testing.assert_allclose(power, np.abs(waves @ (tone * window)) ** 2 @ mel_filters(), rtol=1e-9, atol=1e-15)
    assert mel_filters()[75, power.argmax()] == mel_filters()[75].max()


def test_scaling_is_fixed_and_silence_has_one_value():
    quiet = log_mel(np.zeros((1, BANDS)))
    np.testing.assert_allclose(quiet, -1.6)
    power = np.full((1, BANDS), 1.0)
    assert log_mel(10 * power)[0, 0] - log_mel(power)[0, 0] == pytest.approx(1 / 2.5)
