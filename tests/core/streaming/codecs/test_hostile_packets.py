"""Whatever comes in over the network: a face, nothing yet, or StreamError; and the next good packet is good again."""

from __future__ import annotations

import math
import struct
from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.animation.demo import demo_take
from core.errors import StreamError
from core.streaming.codec import WIRES
from core.streaming.codecs.common import MAX_PACKET_BYTES
from core.streaming.codecs.ifacialmocap import IFacialMocapEncoder, IFacialMocapOptions
from core.streaming.codecs.osc import OscEncoder, OscOptions
from core.streaming.codecs.udp_json import UdpJsonEncoder, UdpJsonOptions
from core.streaming.codecs.vmc import VmcEncoder, VmcOptions
from core.structures import FaceState

STATES = (*demo_take().states[::60], FaceState.no_face(11.0))
MORE_ENCODERS = {
    "vmc": [VmcEncoder(VmcOptions("vrm0", "none")), VmcEncoder(VmcOptions("vrm1", "camel", eye_bones=False))],
    "ifacialmocap": [IFacialMocapEncoder(IFacialMocapOptions(version=2))],
    "udp": [UdpJsonEncoder(UdpJsonOptions(named=True))],
    "osc": [OscEncoder(OscOptions(named=True))],
}
GOOD = {
    name: [
        packet
        for encoder in (wire.make_encoder(), *MORE_ENCODERS.get(name, []))
        for state in STATES
        for packet in encoder.encode(state)
    ]
    for name, wire in WIRES.items()
}
NASTY = [struct.pack(f"{order}f", value) for order in "<>" for value in (math.nan, math.inf, -math.inf, 3e38, -1e-45)]
NASTY += [struct.pack(f"{order}i", value) for order in "<>" for value in (0, -1, 2**31 - 1, -(2**31), 65_508)]
NASTY += [b"nan", b"1e999", b"-", b"|#|", b",,,,", b"[[[[", b'"\\ud800"', b"#bundle\0", b"\0\0\0\0"]


@st.composite
def damaged(draw: st.DrawFn, wire: str) -> bytes:
    """A good packet, or noise, after up to four injuries."""
    packet = draw(st.one_of(st.sampled_from(GOOD[wire]), st.binary(max_size=400)))
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, max(len(packet) - 1, 0)))
        match draw(st.sampled_from(["cut", "start", "flip", "nasty", "insert", "double", "fill"])):
            case "cut":
                packet = packet[:place]
            case "start":
                packet = packet[place:]
            case "flip" if packet:
                flipped = packet[place] ^ (1 << draw(st.integers(0, 7)))
                packet = packet[:place] + bytes([flipped]) + packet[place + 1 :]
            case "nasty":
                value = draw(st.sampled_from(NASTY))
                place -= place % draw(st.sampled_from([1, 4]))
                packet = packet[:place] + value + packet[place + len(value) :]
            case "insert":
                packet = packet[:place] + draw(st.binary(max_size=8)) + packet[place:]
            case "double":
                packet = packet * draw(st.sampled_from([2, 3, 60]))
            case "fill":
                packet = packet + bytes(draw(st.sampled_from([1, 4, MAX_PACKET_BYTES - 1, MAX_PACKET_BYTES])))
    return packet


def check(wire: str, packets: list[bytes]) -> None:
    """Feeds all packets to one decoder, then a good frame, which must come out as if nothing had happened."""
    decoder = WIRES[wire].make_decoder()
    for packet in packets:
        try:
            state = decoder.decode(packet, 1.0)
        except StreamError as error:
            assert 20 < len(str(error)) < 500
            continue
        if state is not None:
            assert state.timestamp_s == 1.0
            assert all(np.isfinite(v).all() for v in (state.valence, state.arousal, state.confidence, state.emotion))
            assert np.abs(state.head_rotation @ state.head_rotation.T - np.eye(3)).max() < 1e-4
    encoder, fresh = WIRES[wire].make_encoder(), WIRES[wire].make_decoder()
    for packet in encoder.encode(STATES[1]):
        after, expected = decoder.decode(packet, 2.0), fresh.decode(packet, 2.0)
    assert after is not None and expected is not None
    np.testing.assert_array_equal(after.blendshapes, expected.blendshapes)
    np.testing.assert_array_equal(after.head_rotation, expected.head_rotation)
    np.testing.assert_array_equal(after.gaze, expected.gaze)


ANY = [HealthCheck.too_slow, HealthCheck.data_too_large]


@pytest.mark.parametrize("wire", WIRES)
def test_some_hundred_damaged_packets(wire):
    @settings(max_examples=300, deadline=None, suppress_health_check=ANY)
    @given(packets=st.lists(damaged(wire), min_size=1, max_size=3))
    def run(packets):
        check(wire, packets)

    run()


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("wire", WIRES)
def test_ten_thousand_damaged_packets(wire):
    @settings(max_examples=10_000, deadline=None, suppress_health_check=ANY)
    @given(packets=st.lists(damaged(wire), min_size=1, max_size=3))
    def run(packets):
        check(wire, packets)

    run()


@pytest.mark.parametrize("wire", WIRES)
def test_every_cut_of_every_good_packet(wire):
    for packet in GOOD[wire][:3]:
        decoder = WIRES[wire].make_decoder()
        for length in range(len(packet)):
            try:
                decoder.decode(packet[:length], 1.0)
            except StreamError:
                continue


@pytest.mark.parametrize("writer, reader", [pair for pair in product(WIRES, WIRES) if pair[0] != pair[1]])
def test_a_packet_of_another_wire_is_refused(writer, reader):
    for packet in GOOD[writer]:
        with pytest.raises(StreamError):
            WIRES[reader].make_decoder().decode(packet, 1.0)


def test_the_wires_are_those_that_are_promised():
    assert list(WIRES) == ["livelink", "vmc", "ifacialmocap", "openseeface", "udp", "osc"]
    assert all(wire.name == name for name, wire in WIRES.items())
    ports = {name: wire.default_port for name, wire in WIRES.items()}
    assert ports == {"livelink": 11111, "vmc": 39539, "ifacialmocap": 49983, "openseeface": 11573, "udp": 39600,
                     "osc": 9000}  # fmt: skip
