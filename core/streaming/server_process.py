"""Starts the server's process, hands it frames without ever waiting for it, and ends it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from select import POLLIN, poll
from typing import Any

from core.errors import StreamError
from core.streaming.pipe_messages import FRAME, METRICS, SETTINGS, framed
from core.streaming.server_settings import ServerSettings

REPOSITORY = Path(__file__).resolve().parents[2]
START_S = 30.0
STOP_S = 5.0


class ServerProcess:
    """One WebSocket server beside this program. `send`, `status` and `close` may be called from any thread.

    StreamError: it cannot listen there, or did not start.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings
        self.dropped = 0  # frames that the process was too busy to take
        self._lock = threading.Lock()
        self._rest = b""
        self._status: Mapping[str, Any] = {}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "core.streaming.server_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": os.pathsep.join((str(REPOSITORY), *_path_of_parent()))},
            start_new_session=True,  # a signal to our whole group must not end it before its clients were told
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        try:
            # Over the pipe and not as words of the command, which everybody here can read: the token is there.
            self._stdin.write(framed(SETTINGS, json.dumps(asdict(settings)).encode()))
            first = self._first_line()
        except BaseException as error:
            self._end()
            self._stdout.close()
            if isinstance(error, BrokenPipeError):
                raise StreamError("The WebSocket server's process ended before it had started.") from None
            raise
        self.port = int(first["port"])
        self.loop = str(first["loop"])
        os.set_blocking(self._stdin.fileno(), False)
        self._reader = threading.Thread(target=self._read_status, name="stream-status", daemon=True)
        self._reader.start()

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    @property
    def process_id(self) -> int:
        return self._process.pid

    def send(self, record: bytes) -> bool:
        """Hands over a frame; False where the pipe is full and it is left out. StreamError: the process ended."""
        return self._write(framed(FRAME, record))

    def send_metrics(self, text: str) -> None:
        """What /metrics shows of this program, beside the server's own."""
        self._write(framed(METRICS, text.encode()))

    def status(self) -> Mapping[str, Any]:
        """The server's newest numbers, at most half a second old; empty before the first."""
        return self._status

    def close(self) -> None:
        """Ends the server; its clients are told."""
        self._end()
        self._reader.join(STOP_S)
        self._stdout.close()

    def _write(self, message: bytes) -> bool:
        with self._lock:
            if self._stdin.closed or not self.is_alive:
                raise StreamError("The WebSocket server's process has ended. Start the output again.")
            try:
                if self._rest:
                    self._rest = self._rest[os.write(self._stdin.fileno(), self._rest) :]
                if not self._rest:
                    self._rest = message[os.write(self._stdin.fileno(), message) :]
                    return True
            except BlockingIOError:
                pass
            except OSError:
                raise StreamError("The WebSocket server's process has ended. Start the output again.") from None
            self.dropped += 1
            return False

    def _first_line(self) -> dict[str, Any]:
        waiting = poll()
        waiting.register(self._stdout.fileno(), POLLIN)
        line = self._stdout.readline() if waiting.poll(START_S * 1000) else b""
        if not line:
            raise StreamError("The WebSocket server's process did not start. Run `python -m core doctor`.")
        first: dict[str, Any] = json.loads(line)
        if "error" in first:
            raise StreamError(first["error"])
        return first

    def _read_status(self) -> None:
        for line in self._stdout:
            with suppress(ValueError):
                self._status = json.loads(line)

    def _end(self) -> None:
        with self._lock, suppress(OSError):
            self._stdin.close()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _path_of_parent() -> tuple[str, ...]:
    path = os.environ.get("PYTHONPATH")
    return (path,) if path else ()
