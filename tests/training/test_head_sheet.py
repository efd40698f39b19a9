"""The sheet shows each shape once, with the eyes turned where an eyeLook shape says."""

from __future__ import annotations

import numpy as np
import pytest

from core.blendshapes import ARKIT_NAMES, INDEX
from training.head_sheet import state_of


@pytest.mark.parametrize("name", [n for n in ARKIT_NAMES if n != "mouthClose"])
def test_one_shape_alone_at_its_full_weight(name: str) -> None:
    weights = state_of(name).blendshapes
    assert weights[INDEX[name]] == weights.sum() == 1.0


@pytest.mark.parametrize(("name", "eye", "axis", "sign"), [
    ("eyeLookOutLeft", 0, 0, 1), ("eyeLookInLeft", 0, 0, -1), ("eyeLookOutRight", 1, 0, -1),
    ("eyeLookInRight", 1, 0, 1), ("eyeLookUpLeft", 0, 1, 1), ("eyeLookDownRight", 1, 1, -1),
])  # fmt: skip
def test_the_eye_turns_with_its_shape(name: str, eye: int, axis: int, sign: int) -> None:
    gaze = state_of(name).gaze
    assert np.sign(gaze[eye, axis]) == sign
    assert np.count_nonzero(gaze) == 1


def test_at_rest_nothing_moves() -> None:
    rest = state_of("neutral")
    assert not rest.blendshapes.any()
    assert not rest.gaze.any()
