import math

import numpy as np
import pytest

from core.audio.features import BANDS, speech_features
from core.audio.speech_gestures import BROW_MOST, NOD_MOST_RAD, SpeechGestures
from tests.sounds import RATE_HZ, read_wav, vowel

FEATURES_A_FRAME = (3, 3, 4)


def moved(features, seed=0):
    """(frames, 5) blink, brows, yaw, pitch, roll."""
    gestures, at, rows = SpeechGestures(seed), 0, []
    for k in range(len(features) * 3 // 10):
        end = at + FEATURES_A_FRAME[k % 3]
        g = gestures.step(features[at:end, BANDS:], float(features[end - 1, -1]))
        rows.append((g.blink, g.brows, g.yaw, g.pitch, g.roll))
        at = end
    return np.array(rows)


def resting(frames, speaking=0.0, seed=0):
    gestures = SpeechGestures(seed)
    return np.array(
        [(g.blink, g.yaw, g.pitch, g.roll) for g in (gestures.step(np.zeros((3, 4)), speaking) for _ in range(frames))]
    )


def count_of(values, threshold):
    return int(((values[1:] > threshold) & (values[:-1] <= threshold)).sum())


@pytest.mark.parametrize(("speaking", "a_minute"), [(0.0, 17), (1.0, 26)])
def test_blinks_are_as_many_as_measured_on_people_and_close_the_eyes(speaking, a_minute):
    blinks = resting(30 * 60 * 20, speaking)[:, 0]
    assert count_of(blinks, 0.5) / 20 == pytest.approx(a_minute, rel=0.1)
    assert blinks.max() == pytest.approx(1.0) and blinks.min() == 0.0
    starts = np.flatnonzero((blinks[1:] > 0.5) & (blinks[:-1] <= 0.5))
    assert np.std(np.log(np.diff(starts))) > 0.3  # not like a clock
    assert (blinks > 0.5).mean() < 0.12


@pytest.mark.parametrize(("speaking", "degrees"), [(0.0, 0.63), (1.0, 1.8)])
def test_the_head_wanders_a_little_and_softly(speaking, degrees):
    angles = np.degrees(resting(30 * 60 * 10, speaking)[60:, 1:])
    np.testing.assert_allclose(angles.std(axis=0), degrees * np.array([1.0, 1.0 / 1.8, 1.2 / 1.8]), rtol=0.15)
    assert np.abs(angles).max() < 10.0 and np.abs(np.diff(angles, axis=0)).max() < 0.5


def test_the_eyes_stay_on_whoever_listens_and_leap_a_little():
    gestures = SpeechGestures()
    steps = [gestures.step(np.zeros((3, 4)), 1.0) for _ in range(30 * 120)]
    seen = np.degrees([g.gaze + np.array([g.yaw, g.pitch]) for g in steps])
    leaps = np.abs(np.diff(seen, axis=0)).max(axis=1) > 1e-9
    assert 40 <= leaps.sum() <= 160  # still in between, whatever the head does
    assert np.abs(seen).max() < 3.5 and (seen.std(axis=0) > 0.5).all()


def accented():
    pitch_hz = np.full(4 * RATE_HZ, 120.0)
    pitch_hz[3 * RATE_HZ : 3 * RATE_HZ + RATE_HZ // 4] = 200.0
    return speech_features(
        vowel(pitch_hz, 4.0) * (1.0 + 0.8 * (pitch_hz > 150)) * np.tile(np.r_[np.ones(2400), np.zeros(1600)], 16)
    )


def test_an_accent_raises_the_brows_and_then_lowers_the_head():
    with_accent, idle = moved(accented()), moved(accented() * 0.0)
    brows, pitch = with_accent[:, 1], with_accent[:, 3]
    accent = 3 * 30
    assert brows[accent - 30 : accent].max() < 0.1
    assert 0.15 < brows[accent : accent + 20].max() <= BROW_MOST
    brow_peak, nod_peak = brows[accent:].argmax(), pitch[accent : accent + 20].argmin()
    assert 1 <= brow_peak <= 9 and brow_peak < nod_peak <= 14
    assert pitch[accent : accent + 20].min() < -0.25 * NOD_MOST_RAD
    assert (idle[:, 1] == 0.0).all()


def test_a_monotone_voice_raises_no_brow():
    flat = speech_features(vowel(120.0, 4.0) * np.tile(np.r_[np.ones(2400), np.zeros(1600)], 16))
    assert moved(flat)[30:, 1].max() < 0.15


def test_gestures_are_soft_causal_and_the_same_for_the_same_seed():
    features = accented()
    first = moved(features)
    np.testing.assert_array_equal(first, moved(features))
    np.testing.assert_array_equal(first[:60], moved(features[:200]))
    assert np.abs(np.diff(first[:, 0])).max() < 0.6 and np.abs(np.diff(first[:, 1])).max() < 0.2
    assert np.abs(np.diff(first[:, 3])).max() < math.radians(1.2)
    assert np.abs(first - moved(features, seed=1)).max() > 0.1


@pytest.mark.parametrize("name", ["jfk", "libri_198", "libri_3436"])
def test_recorded_speakers_are_neither_still_nor_restless(name, shared_file):
    values = moved(speech_features(read_wav(shared_file(f"media/speech/{name}.wav"))))
    minutes = len(values) / 1800
    assert 8 <= count_of(values[:, 0], 0.5) / minutes <= 60
    assert 5 <= count_of(values[:, 1], 0.1) / minutes <= 30
    assert np.degrees(np.abs(values[:, 2:]).max()) < 10.0 and np.degrees(values[:, 3].std()) > 0.5
