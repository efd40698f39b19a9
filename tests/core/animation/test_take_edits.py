from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.animation.demo import demo_take
from core.animation.take import Take
from core.animation.take_edits import PARTS, at_speed, loop, mix, retime, shifted, trim, without_gaps
from core.blendshapes import INDEX, REGIONS
from core.errors import TakeError
from core.geometry.rotation import rotation_angle, rotation_from_yaw_pitch_roll, yaw_pitch_roll
from core.structures import FaceState

DEMO = demo_take(4.0, 30.0, seed=1)
OTHER = demo_take(4.0, 25.0, seed=2)
LATE = Take("late", tuple(replace(s, timestamp_s=s.timestamp_s + 100.0) for s in DEMO.states), 30.0, 3600.0)


def same(a: Take, b: Take, atol: float = 1e-6) -> bool:
    """Equal frames at equal times."""
    names = ("blendshapes", "head_rotation", "head_translation", "gaze", "emotion")
    return np.allclose(a.times_s, b.times_s, atol=1e-9) and all(
        np.allclose(getattr(x, name), getattr(y, name), atol=atol)
        for x, y in zip(a.states, b.states, strict=True)
        for name in names
    )


def test_shifting_keeps_the_time_of_day():
    moved = shifted(LATE)
    assert moved.times_s[0] == 0.0
    np.testing.assert_allclose(moved.times_s + moved.timecode_start_s, LATE.times_s + LATE.timecode_start_s)
    assert same(moved, replace(DEMO))


@pytest.mark.parametrize("take", [DEMO, LATE], ids=["from 0", "from 100"])
def test_a_piece_is_the_frames_between_both_included(take):
    piece = trim(take, 0.5, 1.5)
    assert (len(piece.states), piece.times_s[0], piece.rate_hz) == (31, 0.0, 30.0)
    np.testing.assert_array_equal(piece.blendshapes, take.blendshapes[15:46])
    assert piece.timecode_start_s == pytest.approx(take.timecode_start_s + take.times_s[15], abs=1e-6)


@settings(max_examples=50, deadline=None)
@given(cut=st.integers(1, 118))
def test_two_pieces_make_the_whole(cut):
    cut_s = (cut + 0.5) / 30
    first, second = trim(DEMO, 0.0, cut_s), trim(DEMO, cut_s, 10.0)
    np.testing.assert_array_equal(np.concatenate([first.blendshapes, second.blendshapes]), DEMO.blendshapes)


def test_a_loop_is_the_take_again_and_again():
    thrice = loop(LATE, 3)
    assert len(thrice.states) == 360
    np.testing.assert_allclose(np.diff(thrice.times_s), 1 / 30, atol=1e-9)
    np.testing.assert_array_equal(thrice.blendshapes, np.tile(DEMO.blendshapes, (3, 1)))
    assert same(loop(DEMO, 1), DEMO)


def test_a_fade_takes_the_jump_away_and_leaves_the_rest():
    piece = trim(DEMO, 0.5, 2.5)
    hard, soft = loop(piece, 3), loop(piece, 3, fade_s=0.5)

    def largest_turn(take: Take) -> float:
        heads = [state.head_rotation.astype(float) for state in take.states]
        return max(rotation_angle(a.T @ b) for a, b in pairwise(heads))

    assert largest_turn(hard) > 2 * largest_turn(piece)
    assert largest_turn(soft) < 0.25 * largest_turn(hard)
    assert soft.duration_s == pytest.approx(3 * piece.duration_s - 2 * 0.5)
    middle = slice(20, 40)  # beyond the fade a round is the take itself
    np.testing.assert_allclose(soft.blendshapes[middle], piece.blendshapes[middle], atol=1e-5)
    np.testing.assert_allclose(soft.blendshapes[45:][middle], piece.blendshapes[middle], atol=1e-5)
    np.testing.assert_allclose(soft.blendshapes[-1], piece.blendshapes[-1], atol=1e-5)


@settings(max_examples=50, deadline=None)
@given(speed=st.floats(0.1, 10.0))
def test_speed_scales_time_and_nothing_else(speed):
    fast = at_speed(LATE, speed)
    np.testing.assert_allclose(fast.times_s, DEMO.times_s / speed, atol=1e-9)
    assert fast.rate_hz == pytest.approx(30.0 * speed)
    np.testing.assert_array_equal(fast.blendshapes, LATE.blendshapes)
    assert same(at_speed(fast, 1.0 / speed), DEMO)


def test_retiming_hits_the_same_movement():
    fine = retime(LATE, 120.0)
    assert (len(fine.states), fine.rate_hz) == (477, 120.0)
    np.testing.assert_allclose(fine.blendshapes[::4], DEMO.blendshapes, atol=1e-5)
    assert same(retime(fine, 30.0), DEMO, atol=1e-5)


@pytest.mark.parametrize("weight", [0.0, 0.25, 1.0])
def test_a_mix_of_everything_is_the_weighted_mean(weight):
    mixed = mix(DEMO, OTHER, weight)
    for state, a in zip(mixed.states, DEMO.states, strict=True):
        b = OTHER.at(state.timestamp_s)
        for name in ("blendshapes", "head_translation", "gaze", "emotion"):
            expected = (1 - weight) * getattr(a, name) + weight * getattr(b, name)
            np.testing.assert_allclose(getattr(state, name), expected, atol=1e-6)
        whole = rotation_angle(a.head_rotation.T.astype(float) @ b.head_rotation)
        turned = rotation_angle(a.head_rotation.T.astype(float) @ state.head_rotation)
        assert turned == pytest.approx(weight * whole, abs=2e-3)


@pytest.mark.parametrize("part", PARTS)
def test_a_mix_of_one_part_touches_that_part_alone(part):
    mixed = mix(DEMO, OTHER, {part: 1.0})
    beside = [OTHER.at(state.timestamp_s) for state in DEMO.states]
    channels = [INDEX[name] for name in REGIONS.get(part, ())]
    others = [i for i in range(52) if i not in channels]
    for state, a, b in zip(mixed.states, DEMO.states, beside, strict=True):
        np.testing.assert_allclose(state.blendshapes[channels], b.blendshapes[channels], atol=1e-6)
        np.testing.assert_array_equal(state.blendshapes[others], a.blendshapes[others])
        np.testing.assert_allclose(state.head_rotation, (b if part == "head" else a).head_rotation, atol=1e-6)
        np.testing.assert_allclose(state.head_translation, (b if part == "head" else a).head_translation, atol=1e-6)
        np.testing.assert_allclose(state.gaze, (b if part == "gaze" else a).gaze, atol=1e-6)
        np.testing.assert_allclose(state.emotion, a.emotion, atol=1e-6)


def test_a_mix_runs_on_the_clock_of_each_take_and_holds_a_shorter_ones_end():
    assert same(mix(DEMO, LATE, 0.5), DEMO, atol=1e-5)
    short = trim(OTHER, 0.0, 1.0)
    held = mix(DEMO, short, 1.0)
    np.testing.assert_allclose(held.blendshapes[60:], np.tile(short.blendshapes[-1], (60, 1)), atol=1e-6)


def gappy(*has_face: bool) -> Take:
    states = [
        FaceState(k / 10, blendshapes=np.full(52, k / 10, np.float32)) if face else FaceState.no_face(k / 10)
        for k, face in enumerate(has_face)
    ]
    return Take("gappy", tuple(states), 10.0)


def test_where_one_has_no_face_the_other_counts():
    full, holes = gappy(True, True, True), gappy(True, False, True)
    for a, b in ((full, holes), (holes, full)):
        mixed = mix(a, b, 0.3)
        assert [state.has_face for state in mixed.states] == [True] * 3
        assert mixed.states[1].blendshapes[0] == pytest.approx(0.1)
    assert not mix(holes, holes, 0.5).states[1].has_face


def test_gaps_hold_the_last_face():
    take = without_gaps(gappy(False, True, False, False, True))
    np.testing.assert_allclose(take.blendshapes[:, 0], [0.1, 0.1, 0.1, 0.1, 0.4], atol=1e-6)
    np.testing.assert_allclose(take.times_s, np.arange(5) / 10)
    with pytest.raises(TakeError, match="no face"):
        without_gaps(gappy(False, False))


def test_nothing_is_changed_in_place():
    before = DEMO.blendshapes.copy(), DEMO.times_s.copy()
    for edit in (
        lambda: trim(DEMO, 0, 1),
        lambda: loop(DEMO, 2, 0.5),
        lambda: at_speed(DEMO, 2),
        lambda: retime(DEMO, 60),
        lambda: mix(DEMO, OTHER, 0.5),
    ):
        edit()
    np.testing.assert_array_equal([state.blendshapes for state in DEMO.states], before[0])
    np.testing.assert_array_equal([state.timestamp_s for state in DEMO.states], before[1])


def test_turns_mix_along_the_shortest_way():
    left = Take("l", (FaceState(0.0, head_rotation=rotation_from_yaw_pitch_roll(0.6, 0, 0)),), 30.0)
    right = Take("r", (FaceState(0.0, head_rotation=rotation_from_yaw_pitch_roll(-0.2, 0, 0)),), 30.0)
    state = mix(left, right, {"head": 0.25}).states[0]
    assert yaw_pitch_roll(state.head_rotation)[0] == pytest.approx(0.4, abs=1e-6)


@pytest.mark.parametrize(
    "edit",
    [
        lambda: trim(DEMO, 2.0, 1.0),
        lambda: trim(DEMO, 50.0, 60.0),
        lambda: loop(DEMO, 0),
        lambda: loop(DEMO, 10**9),
        lambda: loop(DEMO, 2, 3.0),
        lambda: loop(DEMO, 2, -1.0),
        lambda: at_speed(DEMO, 0.0),
        lambda: at_speed(DEMO, float("nan")),
        lambda: retime(DEMO, 0.0),
        lambda: retime(DEMO, float("nan")),
        lambda: mix(DEMO, OTHER, 1.5),
        lambda: mix(DEMO, OTHER, float("nan")),
        lambda: mix(DEMO, OTHER, {"moth": 0.5}),
        lambda: mix(DEMO, OTHER, {"mouth": -0.5}),
    ],
)
def test_what_makes_no_sense_is_told(edit):
    with pytest.raises(TakeError):
        edit()
