"""How the decoding child speaks with its parent: a request on its standard input, messages on its standard output.

Request: one line of JSON, then, where the file came as bytes, the file itself until the end of the input.
Message: `HEADER`, then `length` bytes. Imported by the child process: keep it light.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

HEADER: Final = struct.Struct("<4sIIIIdQ")

PICTURE: Final = b"PICT"  # payload: rows of RGB bytes, `stride` bytes apart
SOUND: Final = b"SOND"  # payload: float32 samples in the machine's order, the channels of each moment together
DETAILS: Final = b"INFO"  # payload: JSON in UTF-8
REFUSAL: Final = b"FAIL"  # payload: why, in UTF-8; reads on after the name of the file
THE_END: Final = b"DONE"  # no payload

MAX_TEXT_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Header:
    """What comes before a message's payload.

    width, height: pixels as stored, or channels and moments of a sound; stride: bytes from row to row, or from moment
    to moment; quarter_turns: how often the picture must be turned counter-clockwise by 90 degrees to stand upright;
    timestamp_s; length: bytes of the payload.
    """

    kind: bytes
    width: int = 0
    height: int = 0
    stride: int = 0
    quarter_turns: int = 0
    timestamp_s: float = 0.0
    length: int = 0

    def pack(self) -> bytes:
        """The header as `HEADER.size` bytes."""
        return HEADER.pack(
            self.kind, self.width, self.height, self.stride, self.quarter_turns, self.timestamp_s, self.length
        )

    @classmethod
    def unpack(cls, data: bytes | bytearray) -> Header:
        """The header in `HEADER.size` bytes."""
        return cls(*HEADER.unpack(data))
