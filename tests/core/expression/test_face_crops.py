"""The crops stay on the same skin when the head rolls, comes nearer or is mirrored."""

import cv2
import numpy as np
import pytest

from core.expression.face_crops import face_crops
from core.structures import Frame
from core.tracking.face_mesh import FaceMeshLandmarker


@pytest.fixture(scope="module")
def seen(astronaut):
    """The test portrait and its (478, 3) points, pixels."""
    with FaceMeshLandmarker(still_images=True) as landmarker:
        (face,) = landmarker.detect(Frame(astronaut.image, 0.0))
    return astronaut.image, face.points.astype(np.float64)


def closeness(first, second):
    """Correlation of two crops' grey values."""
    return np.corrcoef(first.astype(float).ravel(), second.astype(float).ravel())[0, 1]


def all_crops(crops):
    return [*crops.eyes, crops.mouth, crops.face]


@pytest.mark.parametrize(("degrees", "scale"), [(0, 1.0), (25, 1.0), (-40, 0.8), (0, 0.6), (10, 1.4)])
def test_roll_and_distance_do_not_change_them(seen, degrees, scale):
    image, points = seen
    matrix = cv2.getRotationMatrix2D(tuple(points[1, :2]), degrees, scale)
    turned = cv2.warpAffine(image, matrix, image.shape[1::-1], flags=cv2.INTER_AREA)
    moved = np.column_stack([points[:, :2] @ matrix[:, :2].T + matrix[:, 2], scale * points[:, 2]])
    for before, after in zip(all_crops(face_crops(image, points)), all_crops(face_crops(turned, moved)), strict=True):
        assert before.shape == after.shape and after.dtype == np.uint8
        assert closeness(before, after) > 0.96


def test_both_eyes_look_the_same_way_in_a_mirror(seen):
    image, points = seen
    mirrored = np.ascontiguousarray(image[:, ::-1])
    swapped = points * (-1, 1, 1) + (image.shape[1] - 1, 0, 0)
    # What was the left eye's corners are the right eye's in the mirror.
    for left, right in ((263, 33), (362, 133)):
        swapped[[left, right]] = swapped[[right, left]]
    here, there = face_crops(image, points), face_crops(mirrored, swapped)
    assert closeness(here.eyes[0], there.eyes[1]) > 0.99
    assert closeness(here.eyes[1], there.eyes[0]) > 0.99
    assert closeness(here.face, there.face[:, ::-1]) > 0.98


@pytest.mark.parametrize("shift", [-4000.0, 4000.0])
def test_a_face_outside_the_picture_gives_crops_too(seen, shift):
    image, points = seen
    crops = face_crops(image, points + np.array([shift, shift, 0.0]))
    assert all(np.ptp(crop.astype(int)) < 255 for crop in all_crops(crops))
    assert [crop.shape for crop in all_crops(crops)] == [(24, 32), (24, 32), (32, 40), (48, 48)]
