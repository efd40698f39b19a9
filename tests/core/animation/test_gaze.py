from __future__ import annotations

import numpy as np
import pytest

from core.animation.gaze import gaze_from_blendshapes, with_gaze
from core.blendshapes import INDEX, MIRROR


@pytest.mark.parametrize(
    "names, eye, degrees",
    [
        (("eyeLookOutLeft",), 0, (30, 0)),
        (("eyeLookInLeft",), 0, (-30, 0)),
        (("eyeLookInRight",), 1, (30, 0)),
        (("eyeLookOutRight",), 1, (-30, 0)),
        (("eyeLookUpLeft",), 0, (0, 25)),
        (("eyeLookDownRight",), 1, (0, -25)),
    ],
)
def test_one_coefficient_turns_one_eye(names, eye, degrees):
    coefficients = np.zeros(52, np.float32)
    for name in names:
        coefficients[INDEX[name]] = 1.0
    gaze = np.rad2deg(gaze_from_blendshapes(coefficients))
    np.testing.assert_allclose(gaze[eye], degrees, atol=1e-4)
    np.testing.assert_allclose(gaze[1 - eye], 0)


def test_there_and_back_for_many_frames():
    gaze = np.random.default_rng(0).uniform(-0.4, 0.4, (50, 2, 2)).astype(np.float32)
    np.testing.assert_allclose(gaze_from_blendshapes(with_gaze(np.zeros((50, 52)), gaze)), gaze, atol=1e-6)


def test_a_mirrored_face_looks_the_other_way():
    coefficients = np.random.default_rng(1).uniform(0, 1, 52).astype(np.float32)
    gaze, mirrored = gaze_from_blendshapes(coefficients), gaze_from_blendshapes(coefficients[list(MIRROR)])
    np.testing.assert_allclose(mirrored, gaze[::-1] * (-1, 1), atol=1e-6)
