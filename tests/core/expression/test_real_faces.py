"""Picture to coefficients with the built-in head: every step from landmarks on, on real faces."""

import cv2
import numpy as np
import pytest

from core.blendshapes import COUNT, INDEX
from core.expression.solver import ExpressionSolver
from core.geometry.projection import project, transform
from core.geometry.rotation import rotation_angle, rotation_from_yaw_pitch_roll
from core.structures import FaceLandmarks, Frame, HeadPose
from core.tracking.camera import default_camera
from core.tracking.face_mesh import FaceMeshLandmarker
from core.tracking.gaze import estimate_gaze
from core.tracking.head_pose import HeadPoseSolver, head_frame_points
from core.tracking.settings import TrackerSettings


def head_points_of(face, rest):
    camera = default_camera(face.image_size)
    pose = HeadPoseSolver(rest).solve(face, camera)
    return pose, head_frame_points(face, pose, camera)


def test_a_resting_face_tracks_calmly_after_calibration(astronaut, rest, solver):
    """Shifted and slightly noisy copies of one picture: her face does not move, so nothing may."""
    random = np.random.default_rng(0)
    frames = []
    with FaceMeshLandmarker() as landmarker:
        for index in range(24):
            image = np.roll(astronaut.image, index % 5, axis=1).astype(np.int16)
            noisy = np.clip(image + random.normal(0, 3, image.shape), 0, 255).astype(np.uint8)
            (face,) = landmarker.detect(Frame(noisy, index / 30))
            pose, points = head_points_of(face, rest)
            assert np.degrees(rotation_angle(pose.rotation)) < 35
            frames.append((face, points))
    solver.calibrate([points for _, points in frames[:12]])
    found = np.array([solver.solve(points, estimate_gaze(face, points)) for face, points in frames[12:]])
    assert np.isfinite(found).all()
    assert np.median(found.max(1)) < 0.5
    assert found[:, INDEX["jawOpen"]].max() < 0.1
    assert found.mean() < 0.05


def test_two_people_are_solved_apart(shared_file, rest, shapes):
    image = cv2.imread(str(shared_file("media/images/facerec_two_people.jpg")))[..., ::-1]
    with FaceMeshLandmarker(TrackerSettings(max_faces=2), still_images=True) as landmarker:
        faces = landmarker.detect(Frame(np.ascontiguousarray(image), 0.0))
    assert len(faces) == 2
    for face in faces:
        pose, points = head_points_of(face, rest)
        assert np.degrees(rotation_angle(pose.rotation)) < 50
        assert np.median(np.linalg.norm(points - rest, axis=1)[:468]) < 0.012
        assert ExpressionSolver(rest, shapes).solve(points).shape == (COUNT,)


@pytest.mark.parametrize("degrees", [(0, 0, 0), (20, 0, 0), (-15, 10, 5)])
def test_the_posed_builtin_head_comes_back_whole(rest, shapes, solver, degrees):
    """Perfect landmarks of the built-in head in a known pose and expression, through pose, unprojection and solver."""
    truth = np.zeros(COUNT)
    for name, value in {"jawOpen": 0.4, "mouthSmileLeft": 0.6, "browInnerUp": 0.3, "eyeBlinkRight": 0.8}.items():
        truth[INDEX[name]] = value
    camera = default_camera((640, 480))
    pose = HeadPose(rotation_from_yaw_pitch_roll(*np.radians(degrees)), np.array([0.02, -0.01, -0.6]))
    neutral, smiling = (photograph(points, pose, camera) for points in (rest, rest + np.tensordot(truth, shapes, 1)))
    solved, points = head_points_of(neutral, rest)
    assert np.degrees(rotation_angle(solved.rotation.T @ pose.rotation)) < 0.1
    assert np.median(np.linalg.norm(points - rest, axis=1)) < 0.003
    _, points = head_points_of(smiling, rest)
    found = solver.solve(points)
    for name in ("jawOpen", "mouthSmileLeft", "browInnerUp", "eyeBlinkRight"):
        assert found[INDEX[name]] == pytest.approx(truth[INDEX[name]], abs=0.25)
    assert found[INDEX["eyeBlinkLeft"]] < 0.15


def photograph(points, pose, camera):
    seen = transform(pose, points)
    z = (-seen[:, 2] + seen[:, 2].mean()) * camera.focal_px / -pose.translation[2]
    return FaceLandmarks(np.column_stack([project(camera, seen), z]).astype(np.float32), camera.image_size)
