from __future__ import annotations

import numpy as np
import pytest

from core.animation.demo import PROGRAMME_S, demo_take
from core.blendshapes import ARKIT_NAMES, INDEX
from core.errors import InputError
from core.geometry.gaze_shapes import gaze_from_blendshapes


def test_ten_seconds_are_three_hundred_frames_from_zero():
    take = demo_take()
    np.testing.assert_allclose(take.times_s, np.arange(300) / 30)
    assert take.rate_hz == 30.0


def test_the_same_seed_gives_the_same_and_another_seed_another_performance():
    np.testing.assert_array_equal(demo_take(seed=3).blendshapes, demo_take(seed=3).blendshapes)
    assert np.abs(demo_take(seed=3).blendshapes - demo_take(seed=4).blendshapes).max() > 0.1


def test_every_frame_rate_shows_the_same_movement():
    slow, fast = demo_take(10.0, 30.0, 1), demo_take(10.0, 120.0, 1)
    np.testing.assert_allclose(slow.blendshapes, fast.blendshapes[::4], atol=1e-6)
    np.testing.assert_allclose(slow.states[77].head_rotation, fast.states[308].head_rotation, atol=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_what_it_shows(seed):
    peaks = dict(zip(ARKIT_NAMES, demo_take(seed=seed).blendshapes.max(axis=0), strict=True))
    for name, least in (
        ("eyeBlinkLeft", 0.9), ("eyeBlinkRight", 0.9), ("mouthSmileLeft", 0.6), ("mouthSmileRight", 0.6),
        ("browInnerUp", 0.5), ("browOuterUpLeft", 0.5), ("mouthPucker", 0.7), ("jawOpen", 0.5), ("mouthFrownLeft", 0.4),
    ):  # fmt: skip
        assert peaks[name] >= least, name


def test_it_is_smooth_and_repeats_without_a_seam():
    take = demo_take(2 * PROGRAMME_S, 480.0)
    assert np.abs(np.diff(take.blendshapes, axis=0)).max() < 0.06
    steps = np.abs(np.diff([s.head_rotation for s in take.states], axis=0))
    assert steps.max() < 0.002
    np.testing.assert_allclose(take.blendshapes[4800:], take.blendshapes[:4800], atol=1e-6)


def test_gaze_and_coefficients_agree_and_probabilities_are_such():
    take = demo_take(seed=2)
    gaze = np.array([s.gaze for s in take.states])
    np.testing.assert_allclose(gaze_from_blendshapes(take.blendshapes), gaze, atol=1e-5)
    assert np.abs(gaze).max() > 0.05
    emotion = np.array([s.emotion for s in take.states])
    np.testing.assert_allclose(emotion.sum(axis=1), 1.0, atol=1e-6)
    assert emotion.min() >= 0.0
    happy = int(np.argmax(take.blendshapes[:, INDEX["mouthSmileLeft"]]))
    assert emotion[happy].argmax() == 1 and take.states[happy].valence > 0.4


def test_nothing_to_make_is_refused():
    with pytest.raises(InputError):
        demo_take(0.0)
