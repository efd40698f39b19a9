"""The shipped prior, and what it may be."""

from __future__ import annotations

import numpy as np
import pytest

from core.blendshapes import ARKIT_NAMES, INDEX
from core.errors import ModelPackError
from core.expression.learned_prior import ExpressionPrior, learned_prior
from core.expression.solver import ExpressionSolver
from core.head_model.builtin import load_builtin_rig


def test_rest_is_rest_and_answers_stay_in_bounds():
    prior = learned_prior()
    assert prior.expected(np.zeros((478, 3))).max() < 0.08
    wild = prior.expected(np.random.default_rng(0).normal(0, 1, (478, 3)))
    assert wild.shape == (52,) and wild.min() >= 0 and wild.max() <= 1


def test_a_movement_of_the_whole_face_means_nothing():
    prior = learned_prior()
    moved = np.broadcast_to([0.01, -0.02, 0.01], (478, 3))
    assert np.abs(prior.expected(moved) - prior.expected(np.zeros((478, 3)))).max() < 0.05


@pytest.mark.parametrize("name", ["jawOpen", "mouthSmileLeft", "mouthPucker", "browInnerUp", "eyeBlinkRight"])
def test_solver_with_the_prior_knows_the_great_movements(name):
    rig = load_builtin_rig()
    solver = ExpressionSolver(rig.landmarks(), rig.shape_landmarks(), prior=learned_prior())
    shown = np.zeros(52, np.float32)
    shown[INDEX[name]] = 0.7
    answer = solver.solve(rig.landmarks(rig.shaped_vertices(shown)))
    assert answer[INDEX[name]] > 0.3
    assert solver.solve(rig.landmarks()).max() < 0.08


def test_other_names_or_shapes_are_refused():
    with pytest.raises(ModelPackError, match="52 ARKit names"):
        ExpressionPrior(np.zeros((1404, 52)), ARKIT_NAMES[::-1])
    with pytest.raises(ModelPackError, match=r"\(1404, 52\)"):
        ExpressionPrior(np.zeros((1404, 51)), ARKIT_NAMES)
