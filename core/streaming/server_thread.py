"""The server in a thread with a loop of its own: for tests, and to measure what it costs to stand beside inference in
one process (`python -m core bench stream`)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from typing import Any

from core.streaming.server import StreamServer
from core.streaming.server_settings import ServerSettings

STOP_S = 5.0


class ServerThread:
    """The same face as `ServerProcess`. StreamError: it cannot listen there."""

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings
        self.dropped = 0
        self._loop = asyncio.new_event_loop()
        self.loop = type(self._loop).__module__.split(".")[0]
        self._server = StreamServer(settings)
        self._thread = threading.Thread(target=self._loop.run_forever, name="stream-server", daemon=True)
        self._thread.start()
        try:
            self.port = asyncio.run_coroutine_threadsafe(self._server.start(), self._loop).result()
        except BaseException:
            self._end()
            raise

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def send(self, record: bytes) -> bool:
        """Hands over a frame."""
        self._loop.call_soon_threadsafe(self._server.publish, record)
        return True

    def send_metrics(self, text: str) -> None:
        """What /metrics shows of this program, beside the server's own."""
        self._server.further_metrics = text

    def status(self) -> Mapping[str, Any]:
        """The server's numbers of this moment."""
        return self._server.status()

    def close(self) -> None:
        """Ends the server; its clients are told."""
        asyncio.run_coroutine_threadsafe(self._server.stop(), self._loop).result(STOP_S)
        self._end()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STOP_S)
        if not self._thread.is_alive():
            self._loop.close()
