"""What goes over the pipe to the server's process: kind and length, then the payload."""

from __future__ import annotations

import struct
from collections.abc import Iterator

HEAD = struct.Struct("<BI")
SETTINGS, FRAME, METRICS = 1, 2, 3
MAX_BYTES = 1 << 20


def framed(kind: int, payload: bytes) -> bytes:
    """One message."""
    return HEAD.pack(kind, len(payload)) + payload


class PipeReader:
    """Cuts what comes into messages."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """The messages (kind, payload) that are whole now. ValueError: one that cannot be ours."""
        self._data += data
        while len(self._data) >= HEAD.size:
            kind, length = HEAD.unpack_from(self._data)
            if length > MAX_BYTES:
                raise ValueError(f"a message of {length} bytes on the pipe")
            end = HEAD.size + length
            if len(self._data) < end:
                return
            payload = bytes(self._data[HEAD.size : end])
            del self._data[:end]
            yield kind, payload
