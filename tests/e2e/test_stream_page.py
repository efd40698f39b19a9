"""The example page in a real browser: a head that the stream moves."""

from __future__ import annotations

import functools
import http.server
import threading
import time

import numpy as np
import pytest

from core.blendshapes import ARKIT_NAMES, INDEX
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.streaming.hub import StreamHub
from core.streaming.server_settings import ServerSettings
from core.structures import FaceState
from tests.e2e.studio import REPOSITORY, wait_until

READ = """() => {
  const { puppet, newest } = window.streamExample;
  const skin = puppet.meshes.find((mesh) => mesh.morphTargetDictionary?.jawOpen !== undefined);
  const shapes = Object.fromEntries(
    Object.entries(skin.morphTargetDictionary).map(([name, place]) => [name, skin.morphTargetInfluences[place]]));
  return { shapes, neck: puppet.bones.neck.quaternion.toArray(), leftEye: puppet.bones.leftEye.quaternion.toArray(),
    delay_ms: newest()?.delay_ms ?? null };
}"""


@pytest.fixture
def pages():
    """Port of a plain server of the repository's files, as `python -m http.server` is."""
    handler = functools.partial(QuietHandler, directory=str(REPOSITORY))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def state(**shapes: float) -> FaceState:
    blendshapes = np.zeros(52, np.float32)
    for name, value in shapes.items():
        blendshapes[INDEX[name]] = value
    turned = rotation_from_yaw_pitch_roll(0.3, 0.1, 0.0).astype(np.float32)
    gaze = np.array([[0.2, 0.1], [0.2, 0.1]], np.float32)
    return FaceState(0.0, blendshapes=blendshapes, head_rotation=turned, gaze=gaze)


def test_the_head_follows_the_stream(pages, playwright, chromium_path, tmp_path):
    errors: list[str] = []
    with StreamHub() as hub:
        address = hub.start("page", ServerSettings(port=0, rig_name="Ann")).address
        browser = playwright.chromium.launch(executable_path=chromium_path, headless=True, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 640, "height": 640})
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"http://localhost:{pages}/examples/browser/?stream={address}")
        wait_until(lambda: "Connected to Ann" in page.text_content("#status"), "the hello")
        page.wait_for_timeout(500)
        still = page.screenshot()
        wanted = state(jawOpen=0.8, mouthSmileLeft=0.5)

        def follows():
            hub.publish(wanted)
            page.wait_for_timeout(30)
            found = page.evaluate(READ)
            return found if found["shapes"]["jawOpen"] > 0.7 else None

        found = wait_until(follows, "the jaw to open")
        for name in ARKIT_NAMES:
            assert found["shapes"][name] == pytest.approx(wanted.blendshapes[INDEX[name]], abs=1e-6), name
        np.testing.assert_allclose(matrix(found["neck"]), wanted.head_rotation, atol=1e-5)
        eye = rotation_from_yaw_pitch_roll(0.2, 0.1, 0.0)
        np.testing.assert_allclose(matrix(found["leftEye"]), eye, atol=1e-5)
        assert abs(found["delay_ms"]) < 5000  # the clocks were compared, whatever the machine's load
        moved = page.screenshot(path=str(tmp_path / "stream.png"))
        assert moved != still
        for _ in range(20):  # more than the credit: the page acknowledges
            hub.publish(wanted)
            time.sleep(0.02)
        wait_until(lambda: hub.status()[0].details["sent"] >= 5, "acknowledged frames")
        hub.stop("page")
        wait_until(lambda: "Trying again" in page.text_content("#status"), "the page to tell that the stream ended")
        browser.close()
    assert errors == []


def matrix(quaternion: list[float]) -> np.ndarray:
    from scipy.spatial.transform import Rotation

    return Rotation.from_quat(quaternion).as_matrix()
