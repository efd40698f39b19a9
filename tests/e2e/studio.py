"""The running app, and a browser tab in it, in words that a test can say."""

from __future__ import annotations

import base64
import io
import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

import numpy as np
from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE_S = 60.0
OWNED_THREADS = ("avatar-engine", "decoder", "async_media_processor", "speech-")
"""Threads that live only as long as a camera, a microphone, a player or work beside a page; `decoder` is aiortc's."""


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, what: str, patience_s: float = PATIENCE_S):
    """The first truthy value of `condition`; an assertion that says what was waited for otherwise."""
    deadline = time.monotonic() + patience_s
    while True:
        if value := condition():
            return value
        assert time.monotonic() < deadline, f"waited {patience_s:.0f} s for {what}"
        time.sleep(0.05)


class Server:
    """The app in a process of its own."""

    def __init__(self, app: Path, folder: Path, *faults: str) -> None:
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self._census = folder / f"threads-{self.port}.json"
        self._log = (folder / f"server-{self.port}.log").open("w+")
        command = [sys.executable, str(REPOSITORY / "tests/e2e/serve.py"), str(app), str(self.port), str(self._census)]
        self.process = subprocess.Popen([*command, *faults], cwd=REPOSITORY, stdout=self._log, stderr=subprocess.STDOUT)
        wait_until(self._is_healthy, "the server's health page")

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, b""

    def owned_threads(self) -> list[str]:
        """Names of the threads that belong to running streams."""
        try:
            names = json.loads(self._census.read_text())
        except FileNotFoundError:
            return []
        return [name for name in names if any(owned in name for owned in OWNED_THREADS)]

    def log(self) -> str:
        self._log.flush()
        return Path(self._log.name).read_text()

    def close(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self._log.close()

    def _is_healthy(self) -> bool:
        assert self.process.poll() is None, f"the server ended:\n{self.log()}"
        try:
            return self.get("/_stcore/health")[0] == 200
        except OSError:
            return False


class Tab:
    """One browser tab in the studio."""

    START, STOP, PLAY = "Start camera", "Stop", "Play"

    def __init__(self, page, server: Server) -> None:
        self.page = page
        self.server = server

    def open(self, name: str) -> Tab:
        """Goes to a page by its address."""
        self.page.goto(f"{self.server.url}/{name}")
        return self

    def follow(self, label: str) -> None:
        """Goes to a page by the link in the sidebar."""
        self.page.get_by_test_id("stSidebarNavLink").filter(has_text=label).first.click()

    def stream_frame(self):
        return self.page.frame_locator('iframe[title*="webrtc"]')

    def press(self, button: str) -> None:
        self.stream_frame().get_by_role("button", name=button, exact=True).click(timeout=PATIENCE_S * 1000)

    def can_press(self, button: str) -> bool:
        return self.stream_frame().get_by_role("button", name=button, exact=True).is_visible()

    def is_ready_to(self, button: str) -> None:
        self.stream_frame().get_by_role("button", name=button, exact=True).wait_for(timeout=PATIENCE_S * 1000)

    def video(self, script: str):
        """The value of a script about the returned `video`; None while there is none."""
        for frame in self.page.frames:
            if "webrtc" in frame.url:
                return frame.evaluate(f"() => {{ const video = document.querySelector('video'); {script} }}")
        return None

    def plays(self) -> bool:
        return bool(self.video("return video && video.videoWidth > 0 && video.currentTime > 0"))

    def picture(self) -> np.ndarray:
        """(H, W, 3) the newest returned picture."""
        data = self.video(
            "const c = document.createElement('canvas'); c.width = video.videoWidth; c.height = video.videoHeight;"
            "c.getContext('2d').drawImage(video, 0, 0); return c.toDataURL('image/png')"
        )
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(data.split(",")[1]))).convert("RGB"), np.float32)

    def text(self) -> str:
        return self.page.get_by_test_id("stMain").inner_text()

    def says(self, words: str, patience_s: float = PATIENCE_S) -> None:
        wait_until(lambda: words in self.text(), f"the words {words!r}", patience_s)

    def slide(self, label: str, *keys: str) -> None:
        """Moves a slider with keys, as a person without a mouse does."""
        slider = self.page.get_by_role("slider", name=label).first
        for key in keys:
            slider.press(key)

    def has_exception(self) -> bool:
        return self.page.get_by_test_id("stException").count() > 0
