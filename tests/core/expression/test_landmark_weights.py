"""Weights are fair to both sides."""

import numpy as np

from core.expression.landmark_weights import IRIS_WEIGHT, LID_WEIGHT, landmark_weights
from core.tracking.landmark_ids import LEFT_EYE, LEFT_IRIS, RIGHT_EYE


def test_shape_and_named_points():
    weights = landmark_weights()
    assert weights.shape == (478,)
    assert (weights >= 0).all()
    assert (weights[list(LEFT_EYE)] == LID_WEIGHT).all()
    assert (weights[list(RIGHT_EYE)] == LID_WEIGHT).all()
    assert (weights[list(LEFT_IRIS)] == IRIS_WEIGHT).all()


def test_both_sides_weigh_the_same(rest):
    weights = landmark_weights()
    sides = [np.sort(weights[sign * rest[:, 0] > 1e-4]) for sign in (1, -1)]
    np.testing.assert_array_equal(*sides)
