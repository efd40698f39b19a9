"""Live Link Face over UDP, packet version 6, as the app sends it to Unreal (port 11111). Big-endian.

    uint8 6 | int32 D, D bytes device id | int32 S, S bytes subject | int32 frame, float32 sub-frame,
    int32 rate numerator, int32 denominator | uint8 61 | 61 float32 in the order of `LIVE_LINK_NAMES`

Without a face the packet ends before the count. Layout after Unreal's `AppleARKitLiveLinkSource.cpp`; the signs of
the angles are those of `core.animation.live_link_values`.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np

from core.animation.live_link_values import LIVE_LINK_COUNT, live_link_values, state_from_live_link
from core.animation.timecode import DAY_S
from core.blendshapes import COUNT
from core.errors import InputError, StreamError
from core.streaming.codecs.common import checked_angles, checked_coefficients, mirrored, require_packet
from core.structures import FaceState

DEFAULT_PORT = 11111
VERSION = 6
MAX_TEXT_BYTES = 255  # of device id and subject; Unreal's reader takes less than 775 bytes in all
AngleUnit = Literal["radians", "degrees", "half_turns"]
UNITS: dict[AngleUnit, float] = {"radians": 1.0, "degrees": 180.0 / math.pi, "half_turns": 1.0 / math.pi}
"""What one radian is in each; half_turns: degrees / 180, as Unreal's own ARKit plugin sends."""

_TIME = struct.Struct(">ifii")
_VALUES = struct.Struct(f">B{LIVE_LINK_COUNT}f")


@dataclass(frozen=True, slots=True)
class LiveLinkOptions:
    """subject: the name that Unreal shows; device_id: who sends, a UUID's text as the app's; rate_hz: of the frames;
    angle_unit: of the nine angles; mirrored: swap the sides."""

    subject: str = "LiveAvatar"
    device_id: str = "4C495645-4156-4154-4152-000000000001"
    rate_hz: float = 60.0
    angle_unit: AngleUnit = "radians"
    mirrored: bool = False

    def __post_init__(self) -> None:
        for name, text in (("subject", self.subject), ("device_id", self.device_id)):
            if not 0 < len(text.encode()) <= MAX_TEXT_BYTES:
                raise InputError(f"{name} must have 1 to {MAX_TEXT_BYTES} bytes, but it is '{text[:40]}'.")
        if self.angle_unit not in UNITS:
            raise InputError(f"The unit of angles is one of {', '.join(UNITS)}, but it is '{self.angle_unit}'.")
        if not 1.0 <= self.rate_hz <= 1000.0:
            raise InputError(f"rate_hz must lie between 1 and 1000, but it is {self.rate_hz}.")


def rate_fraction(rate_hz: float) -> tuple[int, int]:
    """(numerator, denominator) of a frame rate: 60 is 60/1, 29.97 is 30000/1001, 12.5 is 25/2."""
    whole = round(rate_hz * 1.001)
    if abs(rate_hz - whole / 1.001) < 0.002 < abs(rate_hz - round(rate_hz)):
        return 1000 * whole, 1001
    fraction = Fraction(rate_hz).limit_denominator(1001)
    return fraction.numerator, fraction.denominator


class LiveLinkEncoder:
    """One datagram a frame; the frame's number counts from midnight of the state's own clock."""

    def __init__(self, options: LiveLinkOptions | None = None) -> None:
        self._options = options or LiveLinkOptions()
        device, subject = self._options.device_id.encode(), self._options.subject.encode()
        self._start = struct.pack(
            f">Bi{len(device)}si{len(subject)}s", VERSION, len(device), device, len(subject), subject
        )
        self._rate = rate_fraction(self._options.rate_hz)

    def encode(self, state: FaceState) -> tuple[bytes, ...]:
        """The packet of this face, or the short one that says that there is none."""
        numerator, denominator = self._rate
        frames = state.timestamp_s % DAY_S * numerator / denominator
        number = math.floor(frames)
        packet = self._start + _TIME.pack(number, frames - number, numerator, denominator)
        if not state.has_face:
            return (packet,)
        values = live_link_values(mirrored(state) if self._options.mirrored else state)
        values[COUNT:] *= UNITS[self._options.angle_unit]
        return (packet + _VALUES.pack(LIVE_LINK_COUNT, *values),)


class LiveLinkDecoder:
    """Reads what the app or `LiveLinkEncoder` sends. Of the options only unit and mirror count."""

    def __init__(self, options: LiveLinkOptions | None = None) -> None:
        self._options = options or LiveLinkOptions()

    def decode(self, packet: bytes, received_s: float) -> FaceState | None:
        """The face at `received_s`; one without a face for the short packet. StreamError: anything else."""
        values_at = _fixed_part(packet)[1]
        if values_at == len(packet):
            return FaceState.no_face(received_s)
        if len(packet) != values_at + _VALUES.size or packet[values_at] != LIVE_LINK_COUNT:
            raise StreamError(
                f"A Live Link Face packet ends with the count {LIVE_LINK_COUNT} and as many values, but here "
                f"{len(packet) - values_at} bytes follow the time. MetaHuman Animator mode cannot be read: "
                "choose ARKit in the app."
            )
        values = np.array(_VALUES.unpack_from(packet, values_at)[1:])
        values[COUNT:] = checked_angles(values[COUNT:] / UNITS[self._options.angle_unit])
        values[:COUNT] = checked_coefficients(values[:COUNT])
        state = state_from_live_link(values, received_s)
        return mirrored(state) if self._options.mirrored else state


def sender_time_s(packet: bytes) -> float:
    """The packet's own time, seconds of the sender's day. StreamError: no Live Link Face packet, or no rate in it."""
    time_at = _fixed_part(packet)[0]
    number, sub_frame, numerator, denominator = _TIME.unpack_from(packet, time_at)
    if numerator <= 0 or denominator <= 0 or not 0.0 <= sub_frame <= 1.0:
        raise StreamError("A Live Link Face packet has a positive frame rate, but this one has none. It is damaged.")
    return float((number + sub_frame) * denominator / numerator)


def _fixed_part(packet: bytes) -> tuple[int, int]:
    """(where the time begins, where the values begin)."""
    require_packet(packet, "Live Link Face")
    if packet[0] != VERSION:
        raise StreamError(f"A Live Link Face packet begins with its version {VERSION}, but here with {packet[0]}.")
    place = 1
    for _ in range(2):
        length = int.from_bytes(packet[place : place + 4], "big", signed=True)
        place += 4 + length
        if not 0 < length <= MAX_TEXT_BYTES or place > len(packet):
            raise StreamError("A Live Link Face packet names its device and its subject, but here a length is wrong.")
    if place + _TIME.size > len(packet):
        raise StreamError("A Live Link Face packet carries a time, but this one ends before it.")
    return place, place + _TIME.size
