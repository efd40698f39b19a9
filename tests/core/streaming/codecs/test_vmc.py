"""VMC as python-osc reads it, with Unity's axes worked out here once more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pythonosc.osc_bundle import OscBundle
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from core.blendshapes import ARKIT_NAMES, INDEX
from core.errors import InputError, StreamError
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.streaming.codecs.vmc import BONE_PLACES_M, VRM0_NAMES, VmcDecoder, VmcEncoder, VmcOptions
from core.structures import FaceState


def read(datagrams: tuple[bytes, ...]) -> list[tuple[str, list]]:
    return [(message.address, list(message)) for data in datagrams for message in OscBundle(data)]


def values_of(datagrams: tuple[bytes, ...]) -> dict[str, float]:
    return {args[0]: args[1] for address, args in read(datagrams) if address == "/VMC/Ext/Blend/Val"}


def unity_matrix(quaternion: list[float]) -> np.ndarray:
    """A quaternion's matrix by the textbook; the same formula holds in a left-handed frame."""
    x, y, z, w = quaternion
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


TO_UNITY = np.diag([-1.0, 1.0, 1.0])  # x to the subject's right there, to the left here


def bones_of(datagrams: tuple[bytes, ...]) -> dict[str, np.ndarray]:
    """(3, 3) rotations in our frame, read as Unity would."""
    bones = {args[0]: args[1:] for address, args in read(datagrams) if address == "/VMC/Ext/Bone/Pos"}
    return {name: TO_UNITY @ unity_matrix(numbers[3:]) @ TO_UNITY for name, numbers in bones.items()}


def test_messages_and_their_order(known_face):
    datagrams = VmcEncoder().encode(known_face)
    assert all(len(data) < 1500 for data in datagrams)
    messages = read(datagrams)
    assert messages[0] == ("/VMC/Ext/OK", [1, 3, 0, 1])
    assert messages[1] == ("/VMC/Ext/T", [0.0])
    assert [address for address, _ in messages].index("/VMC/Ext/Blend/Apply") == len(messages) - 1
    assert [args[0] for address, args in messages if address == "/VMC/Ext/Bone/Pos"] == list(BONE_PLACES_M)
    assert all(len(args) == 8 for address, args in messages if address == "/VMC/Ext/Bone/Pos")


def test_time_counts_from_the_first_frame(known_face):
    encoder = VmcEncoder()
    encoder.encode(known_face)
    assert ("/VMC/Ext/T", [2.5]) in read(encoder.encode(replace(known_face, timestamp_s=3603.0)))


def test_without_a_face_tracking_is_bad_and_nothing_else_is_said():
    datagrams = VmcEncoder().encode(FaceState.no_face(1.0))
    assert read(datagrams) == [("/VMC/Ext/OK", [1, 3, 0, 0]), ("/VMC/Ext/T", [0.0])]
    state = VmcDecoder().decode(datagrams[0], 5.0)
    assert state is not None and not state.has_face and state.timestamp_s == 5.0


@pytest.mark.parametrize("spelling, first", [("pascal", "EyeBlinkLeft"), ("camel", "eyeBlinkLeft")])
def test_perfect_sync_says_all_52_in_both_spellings(known_face, spelling, first):
    values = values_of(VmcEncoder(VmcOptions(perfect_sync=spelling)).encode(known_face))
    assert next(iter(values)) == first
    assert [name.lower() for name in values] == [name.lower() for name in ARKIT_NAMES]
    np.testing.assert_array_equal(list(values.values()), known_face.blendshapes)


def test_presets_have_the_names_of_their_version():
    blendshapes = np.zeros(52, np.float32)
    for name, value in (("eyeBlinkLeft", 0.75), ("jawOpen", 0.5), ("mouthSmileLeft", 1.0), ("mouthSmileRight", 0.5)):
        blendshapes[INDEX[name]] = value
    face = FaceState(0.0, blendshapes=blendshapes)
    old = values_of(VmcEncoder(VmcOptions("vrm0", "none")).encode(face))
    assert set(old) == {"Joy", "Angry", "Sorrow", "A", "I", "U", "E", "O", "Blink_L", "Blink_R"}
    assert (old["Blink_L"], old["Blink_R"], old["A"], old["Joy"]) == (0.75, 0.0, 0.5, 0.75)
    new = values_of(VmcEncoder(VmcOptions("vrm1", "none")).encode(face))
    assert {VRM0_NAMES.get(name, name) for name in new} == {*old, "surprised"}
    assert all(new[name] == old[VRM0_NAMES[name]] for name in new if name in VRM0_NAMES)


def test_gaze_goes_by_bones_or_by_presets_not_by_both():
    face = FaceState(0.0, blendshapes=np.eye(52, dtype=np.float32)[INDEX["eyeLookUpLeft"]])
    assert "LookUp" not in values_of(VmcEncoder(VmcOptions("vrm0", "none")).encode(face))
    without = VmcEncoder(VmcOptions("vrm0", "none", eye_bones=False)).encode(face)
    assert values_of(without)["LookUp"] == 0.5
    assert set(bones_of(without)) == {"Head", "Neck"}


def test_bones_turn_as_the_head_does_in_a_left_handed_frame(faces):
    for share in (0.0, 0.4, 1.0):
        encoder = VmcEncoder(VmcOptions(neck_share=share))
        for face in faces[:5]:
            bones = bones_of(encoder.encode(face))
            np.testing.assert_allclose(bones["Neck"] @ bones["Head"], face.head_rotation, atol=1e-5)
            for name, (yaw, pitch) in zip(("LeftEye", "RightEye"), face.gaze, strict=True):
                np.testing.assert_allclose(bones[name], rotation_from_yaw_pitch_roll(yaw, pitch, 0), atol=1e-5)
    assert np.allclose(bones["Head"], np.eye(3), atol=1e-6)  # all of the turn in the neck


def head_in_unity(face: FaceState) -> list[float]:
    messages = read(VmcEncoder(VmcOptions(neck_share=0.0)).encode(face))
    return next(args[4:] for address, args in messages if address.endswith("Bone/Pos") and args[0] == "Head")


def test_a_look_to_the_left_up_is_that_quaternion_in_unity():
    """Golden: yaw 90 degrees to the subject's left is a turn by -90 about Unity's y (its z goes to -x)."""
    face = FaceState(0.0, head_rotation=rotation_from_yaw_pitch_roll(np.pi / 2, 0, 0))
    quaternion = head_in_unity(face)
    half = np.sqrt(0.5)
    np.testing.assert_allclose(quaternion, [0, -half, 0, half], atol=1e-6)
    np.testing.assert_allclose(unity_matrix(quaternion) @ [0, 0, 1], [-1, 0, 0], atol=1e-6)
    up = FaceState(0.0, head_rotation=rotation_from_yaw_pitch_roll(0, np.pi / 2, 0))
    np.testing.assert_allclose(unity_matrix(head_in_unity(up)) @ [0, 0, 1], [0, 1, 0], atol=1e-6)


def test_round_trip_and_datagrams_that_do_not_complete_a_frame(faces):
    encoder, decoder = VmcEncoder(), VmcDecoder()
    for face in faces:
        *before, last = encoder.encode(face)
        assert [decoder.decode(data, 0.0) for data in before] == [None] * len(before)
        state = decoder.decode(last, face.timestamp_s)
        np.testing.assert_array_equal(state.blendshapes, face.blendshapes)
        np.testing.assert_allclose(state.head_rotation, face.head_rotation, atol=1e-6)
        np.testing.assert_allclose(state.gaze, face.gaze, atol=1e-6)
        assert state.timestamp_s == face.timestamp_s


def test_presets_come_back_coarsely_and_give_way_to_the_52():
    blendshapes = np.zeros(52, np.float32)
    blendshapes[[INDEX["eyeBlinkLeft"], INDEX["jawOpen"]]] = 0.75, 0.5
    face = FaceState(0.0, blendshapes=blendshapes)
    for presets in ("vrm0", "vrm1"):
        (data,) = VmcEncoder(VmcOptions(presets, "none")).encode(face)
        np.testing.assert_array_equal(VmcDecoder().decode(data, 0.0).blendshapes, blendshapes)
    decoder = VmcDecoder()
    states = [decoder.decode(data, 0.0) for data in VmcEncoder(VmcOptions("vrm0", "camel")).encode(face)]
    np.testing.assert_array_equal(states[-1].blendshapes, blendshapes)


def sent(*messages: tuple) -> bytes:
    bundle = OscBundleBuilder(IMMEDIATELY)
    for address, *args in messages:
        builder = OscMessageBuilder(address)
        for value in args:
            builder.add_arg(value)
        bundle.add_content(builder.build())
    return bundle.build().dgram


def test_unknown_and_surplus_and_wrong_types_are_passed_over():
    state = VmcDecoder().decode(
        sent(
            ("/VMC/Ext/OK", 1),
            ("/VMC/Ext/Nonsense", 3.0),
            ("/VMC/Ext/Blend/Val", "JawOpen", 0.25, "more"),
            ("/VMC/Ext/Blend/Val", 7, 0.25),
            ("/VMC/Ext/Blend/Val", "Other", 0.9),
            ("/VMC/Ext/Bone/Pos", "Head", "not", "numbers"),
            ("/VMC/Ext/Bone/Pos", "Hips", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0),
            ("/VMC/Ext/Blend/Apply",),
        ),
        0.0,
    )
    assert np.flatnonzero(state.blendshapes).tolist() == [INDEX["jawOpen"]]
    np.testing.assert_array_equal(state.head_rotation, np.eye(3))


@pytest.mark.parametrize(
    "messages",
    [
        [("/other/program", 1.0)],
        [("/VMC/Ext/Blend/Val", "JawOpen", float("nan"))],
        [("/VMC/Ext/Blend/Val", "JawOpen", 50.0)],
        [("/VMC/Ext/Bone/Pos", "Head", *[0.0] * 7)],
        [("/VMC/Ext/Bone/Pos", "Head", *[float("nan")] * 7)],
    ],
)
def test_a_bad_packet_is_told_and_leaves_nothing_behind(messages):
    decoder = VmcDecoder()
    good = [("/VMC/Ext/Blend/Val", "JawLeft", 1.0)] if messages[0][0].startswith("/VMC/") else []
    with pytest.raises(StreamError):
        decoder.decode(sent(*good, *messages), 0.0)
    state = decoder.decode(sent(("/VMC/Ext/Blend/Apply",)), 0.0)
    assert state.has_face and not state.blendshapes.any()


@pytest.mark.parametrize("bad", [("none", "none"), ("vrm2", "pascal"), ("vrm0", "snake")])
def test_options_that_make_no_sense_are_refused(bad):
    with pytest.raises(InputError):
        VmcOptions(*bad)
