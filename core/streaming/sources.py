"""Where faces come from, beside a camera: a take or a voice at its own times, packets of a capture app, another
stream of ours.

A source belongs to the thread that asks it.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from core.animation.take import Take
from core.errors import StreamError
from core.streaming.codec import WIRES
from core.streaming.codecs.ifacialmocap import HELLO_V1
from core.streaming.record import is_record, sequence_of
from core.streaming.server_settings import BINARY_PROTOCOL
from core.streaming.state_record import unpack_state
from core.structures import FaceState

Clock = Callable[[], float]
Sleep = Callable[[float], None]

LOOPBACK = "127.0.0.1"
SENDER_S = 2.0  # after so long a silence another sender may take over the port
GREETING_S = 5.0
MAX_PACKET_BYTES = 65_536
OPEN_S = 10.0
LATE_S = 0.25  # a take that fell behind by more leaves frames out


@dataclass(frozen=True, slots=True, eq=False)
class SourceFrame:
    """The faces of one frame; arrived_s: when it came, seconds of the monotonic clock."""

    states: tuple[FaceState, ...]
    arrived_s: float


class Source(Protocol):
    """What the command asks."""

    def next(self, patience_s: float) -> SourceFrame | None:
        """The next frame, after waiting for it; None when none came within about patience_s, or it is over."""
        ...

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        ...

    @property
    def notice(self) -> str:
        """What a person should know at this moment; empty where all is well."""
        ...

    def close(self) -> None:
        """Frees what it holds."""
        ...


class StateSource:
    """Faces at their own times; the next one is asked for when the one before has been given."""

    notice = ""

    def __init__(self, states: Iterator[FaceState], clock: Clock = time.monotonic, sleep: Sleep = time.sleep) -> None:
        self._states = states
        self._clock, self._sleep = clock, sleep
        self._started_s: float | None = None
        self._waiting: FaceState | None = None
        self.is_over = False

    def next(self, patience_s: float) -> SourceFrame | None:
        """The state whose time has come."""
        state = self._waiting or next(self._states, None)
        self._waiting = None
        if state is None:
            self.is_over = True
            return None
        now_s = self._clock()
        if self._started_s is None or now_s - self._started_s - state.timestamp_s > LATE_S:
            self._started_s = now_s - state.timestamp_s
        due_s = self._started_s + state.timestamp_s
        if due_s - now_s > patience_s:
            self._waiting = state
            self._sleep(patience_s)
            return None
        self._sleep(max(0.0, due_s - now_s))
        return SourceFrame((state,), self._clock())

    def close(self) -> None:
        """Ends what makes the faces."""
        close = getattr(self._states, "close", None)
        if close is not None:
            close()


class TakeSource(StateSource):
    """A recorded take at its own times, once or again and again."""

    def __init__(
        self, take: Take, once: bool = False, clock: Clock = time.monotonic, sleep: Sleep = time.sleep
    ) -> None:
        super().__init__(take.replay(1 if once else None), clock, sleep)


class PacketSource:
    """Packets of a capture app. host: this machine's address to listen on, 127.0.0.1 where empty; for iFacialMocap also
    the phone's, which is then asked to send. One sender at a time is heard. StreamError: the port is taken."""

    def __init__(self, wire: str, host: str = "", port: int = 0, clock: Clock = time.monotonic) -> None:
        if wire not in WIRES:
            raise StreamError(f"Faces come as ws, {', '.join(WIRES)}, but not as '{wire[:40]}'.")
        self._decoder = WIRES[wire].make_decoder()
        self._clock = clock
        self._phone: tuple[str, int] | None = None
        self._greeted_s = -GREETING_S
        self._sender: str | None = None
        self._heard_s = clock()
        self.unreadable = 0
        self._reason = ""
        self.is_over = False
        port = port or WIRES[wire].default_port
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._bind(wire, host or LOOPBACK, port)
        except BaseException:
            self._socket.close()
            raise
        self.port = int(self._socket.getsockname()[1])

    @property
    def notice(self) -> str:
        """That nothing comes, or that what comes cannot be read."""
        if self._reason:
            return f"{self.unreadable} packets could not be read: {self._reason}"
        return "no packets" if self._clock() - self._heard_s > SENDER_S else ""

    def next(self, patience_s: float) -> SourceFrame | None:
        """The frame that the next packet completes."""
        self._greet()
        self._socket.settimeout(max(0.001, patience_s))
        try:
            packet, sender = self._socket.recvfrom(MAX_PACKET_BYTES)
        except (TimeoutError, ConnectionError):
            return None
        received_s = self._clock()
        if not self._is_heard(str(sender[0]), received_s):
            return None
        try:
            state = self._decoder.decode(packet, received_s)
        except StreamError as error:
            self.unreadable += 1
            self._reason = str(error)
            return None
        self._reason = ""
        return None if state is None else SourceFrame((state,), received_s)

    def close(self) -> None:
        """Frees the port."""
        self._socket.close()

    def _bind(self, wire: str, host: str, port: int) -> None:
        try:
            self._socket.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL and wire == "ifacialmocap":
                self._phone = (host, port)
                self._bind("", "0.0.0.0", port)
                return
            raise StreamError(
                f"Cannot listen on {host} port {port}: {error.strerror or error}. "
                "Give an address of this machine and a port that no other program uses."
            ) from None

    def _greet(self) -> None:
        """The phone sends to whom it was asked by, and forgets after a while."""
        now_s = self._clock()
        if self._phone is not None and now_s - self._greeted_s >= GREETING_S:
            self._greeted_s = now_s
            self._socket.sendto(HELLO_V1, self._phone)

    def _is_heard(self, sender: str, now_s: float) -> bool:
        if self._phone is not None and sender != self._phone[0]:
            return False
        if self._sender not in (None, sender) and now_s - self._heard_s < SENDER_S:
            return False
        if sender != self._sender:
            self._sender = sender
        self._heard_s = now_s
        return True


class StreamSource:
    """Another stream of ours. url: ws://host:port. StreamError: nobody there, or not let in."""

    def __init__(self, url: str, token: str = "", clock: Clock = time.monotonic) -> None:
        from websockets.exceptions import WebSocketException
        from websockets.sync.client import connect
        from websockets.typing import Subprotocol

        self._clock = clock
        self._url = url
        self.is_over = False
        self.notice = ""
        try:
            self._connection = connect(
                url, subprotocols=[Subprotocol(BINARY_PROTOCOL)], compression=None, open_timeout=OPEN_S,
                max_size=MAX_PACKET_BYTES, close_timeout=1.0,
            )  # fmt: skip
            if token:
                self._connection.send(json.dumps({"type": "auth", "token": token}))
            hello: Any = json.loads(self._connection.recv(OPEN_S))
        except (OSError, WebSocketException, ValueError) as error:
            reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
            raise StreamError(f"No stream at {url}: {reason}. Check address, port and token.") from None
        self.rig_name = str(hello.get("rig", "")) if isinstance(hello, dict) else ""

    def next(self, patience_s: float) -> SourceFrame | None:
        """The next frame, acknowledged."""
        from websockets.exceptions import ConnectionClosed

        try:
            message = self._connection.recv(patience_s)
            received_s = self._clock()
            if not isinstance(message, bytes) or not is_record(message):
                return None
            self._connection.send(sequence_of(message).to_bytes(4, "little"))
        except TimeoutError:
            return None
        except ConnectionClosed as error:
            self.is_over = True
            self.notice = f"{self._url} closed the stream: {error}"
            return None
        return SourceFrame((unpack_state(message, received_s),), received_s)

    def close(self) -> None:
        """Leaves the stream."""
        self._connection.close()
