"""Photo in, head out, in a real browser: made, kept, moved, deleted; and the viewer without WebGL."""

from __future__ import annotations

import base64

import pytest
from PIL import Image

from core.head_model.rig_to_gltf import rig_to_gltf
from core.rigging.library import RigLibrary
from tests.builders import tiny_rig
from tests.e2e.studio import REPOSITORY, Server, wait_until

SOFTWARE_3D = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
WITHOUT_3D = ["--no-sandbox", "--disable-gpu", "--disable-3d-apis"]
DROP = """(stage, content) => {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    const dropped = new DataTransfer();
    dropped.items.add(new File([bytes], "other.glb"));
    stage.dispatchEvent(new DragEvent("drop", { dataTransfer: dropped, bubbles: true }));
}"""


@pytest.fixture(scope="module")
def rigs(tmp_path_factory):
    return tmp_path_factory.mktemp("rigs")


@pytest.fixture(scope="module")
def studio(tmp_path_factory, chromium_path, rigs):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIVE_AVATAR_RIGS", str(rigs))
        server = Server(REPOSITORY / "app.py", tmp_path_factory.mktemp("server"))
    yield server
    server.close()


@pytest.fixture
def open_page(playwright, chromium_path, studio):
    """open_page(path, flags): a page whose viewer has settled, and the viewer's frame."""
    browsers = []

    def open_one(path, flags):
        browser = playwright.chromium.launch(executable_path=chromium_path, args=flags)
        browsers.append(browser)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{studio.url}/{path}")
        return page, viewer_of(page)

    yield open_one
    for browser in browsers:
        browser.close()


def viewer_of(page):
    page.wait_for_selector('iframe[title*="viewer"]', timeout=60_000)
    viewer = next(frame for frame in page.frames if "viewer" in frame.url)
    viewer.wait_for_function("!document.getElementById('message').textContent.startsWith('Loading')", timeout=60_000)
    return viewer


def test_photo_becomes_a_kept_head_and_goes_again(open_page, rigs, tmp_path, astronaut):
    photo = tmp_path / "me.png"
    Image.fromarray(astronaut.image).save(photo)
    page, _ = open_page("rig", SOFTWARE_3D)
    page.set_input_files("input[type=file]", [photo])
    page.get_by_text("me.png").wait_for()
    page.get_by_role("button", name="Make my head").click()
    page.get_by_role("button", name="Keep this head").wait_for(timeout=60_000)
    assert RigLibrary(rigs).list() == (), "nothing is stored before the visitor keeps it"
    page.get_by_role("button", name="Keep this head").click()
    page.get_by_role("button", name="Delete all kept heads").wait_for(timeout=60_000)
    assert [entry.name for entry in RigLibrary(rigs).list()] == ["My head"]
    page.get_by_role("button", name="Delete all kept heads").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    wait_until(lambda: not RigLibrary(rigs).list(), "the head to be deleted")
    assert list(rigs.iterdir()) == []


def test_viewer_moves_finds_and_opens_another_file(open_page):
    _, viewer = open_page("rig", SOFTWARE_3D)
    assert viewer.locator("#message").text_content() == ""
    before = viewer.locator("#picture").screenshot()
    viewer.locator("#quick input").nth(1).fill("0.8")
    wait_until(lambda: viewer.locator("#picture").screenshot() != before, "the jaw to open")
    viewer.locator("summary").click()
    viewer.fill("#search", "tongue")
    assert viewer.locator("#shapes .shape:visible").count() == 1
    viewer.locator("#neutral").click()
    wait_until(lambda: viewer.locator("#picture").screenshot() == before, "the neutral face")
    content = base64.b64encode(rig_to_gltf(tiny_rig(), compact=True)).decode()
    viewer.eval_on_selector("#stage", DROP, content)
    viewer.locator("#back").wait_for()
    viewer.locator("#back").click()
    wait_until(lambda: viewer.locator("#back").is_hidden(), "the own head to be back")


@pytest.mark.parametrize("path", ["", "rig"])
def test_without_webgl_a_still_picture_is_shown(open_page, path):
    _, viewer = open_page(path, WITHOUT_3D)
    assert "WebGL is off" in viewer.locator("#message").text_content()
    assert viewer.eval_on_selector("#still", "image => image.decode().then(() => image.naturalWidth)") > 100
