"""Takes made steady: nothing comes late, peaks stay, noise goes, and a lost face is no neighbour."""

from dataclasses import replace

import numpy as np
import pytest

from core.animation.take_smoothing import FACE_SPREAD_S, HEAD_SPREAD_S, REACH, smoothed_states, weighted_mean
from core.geometry.rotation import rotation_angle, rotation_from_yaw_pitch_roll
from core.structures import FaceState


def states_of(blendshapes, rate_hz=30.0, **fields):
    return [
        FaceState(number / rate_hz, 2, np.asarray(row, np.float32), **fields) for number, row in enumerate(blendshapes)
    ]


def values(states):
    return np.stack([state.blendshapes for state in states])


@pytest.mark.parametrize("spread_s", [FACE_SPREAD_S, HEAD_SPREAD_S, 0.2])
def test_the_mean_is_weighted_by_a_gaussian_of_the_time_between(spread_s):
    rng = np.random.default_rng(0)
    times_s = np.cumsum(rng.uniform(0.004, 0.08, 60))  # a camera that stumbles
    given = rng.normal(0, 1, (60, 3))
    apart = np.abs(times_s[:, None] - times_s) / spread_s
    weights = np.where(apart <= REACH, np.exp(-0.5 * apart**2), 0.0)
    expected = weights @ given / weights.sum(1, keepdims=True)
    np.testing.assert_allclose(weighted_mean(given, times_s, spread_s), expected, atol=1e-12)


def test_a_blink_stays_where_it_was_and_nearly_as_deep():
    blink = np.zeros((31, 52))
    blink[13:18] = np.array([0.4, 0.9, 1.0, 0.9, 0.4])[:, None]
    found = values(smoothed_states(states_of(blink)))
    np.testing.assert_allclose(found, found[::-1], atol=1e-6)
    assert found.argmax(axis=0).tolist() == [15] * 52
    assert found[15].min() > 0.9
    assert found.max() <= 1.0


def test_stillness_and_ramps_pass_and_noise_does_not():
    rng = np.random.default_rng(1)
    still = np.full((40, 52), 0.3)
    np.testing.assert_allclose(values(smoothed_states(states_of(still))), still, atol=1e-6)
    ramp = np.linspace(0.1, 0.9, 40)[:, None] * np.ones(52)
    np.testing.assert_allclose(values(smoothed_states(states_of(ramp)))[3:-3], ramp[3:-3], atol=1e-6)
    noisy = np.clip(0.5 + rng.normal(0, 0.05, (200, 52)), 0, 1)
    shaking = [np.abs(np.diff(rows, 2, axis=0)).mean() for rows in (noisy, values(smoothed_states(states_of(noisy))))]
    assert shaking[1] < 0.5 * shaking[0]


def test_a_slow_camera_is_left_alone():
    rows = np.random.default_rng(2).uniform(0, 1, (12, 52)).astype(np.float32)
    np.testing.assert_allclose(values(smoothed_states(states_of(rows, rate_hz=6.0))), rows, atol=1e-6)


def test_turning_heads_stay_rotations_and_come_in_time():
    turns = [rotation_from_yaw_pitch_roll(0.5 * np.sin(i / 12), 0.1 * i / 60, 0.0) for i in range(60)]
    rng = np.random.default_rng(3)
    shaking = [turn @ rotation_from_yaw_pitch_roll(*rng.normal(0, 0.02, 3)) for turn in turns]
    states = [
        FaceState(i / 30, head_rotation=turn.astype(np.float32), head_translation=np.array([0.01 * i, 0, -0.6]))
        for i, turn in enumerate(shaking)
    ]
    found = smoothed_states(states)
    for state in found:
        np.testing.assert_allclose(state.head_rotation @ state.head_rotation.T, np.eye(3), atol=1e-5)
    before, after = (
        np.mean([rotation_angle(a @ b.T) for a, b in zip(rotations, turns, strict=True)])
        for rotations in (shaking, [state.head_rotation for state in found])
    )
    assert after < 0.65 * before
    np.testing.assert_allclose([state.head_translation[0] for state in found[5:-5]], 0.01 * np.arange(5, 55), atol=1e-6)


def test_a_lost_face_is_no_neighbour_and_everything_else_is_kept():
    rows = np.random.default_rng(4).uniform(0, 1, (20, 52))
    states = [
        replace(state, valence=0.2, arousal=-0.1, confidence=0.0 if 8 <= number < 11 else 0.7)
        for number, state in enumerate(states_of(rows))
    ]
    found = smoothed_states(states)
    assert found[8:11] == states[8:11]
    for part in (slice(0, 8), slice(11, 20)):
        np.testing.assert_array_equal(values(found[part]), values(smoothed_states(states[part])))
    assert [(s.timestamp_s, s.face_id, s.valence, s.arousal, s.confidence) for s in found] == [
        (s.timestamp_s, s.face_id, s.valence, s.arousal, s.confidence) for s in states
    ]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_the_shortest_takes(count):
    rows = np.full((count, 52), 0.4)
    assert len(smoothed_states(states_of(rows))) == count
