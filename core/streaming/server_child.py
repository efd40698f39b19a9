"""The server's own process: `python -m core.streaming.server_child`. Frames come on stdin, numbers go out on stdout.

A process of its own, so that no Python beside it can hold its lock, its own work takes nothing of the engine's, and
neither brings the other down (`docs/streaming.md` has both places measured). It ends when stdin ends, so it never
outlives the program that started it.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import signal
import sys
import time
from typing import Any

from core.errors import StreamError
from core.streaming.pipe_messages import FRAME, HEAD, METRICS, SETTINGS, PipeReader
from core.streaming.server import StreamServer
from core.streaming.server_settings import ServerSettings

REPORT_S = 0.5


class _Frames(asyncio.Protocol):
    """Hands the newest of what has come to the server."""

    def __init__(self, server: StreamServer, ended: asyncio.Event) -> None:
        self._server = server
        self._ended = ended
        self._reader = PipeReader()

    def data_received(self, data: bytes) -> None:
        newest: bytes | None = None
        for kind, payload in self._reader.feed(data):
            if kind == FRAME:
                newest = payload
            elif kind == METRICS:
                self._server.further_metrics = payload.decode("utf-8", "replace")
        if newest is not None:
            self._server.publish(newest)

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended.set()


def main() -> int:
    """Serves until stdin ends; 1 where it cannot listen, with the reason as the first line of stdout."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent says when to end
    kind, length = HEAD.unpack(_read_exactly(HEAD.size))
    if kind != SETTINGS:
        return 2
    values = json.loads(_read_exactly(length))
    settings = ServerSettings(**{**values, "origins": tuple(values["origins"])})
    return _run(_serve(settings))


async def _serve(settings: ServerSettings) -> int:
    server = StreamServer(settings)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    try:
        port = await server.start()
    except StreamError as error:
        _tell({"error": str(error)})
        return 1
    _tell({"port": port, "loop": type(loop).__module__.split(".")[0]})
    await loop.connect_read_pipe(lambda: _Frames(server, ended), os.fdopen(0, "rb", buffering=0))
    while not ended.is_set():
        try:
            async with asyncio.timeout(REPORT_S):
                await ended.wait()
        except TimeoutError:
            pass
        if not _tell({**server.status(), "processor_s": time.process_time()}):
            break
    await server.stop()
    return 0


def _run(work: Any) -> int:
    """Runs on uvloop where it is installed, else on asyncio's own loop."""
    try:
        uvloop = importlib.import_module("uvloop")
    except ImportError:
        return int(asyncio.run(work))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return int(runner.run(work))


def _tell(message: dict[str, Any]) -> bool:
    """Writes one line; False where nobody reads any more."""
    try:
        os.write(1, json.dumps(message).encode() + b"\n")
    except OSError:
        return False
    return True


def _read_exactly(count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = os.read(0, count - len(data))
        if not more:
            raise SystemExit(2)
        data += more
    return data


if __name__ == "__main__":
    sys.exit(main())
