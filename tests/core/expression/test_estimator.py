"""What is made of the network's and the solver's answers: lids, half smiles, and whose rig it is."""

import numpy as np
import pytest

from core.blendshapes import COUNT, INDEX
from core.expression.estimator import ExpressionEstimator, told_apart, without_look_down
from core.structures import HeadPose

AHEAD = HeadPose(np.eye(3), np.array([0.0, 0.0, -0.55]))


def shown(estimator, rest, shapes, **coefficients):
    """(52,) the last answer for a face that holds these coefficients for a second after half a second at rest."""
    held = rest + sum(v * shapes[INDEX[k]] for k, v in coefficients.items())
    for number in range(45):
        answer = estimator.step(rest if number < 15 else held, np.zeros((2, 2)), AHEAD, number / 30)
    return answer


def test_winks_are_stretched_about_their_mean_and_blinks_left_alone():
    apart = told_apart(np.array([0.7, 0.4]))
    assert apart.mean() == pytest.approx(0.55) and apart[0] - apart[1] > 0.5
    np.testing.assert_allclose(told_apart(np.array([0.6, 0.6])), 0.6)
    assert told_apart(np.array([1.0, 0.2])).max() <= 1.0


def test_a_look_down_takes_from_half_shut_lids_only():
    down = np.ones(2)
    assert (without_look_down(np.array([0.3, 0.5]), down) < (0.15, 0.31)).all()
    np.testing.assert_allclose(without_look_down(np.array([0.0, 1.0]), down), (0.0, 1.0))
    np.testing.assert_allclose(without_look_down(np.array([0.3, 0.5]), np.zeros(2)), (0.3, 0.5))
    rising = np.stack([without_look_down(np.full(2, value), down) for value in np.linspace(0, 1, 50)])
    assert (np.diff(rising, axis=0) >= 0).all()


@pytest.mark.parametrize("side, other", [("Left", "Right"), ("Right", "Left")])
@pytest.mark.parametrize("is_own_rig, least", [(True, 0.3), (False, 0.37)])
def test_half_a_smile_stays_half(rest, shapes, is_own_rig, least, side, other):
    estimator = ExpressionEstimator(rest, shapes, is_own_rig=is_own_rig)
    answer = shown(estimator, rest, shapes, **{f"mouthSmile{side}": 0.8})
    assert answer.shape == (COUNT,) and answer.dtype == np.float32
    assert answer[INDEX[f"mouthSmile{side}"]] > least
    assert answer[INDEX[f"mouthSmile{other}"]] < 0.2
