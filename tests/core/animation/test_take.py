from __future__ import annotations

import itertools

import numpy as np
import pytest

from core.animation.take import Take, TakeRecorder
from core.blendshapes import INDEX
from core.errors import TakeError
from core.geometry.rotation import rotation_angle, rotation_from_yaw_pitch_roll, yaw_pitch_roll
from core.structures import FaceState


def state(time_s: float, jaw: float = 0.0, yaw: float = 0.0, **more) -> FaceState:
    blendshapes = np.zeros(52, np.float32)
    blendshapes[INDEX["jawOpen"]] = jaw
    rotation = rotation_from_yaw_pitch_roll(yaw, 0.0, 0.0).astype(np.float32)
    return FaceState(time_s, blendshapes=blendshapes, head_rotation=rotation, **more)


def jaw_of(face: FaceState) -> float:
    return float(face.blendshapes[INDEX["jawOpen"]])


def test_between_two_states_coefficients_are_linear_and_the_head_turns_evenly():
    take = Take("t", (state(1.0, 0.2, -0.8, valence=-1.0), state(3.0, 0.6, 1.2, valence=1.0)), 30.0)
    for weight in (0.0, 0.25, 0.5, 0.9, 1.0):
        between = take.at(1.0 + 2.0 * weight)
        assert between.timestamp_s == 1.0 + 2.0 * weight
        assert jaw_of(between) == pytest.approx(0.2 + 0.4 * weight, abs=1e-6)
        assert yaw_pitch_roll(between.head_rotation)[0] == pytest.approx(-0.8 + 2.0 * weight, abs=1e-5)
        assert between.valence == pytest.approx(2 * weight - 1, abs=1e-6)


def test_rotation_takes_the_shortest_way_and_stays_a_rotation():
    first = rotation_from_yaw_pitch_roll(0.4, -0.2, 0.1)
    last = rotation_from_yaw_pitch_roll(-0.3, 0.5, -0.6)
    take = Take("t", (FaceState(0.0, head_rotation=first), FaceState(1.0, head_rotation=last)), 30.0)
    whole = rotation_angle(first.T @ last)
    for weight in (0.3, 0.7):
        middle = take.at(weight).head_rotation
        np.testing.assert_allclose(middle @ middle.T, np.eye(3), atol=1e-6)
        assert rotation_angle(first.T @ middle) == pytest.approx(weight * whole, abs=1e-5)


def test_the_ends_are_held():
    take = Take("t", (state(1.0, 0.2), state(2.0, 0.6)), 30.0)
    assert (jaw_of(take.at(-5.0)), jaw_of(take.at(99.0))) == (pytest.approx(0.2), pytest.approx(0.6))
    assert take.at(99.0).timestamp_s == 99.0


def test_next_to_no_face_the_nearer_state_counts():
    take = Take("t", (state(0.0, 0.8), FaceState.no_face(1.0)), 30.0)
    assert take.at(0.4).has_face and jaw_of(take.at(0.4)) == pytest.approx(0.8)
    assert not take.at(0.6).has_face


def test_resampling_keeps_the_movement():
    take = Take("t", tuple(state(k / 30, k / 30) for k in range(31)), 30.0)
    fast = take.resampled(60.0)
    assert (len(fast.states), fast.rate_hz) == (61, 60.0)
    np.testing.assert_allclose(fast.times_s, np.arange(61) / 60)
    np.testing.assert_allclose(fast.blendshapes[:, INDEX["jawOpen"]], np.arange(61) / 60, atol=1e-6)
    np.testing.assert_allclose(fast.resampled(30.0).blendshapes, take.blendshapes, atol=1e-6)


def test_trimming_keeps_what_lies_between():
    take = Take("t", tuple(state(float(k)) for k in range(10)), 1.0)
    assert take.trimmed(2.5, 5.0).times_s.tolist() == [3.0, 4.0, 5.0]
    with pytest.raises(TakeError, match="from 0 s to 9 s"):
        take.trimmed(20.0, 30.0)


def test_replay_goes_on_growing_over_repeats_without_a_clock():
    take = Take("t", (state(5.0, 0.1), state(5.5, 0.2)), 2.0)
    assert [s.timestamp_s for s in take.replay()] == [0.0, 0.5]
    assert [s.timestamp_s for s in itertools.islice(take.replay(repeats=None), 6)] == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]
    assert [jaw_of(s) for s in take.replay(2)] == pytest.approx([0.1, 0.2, 0.1, 0.2])


@pytest.mark.parametrize(
    "states, rate_hz",
    [((), 30.0), ((state(1.0), state(1.0)), 30.0), ((state(2.0), state(1.0)), 30.0), ((state(0.0),), 0.0)],
)
def test_what_is_no_take_is_refused(states, rate_hz):
    with pytest.raises(TakeError):
        Take("t", states, rate_hz)


def test_recorder_keeps_growing_times_and_starts_at_zero():
    recorder = TakeRecorder()
    taken = [recorder.add(state(t)) for t in (100.0, 100.04, 100.04, 99.0, 100.08)]
    assert taken == [True, True, False, False, True]
    assert len(recorder) == 3 and recorder.duration_s == pytest.approx(0.08)
    take = recorder.finish("mine")
    np.testing.assert_allclose(take.times_s, [0.0, 0.04, 0.08], atol=1e-9)
    assert (take.name, take.rate_hz) == ("mine", pytest.approx(25.0))


def test_recorder_ends_by_itself_and_can_begin_anew():
    recorder = TakeRecorder(max_duration_s=1.0)
    assert [recorder.add(state(t)) for t in (0.0, 1.0, 1.1)] == [True, True, False]
    recorder.reset()
    with pytest.raises(TakeError, match="Nothing was recorded"):
        recorder.finish("empty")
