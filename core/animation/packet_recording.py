"""Recorded packets of a capture app (`.gesichter`, as the LLV tool writes them) as a take.

The file is gzip: uint8 6, int32 number of packets, then each packet after its int32 length, all big-endian. It holds no
time of arrival: the take's times are the packets' own.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.animation.take import Take, rate_of
from core.errors import StreamError, TakeError
from core.structures import FaceState

VERSION = 6
MAX_BYTES = 256 << 20  # unpacked: over three hours at 60 packets a second
MAX_PACKET_BYTES = 65_507


def read_packets(path: Path) -> tuple[bytes, ...]:
    """The packets of the file in order. TakeError: absent, no such file, cut off, or too large."""
    path = Path(path)
    if not path.is_file():
        raise TakeError(f"'{path}' was not found. Check the name and the folder.")
    try:
        with gzip.open(path) as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error):
        raise TakeError(f"'{path.name}' is no recording of packets: it cannot be unpacked. Is it whole?") from None
    if len(data) > MAX_BYTES:
        raise TakeError(f"'{path.name}' is larger than {MAX_BYTES >> 20} MB unpacked. Record shorter pieces.")
    if len(data) < 5 or data[0] != VERSION:
        raise TakeError(f"'{path.name}' is no recording of packets: it must begin with version {VERSION}.")
    count = int.from_bytes(data[1:5], "big")
    packets: list[bytes] = []
    place = 5
    while place < len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        place += 4 + length
        if not 0 < length <= MAX_PACKET_BYTES or place > len(data):
            raise TakeError(f"'{path.name}' is damaged: packet {len(packets) + 1} is cut off or has no length.")
        packets.append(data[place - length : place])
    if len(packets) != count:
        raise TakeError(f"'{path.name}' is damaged: it should hold {count} packets, but it holds {len(packets)}.")
    return tuple(packets)


def take_of_packets(
    name: str,
    packets: tuple[bytes, ...],
    decode: Callable[[bytes, float], FaceState | None],
    time_of: Callable[[bytes], float],
) -> Take:
    """The performance in these packets, its times starting at 0.

    decode and time_of: a wire's decoder and its packets' own time in seconds; both raise StreamError. Packets that
    cannot be read, or whose time does not grow, are left out and counted. TakeError: nothing, or mostly damaged.
    """
    states: list[FaceState] = []
    start_s, skipped = 0.0, 0
    for packet in packets:
        try:
            time_s = time_of(packet)
            state = decode(packet, time_s)
        except StreamError:
            skipped += 1
            continue
        if state is None:
            continue
        start_s = start_s if states else time_s
        if states and time_s - start_s <= states[-1].timestamp_s:
            skipped += 1
            continue
        states.append(replace(state, timestamp_s=time_s - start_s))
    if len(states) <= skipped:
        raise TakeError(f"'{name}' is damaged: {skipped} of {len(packets)} packets cannot be read.")
    rate_hz = rate_of(np.array([state.timestamp_s for state in states]))
    return Take(name, tuple(states), rate_hz, start_s, skipped)
