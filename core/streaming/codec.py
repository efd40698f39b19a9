"""The wires: every format that faces are sent and received in. Bytes only; sockets and clocks stand elsewhere.

    encoder = WIRES["livelink"].make_encoder(LiveLinkOptions(subject="Ann"))   # without options: the defaults
    for datagram in encoder.encode(state): ...
    decoder = WIRES["livelink"].make_decoder()
    state = decoder.decode(datagram, received_s)

Options are one small frozen dataclass a format, in its module. An encoder or a decoder belongs to one stream; neither
may be shared by threads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from core.streaming.codecs import ifacialmocap, live_link, open_see_face, osc, udp_json, vmc
from core.structures import FaceState


class PacketEncoder(Protocol):
    """A stream that goes out."""

    def encode(self, state: FaceState) -> tuple[bytes, ...]:
        """The datagrams of one frame, in the order in which to send them; none where the format has no word for it."""
        ...


class PacketDecoder(Protocol):
    """A stream that comes in."""

    def decode(self, packet: bytes, received_s: float) -> FaceState | None:
        """The frame that this packet completes, at `received_s`; None: a valid packet that completes none yet.

        StreamError: damaged or of another format; the next packet may be good again.
        """
        ...


@dataclass(frozen=True)
class Wire:
    """A format: `name` on the command line, `title` for people, the port where its programs listen.

    make_encoder takes nothing or the options of the format's module.
    """

    name: str
    title: str
    default_port: int
    make_encoder: Callable[..., PacketEncoder]
    make_decoder: Callable[[], PacketDecoder]


_ALL = (
    Wire(
        "livelink",
        "Live Link Face (Unreal Engine)",
        live_link.DEFAULT_PORT,
        live_link.LiveLinkEncoder,
        live_link.LiveLinkDecoder,
    ),
    Wire("vmc", "VMC (VRM avatars)", vmc.MARIONETTE_PORT, vmc.VmcEncoder, vmc.VmcDecoder),
    Wire(
        "ifacialmocap",
        "iFacialMocap",
        ifacialmocap.DEFAULT_PORT,
        ifacialmocap.IFacialMocapEncoder,
        ifacialmocap.IFacialMocapDecoder,
    ),
    Wire(
        "openseeface",
        "OpenSeeFace",
        open_see_face.DEFAULT_PORT,
        open_see_face.OpenSeeFaceEncoder,
        open_see_face.OpenSeeFaceDecoder,
    ),
    Wire("udp", "JSON over UDP", udp_json.DEFAULT_PORT, udp_json.UdpJsonEncoder, udp_json.UdpJsonDecoder),
    Wire("osc", "OSC", osc.DEFAULT_PORT, osc.OscEncoder, osc.OscDecoder),
)

WIRES: Mapping[str, Wire] = MappingProxyType({wire.name: wire for wire in _ALL})
"""By name: "livelink", "vmc", "ifacialmocap", "openseeface", "udp" (JSON), "osc"."""
