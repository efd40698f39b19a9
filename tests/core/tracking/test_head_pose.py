"""Known poses come back; impossible input gives a possible head."""

import numpy as np
import pytest

from core.errors import InputError
from core.geometry.rotation import rotation_angle, rotation_from_yaw_pitch_roll
from core.structures import Camera, FaceLandmarks, HeadPose
from core.tracking.camera import default_camera
from core.tracking.head_pose import HeadPoseSolver, head_frame_points
from core.tracking.landmark_ids import RIGID_LANDMARKS

CAMERA = default_camera((640, 480))
ANGLES = [(0, 0, 0), (25, 0, 0), (-35, 10, 5), (0, -25, 0), (0, 20, -30), (50, -10, 15)]
PLACES = [(0.0, 0.0, -0.6), (0.15, -0.1, -0.8), (-0.05, 0.06, -0.35), (0.5, 0.2, -3.0)]


def pose_of(degrees, place) -> HeadPose:
    return HeadPose(rotation_from_yaw_pitch_roll(*np.radians(degrees)), np.array(place))


def angle_between(a: HeadPose, b: HeadPose) -> float:
    return np.degrees(rotation_angle(a.rotation.T @ b.rotation))


@pytest.mark.parametrize("degrees", ANGLES)
@pytest.mark.parametrize("place", PLACES)
def test_recovers_a_known_pose(head_model, photograph, degrees, place):
    truth = pose_of(degrees, place)
    found = HeadPoseSolver(head_model).solve(photograph(head_model, truth, CAMERA), CAMERA)
    assert angle_between(found, truth) < 0.1
    np.testing.assert_allclose(found.translation, truth.translation, rtol=0.005, atol=0.0005)


def test_rotation_is_proper_and_follows_a_moving_head(head_model, photograph):
    solver = HeadPoseSolver(head_model)
    for step in range(60):
        truth = pose_of((40 * np.sin(step / 8), 15 * np.sin(step / 5), 10 * np.cos(step / 7)), (0.02, 0.01, -0.5))
        found = solver.solve(photograph(head_model, truth, CAMERA), CAMERA)
        assert angle_between(found, truth) < 0.1
        np.testing.assert_allclose(found.rotation @ found.rotation.T, np.eye(3), atol=1e-9)
        assert np.linalg.det(found.rotation) > 0


def test_history_does_not_trap_it(head_model, photograph):
    solver = HeadPoseSolver(head_model)
    solver.solve(photograph(head_model, pose_of((-50, 0, 0), (0.2, 0, -2)), CAMERA), CAMERA)
    truth = pose_of((45, -10, 20), (-0.1, 0, -0.5))
    assert angle_between(solver.solve(photograph(head_model, truth, CAMERA), CAMERA), truth) < 0.1


def test_lips_and_jaw_do_not_turn_the_head(head_model, photograph):
    talking = head_model.copy()
    others = np.setdiff1d(np.arange(478), RIGID_LANDMARKS)
    talking[others, 1] -= 0.02 * (talking[others, 1] < -0.03)
    truth = pose_of((10, 5, 0), (0, 0, -0.6))
    found = HeadPoseSolver(head_model).solve(photograph(talking, truth, CAMERA), CAMERA)
    assert angle_between(found, truth) < 0.15


def test_noise_of_a_pixel_moves_it_little(head_model, photograph):
    truth = pose_of((12, -6, 3), (0.03, 0.0, -0.55))
    clean = photograph(head_model, truth, CAMERA)
    random = np.random.default_rng(0)
    solver, errors = HeadPoseSolver(head_model), []
    for _ in range(40):
        noisy = FaceLandmarks(clean.points + random.normal(0, 1.0, (478, 3)).astype(np.float32), clean.image_size)
        errors.append(angle_between(solver.solve(noisy, CAMERA), truth))
    assert np.median(errors) < 1.0


@pytest.mark.parametrize("points", [np.zeros((478, 3)), np.full((478, 3), 1e5), np.eye(478, 3) * 500])
def test_impossible_points_give_a_possible_head(head_model, points):
    found = HeadPoseSolver(head_model).solve(FaceLandmarks(points.astype(np.float32), (640, 480)), CAMERA)
    assert np.isfinite(found.rotation).all()
    assert -50.0 <= found.translation[2] <= -0.05
    back = head_frame_points(FaceLandmarks(points.astype(np.float32), (640, 480)), found, CAMERA)
    assert np.isfinite(back).all()


def test_refuses_another_number_of_points():
    with pytest.raises(InputError, match="478"):
        HeadPoseSolver(np.zeros((468, 3)))


@pytest.mark.parametrize("degrees", ANGLES[:4])
@pytest.mark.parametrize("place", PLACES)
def test_head_frame_points_come_back_to_the_model(head_model, photograph, degrees, place):
    truth = pose_of(degrees, place)
    back = head_frame_points(photograph(head_model, truth, CAMERA), truth, CAMERA)
    face = np.linalg.norm(back - head_model, axis=1)[:468]
    assert np.median(face) < 0.002
    assert face.max() < 0.012  # weak perspective is worst at the ears of a near head


def test_the_real_face_looks_into_the_camera(astronaut_face, head_model):
    pose = HeadPoseSolver(head_model).solve(astronaut_face, default_camera((512, 512)))
    assert np.degrees(rotation_angle(pose.rotation)) < 20  # the model is this very face, 15 degrees above the axis
    assert pose.translation[1] > 0.1
    assert -1.2 < pose.translation[2] < -0.5


@pytest.mark.parametrize("size", [(640, 480), (480, 640), (1920, 1080), (1, 1)])
def test_default_camera_looks_through_the_middle(size):
    camera = default_camera(size)
    assert camera.focal_px == max(size)
    assert camera.center_px == (size[0] / 2, size[1] / 2)
    assert isinstance(camera, Camera)
