from __future__ import annotations

import numpy as np
import pytest

from core.errors import InputError
from core.geometry.projection import project, transform
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.structures import Camera, HeadPose


def test_axis_meets_the_centre_and_up_is_up():
    camera = Camera.from_field_of_view((640, 480), np.radians(60))
    pixels = project(camera, np.array([[0, 0, -1.0], [0.1, 0, -1], [0, 0.1, -1]]))
    assert np.allclose(pixels[0], (320, 240))
    assert pixels[1, 0] > 320 and pixels[2, 1] < 240


def test_field_of_view_reaches_the_border():
    camera = Camera.from_field_of_view((640, 480), np.radians(60))
    edge = np.array([[0, np.tan(np.radians(30)), -1.0]])
    assert project(camera, edge)[0, 1] == pytest.approx(0, abs=1e-9)


def test_half_as_far_is_twice_as_large():
    camera = Camera(500, (0, 0), (10, 10))
    near, far = (project(camera, np.array([[0.1, 0.2, -d]])) for d in (1.0, 2.0))
    assert np.allclose(near, 2 * far)


def test_pose_turns_then_moves():
    pose = HeadPose(rotation_from_yaw_pitch_roll(np.pi / 2, 0, 0), np.array([0, 0, -1.0]))
    assert np.allclose(transform(pose, np.array([[0, 0, 0.1]])), [[0.1, 0, -1]])


@pytest.mark.parametrize("focal", [0.0, -1.0, float("nan")])
def test_impossible_lens_is_refused(focal):
    with pytest.raises(InputError, match="focal_px must be positive"):
        Camera(focal, (0, 0), (1, 1))
