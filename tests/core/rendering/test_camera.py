import math

import numpy as np
import pytest

from core.rendering.camera import OrbitCamera, vertical_view_angle_deg, window_center
from core.structures import Camera


def test_orbit_keeps_its_distance_and_walks_to_the_subjects_left():
    target = (0.01, -0.02, 0.03)
    for yaw, pitch in [(0.0, 0.0), (0.7, 0.2), (-2.0, -0.4)]:
        camera = OrbitCamera(yaw, pitch, 0.5, target=target)
        assert np.linalg.norm(camera.position() - target) == pytest.approx(0.5)
    assert OrbitCamera(0.5).position()[0] > 0
    assert OrbitCamera(pitch_rad=0.5).position()[1] > OrbitCamera().position()[1]
    assert OrbitCamera().position()[2] > 0.5


def test_centred_pinhole_has_no_shift_and_its_own_opening():
    camera = Camera.from_field_of_view((640, 480), math.radians(40.0))
    assert window_center(camera) == (0.0, 0.0)
    assert vertical_view_angle_deg(camera) == pytest.approx(40.0)
