"""Every page of this room runs whole, without a browser."""

import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from core.head_model.builtin import load_builtin_rig
from core.rigging.library import RigLibrary
from ui import frame, state
from ui.state import CHOSEN_RIG

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    # Streamlit's test runner starts every run as if the folder `pages/` were its older kind of app.
    monkeypatch.setattr(frame, "PagesManager", SimpleNamespace(uses_pages_directory=False))
    monkeypatch.setenv("LIVE_AVATAR_RIGS", str(tmp_path / "rigs"))
    return tmp_path / "rigs"


def run(page):
    app = AppTest.from_file(str(REPOSITORY / "app.py"), default_timeout=60)
    app.run()
    if page != "pages/home.py":
        app.switch_page(page).run()
    assert not app.exception
    assert not app.error
    return app


def test_home_opens_with_three_doors(folder):
    app = run("pages/home.py")
    assert app.title[0].value == "Live Avatar"
    doors = " ".join(element.value for element in app.markdown)
    for words in ("Make your head", "Move it", "Send it"):
        assert words in doors


def test_rig_page_asks_for_a_photo_first(folder):
    app = run("pages/rig.py")
    next(button for button in app.button if button.label == "Make my head").click().run()
    assert not app.exception
    assert app.warning[0].value == "Choose a photo first."


@pytest.mark.parametrize("is_ticked", [False, True])
def test_refinement_is_offered_and_reaches_the_work(folder, monkeypatch, is_ticked):
    asked = []
    done = SimpleNamespace(is_done=True, result=None, problem="")
    monkeypatch.setattr("ui.rig_job.RigJob", lambda uploads, *how: asked.append((uploads[0].name, *how)) or done)
    app = run("pages/rig.py")
    (refine,) = (box for box in app.checkbox if box.label == "Refine by shading")
    assert refine.value and "hard shadows" in refine.help
    refine.set_value(is_ticked)
    app.file_uploader[0].set_value(("me.png", b"a photo", "image/png"))
    next(button for button in app.button if button.label == "Make my head").click().run()
    assert not app.exception
    assert asked == [("me.png", "My head", "builtin", is_ticked)]


def test_nothing_is_deleted_before_the_question_is_answered(folder):
    library = RigLibrary(folder)
    entry = library.add(load_builtin_rig(), time.time())
    app = AppTest.from_file(str(REPOSITORY / "pages" / "rig.py"), default_timeout=60)
    app.session_state[CHOSEN_RIG] = entry.id
    app.run()
    assert app.subheader[0].value == entry.name
    next(button for button in app.button if button.label == "Delete all kept heads").click().run()
    assert library.list() == (entry,)
    assert any("deletes all kept heads" in element.value for element in app.markdown)


def test_sidebar_offers_every_kept_rig_and_the_mannequin(folder):
    entry = RigLibrary(folder).add(replace(load_builtin_rig(), name="Ada"), time.time())
    app = run("pages/home.py")
    assert set(app.sidebar.selectbox[0].options) == {"Ada", "Mannequin"}
    app.sidebar.selectbox[0].set_value("Ada").run()
    assert app.session_state[CHOSEN_RIG] == entry.id


def test_heads_kept_too_long_are_gone_at_the_next_look(folder, monkeypatch):
    kept = RigLibrary(folder)
    old = kept.add(replace(load_builtin_rig(), name="Old"), time.time() - 91 * 86400)
    young = kept.add(replace(load_builtin_rig(), name="Young"), time.time() - 89 * 86400)
    state._library.clear()
    assert [entry.id for entry in state.rig_entries()] == [young.id] != [old.id]
    monkeypatch.setenv("LIVE_AVATAR_KEEP_DAYS", "30")
    state._library.clear()
    assert state.rig_entries() == ()
    monkeypatch.setenv("LIVE_AVATAR_KEEP_DAYS", "soon")
    assert state.kept_days() == 90.0
