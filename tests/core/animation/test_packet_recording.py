from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.animation import packet_recording
from core.animation.packet_recording import read_packets, take_of_packets
from core.blendshapes import INDEX
from core.errors import StreamError, TakeError
from core.structures import FaceState


def recording(packets: list[bytes], count: int | None = None) -> bytes:
    body = b"".join(struct.pack(">I", len(packet)) + packet for packet in packets)
    return b"\x06" + struct.pack(">I", len(packets) if count is None else count) + body


def written(path, data: bytes):
    path.write_bytes(gzip.compress(data))
    return path


def decode(packet: bytes, received_s: float) -> FaceState | None:
    """A wire for these tests: one byte of time in tenths, then b for bad, n for nothing yet, anything else a face."""
    if packet[1:] == b"b":
        raise StreamError("bad")
    return None if packet[1:] == b"n" else FaceState(received_s)


def time_of(packet: bytes) -> float:
    return packet[0] / 10


def test_packets_come_back_in_order(tmp_path):
    packets = [b"one", b"two" * 100, b"3"]
    assert read_packets(written(tmp_path / "a.gesichter", recording(packets))) == tuple(packets)


@pytest.mark.parametrize(
    "data, words",
    [
        (b"", "version 6"),
        (b"\x05" + recording([b"x"])[1:], "version 6"),
        (recording([b"x"], count=2), "should hold 2"),
        (recording([b"x", b"y"])[:-1], "packet 2"),
        (recording([b"x", b""]), "packet 2"),
        (recording([b"x"]) + b"\xff\xff\xff\xff", "packet 2"),
    ],
)
def test_damage_is_told(tmp_path, data, words):
    with pytest.raises(TakeError, match=words):
        read_packets(written(tmp_path / "a.gesichter", data))


def test_what_is_no_gzip_absent_or_too_large_is_told(tmp_path, monkeypatch):
    path = tmp_path / "a.gesichter"
    with pytest.raises(TakeError, match="not found"):
        read_packets(path)
    path.write_bytes(b"no gzip at all")
    with pytest.raises(TakeError, match="unpacked"):
        read_packets(path)
    path.write_bytes(gzip.compress(recording([b"x" * 5000]))[:-20])
    with pytest.raises(TakeError, match="unpacked"):
        read_packets(path)
    monkeypatch.setattr(packet_recording, "MAX_BYTES", 1 << 20)
    written(path, bytes(1 << 21))
    with pytest.raises(TakeError, match="larger"):
        read_packets(path)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 400), flip=st.integers(0, 2000), noise=st.binary(max_size=20))
def test_hostile_files_get_a_plain_answer(tmp_path, cut, flip, noise):
    data = bytearray(gzip.compress(recording([bytes([k]) * 50 for k in range(20)])))
    data[flip // 8 % len(data)] ^= 1 << flip % 8
    path = tmp_path / "h.gesichter"
    path.write_bytes(bytes(data[: len(data) - cut % len(data)]) + noise)
    try:
        assert all(isinstance(packet, bytes) for packet in read_packets(path))
    except TakeError as error:
        assert "h.gesichter" in str(error)


def test_times_start_at_zero_and_bad_packets_are_counted():
    packets = (b"\x0aface", b"\x0b", b"\x0bb", b"\x0cn", b"\x0bface", b"\x0dface", b"\x0fface")
    take = take_of_packets("t", packets, decode, time_of)
    np.testing.assert_allclose(take.times_s, [0.0, 0.1, 0.3, 0.5])
    assert (take.skipped_rows, take.timecode_start_s, take.rate_hz) == (2, 1.0, 5.0)


def test_mostly_damaged_is_no_take():
    for packets in ((), (b"\x00b",), (b"\x00face", b"\x01b", b"\x02b"), (b"\x00n",)):
        with pytest.raises(TakeError):
            take_of_packets("t", packets, decode, time_of)


def test_a_recorded_stream_of_the_app_becomes_a_take(shared_file):
    from core.streaming.codecs.live_link import LiveLinkDecoder, sender_time_s

    packets = read_packets(shared_file("takes/dao.gesichter"))
    take = take_of_packets("dao", packets, LiveLinkDecoder().decode, sender_time_s)
    assert (len(take.states), take.skipped_rows) == (180, 0)
    assert take.rate_hz == pytest.approx(60.0, abs=1.0)
    assert take.duration_s == pytest.approx(3.102, abs=0.001)  # a few frames were lost on the way
    assert all(state.has_face for state in take.states)
    # The eyes turn as the coefficients of the same packets say: out is to the subject's left for the left eye.
    out = take.blendshapes[:, INDEX["eyeLookOutLeft"]] - take.blendshapes[:, INDEX["eyeLookInLeft"]]
    up = take.blendshapes[:, INDEX["eyeLookUpLeft"]] - take.blendshapes[:, INDEX["eyeLookDownLeft"]]
    gaze = np.stack([state.gaze[0] for state in take.states])
    assert np.corrcoef(gaze[:, 0], out)[0, 1] > 0.99
    assert np.corrcoef(gaze[:, 1], up)[0, 1] > 0.99
