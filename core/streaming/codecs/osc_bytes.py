"""Open Sound Control 1.0 as bytes: messages, bundles, and a reader that trusts nothing.

Source: the OSC 1.0 specification (https://opensoundcontrol.stanford.edu/spec-1_0.html): big-endian, strings ended by
zeros and padded to four bytes, `,` before the type tags, `#bundle` with a time tag before sized elements.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from core.errors import StreamError

OscValue: TypeAlias = "int | float | str | bytes | bool | None"
OscMessage: TypeAlias = tuple[str, tuple[OscValue, ...]]

_BUNDLE = b"#bundle\0"
_AT_ONCE = struct.pack(">Q", 1)
_NUMBERS = {"i": ">i", "f": ">f", "d": ">d", "h": ">q", "t": ">Q", "c": ">I", "r": ">I", "m": ">I"}
_CONSTANTS: dict[str, OscValue] = {"T": True, "F": False, "N": None, "I": float("inf")}
MOST_DEPTH = 4  # bundles in bundles


def osc_message(address: str, tags: str = "", *values: float | str) -> bytes:
    """One message. tags: a letter a value, of i f d s."""
    data = _padded(address) + _padded("," + tags)
    for tag, value in zip(tags, values, strict=True):
        data += _padded(str(value)) if tag == "s" else struct.pack(_NUMBERS[tag], value)
    return data


def osc_bundles(messages: Sequence[bytes], limit: int) -> tuple[bytes, ...]:
    """The messages in their order, in as few bundles of up to `limit` bytes as that order allows."""
    bundles: list[bytes] = []
    current = b""
    for message in messages:
        element = struct.pack(">i", len(message)) + message
        if not current or len(current) + len(element) > limit:
            bundles.append(current)
            current = _BUNDLE + _AT_ONCE
        current += element
    return (*filter(None, bundles), current)


def osc_messages(packet: bytes) -> tuple[OscMessage, ...]:
    """Every message of a packet, bundles opened, in order. StreamError: not OSC."""
    if not packet:
        raise StreamError("An OSC packet is not empty, but this one is.")
    return tuple(_read(packet, 0))


def _read(packet: bytes, depth: int) -> Iterator[OscMessage]:
    if not packet.startswith(_BUNDLE):
        yield _read_message(packet)
        return
    if depth >= MOST_DEPTH:
        raise StreamError(f"OSC bundles lie at most {MOST_DEPTH} deep in each other, but here more do.")
    place = len(_BUNDLE) + 8
    if len(packet) < place:
        raise StreamError("An OSC bundle carries a time tag, but this one ends before it.")
    while place < len(packet):
        size = int.from_bytes(packet[place : place + 4], "big", signed=True)
        place += 4
        if size <= 0 or size % 4 or place + size > len(packet):
            raise StreamError("An OSC bundle's elements lie within it, but one's size is wrong. It is damaged.")
        yield from _read(packet[place : place + size], depth + 1)
        place += size


def _read_message(data: bytes) -> OscMessage:
    address, place = _text(data, 0)
    if not address.startswith("/"):
        raise StreamError(f"An OSC address begins with '/', but here is '{address[:40]}'. Is the other side OSC?")
    if place == len(data):
        return address, ()  # old senders leave the type tags out where there are no values
    tags, place = _text(data, place)
    if not tags.startswith(","):
        raise StreamError("OSC type tags begin with ',', but here they do not. The packet is damaged.")
    values: list[OscValue] = []
    for tag in tags[1:]:
        value, place = _value(tag, data, place)
        values.append(value)
    return address, tuple(values)


def _value(tag: str, data: bytes, place: int) -> tuple[OscValue, int]:
    if tag in _CONSTANTS:
        return _CONSTANTS[tag], place
    if tag in ("s", "S"):
        return _text(data, place)
    try:
        if tag == "b":
            size = struct.unpack_from(">i", data, place)[0]
            end = place + 4 + size
            if size < 0 or end > len(data):
                raise StreamError("An OSC blob is longer than its packet. It is damaged.")
            return data[place + 4 : end], end + -end % 4
        if tag in _NUMBERS:
            number: OscValue = struct.unpack_from(_NUMBERS[tag], data, place)[0]
            return number, place + struct.calcsize(_NUMBERS[tag])
    except struct.error:
        raise StreamError("An OSC message ends before its last value. It is damaged.") from None
    raise StreamError(f"The OSC type '{tag}' is not known. The packet is damaged or of a newer kind.")


def _text(data: bytes, place: int) -> tuple[str, int]:
    end = data.find(b"\0", place)
    if end < 0:
        raise StreamError("An OSC text ends with a zero byte, but here is none. The packet is damaged.")
    try:
        return data[place:end].decode(), min(end + 4 - (end - place) % 4, len(data))
    except UnicodeDecodeError:
        raise StreamError("An OSC text is no UTF-8. The packet is damaged.") from None


def _padded(text: str) -> bytes:
    data = text.encode()
    return data + bytes(4 - len(data) % 4)
