from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from core.errors import InputError
from core.structures import FaceLandmarks, FaceState, Frame, Mesh


def test_frame_wants_rgb_bytes():
    assert Frame(np.zeros((4, 6, 3), np.uint8), 0.0).size == (6, 4)
    with pytest.raises(InputError, match=r"shape \(n, n, 3\).*\(4, 6\)"):
        Frame(np.zeros((4, 6), np.uint8), 0.0)
    with pytest.raises(InputError, match="uint8"):
        Frame(np.zeros((4, 6, 3), np.float32), 0.0)


def test_landmarks_want_478_finite_points():
    with pytest.raises(InputError, match=r"478"):
        FaceLandmarks(np.zeros((468, 3)), (1, 1))
    points = np.zeros((478, 3))
    points[3, 1] = np.nan
    with pytest.raises(InputError, match="finite"):
        FaceLandmarks(points, (1, 1))


def test_state_is_neutral_by_default_and_frozen():
    state = FaceState(1.5)
    assert state.has_face and not state.blendshapes.any() and state.emotion[0] == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        state.timestamp_s = 2.0


def test_no_face_is_a_value():
    assert not FaceState.no_face(2.0).has_face and FaceState.no_face(2.0).timestamp_s == 2.0


@pytest.mark.parametrize("bad", [-0.01, 1.01])
def test_coefficients_outside_the_unit_interval_are_refused(bad):
    with pytest.raises(InputError, match=r"\[0, 1\]"):
        FaceState(0.0, blendshapes=np.full(52, bad, np.float32))


def test_coefficients_must_be_numbers_and_52():
    with pytest.raises(InputError, match="finite"):
        FaceState(0.0, blendshapes=np.full(52, np.nan, np.float32))
    with pytest.raises(InputError, match=r"\(52\).*\(51,\)"):
        FaceState(0.0, blendshapes=np.zeros(51, np.float32))


def test_mesh_wants_one_normal_per_vertex():
    with pytest.raises(InputError, match="normals"):
        Mesh(np.zeros((4, 3)), np.zeros((1, 3), int), np.zeros((3, 3)))
