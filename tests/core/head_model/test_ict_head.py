"""The real ICT-FaceKit head, where its file is there."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from core.blendshapes import ARKIT_NAMES, INDEX, MIRROR
from core.head_model.eyes import EYE_RADIUS_M, LEFT_LID_MARGIN, RIGHT_LID_MARGIN
from core.head_model.heads import load_head
from core.head_model.ict_contours import FACE_MESH_ON_RIM
from core.head_model.identity import INNER_LIP_PAIRS
from core.head_model.skinning import LEFT_EYE, NECK, RIGHT_EYE
from core.rendering.renderer import HeadRenderer
from core.rigging.build import build_rig
from core.structures import Camera, FaceState, Frame
from core.tracking import FaceMeshLandmarker, TrackerSettings
from core.tracking.landmark_ids import CHIN, FOREHEAD_TOP, INNER_LIPS, NOSE_TIP

CAMERA = Camera.from_field_of_view((512, 512), np.radians(30.0))
BEFORE_CAMERA = np.array([0.0, 0.03, -0.60], np.float32)


@pytest.fixture(scope="module")
def rig(shared_file):
    return load_head("ict", shared_file("models/ict_facekit.npz").parent)


def test_its_axes_and_size_are_ours(rig):
    points = rig.landmarks()
    assert points[NOSE_TIP, 2] > 0.02 and abs(points[NOSE_TIP, 0]) < 1e-3
    assert points[FOREHEAD_TOP, 1] > 0.03 and points[CHIN, 1] < -0.07
    assert points[263, 0] > 0.03 > 0 > -0.03 > points[33, 0]
    assert 0.058 < rig.joints[LEFT_EYE][0] - rig.joints[RIGHT_EYE][0] < 0.068
    assert len(rig.vertices) < 24_000


def test_it_is_its_own_mirror_image_with_mirrored_shapes(rig):
    skin = rig.vertices[rig.part("skin").vertices]
    distance, other = cKDTree(skin).query(skin * (-1, 1, 1))
    assert np.percentile(distance, 99) < 5e-4
    shapes = rig.shapes[:, rig.part("skin").vertices]
    for row, name in enumerate(ARKIT_NAMES):
        mirrored = shapes[MIRROR[row]][other] * (-1, 1, 1)
        assert np.median(np.abs(mirrored - shapes[row]).max(axis=1)) < 2e-4, name


def test_every_shape_moves_and_sides_are_the_subjects(rig):
    reach = np.linalg.norm(rig.shapes, axis=2)
    assert {ARKIT_NAMES[k] for k in np.flatnonzero(reach.max(axis=1) < 1e-3)} == set()
    for name in ("eyeBlinkLeft", "mouthSmileLeft", "browDownLeft", "noseSneerLeft"):
        assert np.average(rig.vertices[:, 0], weights=reach[INDEX[name]]) > 0.005, name
    assert rig.shapes[INDEX["jawLeft"], :, 0].sum() > 0


def test_lids_close_and_do_not_cut_the_eyeballs(rig):
    blink = np.zeros(52, np.float32)
    blink[[INDEX["eyeBlinkLeft"], INDEX["eyeBlinkRight"]]] = 1.0
    for share in np.linspace(0, 1, 9, dtype=np.float32):
        points = rig.landmarks(rig.shaped_vertices(share * blink))
        for margin, joint in ((LEFT_LID_MARGIN, LEFT_EYE), (RIGHT_LID_MARGIN, RIGHT_EYE)):
            assert np.linalg.norm(points[list(margin)] - rig.joints[joint], axis=1).min() > EYE_RADIUS_M
    closed, opened = rig.landmarks(rig.shaped_vertices(blink)), rig.landmarks()
    for margin in (LEFT_LID_MARGIN, RIGHT_LID_MARGIN):
        upper, lower = list(margin[2:7]), list(margin[14:9:-1])
        assert (opened[upper, 1] - opened[lower, 1]).max() > 0.008
        assert (closed[upper, 1] - closed[lower, 1]).max() < 0.0001


def test_face_points_of_rims_lie_on_the_rims_and_apart(rig):
    points = rig.landmarks()
    assert all(abs(points[lower, 1] - points[upper, 1]) < 0.0015 for upper, lower in INNER_LIP_PAIRS)
    for _, ids in FACE_MESH_ON_RIM:
        steps = np.linalg.norm(np.diff(points[list(ids)], axis=0), axis=1)
        assert steps.min() > 0.001 and steps.max() < 0.008


def test_inner_lips_part_when_the_jaw_opens(rig):
    jaw = rig.shape_landmarks()[INDEX["jawOpen"], :, 1]
    upper, lower = list(INNER_LIPS[3:8]), list(INNER_LIPS[13:18])
    assert jaw[upper].min() > -0.006 and jaw[lower].max() < -0.012


def test_the_neck_turns_the_head_and_its_base_stays(rig):
    from core.geometry.rotation import rotation_from_yaw_pitch_roll

    turn = rotation_from_yaw_pitch_roll(0.4, 0.1, 0.0)
    mesh = rig.deform(FaceState(0.0, head_rotation=turn))
    base = rig.skin_weights[:, 0] > 0.99999
    assert base.sum() > 50 and np.abs(mesh.vertices[base] - rig.vertices[base]).max() < 1e-6
    nose = rig.landmarks()[NOSE_TIP]
    expected = turn @ (nose - rig.joints[NECK]) + rig.joints[NECK]
    assert np.abs(rig.landmarks(mesh.vertices)[NOSE_TIP] - expected).max() < 1e-4


def test_face_mesh_finds_its_points_where_they_are(rig):
    state = FaceState(0.0, head_translation=BEFORE_CAMERA)
    with HeadRenderer(rig, (512, 512), antialias=True) as renderer:
        picture = renderer.render(state, CAMERA)
    with FaceMeshLandmarker(TrackerSettings(), still_images=True) as landmarker:
        (face,) = landmarker.detect(Frame(picture, 0.0))
    points = rig.landmarks() + BEFORE_CAMERA
    drawn = CAMERA.center_px + CAMERA.focal_px * points[:, :2] * (1, -1) / -points[:, 2:]
    width = np.ptp(face.points[:468, 0])
    distance = np.linalg.norm(face.points[:, :2] - drawn, axis=1) / width
    assert np.median(distance) < 0.03
    assert distance[468:].max() < 0.03


@pytest.mark.slow
def test_a_photo_becomes_a_rig_on_this_head(rig, astronaut):
    person = build_rig([astronaut.image], "Eileen", base=rig)
    assert person.details["head"] == "ict" and float(person.details["face_seen"]) > 0.4
    assert len(person.vertices) == len(rig.vertices)
    texture = person.part("skin").material.texture
    assert texture is not None and texture.shape == (1024, 1024, 3) and texture.std() > 5
    for margin, joint in ((LEFT_LID_MARGIN, LEFT_EYE), (RIGHT_LID_MARGIN, RIGHT_EYE)):
        assert np.linalg.norm(person.landmarks()[list(margin)] - person.joints[joint], axis=1).min() > 0.012
