"""What the tests of the stream share: random faces, clients on real sockets, waiting, counting what is open."""

from __future__ import annotations

import json
import os
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import psutil
from websockets.sync.client import connect

from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.streaming.record import sequence_of
from core.structures import FaceState

BINARY, JSON = "liveavatar.f32.v1", "liveavatar.json.v1"
PATIENCE_S = 30.0


def random_face(seed: int, timestamp_s: float = 0.0) -> FaceState:
    """A face with every field in use."""
    rng = np.random.default_rng(seed)
    return FaceState(
        timestamp_s=timestamp_s,
        face_id=int(rng.integers(0, 5)),
        blendshapes=rng.uniform(0, 1, 52).astype(np.float32),
        head_rotation=rotation_from_yaw_pitch_roll(*rng.uniform(-0.7, 0.7, 3)).astype(np.float32),
        head_translation=(rng.uniform(-0.2, 0.2, 3) - (0, 0, 0.6)).astype(np.float32),
        gaze=rng.uniform(-0.5, 0.5, (2, 2)).astype(np.float32),
        valence=float(rng.uniform(-1, 1)),
        arousal=float(rng.uniform(-1, 1)),
        emotion=rng.dirichlet(np.ones(8)).astype(np.float32),
        confidence=float(rng.uniform(0.5, 1.0)),
    )


def assert_same_face(found: FaceState, wanted: FaceState, places: float = 1e-5) -> None:
    for name in ("blendshapes", "head_rotation", "head_translation", "gaze", "emotion"):
        np.testing.assert_allclose(getattr(found, name), getattr(wanted, name), atol=places, err_msg=name)
    for name in ("valence", "arousal", "confidence", "face_id"):
        assert abs(getattr(found, name) - getattr(wanted, name)) <= places, name


def wait_until(condition, what: str, patience_s: float = PATIENCE_S):
    """The first truthy value of `condition`."""
    deadline = time.monotonic() + patience_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {patience_s:.0f} s for {what}"
        time.sleep(0.01)
    return value


class Viewer:
    """A client as a person would write it, on the library's own blocking client."""

    def __init__(self, port: int, protocol: str | None = BINARY, token: str = "", **options) -> None:
        protocols = [protocol] if protocol else None
        options = {"compression": None, "max_size": None, "close_timeout": 1, **options}
        self.connection = connect(f"ws://127.0.0.1:{port}/stream", subprotocols=protocols, **options)
        if token:
            self.say({"type": "auth", "token": token})

    def say(self, message) -> None:
        self.connection.send(message if isinstance(message, str | bytes) else json.dumps(message))

    def hear(self, timeout_s: float = PATIENCE_S):
        """The next message: bytes, or what the JSON holds."""
        message = self.connection.recv(timeout_s)
        return message if isinstance(message, bytes) else json.loads(message)

    def hears_nothing(self, for_s: float = 0.3) -> bool:
        try:
            self.connection.recv(for_s)
        except TimeoutError:
            return True
        return False

    def acknowledge(self, sequence: int) -> None:
        self.say({"type": "ack", "seq": sequence})

    def settle(self) -> None:
        """Returns when the server has read all that was said; nothing else may be under way."""
        self.say({"type": "ping"})
        assert self.hear()["type"] == "pong"

    def closing(self) -> tuple[int, str]:
        """Code and reason with which the server closed; what came before is passed over."""
        from websockets.exceptions import ConnectionClosed

        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                self.connection.recv(PATIENCE_S)
            except ConnectionClosed as closed:
                return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")
        raise AssertionError("the server did not close the connection")

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> Viewer:
        return self

    def __exit__(self, *_) -> None:
        self.close()


def sequences(viewer: Viewer, count: int) -> list[int]:
    return [sequence_of(viewer.hear()) for _ in range(count)]


def http_get(port: int, path: str, **headers: str) -> tuple[int, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def open_files(process_id: int | None = None) -> int:
    """Descriptors of this process, or of another."""
    return len(list(Path(f"/proc/{process_id or os.getpid()}/fd").iterdir()))


def resident_bytes(process_id: int) -> int:
    return psutil.Process(process_id).memory_info().rss


def stream_threads() -> list[str]:
    return sorted(thread.name for thread in threading.enumerate() if thread.name.startswith("stream"))
