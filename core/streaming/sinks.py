"""Where frames leave the hub: the WebSocket server, and datagrams in the format of another program."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from core.errors import StreamError
from core.streaming.codec import WIRES
from core.streaming.metrics import Metrics
from core.streaming.output import OutgoingFrame
from core.streaming.server_process import ServerProcess
from core.streaming.server_settings import ServerSettings
from core.streaming.state_record import pack_state

METRICS_S = 1.0
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class UdpTarget:
    """wire: a name of `WIRES`. port: the format's usual one where 0. options: of the format's module, None for its
    defaults. StreamError: no such wire or port."""

    wire: str
    host: str = LOOPBACK
    port: int = 0
    options: object = None

    def __post_init__(self) -> None:
        if self.wire not in WIRES:
            raise StreamError(f"Known formats are ws, {', '.join(WIRES)}, but not '{self.wire[:40]}'.")
        if not 0 <= self.port <= 65_535:
            raise StreamError(f"A port lies between 1 and 65535, but it is {self.port}.")


class UdpSink:
    """Datagrams to one address, never waiting for the network. StreamError: the host's name is not known."""

    sends_at_once = False  # some formats take a millisecond or two to write

    def __init__(self, target: UdpTarget) -> None:
        wire = WIRES[target.wire]
        self.title = wire.title
        port = target.port or wire.default_port
        self.address = f"{target.host}:{port}"
        self._encoder = wire.make_encoder() if target.options is None else wire.make_encoder(target.options)
        try:
            family, _, _, _, to = socket.getaddrinfo(target.host, port, type=socket.SOCK_DGRAM)[0]
        except OSError:
            raise StreamError(
                f"There is no machine named '{target.host}'. Check the name, or give its address."
            ) from None
        self._to: tuple[Any, ...] = to
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._packets = self._bytes = 0

    def send(self, frame: OutgoingFrame) -> bool:
        """All datagrams of the frame; False where the system's buffer is full. OSError: the network refused."""
        for packet in self._encoder.encode(frame.state):
            try:
                self._socket.sendto(packet, self._to)
            except BlockingIOError:
                return False
            self._packets += 1
            self._bytes += len(packet)
        return True

    def is_alive(self) -> bool:
        """Always: a receiver that is not there yet may come."""
        return True

    def details(self) -> Mapping[str, Any]:
        """Packets and bytes so far."""
        return {"packets": self._packets, "bytes": self._bytes}

    def close(self) -> None:
        """Frees the socket."""
        self._socket.close()


class WebSocketServer(Protocol):
    """What stands behind the sink: `ServerProcess`, or `ServerThread` to compare with."""

    port: int

    @property
    def is_alive(self) -> bool: ...

    def send(self, record: bytes) -> bool: ...
    def send_metrics(self, text: str) -> None: ...
    def status(self) -> Mapping[str, Any]: ...
    def close(self) -> None: ...


class WebSocketSink:
    """The WebSocket server, in its own process. StreamError: it cannot listen there."""

    title = "WebSocket"
    sends_at_once = True

    def __init__(
        self,
        settings: ServerSettings,
        metrics: Metrics,
        make_server: Callable[[ServerSettings], WebSocketServer] = ServerProcess,
    ) -> None:
        self._server = make_server(settings)
        self.port = self._server.port
        self._metrics = metrics
        self._told_s = time.monotonic()
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        self.address = f"ws://{host}:{self._server.port}"

    def send(self, frame: OutgoingFrame) -> bool:
        """Hands the frame to the server; False where its process has no time for it. StreamError: it has ended."""
        if frame.tracked_s - self._told_s > METRICS_S:
            self._told_s = frame.tracked_s
            self._server.send_metrics(self._metrics.text())
        return self._server.send(pack_state(frame.state, frame.sequence, frame.arrived_s, frame.tracked_s))

    def is_alive(self) -> bool:
        """Whether its process runs."""
        return self._server.is_alive

    def details(self) -> Mapping[str, Any]:
        """The server's numbers: clients, sent, dropped, delays in seconds."""
        return self._server.status()

    def close(self) -> None:
        """Ends the server; its clients are told."""
        self._server.close()
