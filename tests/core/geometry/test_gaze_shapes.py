"""Gaze in degrees, coefficients in parts of 30 and 25."""

import numpy as np
import pytest

from core.blendshapes import ARKIT_NAMES, INDEX, MIRROR
from core.geometry.gaze_shapes import blendshapes_with_gaze, gaze_from_blendshapes


@pytest.mark.parametrize(
    ("yaw", "pitch", "expected"),
    [
        (0, 0, {}),
        (15, 0, {"eyeLookOutLeft": 0.5, "eyeLookInRight": 0.5}),
        (-30, 0, {"eyeLookInLeft": 1.0, "eyeLookOutRight": 1.0}),
        (0, 12.5, {"eyeLookUpLeft": 0.5, "eyeLookUpRight": 0.5}),
        (0, -25, {"eyeLookDownLeft": 1.0, "eyeLookDownRight": 1.0}),
        (60, -40, {"eyeLookOutLeft": 1, "eyeLookInRight": 1, "eyeLookDownLeft": 1, "eyeLookDownRight": 1}),
    ],
)
def test_directions(yaw, pitch, expected):
    filled = blendshapes_with_gaze(np.zeros(52, np.float32), np.radians([[yaw, pitch]] * 2))
    found = {name: filled[i] for i, name in enumerate(ARKIT_NAMES) if filled[i] > 1e-6}
    assert found == pytest.approx(expected)


def test_the_rest_stays_and_the_input_is_not_touched():
    given = np.full(52, 0.25, np.float32)
    filled = blendshapes_with_gaze(given, np.zeros((2, 2)))
    assert (given == 0.25).all()
    assert filled.dtype == given.dtype
    changed = {name for name in ARKIT_NAMES if filled[INDEX[name]] != 0.25}
    assert changed == {name for name in ARKIT_NAMES if name.startswith("eyeLook")}


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
    np.testing.assert_allclose(gaze_from_blendshapes(blendshapes_with_gaze(np.zeros((50, 52)), gaze)), gaze, atol=1e-6)


def test_a_mirrored_face_looks_the_other_way():
    coefficients = np.random.default_rng(1).uniform(0, 1, 52).astype(np.float32)
    gaze, mirrored = gaze_from_blendshapes(coefficients), gaze_from_blendshapes(coefficients[list(MIRROR)])
    np.testing.assert_allclose(mirrored, gaze[::-1] * (-1, 1), atol=1e-6)
