"""A finished rig knows how the landmark network sees it."""

from __future__ import annotations

import numpy as np
import pytest

from core.geometry.rotation import rotation_angle, rotation_from_yaw_pitch_roll
from core.rendering.renderer import HeadRenderer
from core.rig_maker import make_rig, with_landmark_bias
from core.structures import FaceState, Frame
from core.tracking import FaceMeshLandmarker, HeadPoseSolver, default_camera
from core.tracking.landmark_bias import as_seen
from tests.builders import tiny_rig


@pytest.fixture(scope="module")
def rig(astronaut):
    shares = []
    made = make_rig([astronaut.image], "Astronaut", progress=lambda phase, share: shares.append(share))
    assert shares == sorted(shares) and shares[-1] == 1.0
    return made


def test_poses_of_its_own_picture_come_back(rig):
    """Single pictures, the network's own error included; without the bias the median is above five degrees."""
    camera = default_camera((640, 480))
    solver = HeadPoseSolver(as_seen(rig.landmarks(), rig.landmark_bias))
    errors = []
    with HeadRenderer(rig, (640, 480)) as renderer, FaceMeshLandmarker(still_images=True) as landmarker:
        for angles in [(0, 0, 0), (15, 0, 0), (-15, 5, 0), (0, 10, 0), (0, -10, 0), (-8, -8, 12), (8, 4, -12)]:
            turn = rotation_from_yaw_pitch_roll(*np.radians(angles)).astype(np.float32)
            state = FaceState(0.0, head_rotation=turn, head_translation=np.array([0.02, 0.01, -0.6], np.float32))
            (face,) = landmarker.detect(Frame(renderer.render(state, camera), 0.0))
            solver.reset()
            errors.append(np.degrees(rotation_angle(solver.solve(face, camera).rotation @ turn.T)))
    assert np.median(errors) < 3.0
    assert max(errors) < 6.0


def test_a_head_that_the_network_does_not_see_keeps_no_bias():
    assert with_landmark_bias(tiny_rig()).landmark_bias is None
