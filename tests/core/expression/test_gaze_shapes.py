"""Gaze in degrees, coefficients in parts of 30 and 25."""

import numpy as np
import pytest

from core.blendshapes import ARKIT_NAMES, INDEX
from core.expression.gaze_shapes import blendshapes_with_gaze


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
