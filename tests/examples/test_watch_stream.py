"""The example client against a real server, as a person starts it."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.streaming.server_process import ServerProcess
from core.streaming.server_settings import ServerSettings
from core.streaming.state_record import pack_state
from tests.stream_tools import random_face, wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = REPOSITORY / "examples" / "watch_stream.py"


def start(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/"
    )


@pytest.fixture
def server():
    process = ServerProcess(ServerSettings(port=0, token="secret"))
    yield process
    process.close()


def test_it_tells_rate_delay_and_shapes(server):
    with start(f"ws://127.0.0.1:{server.port}", "--token", "secret", "--seconds", "3.5") as watching:
        wait_until(lambda: server.status().get("clients") == 1, "the client")
        sequence = 0
        while watching.poll() is None:
            now_s = time.monotonic()
            server.send(pack_state(random_face(3), sequence, now_s, now_s))
            sequence += 1
            time.sleep(0.03)
        out, err = watching.communicate()
    assert watching.returncode == 0, err
    told = re.findall(r"(\d+) frames/s  on the way (-?[\d.]+) ms .* ((?:\w+ [01]\.\d\d ?){3})$", out, re.MULTILINE)
    assert told, out
    assert any(int(rate) > 3 for rate, _, _ in told)  # beyond the credit: it acknowledges
    face = random_face(3)
    assert f"{face.blendshapes.max():.2f}" in told[-1][2]


@pytest.mark.parametrize(("words", "said"), [((), "not there"), (("--token", "wrong"), "4401")])
def test_what_goes_wrong_is_one_line(server, words, said):
    port = server.port if words else 1
    with start(f"ws://127.0.0.1:{port}", *words) as watching:
        _, err = watching.communicate(timeout=60)
    assert watching.returncode == 1
    assert said in err and len(err.splitlines()) == 1
