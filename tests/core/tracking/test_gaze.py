"""Eyes turned by a known angle are read back."""

import numpy as np
import pytest

from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.structures import HeadPose
from core.tracking.camera import default_camera
from core.tracking.gaze import EYEBALL_CENTER_FROM_CORNERS_M, IRIS_DISTANCE_M, estimate_gaze, lid_openness
from core.tracking.head_pose import head_frame_points
from core.tracking.landmark_ids import LEFT_LOWER_LID, LEFT_UPPER_LID, RIGHT_LOWER_LID, RIGHT_UPPER_LID

CAMERA = default_camera((640, 480))
POSES = [(0, 0, 0), (20, 0, 0), (-15, 10, 10)]


def look(model, left_degrees, right_degrees):
    """The head with each iris put where an eye turned by (yaw, pitch) has it."""
    turned = model.copy()
    for (outer, inner, iris), angles in zip(
        ((263, 362, 473), (33, 133, 468)), (left_degrees, right_degrees), strict=True
    ):
        rotation = rotation_from_yaw_pitch_roll(*np.radians(angles), 0.0)
        center = (model[outer] + model[inner]) / 2 + EYEBALL_CENTER_FROM_CORNERS_M
        turned[iris : iris + 5] += center + rotation @ [0, 0, IRIS_DISTANCE_M] - turned[iris]
    return turned


def read(points, photograph, degrees=(0, 0, 0), previous=None):
    pose = HeadPose(rotation_from_yaw_pitch_roll(*np.radians(degrees)), np.array([0.02, 0.01, -0.6]))
    face = photograph(points, pose, CAMERA)
    return np.degrees(estimate_gaze(face, head_frame_points(face, pose, CAMERA), previous))


def shut(model, *sides):
    closed = model.copy()
    for side in sides:
        pairs = {"left": (LEFT_UPPER_LID, LEFT_LOWER_LID), "right": (RIGHT_UPPER_LID, RIGHT_LOWER_LID)}[side]
        closed[list(pairs[0])] = closed[list(pairs[1])] + [0, 0.0005, 0]
    return closed


@pytest.mark.parametrize("pose", POSES)
@pytest.mark.parametrize("angles", [(0, 0), (20, 0), (-25, 0), (0, 15), (0, -15), (15, 10)])
def test_both_eyes_turn_together(head_model, photograph, pose, angles):
    found = read(look(head_model, angles, angles), photograph, pose)
    np.testing.assert_allclose(found, [angles, angles], atol=3.0)


def test_straight_ahead_is_zero(head_model, photograph):
    np.testing.assert_allclose(read(look(head_model, (0, 0), (0, 0)), photograph), 0.0, atol=1.5)


def test_each_eye_has_its_own_row(head_model, photograph):
    found = read(look(head_model, (-15, 0), (15, 0)), photograph)  # cross-eyed: both to the nose
    assert found[0, 0] < -12
    assert found[1, 0] > 12


def test_a_winking_eye_follows_the_open_one(head_model, photograph):
    found = read(shut(look(head_model, (20, 5), (-30, 0)), "right"), photograph)
    np.testing.assert_array_equal(found[0], found[1])
    assert found[0, 0] > 15


def test_closed_eyes_hold_what_was_seen(head_model, photograph):
    closed = shut(look(head_model, (20, 5), (20, 5)), "left", "right")
    previous = np.array([[0.1, -0.2], [0.3, 0.05]])
    np.testing.assert_allclose(read(closed, photograph, previous=previous), np.degrees(previous))
    np.testing.assert_array_equal(read(closed, photograph), np.zeros((2, 2)))


def test_lid_openness_of_open_and_closed_eyes(head_model):
    assert (lid_openness(head_model) > 0.2).all()
    assert (lid_openness(shut(head_model, "left", "right")) < 0.05).all()


def test_the_answer_stays_within_what_eyes_can_do(head_model, photograph):
    found = read(look(head_model, (80, 60), (-80, -60)), photograph)
    assert np.isfinite(found).all()
    assert (np.abs(found) <= [45.001, 35.001]).all()


def test_degenerate_points_do_not_crash(astronaut_face):
    found = estimate_gaze(astronaut_face, np.zeros((478, 3)))
    assert np.isfinite(found).all()
