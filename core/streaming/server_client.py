"""One client of the WebSocket server: what is under way to it, and what it may say."""

from __future__ import annotations

import json
import struct
from collections import deque
from typing import Any

from websockets.asyncio.server import ServerConnection

from core.errors import StreamError
from core.streaming.record import SEQUENCES
from core.streaming.server_settings import BINARY_PROTOCOL

ACKNOWLEDGEMENT = struct.Struct("<I")
BURST_S = 2.0  # how many seconds' worth of messages may come at once


class Client:
    """Credit: at most `credit` frames are under way that the client has not acknowledged.

    An acknowledgement of frame N stands for all frames up to N. Times are seconds of one clock.
    """

    def __init__(self, connection: ServerConnection, credit: int, messages_per_s: float, now_s: float) -> None:
        self.connection = connection
        self.is_binary = connection.subprotocol == BINARY_PROTOCOL
        self.since_s = now_s
        self.sent = self.dropped = 0
        self.lag_s: float | None = None
        self.is_behind = False
        self._credit = credit
        self._unanswered: deque[tuple[int, float]] = deque()
        self._messages_per_s = messages_per_s
        self._allowance, self._allowance_at_s = BURST_S * messages_per_s, now_s

    @property
    def has_credit(self) -> bool:
        """Whether one more frame may go out."""
        return len(self._unanswered) < self._credit

    @property
    def waiting_bytes(self) -> int:
        """What the server still holds for this client because the network did not take it."""
        return int(self.connection.transport.get_write_buffer_size())

    def note_sent(self, sequence: int, now_s: float) -> None:
        """One frame went out."""
        self._unanswered.append((sequence, now_s))
        self.sent += 1
        self.is_behind = False

    def note_dropped(self) -> None:
        """One frame did not go out; the newest follows when there is credit."""
        self.dropped += 1
        self.is_behind = True

    def acknowledge(self, sequence: int, now_s: float) -> float | None:
        """Seconds from sending that frame to now; None where it answers nothing that is under way."""
        lag_s = None
        while self._unanswered and _is_up_to(self._unanswered[0][0], sequence):
            number, sent_s = self._unanswered.popleft()
            if number == sequence:
                lag_s = now_s - sent_s
        self.lag_s = lag_s if lag_s is not None else self.lag_s
        return lag_s

    def silent_s(self, now_s: float) -> float:
        """How long the oldest frame under way waits for its acknowledgement."""
        return now_s - self._unanswered[0][1] if self._unanswered else 0.0

    def may_speak(self, now_s: float) -> bool:
        """Whether one more message from the client is within its rate."""
        gained = (now_s - self._allowance_at_s) * self._messages_per_s
        self._allowance = min(BURST_S * self._messages_per_s, self._allowance + gained)
        self._allowance_at_s = now_s
        self._allowance -= 1.0
        return self._allowance >= 0.0


def read_message(message: str | bytes) -> dict[str, Any]:
    """A client's message as an object with `type`; four bytes are an acknowledgement. StreamError: neither."""
    if isinstance(message, bytes):
        if len(message) != ACKNOWLEDGEMENT.size:
            raise StreamError(f"A binary message is 4 bytes, the number of a frame, but this one has {len(message)}.")
        return {"type": "ack", "seq": ACKNOWLEDGEMENT.unpack(message)[0]}
    try:
        read = json.loads(message)
    except (ValueError, RecursionError):
        raise StreamError("A message is a JSON object with 'type', but this one is not JSON.") from None
    if not isinstance(read, dict) or not isinstance(read.get("type"), str):
        raise StreamError("A message is a JSON object with 'type', but this one is not.")
    if read["type"] == "ack" and not (type(read.get("seq")) is int and 0 <= read["seq"] < SEQUENCES):
        raise StreamError('An acknowledgement names a frame: {"type": "ack", "seq": 17}.')
    return read


def _is_up_to(number: int, sequence: int) -> bool:
    """number <= sequence, also where the count went over 2**32."""
    return (sequence - number) % SEQUENCES < SEQUENCES // 2
