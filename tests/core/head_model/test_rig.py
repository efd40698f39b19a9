from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.blendshapes import ARKIT_NAMES, INDEX, MIRROR
from core.errors import RigError
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.head_model.builtin import load_builtin_rig
from core.head_model.skinning import LEFT_EYE, NECK
from core.structures import FaceState


@pytest.fixture(scope="module")
def rig():
    return load_builtin_rig()


def weights(**values: float) -> np.ndarray:
    array = np.zeros(52, np.float32)
    for name, value in values.items():
        array[INDEX[name]] = value
    return array


def mirror_table(rig) -> np.ndarray:
    skin = rig.vertices[rig.part("skin").vertices]
    from scipy.spatial import cKDTree

    distance, other = cKDTree(skin).query(skin * (-1, 1, 1))
    assert distance.max() < 5e-5
    return other


def test_neutral_state_gives_the_rest_position(rig):
    mesh = rig.deform(FaceState(0.0))
    assert np.abs(mesh.vertices - rig.vertices).max() < 1e-6
    assert np.allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("name", ["jawOpen", "eyeBlinkLeft", "mouthPucker"])
def test_one_coefficient_is_its_own_displacement(rig, name):
    moved = rig.shaped_vertices(weights(**{name: 0.5})) - rig.vertices
    assert np.abs(moved - 0.5 * rig.shapes[INDEX[name]]).max() < 1e-6


def test_mirrored_state_is_the_mirrored_mesh(rig):
    rng = np.random.default_rng(4)
    values = rng.uniform(0, 0.4, 52).astype(np.float32)
    other = mirror_table(rig)
    skin = rig.part("skin").vertices
    straight = rig.shaped_vertices(values)[skin]
    flipped = rig.shaped_vertices(values[list(MIRROR)])[skin]
    assert np.abs(flipped[other] * (-1, 1, 1) - straight).max() < 1e-4


def test_every_shape_moves_something(rig):
    reach = np.abs(rig.shapes).max(axis=(1, 2))
    assert {ARKIT_NAMES[i] for i in np.flatnonzero(reach < 5e-4)} == set()


def test_head_turns_about_the_neck_and_its_base_stays(rig):
    turn = rotation_from_yaw_pitch_roll(0.4, 0.1, 0.0)
    mesh = rig.deform(FaceState(0.0, head_rotation=turn))
    base = rig.skin_weights[:, 0] > 0.99999
    assert base.sum() > 50 and np.abs(mesh.vertices[base] - rig.vertices[base]).max() < 1e-6
    nose = rig.landmarks()[1]
    expected = turn @ (nose - rig.joints[NECK]) + rig.joints[NECK]
    assert np.abs(rig.landmarks(mesh.vertices)[1] - expected).max() < 1e-4


def test_gaze_turns_the_eyes_only(rig):
    gaze = np.array([[0.3, 0.0], [0.3, 0.0]], np.float32)
    mesh = rig.deform(FaceState(0.0, gaze=gaze))
    left = rig.part("leftEye").vertices
    assert np.abs(mesh.vertices[left] - rig.vertices[left]).max() > 0.002
    radius = np.linalg.norm(mesh.vertices[left] - rig.joints[LEFT_EYE], axis=1)
    assert np.allclose(radius, np.linalg.norm(rig.vertices[left] - rig.joints[LEFT_EYE], axis=1), atol=1e-6)
    pupil = rig.landmarks(mesh.vertices)[473] - rig.joints[LEFT_EYE]
    assert np.arctan2(pupil[0], pupil[2]) == pytest.approx(0.3, abs=1e-3)
    skin = rig.part("skin").vertices
    assert np.array_equal(mesh.vertices[skin], rig.deform(FaceState(0.0)).vertices[skin])


def test_landmarks_of_shapes_match_shaped_landmarks(rig):
    values = np.random.default_rng(2).uniform(0, 1, 52).astype(np.float32)
    direct = rig.landmarks(replace(rig, correctives=()).shaped_vertices(values))
    summed = rig.landmarks() + np.einsum("s,snd->nd", values, rig.shape_landmarks())
    assert np.abs(direct - summed).max() < 1e-6


@pytest.mark.parametrize(
    "field, value, words",
    [
        ("shapes", np.zeros((51, 3, 3)), "shapes must have shape"),
        ("uv", np.zeros((3, 2)), "uv must have shape"),
        ("faces", np.full((4, 3), 10**6), "faces must point"),
    ],
)
def test_parts_that_do_not_fit_are_refused(rig, field, value, words):
    with pytest.raises(RigError, match=words):
        replace(rig, **{field: value})


def test_broken_numbers_are_refused(rig):
    vertices = rig.vertices.copy()
    vertices[0, 0] = np.nan
    with pytest.raises(RigError, match="finite"):
        replace(rig, vertices=vertices)


def test_unknown_part_is_named(rig):
    with pytest.raises(RigError, match=r"no part 'hair'"):
        rig.part("hair")
