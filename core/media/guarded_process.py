"""Starts the decoding child, reads its messages with patience but not for ever, and always ends it.

`subprocess` with `-m` and not `multiprocessing`: forking a process that runs threads (Streamlit, WebRTC) can lock up,
and spawning imports the main script again.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.errors import MediaError
from core.media.limits import ProcessLimits
from core.media.messages import HEADER, MAX_TEXT_BYTES, PICTURE, REFUSAL, SOUND, Header

REPOSITORY = Path(__file__).resolve().parents[2]
PIPE_BYTES = 1 << 20  # a whole 640x480 frame fits, so the child decodes the next one meanwhile
ELEMENT_BYTES = {PICTURE: 3, SOUND: 4}
F_SETPIPE_SZ = 1031  # Linux; absent in the fcntl module of other systems


class GuardedProcess:
    """One decoding child. label: how messages call the file, e.g. `'me.jpg'`."""

    def __init__(self, label: str, request: dict[str, Any], payload: bytes, limits: ProcessLimits) -> None:
        self._label = label
        self._patience_s = limits.patience_s
        self._process = subprocess.Popen(
            [sys.executable, "-m", "core.media.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), "MALLOC_ARENA_MAX": "2"},
            start_new_session=True,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        try:
            self._widen_pipe()
            self._write(json.dumps({**request, "process": asdict(limits)}).encode() + b"\n" + payload)
        except BaseException:
            self.close()
            raise

    def read_header(self, max_bytes: int) -> Header:
        """The next message's header; a picture or a sound has at most `max_bytes`.

        MediaError: the child refused the file, died, or took too long.
        """
        data = bytearray(HEADER.size)
        self.read_into(memoryview(data))
        header = Header.unpack(data)
        if header.kind in (PICTURE, SOUND):
            fits = 0 < ELEMENT_BYTES[header.kind] * header.width <= header.stride and header.height > 0
            if not fits or header.length != header.stride * header.height or header.length > max_bytes:
                raise self._died()
        elif header.length > MAX_TEXT_BYTES:
            raise self._died()
        if header.kind == REFUSAL:
            raise MediaError(f"{self._label} {self.read_text(header)}")
        return header

    def read_text(self, header: Header) -> str:
        """The payload of a message of text."""
        data = bytearray(header.length)
        self.read_into(memoryview(data))
        return data.decode("utf-8", "replace")

    def read_into(self, target: memoryview) -> None:
        """Fill `target` with what the child sends next."""
        deadline_s = time.monotonic() + self._patience_s
        while target:
            self._await(self._stdout.fileno(), select.POLLIN, deadline_s)
            count = os.readv(self._stdout.fileno(), [target])
            if count == 0:
                raise self._died()
            target = target[count:]

    def close(self) -> None:
        """Kill the child with everything that it may have started, and wait until it is gone."""
        if self._process.poll() is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._stdin.close()
        self._stdout.close()

    def __enter__(self) -> GuardedProcess:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _widen_pipe(self) -> None:
        if sys.platform == "linux":
            import fcntl

            with suppress(OSError):  # the system may be short of pipe memory; a narrow pipe works too
                fcntl.fcntl(self._stdout.fileno(), F_SETPIPE_SZ, PIPE_BYTES)

    def _write(self, data: bytes) -> None:
        deadline_s = time.monotonic() + self._patience_s
        os.set_blocking(self._stdin.fileno(), False)
        rest = memoryview(data)
        try:
            while rest:
                self._await(self._stdin.fileno(), select.POLLOUT, deadline_s)
                rest = rest[os.write(self._stdin.fileno(), rest) :]
        except BrokenPipeError:
            return  # the child died; reading its answer tells why
        self._stdin.close()

    def _await(self, descriptor: int, event: int, deadline_s: float) -> None:
        poll = select.poll()  # not select(): that fails for descriptors above 1023
        poll.register(descriptor, event)
        if not poll.poll(max(0.0, deadline_s - time.monotonic()) * 1000):
            raise MediaError(
                f"{self._label} took longer than {self._patience_s:.0f} s to decode and was given up. "
                "It may be damaged; convert it and try again."
            )

    def _died(self) -> MediaError:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1.0)
        code = self._process.poll()
        if code == -signal.SIGXCPU:
            return MediaError(f"{self._label} needs more computing time than is allowed. Make it smaller or shorter.")
        how = f"signal {-code}" if code is not None and code < 0 else f"exit status {code}"
        return MediaError(
            f"{self._label} could not be decoded: the decoder stopped in the middle ({how}). "
            "The file may be damaged or need too much memory; convert it and try again."
        )
