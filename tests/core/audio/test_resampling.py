import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.audio.resampling import Resampler, resampled
from core.errors import InputError

RATES_HZ = (8000, 11025, 16000, 22050, 24000, 32000, 44100, 44101, 48000, 96000, 192000)


def tone(rate_hz, frequency_hz, duration_s=0.5):
    return np.sin(2 * np.pi * frequency_hz * np.arange(round(duration_s * rate_hz)) / rate_hz).astype(np.float32)


@pytest.mark.parametrize("frequency_hz", [100.0, 1000.0, 3300.0])
@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_tone_stays_itself_at_its_own_time(rate_hz, frequency_hz):
    result = resampled(tone(rate_hz, frequency_hz), rate_hz)
    assert result.dtype == np.float32 and len(result) == 8000
    np.testing.assert_allclose(result[100:-100], tone(16000, frequency_hz)[100:-100], atol=1e-3)


@pytest.mark.parametrize(("rate_hz", "frequency_hz"), [(48000, 9000.0), (48000, 15000.0), (44100, 20000.0)])
def test_what_16_khz_cannot_hold_does_not_fold_back(rate_hz, frequency_hz):
    assert np.abs(resampled(tone(rate_hz, frequency_hz), rate_hz)[100:-100]).max() < 2e-3


def test_a_telephone_gets_no_new_sounds():
    spectrum = np.abs(np.fft.rfft(resampled(tone(8000, 3000.0), 8000)[200:-200] * np.hanning(7600)))
    assert spectrum[2600:].max() < 1e-3 * spectrum.max()  # above 5.5 kHz


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(RATES_HZ), st.lists(st.integers(0, 4000), max_size=20), st.integers(0, 5000))
def test_streaming_equals_offline_whatever_the_chunks(rate_hz, sizes, count):
    sound = np.random.default_rng(count).uniform(-1, 1, count).astype(np.float32)
    resampler, pieces, at = Resampler(rate_hz), [], 0
    for size in [*sizes, count]:
        pieces.append(resampler.push(sound[at : at + size]))
        at += size
    pieces.append(resampler.finish())
    result = np.concatenate(pieces)
    assert len(result) == -(-count * 16000 // rate_hz)
    np.testing.assert_allclose(result, resampled(sound, rate_hz), atol=1e-6)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_nothing_waits_longer_than_stated(rate_hz):
    resampler = Resampler(rate_hz)
    assert resampler.latency_s <= 0.003
    known_s, given_s = 0.0, 0.0
    for _ in range(50):
        known_s += 100 / rate_hz
        given_s += len(resampler.push(np.zeros(100))) / 16000
        assert given_s >= known_s - resampler.latency_s - 1e-9


def test_broken_samples_do_no_lasting_harm():
    sound = tone(48000, 500.0)
    broken = sound.copy()
    broken[6000:6003] = np.nan, np.inf, -np.inf
    result, whole = resampled(broken, 48000), resampled(sound, 48000)
    assert np.isfinite(result).all()
    np.testing.assert_array_equal(result[2100:], whole[2100:])
    assert np.abs(resampled(1e30 * sound, 48000)).max() < 1.3


def test_reset_forgets():
    resampler = Resampler(44100)
    sound = tone(44100, 700.0)
    first = resampler.push(sound)
    resampler.reset()
    np.testing.assert_array_equal(resampler.push(sound), first)


@pytest.mark.parametrize("rate_hz", [0, -1, 999, 10**6])
def test_a_rate_that_is_none_is_refused(rate_hz):
    with pytest.raises(InputError, match="samples a second"):
        Resampler(rate_hz)
