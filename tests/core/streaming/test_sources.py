"""Sources: a take at its own times, packets on real sockets, another stream."""

from __future__ import annotations

import socket
import time
from contextlib import closing

import numpy as np
import pytest

from core.animation.demo import demo_take
from core.errors import StreamError
from core.streaming.codec import WIRES
from core.streaming.codecs.ifacialmocap import HELLO_V1
from core.streaming.hub import StreamHub
from core.streaming.server_settings import ServerSettings
from core.streaming.sinks import UdpTarget
from core.streaming.sources import PacketSource, StreamSource, TakeSource
from core.streaming.state_record import pack_state
from tests.stream_tools import assert_same_face, random_face, wait_until


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def clock(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now_s += seconds


def play(source, time_, until_s: float) -> list[tuple[float, float]]:
    found = []
    while not source.is_over and time_.now_s < until_s:
        frame = source.next(0.25)
        if frame is not None:
            found.append((frame.arrived_s, frame.states[0].timestamp_s))
    return found


def test_a_take_plays_once_at_its_times():
    time_, take = FakeTime(), demo_take(2.0, 30.0)
    source = TakeSource(take, once=True, clock=time_.clock, sleep=time_.sleep)
    found = play(source, time_, 1e9)
    assert source.is_over
    np.testing.assert_allclose([at - 100.0 for at, _ in found], take.times_s, atol=1e-6)


def test_a_take_goes_round_without_a_jump_in_time():
    time_ = FakeTime()
    found = play(TakeSource(demo_take(1.0, 30.0), clock=time_.clock, sleep=time_.sleep), time_, 110.0)
    np.testing.assert_allclose(np.diff([at for at, _ in found]), 1 / 30, atol=1e-6)
    np.testing.assert_allclose(np.diff([stamp for _, stamp in found]), 1 / 30, atol=1e-6)


def test_a_take_that_fell_behind_does_not_hurry_after():
    time_ = FakeTime()
    source = TakeSource(demo_take(10.0, 30.0), clock=time_.clock, sleep=time_.sleep)
    source.next(0.25)
    time_.now_s += 3.0
    first, second = source.next(0.25), source.next(0.25)
    assert second.arrived_s - first.arrived_s == pytest.approx(1 / 30, abs=1e-6)


@pytest.fixture
def packets():
    """packets(wire): a source on a free port."""
    sources = []

    def make(wire: str, host: str = "") -> PacketSource:
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        sources.append(PacketSource(wire, host, port))
        return sources[-1]

    yield make
    for source in sources:
        source.close()


def next_frame(source):
    return wait_until(lambda: source.next(0.2), "a frame")


@pytest.mark.parametrize("wire", WIRES)
def test_what_the_hub_sends_comes_in_again(packets, wire):
    source, face = packets(wire), random_face(4)
    with StreamHub() as hub:
        hub.start("out", UdpTarget(wire, port=source.port))
        before_s = time.monotonic()
        hub.publish(face)
        frame = next_frame(source)
    assert before_s <= frame.arrived_s <= time.monotonic()
    if wire != "openseeface":
        np.testing.assert_allclose(frame.states[0].blendshapes, face.blendshapes, atol=0.006)
    assert source.unreadable == 0 and source.notice == ""


def test_damaged_packets_are_counted_and_the_next_good_one_is_read(packets):
    source = packets("livelink")
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sender:
        for packet in (b"x", bytes(2000), WIRES["livelink"].make_encoder().encode(random_face(1))[0][:-1]):
            sender.sendto(packet, ("127.0.0.1", source.port))
        wait_until(lambda: source.next(0.1) or source.unreadable == 3, "three damaged packets")
        assert "3 packets could not be read" in source.notice
        sender.sendto(WIRES["livelink"].make_encoder().encode(random_face(1))[0], ("127.0.0.1", source.port))
        next_frame(source)
    assert source.notice == ""


def test_a_phone_is_asked_to_send_and_only_it_is_heard(packets, monkeypatch):
    """192.0.2.1 is nobody's address (RFC 5737), so listening there fails and it must be the phone's."""
    sent = []
    monkeypatch.setattr(socket.socket, "sendto", lambda _self, data, to: sent.append((data, to)))
    source = packets("ifacialmocap", "192.0.2.1")
    source.next(0.01)
    assert sent == [(HELLO_V1, ("192.0.2.1", source.port))]
    assert not source._is_heard("127.0.0.1", 0.0)
    assert source._is_heard("192.0.2.1", 0.0)


def test_a_second_sender_is_not_mixed_in(packets):
    source = packets("udp")
    assert source._is_heard("10.0.0.1", 100.0)
    assert not source._is_heard("10.0.0.2", 101.0)
    assert source._is_heard("10.0.0.1", 101.5)
    assert source._is_heard("10.0.0.2", 104.0)  # the first fell silent
    assert not source._is_heard("10.0.0.1", 104.5)


def test_ports_and_names_that_cannot_be_are_refused(packets):
    source = packets("udp")
    with pytest.raises(StreamError, match="in use"):
        PacketSource("udp", "", source.port)
    with pytest.raises(StreamError, match="smoke"):
        PacketSource("smoke")
    with pytest.raises(StreamError, match="Cannot listen"):
        PacketSource("livelink", "192.0.2.1", 11111)


def test_a_stream_of_ours_is_a_source_too(make_server):
    server = make_server(rig_name="Ann", token="secret")
    with pytest.raises(StreamError, match="No stream"):
        StreamSource(f"ws://127.0.0.1:{server.port}", "wrong")
    source = StreamSource(f"ws://127.0.0.1:{server.port}", "secret")
    assert source.rig_name == "Ann"
    for sequence in range(6):  # more than the credit: it acknowledges
        server.send(pack_state(random_face(sequence), sequence, 0.0, 0.0))
        assert_same_face(next_frame(source).states[0], random_face(sequence))
    assert source.next(0.05) is None and not source.is_over
    server._loop.call_soon_threadsafe(server._server._server.close)
    wait_until(lambda: source.next(0.1) is None and source.is_over, "the end of the stream")
    assert "closed the stream" in source.notice
    source.close()


def test_nobody_there_is_told():
    with pytest.raises(StreamError, match="Connection refused"):
        StreamSource("ws://127.0.0.1:1")
    assert ServerSettings().port != 1
