"""Known heads before known cameras."""

import numpy as np
import pytest

from core.geometry.projection import project, transform
from core.structures import FaceLandmarks
from core.tracking.face_mesh import FaceMeshLandmarker
from core.tracking.head_pose import EYE_CORNER_DEPTH_M


@pytest.fixture(scope="session")
def astronaut_face(astronaut) -> FaceLandmarks:
    with FaceMeshLandmarker(still_images=True) as landmarker:
        (face,) = landmarker.detect(astronaut)
    return face


@pytest.fixture(scope="session")
def head_model(astronaut_face):
    """(478, 3) metres: the test face's points as a head, symmetric enough and of natural size."""
    points = astronaut_face.points.astype(np.float64) * [1.0, -1.0, -1.0]
    points *= 0.09 / np.linalg.norm(points[33] - points[263])
    return points - points[[33, 133, 362, 263]].mean(0) + [0.0, 0.0, EYE_CORNER_DEPTH_M]


@pytest.fixture(scope="session")
def photograph():
    """`photograph(points (478, 3) head frame, pose, camera)`: the landmarks that a perfect FaceMesh would give."""

    def take(points, pose, camera) -> FaceLandmarks:
        seen = transform(pose, points)
        depth = -seen[:, 2]
        z = (depth - depth.mean()) * camera.focal_px / -pose.translation[2]
        pixels = np.column_stack([project(camera, seen), z]).astype(np.float32)
        return FaceLandmarks(pixels, camera.image_size)

    return take
