"""The shipped head's file: read-only, exact through a save, refused when it belongs to other shapes."""

import json

import numpy as np
import pytest

from core.blendshapes import ARKIT_NAMES, COUNT, INDEX
from core.errors import RigError
from core.head_model import builtin
from core.head_model.builtin import BUILTIN_PATH, EYE_IRIS_SHARE, load_builtin_rig, save_builtin
from core.head_model.eyes import EYE_RADIUS_M, IRIS_DIAMETER_M
from core.head_model.skinning import LEFT_EYE, RIGHT_EYE


def test_the_same_object_each_time_and_nobody_can_change_it():
    rig = load_builtin_rig()
    assert load_builtin_rig() is rig
    with pytest.raises(ValueError, match="read-only"):
        rig.vertices[0] = 0


def test_every_shape_moves_something_but_nothing_far():
    farthest = np.linalg.norm(load_builtin_rig().shapes, axis=2).max(axis=1)
    assert farthest.shape == (COUNT,)
    assert farthest.min() > 4e-4
    assert farthest.argmax() == INDEX["jawOpen"]
    assert farthest.max() < 0.055


def test_the_origin_lies_between_the_eyes():
    joints = load_builtin_rig().joints
    np.testing.assert_allclose(joints[LEFT_EYE] + joints[RIGHT_EYE], 0, atol=1e-7)
    assert 0.055 < 2 * joints[LEFT_EYE, 0] < 0.070  # pupil distance of adults


def test_iris_landmarks_lie_on_the_rim_of_the_iris():
    rig = load_builtin_rig()
    for first, joint in ((468, RIGHT_EYE), (473, LEFT_EYE)):
        iris = rig.landmarks()[first : first + 5] - rig.joints[joint]
        np.testing.assert_allclose(np.linalg.norm(iris, axis=1), EYE_RADIUS_M, atol=3e-4)
        np.testing.assert_allclose(np.linalg.norm(iris[1:, :2], axis=1), 0.5 * IRIS_DIAMETER_M, atol=1e-4)


def test_the_painted_iris_has_the_size_that_its_share_tells():
    texture = load_builtin_rig().part("leftEye").material.texture
    size = len(texture)
    row = texture[size // 2].astype(int)
    brightness = row.sum(axis=1)
    limbus = int(EYE_IRIS_SHARE * size)
    inside, outside = brightness[size // 2 + limbus - 3], brightness[size // 2 + limbus + 8]
    assert inside < 0.7 * outside


def test_a_saved_head_comes_back(tmp_path, monkeypatch):
    rig = load_builtin_rig()
    path = tmp_path / "head.npz"
    save_builtin(rig, path)
    monkeypatch.setattr(builtin, "BUILTIN_PATH", path)
    again = load_builtin_rig.__wrapped__()
    for name in ("vertices", "faces", "uv", "shapes", "joints", "skin_weights", "landmark_weights", "seam_groups"):
        np.testing.assert_array_equal(getattr(again, name), getattr(rig, name), err_msg=name)
    assert [part.name for part in again.parts] == [part.name for part in rig.parts]


def test_a_file_of_other_shapes_is_refused(tmp_path, monkeypatch):
    with np.load(BUILTIN_PATH) as stored:
        arrays = dict(stored)
    header = json.loads(arrays["header"].tobytes())
    header["shapes"] = list(reversed(ARKIT_NAMES))
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    path = tmp_path / "other.npz"
    np.savez(path, **arrays)
    monkeypatch.setattr(builtin, "BUILTIN_PATH", path)
    with pytest.raises(RigError, match=r"training\.build_head"):
        load_builtin_rig.__wrapped__()
