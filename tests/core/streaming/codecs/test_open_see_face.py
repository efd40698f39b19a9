"""OpenSeeFace's packet read at its published offsets, and its pose as the Unity part of that project takes it."""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from core.blendshapes import INDEX
from core.errors import InputError, StreamError
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.streaming.codecs.open_see_face import (
    FEATURES,
    PACKET,
    UNIT_M,
    OpenSeeFaceDecoder,
    OpenSeeFaceEncoder,
    OpenSeeFaceOptions,
)
from core.structures import FaceState


def floats(packet: bytes, offset: int, count: int) -> np.ndarray:
    return np.frombuffer(packet, "<f4", count, offset).astype(np.float64)


def posed(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0, **more) -> FaceState:
    return FaceState(1.5, head_rotation=rotation_from_yaw_pitch_roll(yaw, pitch, roll), **more)


def packet_of(face: FaceState) -> bytes:
    (packet,) = OpenSeeFaceEncoder().encode(face)
    return packet


def test_golden_start_of_a_packet():
    assert PACKET.size == 1785
    blendshapes = np.zeros(52, np.float32)
    blendshapes[[INDEX["eyeBlinkRight"], INDEX["eyeBlinkLeft"]]] = 0.25, 1.0
    face = FaceState(1.5, face_id=3, blendshapes=blendshapes, head_translation=np.array([0.3, 0.15, -0.6], np.float32))
    packet = packet_of(face)
    assert len(packet) == 1785
    assert packet[:29].hex() == (
        "000000000000f83f" "03000000" "00002044" "0000b443" "0000403f" "00000000" "01"
    )  # fmt: skip
    assert floats(packet, 61, 3) == pytest.approx([1.0, -2.0, -4.0])
    assert (floats(packet, 73, 68) == 1.0).all()


def test_a_face_that_looks_into_the_camera_has_the_angles_unity_expects():
    packet = packet_of(posed())
    x, y, z = floats(packet, 49, 3)
    assert (abs(x), y, z) == pytest.approx((180.0, 0.0, 90.0), abs=1e-4)
    unity = ((-(x + 180)) % 360, -y, (z - 90) % 360)
    assert np.allclose(np.mod(np.add(unity, 1e-3), 360), 1e-3, atol=1e-4)


@pytest.mark.parametrize(
    "angles, unity", [((0.2, 0, 0), (0, -0.2, 0)), ((0, 0.2, 0), (0.2, 0, 0)), ((0, 0, 0.2), (0, 0, 0.2))]
)
def test_turns_reach_unity_with_their_signs(angles, unity):
    """Unity's camera frame: x right, y up, z into the picture; a face looks along -z there."""
    x, y, z = floats(packet_of(posed(*angles)), 49, 3)
    there = np.array([-(x + 180), -y, z - 90])
    wrapped = (there + 180) % 360 - 180
    np.testing.assert_allclose(np.radians(wrapped), unity, atol=1e-5)


def test_quaternion_is_the_conjugate_at_length_four():
    packet = packet_of(posed(0.3, -0.2, 0.1))
    raw = floats(packet, 33, 4)
    assert np.linalg.norm(raw) == pytest.approx(4.0, abs=1e-5)
    by_euler = Rotation.from_euler("xyz", floats(packet, 49, 3), degrees=True).as_matrix()
    np.testing.assert_allclose(Rotation.from_quat(raw / 4).as_matrix().T, by_euler, atol=1e-5)


def test_landmarks_are_the_posed_head_in_the_picture():
    packet = packet_of(posed(head_translation=np.array([0, 0, -0.5], np.float32)))
    landmarks = floats(packet, 345, 136).reshape(68, 2)
    assert landmarks[30] == pytest.approx((320, 180))  # the tip of the nose is what is placed
    assert landmarks[0, 0] < landmarks[16, 0]  # the subject's right is on the left of the picture
    assert landmarks[8, 1] > landmarks[27, 1]  # the chin is below
    moved = packet_of(posed(yaw=0.3, head_translation=np.array([0.05, 0.02, -0.5], np.float32)))
    points = floats(moved, 889, 210).reshape(70, 3)[:68] * (-UNIT_M, -UNIT_M, -UNIT_M)  # back to the head frame
    there = points @ rotation_from_yaw_pitch_roll(0.3, 0, 0).T + (0.05, 0.02, -0.5)
    expected = np.stack([320 - 640 * there[:, 0] / there[:, 2], 180 + 640 * there[:, 1] / there[:, 2]], axis=1)
    np.testing.assert_allclose(floats(moved, 345, 136).reshape(68, 2), expected, atol=1e-3)


def test_features_stand_in_their_places():
    for name, at in (("jawOpen", 12), ("mouthSmileLeft", 8), ("mouthSmileRight", 10), ("browDownLeft", 3)):
        blendshapes = np.zeros(52, np.float32)
        blendshapes[INDEX[name]] = 0.5
        features = floats(packet_of(FaceState(0.0, blendshapes=blendshapes)), 1729, 14)
        assert np.flatnonzero(features).tolist() == [at]
        assert features[at] == (-0.5 if name == "browDownLeft" else 0.5)
    assert [name for name, _ in FEATURES][8] == "mouth_corner_updown_l"


def test_round_trip_of_pose_gaze_and_the_shapes_it_has_a_word_for(faces):
    for face in faces:
        state = OpenSeeFaceDecoder().decode(packet_of(face), 9.0)
        np.testing.assert_allclose(state.head_rotation, face.head_rotation, atol=1e-5)
        np.testing.assert_allclose(state.head_translation, face.head_translation, atol=1e-5)
        np.testing.assert_allclose(state.gaze, face.gaze, atol=1e-4)
        assert (state.timestamp_s, state.face_id) == (9.0, face.face_id)
        for name in ("jawOpen", "eyeBlinkLeft", "eyeBlinkRight"):
            assert state.blendshapes[INDEX[name]] == pytest.approx(face.blendshapes[INDEX[name]], abs=1e-6)


@pytest.mark.parametrize(
    "shapes",
    [
        {"mouthSmileLeft": 0.75},
        {"mouthFrownRight": 0.5},
        {"browDownLeft": 0.5, "browDownRight": 0.25},
        {"mouthPucker": 0.5},
        {"mouthStretchLeft": 0.5, "mouthStretchRight": 0.5},
        {"browInnerUp": 0.5, "browOuterUpLeft": 0.5, "browOuterUpRight": 0.5},
        {"eyeWideLeft": 0.5, "eyeWideRight": 0.25},
    ],
)
def test_a_single_expression_comes_back(shapes):
    blendshapes = np.zeros(52, np.float32)
    for name, value in shapes.items():
        blendshapes[INDEX[name]] = value
    state = OpenSeeFaceDecoder().decode(packet_of(FaceState(0.0, blendshapes=blendshapes)), 0.0)
    np.testing.assert_allclose(state.blendshapes, blendshapes, atol=1e-5)


def test_several_faces_no_face_and_no_fit(known_face):
    assert OpenSeeFaceEncoder().encode(FaceState.no_face(0.0)) == ()
    first, second = packet_of(known_face), packet_of(replace(known_face, face_id=7))
    assert OpenSeeFaceDecoder().decode(second + first, 0.0).face_id == 7
    without_fit = first[:28] + b"\0" + b"\xff" * 44 + first[73:]
    np.testing.assert_array_equal(OpenSeeFaceDecoder().decode(without_fit, 0.0).head_rotation, np.eye(3))


@pytest.mark.parametrize("offset", [20, 33, 61, 889 + 66 * 12, 1729])
def test_numbers_that_are_none_are_told(known_face, offset):
    packet = packet_of(known_face)
    bad = packet[:offset] + struct.pack("<f", float("nan")) + packet[offset + 4 :]
    with pytest.raises(StreamError):
        OpenSeeFaceDecoder().decode(bad, 0.0)


@pytest.mark.parametrize("size", [0, 1, 1784, 1786, 1785 * 40])
def test_another_length_is_told(size):
    with pytest.raises(StreamError):
        OpenSeeFaceDecoder().decode(bytes(size), 0.0)


def test_options_that_make_no_sense_are_refused():
    with pytest.raises(InputError):
        OpenSeeFaceOptions(width=0)
