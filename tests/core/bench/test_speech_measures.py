"""Measures of speaking faces: known shifts, scales and closures are found as such."""

from __future__ import annotations

import numpy as np
import pytest

from core.bench.speech_measures import (
    closure_recall,
    correlation,
    jerk_ratio,
    lip_gap,
    ordered_share,
    recorded_speech,
    region_errors,
    seal_runs,
    signed_lag_ms,
    viseme_accuracy,
)
from core.blendshapes import INDEX


@pytest.fixture
def jaw():
    """A smooth irregular movement, 20 s at 30 Hz."""
    rng = np.random.default_rng(1)
    return np.convolve(rng.random(620), np.hanning(9) / 4, "valid")[:600]


def face(**tracks):
    """(n, 52) of tracks by name."""
    found = np.zeros((len(next(iter(tracks.values()))), 52), np.float32)
    for name, track in tracks.items():
        found[:, INDEX[name]] = track
    return found


def test_lips_touch_where_mouth_close_equals_the_jaw():
    assert lip_gap(face(jawOpen=[0.3], mouthClose=[0.3]))[0] == pytest.approx(0)
    assert lip_gap(face(jawOpen=[0.3], mouthClose=[0.0]))[0] == pytest.approx(0.3)
    assert lip_gap(face(mouthPressLeft=[0.3], mouthPressRight=[0.3]))[0] < 0 < lip_gap(face(mouthUpperUpLeft=[0.3]))[0]


@pytest.mark.parametrize("late_ms", [-100.0, -33.0, -15.0, 0.0, 12.0, 50.0, 120.0])
def test_a_known_lag_is_found_with_its_sign(jaw, late_ms):
    times = np.arange(len(jaw)) / 30
    late = np.interp(times - late_ms / 1000, times, jaw)
    assert signed_lag_ms(late, jaw) == pytest.approx(late_ms, abs=4)


def test_correlation_ignores_scale_and_a_still_face_has_none(jaw):
    assert correlation(0.2 * jaw + 0.1, jaw) == pytest.approx(1)
    assert correlation(np.zeros_like(jaw), jaw) == 0


def test_jerk_and_errors_are_those_of_the_difference(jaw):
    truth = face(jawOpen=jaw)
    assert jerk_ratio(0.5 * truth, truth) == pytest.approx(0.5)
    mean, root = region_errors(truth + 0.1, truth)["jaw"]
    assert mean == pytest.approx(0.1, abs=1e-6) and root == pytest.approx(0.1, abs=1e-6)


def test_closures_are_counted_one_by_one():
    seal = np.array([0, 1, 1, 0, 0, 0.9, 0, 0, 1.0])
    assert seal_runs(seal) == [(1, 3), (5, 6), (8, 9)]
    opening = np.array([0.3, 0.3, 0.0, 0.3, 0.3, 0.3, 0.3, 0.3, 0.01])
    assert closure_recall(face(jawOpen=opening), seal) == pytest.approx(2 / 3)
    assert closure_recall(face(jawOpen=opening), np.zeros(9)) == 1.0


def test_a_viseme_is_right_where_its_mean_pose_is_nearest():
    rows = {0: face(jawOpen=[0.0])[0], 1: face(jawOpen=[0.6])[0]}
    found = face(jawOpen=[0.1, 0.5, 0.5, 0.9])
    assert viseme_accuracy(found, found, np.array([0, 0, 1, 7]), rows) == pytest.approx(2 / 3)


def test_recorded_speech_is_judged_by_its_phones():
    groups = {
        "closed": frozenset({"PP"}), "spared": frozenset({"sil"}), "open": frozenset({"AA"}),
        "closed_vowels": frozenset({"IY"}), "rounded": frozenset({"UW"}), "unrounded": frozenset({"AA", "IY"}),
    }  # fmt: skip
    phones = [("sil", 0, 0.2), ("AA", 0.2, 0.4), ("PP", 0.4, 0.5), ("IY", 0.5, 0.7), ("PP", 0.7, 0.8), ("UW", 0.8, 1.0)]
    opening = np.array([0] * 6 + [0.6] * 6 + [0.0] * 3 + [0.2] * 11 + [0.2] * 5)
    found = face(jawOpen=opening, mouthPucker=np.array([0.0] * 24 + [0.7] * 7))
    judged = recorded_speech(found, phones, groups)
    assert judged["closures"] == 2 and judged["closure recall"] == 0.5 and judged["false closures"] == 0
    assert judged["open vowels above closed ones"] == 1 and judged["rounded above unrounded"] == 1
    found[8:10, INDEX["mouthClose"]] = 0.6  # the middle of AA, 0.3 s
    assert recorded_speech(found, phones, groups)["false closures"] == pytest.approx(1 / 3)


def test_ordered_share_counts_pairs():
    assert ordered_share(np.array([2.0, 4.0]), np.array([1.0, 3.0])) == 0.75
    assert ordered_share(np.array([]), np.array([1.0])) == 1.0
