"""Clients to measure the stream with, in a process of their own: `python -m core.bench.stream_client PLAN`.

Plain sockets and a reader that knows nothing but these frames, so that the server is measured and not the client.
PLAN is JSON: port, clients, duration_s, stalls_at_s and stall_s (the first client then reads nothing for so long). Port
0: bare datagrams without any server, which tells what the machine itself takes for one hop. It prints the ports of its
datagrams when all are ready, waits for a line on stdin, and at the end prints one JSON object a client.
"""

from __future__ import annotations

import base64
import json
import os
import selectors
import socket
import struct
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from core.streaming.record import HEADER, RECORD

BINARY = 0x82
SMALL, MEDIUM = 125, 126
OPEN_S = 30.0
STALE_S = 0.1
WARM_UP_S = 1.0
MASK = b"\0\0\0\0"  # a mask of zeros is a mask: RFC 6455 asks for one from every client


@dataclass
class Plan:
    """What the clients of this process do."""

    port: int
    clients: int
    duration_s: float
    stalls_at_s: float | None = None
    stall_s: float = 0.0


@dataclass
class Heard:
    """What one client got.

    delays_ms: face known to received; ages_ms: frame arrived to sent. stale: frames that had been sent 0.1 s or more
    before the client read on. lost: numbers that it never saw between its first and last. resumed_s: when it read on.
    """

    delays_ms: list[float] = field(default_factory=list)
    ages_ms: list[float] = field(default_factory=list)
    stale: int = 0
    lost: int = 0
    last: int | None = None
    resumed_s: float = 0.0

    def add(self, record: bytes, received_s: float) -> None:
        """Counts one frame."""
        _, _, _, sequence, _, _, arrived_s, tracked_s, sent_s = HEADER.unpack_from(record)
        self.delays_ms.append(1000.0 * (received_s - tracked_s))
        self.ages_ms.append(1000.0 * (sent_s - arrived_s))
        self.stale += sent_s < self.resumed_s - STALE_S
        self.lost += 0 if self.last is None else max(0, sequence - self.last - 1)
        self.last = sequence


class LeanClient:
    """One connection that reads frames and acknowledges them."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), OPEN_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            (
                f"GET /stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Protocol: liveavatar.f32.v1\r\n\r\n"
            ).encode()
        )
        self._data = b""
        while b"\r\n\r\n" not in self._data:
            self._data += self.socket.recv(4096)
        head, self._data = self._data.split(b"\r\n\r\n", 1)
        if b" 101 " not in head.split(b"\r\n", 1)[0]:
            raise SystemExit(f"the server refused: {head[:80]!r}")
        self.heard = Heard()
        self.socket.setblocking(False)

    def read(self) -> None:
        """Takes what has come."""
        self._data += self.socket.recv(65_536)
        received_s = time.monotonic()
        while (frame := self._next()) is not None:
            opcode, payload = frame
            if opcode == BINARY:
                self._hear(payload, received_s)

    def _next(self) -> tuple[int, bytes] | None:
        data = self._data
        if len(data) < 4:
            return None
        length, start = data[1], 2
        if length == MEDIUM:
            length, start = struct.unpack_from(">H", data, 2)[0], 4
        if len(data) < start + length:
            return None
        self._data = data[start + length :]
        return data[0], data[start : start + length]

    def _hear(self, record: bytes, received_s: float) -> None:
        if len(record) == RECORD.size:
            self.heard.add(record, received_s)
            self.socket.sendall(b"\x82\x84" + MASK + struct.pack("<I", self.heard.last or 0))


class DatagramClient:
    """Reads records that come as bare datagrams."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.heard = Heard()

    def read(self) -> None:
        """Takes one datagram."""
        record = self.socket.recv(65_536)
        self.heard.add(record, time.monotonic())


def listen(clients: Sequence[LeanClient | DatagramClient], plan: Plan) -> None:
    """Reads from all until the duration is over; what waited since they connected is read first and not counted."""
    waiting = selectors.DefaultSelector()
    for client in clients:
        waiting.register(client.socket, selectors.EVENT_READ, client)
    started_s = time.monotonic()
    is_warm = False
    stalled: LeanClient | DatagramClient | None = None
    stalls_at_s = plan.stalls_at_s
    while (passed_s := time.monotonic() - started_s) < WARM_UP_S + plan.duration_s:
        if stalls_at_s is not None and stalled is None and passed_s >= stalls_at_s:
            stalled = clients[0]
            waiting.unregister(stalled.socket)
        if stalled is not None and stalls_at_s is not None and passed_s >= stalls_at_s + plan.stall_s:
            stalled.heard.resumed_s = time.monotonic()
            waiting.register(stalled.socket, selectors.EVENT_READ, stalled)
            stalled, stalls_at_s = None, None
        if not is_warm and passed_s >= WARM_UP_S:
            is_warm = True
            for client in clients:
                client.heard = Heard()
        for key, _ in waiting.select(0.05):
            ready: LeanClient | DatagramClient = key.data
            ready.read()


def main() -> int:
    """Runs the plan on the command line."""
    values: dict[str, Any] = json.loads(sys.argv[1])
    plan = Plan(**values)
    clients: list[LeanClient | DatagramClient] = [
        LeanClient(plan.port) if plan.port else DatagramClient() for _ in range(plan.clients)
    ]
    os.write(1, json.dumps([client.socket.getsockname()[1] for client in clients]).encode() + b"\n")
    sys.stdin.readline()
    listen(clients, plan)
    for client in clients:
        os.write(1, json.dumps(asdict(client.heard)).encode() + b"\n")
        client.socket.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
