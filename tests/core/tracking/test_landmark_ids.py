"""The named points are where their names say, and the sides mirror each other."""

import numpy as np
import pytest

from core.tracking import landmark_ids as ids

PAIRS = [
    (ids.RIGHT_IRIS[:1], ids.LEFT_IRIS[:1]),
    (ids.RIGHT_UPPER_LID, ids.LEFT_UPPER_LID),
    (ids.RIGHT_LOWER_LID, ids.LEFT_LOWER_LID),
    (ids.RIGHT_EYE, ids.LEFT_EYE),
    (ids.RIGHT_BROW, ids.LEFT_BROW),
    (ids.RIGID_LANDMARKS[8:15], ids.RIGID_LANDMARKS[15:]),
]


@pytest.mark.parametrize(("right", "left"), PAIRS)
def test_sides_mirror_each_other(head_model, right, left):
    right_points, left_points = head_model[list(right)], head_model[list(left)]
    assert (right_points[:, 0] < left_points[:, 0]).all()  # +X is the subject's left
    np.testing.assert_allclose(left_points * [-1, 1, 1], right_points, atol=0.008)


def test_single_points(head_model):
    assert head_model[ids.NOSE_TIP, 2] > head_model[:468, 2].max() - 0.004
    assert head_model[ids.CHIN, 1] == head_model[:468, 1].min()
    assert head_model[ids.FOREHEAD_TOP, 1] > head_model[ids.NASION, 1] > head_model[ids.NOSE_TIP, 1]


@pytest.mark.parametrize("contour", [ids.FACE_OVAL, ids.OUTER_LIPS, ids.INNER_LIPS, ids.LEFT_EYE, ids.RIGHT_EYE])
def test_contours_are_mediapipes(contour):
    from mediapipe.python.solutions import face_mesh_connections as connections

    everything = {tuple(sorted(edge)) for edge in connections.FACEMESH_CONTOURS}
    edges = {tuple(sorted(edge)) for edge in zip(contour, (*contour[1:], contour[0]), strict=True)}
    assert edges <= everything
    assert len(set(contour)) == len(contour)


def test_irises_are_mediapipes():
    from mediapipe.python.solutions import face_mesh_connections as connections

    for iris, named in (
        (ids.LEFT_IRIS, connections.FACEMESH_LEFT_IRIS),
        (ids.RIGHT_IRIS, connections.FACEMESH_RIGHT_IRIS),
    ):
        assert {point for edge in named for point in edge} == set(iris[1:])
