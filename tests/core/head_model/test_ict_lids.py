"""The rule that keeps a closing lid before the eyeball, on points whose ways are known."""

from __future__ import annotations

import numpy as np

from core.head_model.eyes import EYE_RADIUS_M
from core.head_model.ict_lids import CLEARANCE_M, _before_the_eye

LEAST = EYE_RADIUS_M + CLEARANCE_M


def circle(angles: np.ndarray, radius: float) -> np.ndarray:
    return radius * np.stack([np.zeros_like(angles), np.sin(angles), np.cos(angles)], axis=1)


def test_a_straight_way_through_the_eyeball_is_led_around_it():
    rest = circle(np.linspace(0.2, 0.7, 6), LEAST + 0.0005)
    way = circle(np.linspace(-0.7, -0.2, 6), LEAST + 0.0005) - rest
    centre = np.zeros(3)
    led = _before_the_eye(rest, way, centre)
    for share in np.linspace(0, 1, 21):
        before = np.linalg.norm(rest + share * way, axis=1).min()
        after = np.linalg.norm(rest + share * led, axis=1).min()
        assert after >= min(before, LEAST - 2e-5)
    middle = np.linalg.norm(rest + 0.5 * way, axis=1)
    assert middle.min() < EYE_RADIUS_M  # the way was really through it
    assert np.abs(led[:, 0]).max() == 0.0


def test_ways_that_stay_outside_are_left_alone():
    rest = circle(np.linspace(0.2, 0.7, 6), 0.02)
    way = np.tile([0.001, -0.002, 0.0], (6, 1))
    assert np.array_equal(_before_the_eye(rest, way, np.zeros(3)), way)


def test_what_rests_within_comes_no_deeper():
    rest, way = np.array([[0.0, 0.0, 0.010]]), np.array([[0.0, -0.002, -0.003]])
    led = _before_the_eye(rest, way, np.zeros(3))
    assert np.linalg.norm(rest + led) > 0.00999
