"""Server, browser and fake cameras for the end-to-end tests; all skip where Chromium is absent."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.e2e.fake_camera import write_black_camera, write_face_camera, write_faceless_camera
from tests.e2e.fake_microphone import write_silence, write_voice
from tests.e2e.studio import REPOSITORY, Server, Tab

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
]
CAMERAS = {"face": write_face_camera, "wall": write_faceless_camera, "black": write_black_camera}
MICROPHONES = {"voice": write_voice, "silence": write_silence}


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            # Browser, video encoder and engine share the machine with whatever else runs there; a test that waited in
            # vain gets two more tries. What is broken fails them all, and every try holds the same bounds.
            item.add_marker(pytest.mark.flaky(reruns=2, reruns_delay=10))


@pytest.fixture(scope="session")
def chromium_path() -> str:
    path = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if path is None:
        pytest.skip("Chromium is not installed; the end-to-end tests need it.")
    return path


@pytest.fixture(scope="session")
def playwright(chromium_path):
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def make_server(tmp_path_factory, chromium_path):
    """make_server(*faults): a server of the app, one per kind for the whole run."""
    servers: dict[tuple[str, ...], Server] = {}

    def make(*faults: str) -> Server:
        if faults not in servers:
            servers[faults] = Server(REPOSITORY / "app.py", tmp_path_factory.mktemp("server"), *faults)
        return servers[faults]

    yield make
    for server in servers.values():
        server.close()


@pytest.fixture
def server(make_server) -> Server:
    return make_server()


@pytest.fixture(scope="session")
def make_browser(playwright, chromium_path, tmp_path_factory, astronaut):
    """make_browser(camera, microphone): a Chromium that takes these files for its camera and its microphone."""
    folder = tmp_path_factory.mktemp("devices")
    browsers = {}

    def make(camera: str, microphone: str):
        if (camera, microphone) not in browsers:
            seen, heard = folder / f"{camera}.mjpeg", folder / f"{microphone}.wav"
            CAMERAS[camera](seen, astronaut.image)
            MICROPHONES[microphone](heard)
            devices = [f"--use-file-for-fake-video-capture={seen}", f"--use-file-for-fake-audio-capture={heard}"]
            browsers[camera, microphone] = playwright.chromium.launch(
                executable_path=chromium_path, headless=True, args=[*FLAGS, *devices]
            )
        return browsers[camera, microphone]

    yield make
    for browser in browsers.values():
        browser.close()


@pytest.fixture
def open_tab(make_browser, server):
    """open_tab(page, camera="face", microphone="voice", on=server): a tab in a context of its own."""
    contexts = []

    def open_(page: str, camera: str = "face", on: Server | None = None, microphone: str = "voice", **options) -> Tab:
        context = make_browser(camera, microphone).new_context(**{"permissions": ["camera"], **options})
        contexts.append(context)
        return Tab(context.new_page(), on or server).open(page)

    yield open_
    for context in contexts:
        context.close()
