"""The WebSocket server: faces to any number of browsers and programs, each at its own pace.

Subprotocols `liveavatar.json.v1` (text, by name) and `liveavatar.f32.v1` (`core.streaming.record`); without one a
client gets JSON. Text from the client is JSON in both: `{"type": "ack", "seq": N}`, `{"type": "ping", "t": anything}`,
and first of all `{"type": "auth", "token": ...}` where a token is set. `docs/streaming.md` has the whole protocol.

Newest wins: a client that has too much unanswered gets nothing until it answers, then the newest frame. All methods
belong to the loop that called `start`.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed, NegotiationError
from websockets.http11 import Request, Response
from websockets.typing import Origin, Subprotocol

from core.blendshapes import ARKIT_NAMES, EMOTIONS
from core.errors import StreamError
from core.streaming.metrics import Metrics
from core.streaming.record import (
    RECORD,
    field_offsets,
    is_record,
    plain_record,
    sequence_of,
    stamped,
    times_of,
)
from core.streaming.server_client import Client, read_message
from core.streaming.server_settings import (
    BINARY_PROTOCOL,
    CLOSE_FLOOD,
    CLOSE_SILENT,
    CLOSE_TOKEN,
    JSON_PROTOCOL,
    ServerSettings,
)

LOOPBACK_PAGES = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?")
PATIENCE_S = 1.0  # how often silent clients are looked for
CLOSE_S = 2.0
PING_S, PONG_S = 20.0, 45.0  # a client may stand still for 20 s without losing its connection
POLICY = 1008

# The library tells of every refused handshake with a traceback; here they are counted.
_QUIET = logging.getLogger("core.streaming.websockets")
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False


class StreamServer:
    """metrics: where it counts. clock: seconds, monotonic, the one of the records' stamps."""

    def __init__(
        self, settings: ServerSettings, metrics: Metrics | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.settings = settings
        self.metrics = metrics or Metrics("liveavatar")
        self.further_metrics = ""  # text of the process that hands over the frames
        self._clock = clock
        self._clients: set[Client] = set()
        self._addresses: Counter[str] = Counter()
        self._newest: bytes | None = None
        self._server: Server | None = None
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> int:
        """Listens and returns the port. StreamError: taken, or no such address."""
        settings = self.settings
        try:
            self._server = await serve(
                self._handle, settings.host, settings.port,
                origins=[None, LOOPBACK_PAGES, *map(_origin, settings.origins)],
                subprotocols=[Subprotocol(BINARY_PROTOCOL), Subprotocol(JSON_PROTOCOL)],
                select_subprotocol=_chosen_subprotocol,
                process_request=self._answer_http,
                compression=None,  # costs time and memory for each client, and lets a client send a bomb
                server_header=None,
                open_timeout=settings.open_s, close_timeout=CLOSE_S, ping_interval=PING_S, ping_timeout=PONG_S,
                max_size=settings.max_message_bytes, max_queue=32, write_limit=settings.max_waiting_bytes,
                logger=_QUIET, create_connection=self._connection_class(),
            )  # fmt: skip
        except OSError as error:
            raise StreamError(
                f"Cannot listen on {settings.host} port {settings.port}: {os.strerror(error.errno or 0)}. "
                "Stop the program that uses it, or choose another port."
            ) from None
        self._watch = asyncio.create_task(self._watch_clients())
        return int(next(iter(self._server.sockets)).getsockname()[1])

    async def stop(self) -> None:
        """Says goodbye to every client and frees the port."""
        if self._watch is not None:
            self._watch.cancel()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        self._watch = self._server = None

    def publish(self, record: bytes) -> None:
        """Sends this record to every client that has answered what it got."""
        if not is_record(record):
            raise StreamError("The server was handed something else than a record of a face.")
        self._newest = record
        ready = [client for client in self._clients if self._may_send(client)]
        for client in self._clients.difference(ready):
            client.note_dropped()
            self.metrics.count("frames_dropped_total", "Frames a client did not get because it was behind")
        now_s = self._clock()
        arrived_s, tracked_s = times_of(record)
        self.metrics.count("frames_total", "Frames that reached the server")
        for stage, from_s, to_s in (
            ("tracking", arrived_s, tracked_s),
            ("to_socket", tracked_s, now_s),
            ("arrival_to_socket", arrived_s, now_s),
        ):
            self.metrics.observe("stage_seconds", "Time by stage", to_s - from_s, stage=stage)
        self._send(record, ready, now_s)

    def status(self) -> dict[str, Any]:
        """The numbers of this moment, plain values: clients, sent, dropped, delays in seconds."""
        metrics = self.metrics
        return {
            "clients": len(self._clients),
            "frames": int(metrics.value("frames_total")),
            "sent": int(metrics.value("frames_sent_total")),
            "dropped": int(metrics.value("frames_dropped_total")),
            "delay_s": metrics.quantile("stage_seconds", 0.5, stage="to_socket"),
            "age_s": metrics.quantile("stage_seconds", 0.5, stage="arrival_to_socket"),
            "answer_s": metrics.quantile("answer_seconds", 0.5),
        }

    def _may_send(self, client: Client) -> bool:
        # A client may answer frames that it never read: what waits for it is bounded by itself.
        return client.has_credit and client.waiting_bytes <= self.settings.max_waiting_bytes

    def _send(self, record: bytes, clients: Sequence[Client], now_s: float) -> None:
        sequence = sequence_of(record)
        record = stamped(record, now_s)
        binary = [client for client in clients if client.is_binary]
        text = [client for client in clients if not client.is_binary]
        if binary:
            broadcast([client.connection for client in binary], record)
        if text:
            message = json.dumps(plain_record(record), separators=(",", ":"), allow_nan=False)
            broadcast([client.connection for client in text], message)
        for client in clients:
            client.note_sent(sequence, now_s)
        if clients:
            self.metrics.count("frames_sent_total", "Frames sent, one for each client", len(clients))

    async def _handle(self, connection: ServerConnection) -> None:
        try:
            if not await self._is_let_in(connection):
                return
            client = Client(connection, self.settings.credit, self.settings.messages_per_s, self._clock())
            await connection.send(json.dumps(self._hello(client)))
            self._clients.add(client)
            self.metrics.set("clients", "Clients that get frames", len(self._clients))
            try:
                await self._listen(client)
            finally:
                self._clients.discard(client)
                self.metrics.set("clients", "Clients that get frames", len(self._clients))
        except ConnectionClosed:
            pass  # how most clients leave

    async def _is_let_in(self, connection: ServerConnection) -> bool:
        if not self.settings.token:
            return True
        try:
            async with asyncio.timeout(self.settings.open_s):
                said = read_message(await connection.recv())
        except (TimeoutError, StreamError):
            said = {}
        token = said.get("token") if said.get("type") == "auth" else None
        if isinstance(token, str) and hmac.compare_digest(token.encode(), self.settings.token.encode()):
            return True
        self.metrics.count("refused_total", "Connections that were not let in", reason="token")
        await connection.close(CLOSE_TOKEN, 'say {"type": "auth", "token": "..."} first, with the right token')
        return False

    async def _listen(self, client: Client) -> None:
        async for message in client.connection:
            received_s = self._clock()
            if not client.may_speak(received_s):
                self.metrics.count("closed_total", "Clients that were closed", reason="flood")
                await client.connection.close(CLOSE_FLOOD, "too many messages")
                return
            try:
                said = read_message(message)
            except StreamError as error:
                self.metrics.count("closed_total", "Clients that were closed", reason="message")
                await client.connection.close(POLICY, str(error)[:120])
                return
            if said["type"] == "ack":
                self._acknowledge(client, said["seq"], received_s)
            elif said["type"] == "ping":
                pong = {"type": "pong", "t": said.get("t"), "received_s": received_s, "sent_s": self._clock()}
                await client.connection.send(json.dumps(pong))

    def _acknowledge(self, client: Client, sequence: int, now_s: float) -> None:
        lag_s = client.acknowledge(sequence, now_s)
        if lag_s is not None:
            self.metrics.observe("answer_seconds", "Time from sending a frame to its acknowledgement", lag_s)
        if client.is_behind and self._newest is not None and self._may_send(client):
            self._send(self._newest, [client], now_s)

    async def _watch_clients(self) -> None:
        while True:
            await asyncio.sleep(PATIENCE_S)
            now_s = self._clock()
            late = [client for client in self._clients if client.silent_s(now_s) > self.settings.acknowledge_s]
            for client in late:
                self._clients.discard(client)
                self.metrics.count("closed_total", "Clients that were closed", reason="silent")
            await asyncio.gather(*(self._close_silent(client) for client in late), return_exceptions=True)

    async def _close_silent(self, client: Client) -> None:
        await client.connection.close(CLOSE_SILENT, 'no acknowledgement: answer frames with {"type":"ack","seq":N}')

    def _hello(self, client: Client) -> dict[str, Any]:
        return {
            "type": "hello",
            "protocol": BINARY_PROTOCOL if client.is_binary else JSON_PROTOCOL,
            "rig": self.settings.rig_name,
            "rate_hz": self.settings.rate_hz,
            "credit": self.settings.credit,
            "clock": {"name": "monotonic", "now_s": self._clock()},
            "blendshapes": list(ARKIT_NAMES),
            "emotions": list(EMOTIONS),
            "record_bytes": RECORD.size,
            "fields": {name: {"offset": at, "count": count} for name, (at, count) in field_offsets().items()},
        }

    def _answer_http(self, connection: ServerConnection, request: Request) -> Response | None:
        path = request.path.split("?", 1)[0]
        if path == "/metrics":
            return self._metrics_page(connection, request)
        if path not in ("/", "/stream"):
            return connection.respond(HTTPStatus.NOT_FOUND, "Here are /stream (WebSocket) and /metrics.\n")
        return None

    def _metrics_page(self, connection: ServerConnection, request: Request) -> Response:
        wanted = f"Bearer {self.settings.token}".encode()
        given = (request.headers.get("Authorization") or "").encode()
        if self.settings.token and not hmac.compare_digest(given, wanted):
            return connection.respond(HTTPStatus.UNAUTHORIZED, "Authorization: Bearer and the token are missing.\n")
        response = connection.respond(HTTPStatus.OK, self.metrics.text() + self.further_metrics)
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = "text/plain; version=0.0.4; charset=utf-8"
        return response

    def _connection_class(self) -> type[ServerConnection]:
        """Connections that count from the first byte, so that half-open ones stand within the caps too."""
        stream = self

        class CountedConnection(ServerConnection):
            counted_as: str | None = None

            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                super().connection_made(transport)
                address = str((transport.get_extra_info("peername") or ("",))[0])
                settings, addresses = stream.settings, stream._addresses
                if addresses.total() >= settings.max_connections or addresses[address] >= settings.max_per_address:
                    stream.metrics.count("refused_total", "Connections that were not let in", reason="too many")
                    self.transport.abort()
                    return
                addresses[address] += 1
                self.counted_as = address

            def connection_lost(self, exc: Exception | None) -> None:
                if self.counted_as is not None:
                    stream._addresses[self.counted_as] -= 1
                    if not stream._addresses[self.counted_as]:
                        del stream._addresses[self.counted_as]
                super().connection_lost(exc)

        return CountedConnection


def _origin(text: str) -> Origin | re.Pattern[str]:
    """An allowed page; `:*` at its end stands for any port."""
    return re.compile(re.escape(text[:-2]) + r"(:\d+)?") if text.endswith(":*") else Origin(text)


def _chosen_subprotocol(_connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """The first of ours that the client names; none where it names none, and a refusal where all are foreign."""
    if not offered:
        return None
    for name in offered:
        if name in (BINARY_PROTOCOL, JSON_PROTOCOL):
            return name
    raise NegotiationError(f"known subprotocols are {JSON_PROTOCOL} and {BINARY_PROTOCOL}")
