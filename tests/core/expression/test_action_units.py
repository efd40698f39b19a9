"""Action units: named, graded, told by the higher side."""

from __future__ import annotations

import numpy as np
import pytest

from core.blendshapes import COUNT, INDEX, MIRROR
from core.errors import InputError
from core.expression.action_units import ACTION_UNITS, action_units

UNITS = list(ACTION_UNITS)


def coefficients(**values: float) -> np.ndarray:
    blendshapes = np.zeros(COUNT)
    for name, value in values.items():
        blendshapes[INDEX[name]] = value
    return blendshapes


def test_neutral_has_no_unit() -> None:
    assert not action_units(np.zeros(COUNT)).any()


def test_every_shape_of_a_unit_raises_it_and_no_gaze_raises_any() -> None:
    for unit, (_, names) in ACTION_UNITS.items():
        for name in names:
            assert action_units(coefficients(**{name: 0.6}))[UNITS.index(unit)] == pytest.approx(3.0)
    gaze = {f"eyeLook{way}{side}": 1.0 for way in ("In", "Out", "Up", "Down") for side in ("Left", "Right")}
    assert not action_units(coefficients(**gaze)).any()


def test_the_higher_side_counts_and_sides_can_be_swapped() -> None:
    rng = np.random.default_rng(0)
    values = rng.random(COUNT)
    np.testing.assert_allclose(action_units(values), action_units(values[list(MIRROR)]))
    assert action_units(coefficients(mouthSmileLeft=0.2, mouthSmileRight=0.8))[UNITS.index("AU12")] == 4.0


def test_a_jaw_behind_closed_lips_parts_nothing() -> None:
    units = action_units(coefficients(jawOpen=0.6, mouthClose=0.6))
    assert units[UNITS.index("AU25")] == 0.0
    assert units[UNITS.index("AU26")] == pytest.approx(3.0)


def test_another_shape_is_refused() -> None:
    with pytest.raises(InputError, match="52 coefficients"):
        action_units(np.zeros(51))
