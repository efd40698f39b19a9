"""Photo in, head out, in a real browser: made, kept, moved, deleted; and the viewer without WebGL."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from PIL import Image

from core.head_model.rig_to_gltf import rig_to_gltf
from core.media.video_writer import VideoWriter
from core.rigging.library import RigLibrary
from tests.builders import tiny_rig
from tests.e2e.studio import REPOSITORY, Server, wait_until

MAKING_MS = 120_000  # seconds of work, on a machine that may be busy with ten other things

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


def make_head(page, *paths):
    """Uploads the files and presses the button."""
    page.set_input_files("input[type=file]", [str(path) for path in paths])
    page.get_by_text(paths[0].name).first.wait_for()
    page.get_by_role("button", name="Make my head").click()


def write_photos(folder, portrait, count):
    """The portrait from slightly different distances, PNG."""
    paths = []
    for k in range(count):
        margin = 8 * k
        part = portrait[: 400 - margin, margin : 480 - margin]
        paths.append(folder / f"photo{k}.png")
        Image.fromarray(part).save(paths[-1])
    return paths


def test_several_photos_make_one_head_and_one_without_a_face_does_no_harm(open_page, rigs, tmp_path, astronaut):
    wall = tmp_path / "wall.png"
    Image.new("RGB", (320, 240), (120, 130, 140)).save(wall)
    page, _ = open_page("rig", WITHOUT_3D)
    make_head(page, *write_photos(tmp_path, astronaut.image, 2), wall)
    page.get_by_role("button", name="Discard").wait_for(timeout=MAKING_MS)
    assert "2 of 3 pictures used" in page.get_by_test_id("stMain").inner_text()
    page.get_by_role("button", name="Discard").click()
    page.get_by_role("button", name="Make my head").wait_for(timeout=60_000)
    assert RigLibrary(rigs).list() == ()


def test_a_short_video_makes_a_head(open_page, rigs, tmp_path, astronaut):
    film = tmp_path / "me.mp4"
    with VideoWriter(film, (400, 300)) as writer:
        for k in range(3):
            writer.write(np.ascontiguousarray(astronaut.image[:300, 6 * k : 400 + 6 * k]))
    page, _ = open_page("rig", WITHOUT_3D)
    make_head(page, film)
    page.get_by_role("button", name="Keep this head").click(timeout=MAKING_MS)
    page.get_by_role("button", name="Rename").wait_for(timeout=60_000)
    (entry,) = RigLibrary(rigs).list()
    assert entry.source_kind == "video"
    RigLibrary(rigs).delete_all()


def test_cancel_gives_the_form_back_at_once_and_another_try_works(open_page, rigs, tmp_path, astronaut):
    page, _ = open_page("rig", WITHOUT_3D)
    photos = write_photos(tmp_path, astronaut.image, 6)
    make_head(page, *photos)
    page.get_by_role("button", name="Cancel").click(timeout=30_000)
    page.get_by_text("Stopped. Nothing was kept.").wait_for(timeout=30_000)
    assert page.get_by_role("button", name="Keep this head").count() == 0
    assert RigLibrary(rigs).list() == ()
    wall = tmp_path / "wall.png"
    Image.new("RGB", (320, 240), (120, 130, 140)).save(wall)
    make_head(page, wall)
    page.get_by_text("No face").first.wait_for(timeout=MAKING_MS)
    assert page.get_by_role("button", name="Make my head").is_visible()


def test_photo_becomes_a_kept_head_and_goes_again(open_page, rigs, tmp_path, astronaut):
    photo = tmp_path / "me.png"
    Image.fromarray(astronaut.image).save(photo)
    page, _ = open_page("rig", SOFTWARE_3D)
    make_head(page, photo)
    page.get_by_role("button", name="Keep this head").wait_for(timeout=MAKING_MS)
    assert RigLibrary(rigs).list() == (), "nothing is stored before the visitor keeps it"
    page.get_by_role("button", name="Keep this head").click()
    page.get_by_role("button", name="Delete all kept heads").wait_for(timeout=60_000)
    (entry,) = RigLibrary(rigs).list()
    assert entry.name == "My head" and entry.source_kind == "photo"
    assert entry.quality["head"] == "builtin" and entry.quality["pictures_used"] == 1
    assert "Base head: Built-in." in page.get_by_test_id("stMain").inner_text()
    page.get_by_role("button", name="Delete all kept heads").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    wait_until(lambda: not list(rigs.iterdir()), "the head and its files to be deleted")


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
