"""A person teaches their head how they move: prompts one at a time, again, skipped, cancelled, and what is kept."""

from __future__ import annotations

from contextlib import suppress

import pytest
from PIL import Image

from core.rigging.guided_poses import GUIDED_POSES
from tests.e2e.studio import Tab, wait_until

MAKING_MS = 120_000


@pytest.fixture
def tab_with_head(open_tab, tmp_path, astronaut) -> Tab:
    """The Rig page with a new head that is not kept yet."""
    photo = tmp_path / "me.png"
    Image.fromarray(astronaut.image).save(photo)
    tab = open_tab("rig")
    tab.page.set_input_files("input[type=file]", [str(photo)])
    tab.page.get_by_text(photo.name).first.wait_for()
    tab.page.get_by_role("button", name="Make my head").click()
    tab.page.get_by_role("button", name="Record how I move").wait_for(timeout=MAKING_MS)
    return tab


def test_a_recording_is_prompted_refined_and_told(tab_with_head, server):
    tab = tab_with_head
    tab.page.get_by_role("button", name="Record how I move").click()
    tab.says(f"1 of 6: {GUIDED_POSES[0].title}")
    assert tab.page.get_by_role("button", name="Skip").count() == 0
    tab.is_ready_to(Tab.START)
    tab.press(Tab.START)
    tab.says("2 of 6")
    keep, skip = (tab.page.get_by_role("button", name=name) for name in ("Keep this head", "Skip"))
    skip.click()

    def goes_on() -> bool:
        """Poses also end by themselves, so that a press may come too late."""
        if skip.count():
            with suppress(Exception):
                skip.click(timeout=2000)
        return bool(keep.count())

    wait_until(goes_on, "all poses to be over", MAKING_MS / 1000)
    tab.page.get_by_role("button", name="Keep this head").wait_for(timeout=MAKING_MS)
    tab.says("The guided recording told nothing sure.")
    assert not tab.has_exception()
    wait_until(lambda: not server.owned_threads(), "all threads to end", 30)


def test_cancel_gives_the_head_back_as_it_was(tab_with_head, server):
    tab = tab_with_head
    tab.page.get_by_role("button", name="Record how I move").click()
    tab.is_ready_to(Tab.START)
    tab.press(Tab.START)
    tab.says("2 of 6")
    tab.page.get_by_role("button", name="Cancel").click()
    tab.page.get_by_role("button", name="Keep this head").wait_for(timeout=MAKING_MS)
    assert "guided recording" not in tab.text() and not tab.has_exception()
    wait_until(lambda: not server.owned_threads(), "all threads to end", 30)
