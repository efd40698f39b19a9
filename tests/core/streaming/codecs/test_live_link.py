from __future__ import annotations

import struct

import numpy as np
import pytest

from core.animation.live_link_values import live_link_values
from core.animation.packet_recording import read_packets
from core.blendshapes import INDEX, LIVE_LINK_NAMES
from core.errors import InputError, StreamError
from core.geometry.rotation import yaw_pitch_roll
from core.streaming.codecs.common import mirrored
from core.streaming.codecs.live_link import (
    LiveLinkDecoder,
    LiveLinkEncoder,
    LiveLinkOptions,
    rate_fraction,
    sender_time_s,
)
from core.structures import FaceState

DEVICE = "01234567-89AB-CDEF-0123-456789ABCDEF"
# Written down by hand from the layout: version, length and text twice, frame 216030, sub-frame 0, 60 / 1.
GOLDEN_START = bytes.fromhex(
    "06"
    "00000024" "30313233343536372d383941422d434445462d303132332d343536373839414243444546"
    "00000003" "416e6e"
    "00034bde" "00000000" "0000003c" "00000001"
)  # fmt: skip


def options(**more) -> LiveLinkOptions:
    return LiveLinkOptions(subject="Ann", device_id=DEVICE, **more)


def values_of(packet: bytes) -> np.ndarray:
    """The 61 floats by a second reader: from the end."""
    assert packet[-245] == 61
    return np.frombuffer(packet[-244:], ">f4").astype(np.float64)


def test_golden_bytes_of_a_face(known_face):
    (packet,) = LiveLinkEncoder(options()).encode(known_face)
    assert packet.startswith(GOLDEN_START + b"\x3d")
    assert len(packet) == 306 + len("Ann")
    assert packet[len(GOLDEN_START) + 1 :][:16].hex() == "000000003c8000003d0000003d400000"
    assert packet[-9 * 4 : -6 * 4].hex() == "3e8000003e000000bd800000"  # head 0.25, 0.125, -0.0625
    # The app's eyes are positive to the right and down, so ours to the left and up are negative there.
    assert packet[-6 * 4 :].hex() == "be800000be00000000000000be400000bd80000000000000"


def test_golden_bytes_without_a_face():
    (packet,) = LiveLinkEncoder(options()).encode(FaceState.no_face(3600.5))
    assert packet == GOLDEN_START
    assert len(packet) == 61 + len("Ann")
    state = LiveLinkDecoder().decode(packet, 7.0)
    assert state is not None and not state.has_face and state.timestamp_s == 7.0


@pytest.mark.parametrize(
    "rate_hz, numerator, denominator",
    [
        (60, 60, 1),
        (30, 30, 1),
        (24, 24, 1),
        (12.5, 25, 2),
        (23.976, 24000, 1001),
        (29.97, 30000, 1001),
        (30000 / 1001, 30000, 1001),
        (59.94, 60000, 1001),
    ],
)
def test_frame_rate_is_a_fraction(rate_hz, numerator, denominator):
    assert rate_fraction(rate_hz) == (numerator, denominator)
    (packet,) = LiveLinkEncoder(options(rate_hz=rate_hz)).encode(FaceState.no_face(10.0))
    assert struct.unpack(">ii", packet[-8:]) == (numerator, denominator)
    assert sender_time_s(packet) == pytest.approx(10.0, abs=1e-6)


def test_time_is_that_of_a_day_and_sub_frames_count(faces):
    for time_s in (0.0, 0.0101, 86399.999, 1_764_000_000.4321):
        (packet,) = LiveLinkEncoder(options(rate_hz=60)).encode(FaceState.no_face(time_s))
        assert sender_time_s(packet) == pytest.approx(time_s % 86400, abs=1e-6)


@pytest.mark.parametrize("unit, one_radian", [("radians", 1.0), ("degrees", 57.29578), ("half_turns", 0.3183099)])
def test_unit_of_angles_is_a_setting(known_face, unit, one_radian):
    (packet,) = LiveLinkEncoder(options(angle_unit=unit)).encode(known_face)
    np.testing.assert_allclose(values_of(packet)[52:], live_link_values(known_face)[52:] * one_radian, rtol=1e-6)
    state = LiveLinkDecoder(options(angle_unit=unit)).decode(packet, 0.0)
    np.testing.assert_allclose(state.head_rotation, known_face.head_rotation, atol=1e-6)
    np.testing.assert_allclose(state.gaze, known_face.gaze, atol=1e-6)


def test_names_keep_their_places(known_face):
    for name in ("JawLeft", "JawRight", "MouthLeft", "MouthRight", "EyeBlinkRight", "TongueOut"):
        blendshapes = np.zeros(52, np.float32)
        blendshapes[INDEX[name[0].lower() + name[1:]]] = 1.0
        (packet,) = LiveLinkEncoder(options()).encode(FaceState(0.0, blendshapes=blendshapes))
        assert np.flatnonzero(values_of(packet)[:52]).tolist() == [LIVE_LINK_NAMES.index(name)]
    assert [LIVE_LINK_NAMES.index(n) for n in ("JawLeft", "JawRight", "MouthLeft", "MouthRight")] == [15, 16, 21, 22]


def test_mirror_changes_all_at_once(known_face):
    (packet,) = LiveLinkEncoder(options(mirrored=True)).encode(known_face)
    state = LiveLinkDecoder().decode(packet, 0.0)
    assert state.blendshapes[INDEX["jawLeft"]] == known_face.blendshapes[INDEX["jawRight"]]
    assert state.blendshapes[INDEX["eyeBlinkRight"]] == known_face.blendshapes[INDEX["eyeBlinkLeft"]]
    np.testing.assert_allclose(yaw_pitch_roll(state.head_rotation), (-0.25, 0.125, 0.0625), atol=1e-6)
    np.testing.assert_allclose(state.gaze, [[-0.1875, 0.0625], [-0.25, 0.125]], atol=1e-6)
    twice = mirrored(mirrored(known_face))
    np.testing.assert_array_equal(twice.blendshapes, known_face.blendshapes)
    np.testing.assert_allclose(twice.head_translation, known_face.head_translation)


def test_other_ids_than_those_of_36_bytes_and_names_beyond_ascii(known_face):
    for device, subject in (("x", "Zoë"), ("ü" * 100, "顔" * 80)):
        encoder = LiveLinkEncoder(LiveLinkOptions(subject=subject, device_id=device))
        (packet,) = encoder.encode(known_face)
        assert len(packet) == 270 + len(device.encode()) + len(subject.encode())
        np.testing.assert_array_equal(LiveLinkDecoder().decode(packet, 0.0).blendshapes, known_face.blendshapes)


def test_recorded_packets_of_another_program_come_back_byte_by_byte(shared_file):
    packets = read_packets(shared_file("takes/dao.gesichter"))
    assert len(packets) == 180
    for packet in packets:
        state = LiveLinkDecoder().decode(packet, 0.0)
        raw = values_of(packet)
        np.testing.assert_array_equal(state.blendshapes, np.clip(raw[:52], 0, 1).astype(np.float32))
        encoder = LiveLinkEncoder(
            LiveLinkOptions(subject="LLV Default Device", device_id="DEADC0DE-1337-1337-1337-CAFEBABE")
        )
        (again,) = encoder.encode(state)
        assert len(again) == len(packet) == 320
        assert again[:59] == packet[:59]  # version, device, subject
        assert again[67:76] == packet[67:76]  # rate, count
        np.testing.assert_array_equal(values_of(again)[:52], np.clip(raw[:52], 0, 1))
        angles = [i for i in range(52, 61) if i not in (57, 60)]  # the roll of an eye is not kept
        np.testing.assert_allclose(values_of(again)[angles], raw[angles], atol=1e-6)


@pytest.mark.parametrize(
    "damage, words",
    [
        (lambda p: b"", "65507"),
        (lambda p: bytes([5]) + p[1:], "version 6"),
        (lambda p: p[:-1], "bytes follow"),
        (lambda p: p + b"\0", "bytes follow"),
        (lambda p: p[:1] + b"\x7f\xff\xff\xff" + p[5:], "length"),
        (lambda p: p[:1] + b"\xff\xff\xff\xff" + p[5:], "length"),
        (lambda p: p[:50], "ends before"),
        (lambda p: p[:-244] + struct.pack(">f", float("nan")) + p[-240:], "0 to 1"),
        (lambda p: p[:-244] + struct.pack(">f", 7.0) + p[-240:], "0 to 1"),
        (lambda p: p[:-4] + struct.pack(">f", float("inf")), "two turns"),
        (lambda p: p + bytes(70_000), "65507"),
    ],
)
def test_damage_is_told(known_face, damage, words):
    (packet,) = LiveLinkEncoder(options()).encode(known_face)
    with pytest.raises(StreamError, match=words):
        LiveLinkDecoder().decode(damage(packet), 0.0)


@pytest.mark.parametrize("bad", [{"subject": ""}, {"subject": "x" * 256}, {"rate_hz": 0.0}, {"angle_unit": "grads"}])
def test_options_that_make_no_sense_are_refused(bad):
    with pytest.raises(InputError):
        LiveLinkOptions(**bad)
