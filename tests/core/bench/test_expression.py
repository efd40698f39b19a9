"""The measures of the expression bench on signals whose answer is known."""

import numpy as np
import pytest

from core.bench.expression import agreement
from core.blendshapes import COUNT, INDEX


@pytest.fixture
def truth():
    """(200, 52) where jawOpen and eyeBlinkLeft move smoothly."""
    values = np.zeros((200, COUNT))
    time_s = np.arange(200) / 30
    values[:, INDEX["jawOpen"]] = 0.4 + 0.3 * np.sin(5 * time_s)
    values[:, INDEX["eyeBlinkLeft"]] = 0.5 + 0.4 * np.sin(3 * time_s + 1)
    return values


def test_the_truth_agrees_with_itself_and_only_moving_channels_count(truth):
    measured = agreement(truth, truth)
    assert measured.correlation == {"eyeBlinkLeft": pytest.approx(1.0), "jawOpen": pytest.approx(1.0)}
    assert (measured.error, measured.jitter) == (0.0, pytest.approx(1.0))
    assert measured.lag_frames == pytest.approx(0.0, abs=0.051)


def test_delay_scale_and_noise_are_told_apart(truth):
    late = np.roll(truth, 2, axis=0)
    assert agreement(late, truth).lag_frames == pytest.approx(2.0, abs=0.11)
    half = agreement(0.5 * truth, truth)
    assert half.correlation["jawOpen"] == pytest.approx(1.0)
    assert half.jitter == pytest.approx(0.5) and half.error > 0.15
    assert agreement(truth + np.random.default_rng(0).normal(0, 0.02, truth.shape), truth).jitter > 5
    still = truth.copy()
    still[:, INDEX["jawOpen"]] = 0.3
    assert agreement(still, truth).correlation["jawOpen"] == 0.0


def test_frames_without_a_face_are_left_out(truth):
    gaps = truth.copy()
    gaps[50:60] = np.nan
    assert agreement(gaps, truth).error == 0.0
