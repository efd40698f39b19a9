"""Capture and Avatar as scripts: they run, offer their controls, and the controls reach the session."""

from __future__ import annotations

import math
from contextlib import ExitStack
from unittest import mock

import pytest
from streamlit.testing.v1 import AppTest

from core.expression.smoothing import Smoothing
from core.session_parts import LiveSettings, View
from tests.conftest import REPOSITORY


@pytest.fixture
def run_page():
    """run_page(name): the page after its first run; streamlit-webrtc is told that there is no browser."""
    with ExitStack() as patches:
        for module in ("component", "shutdown"):
            target = f"streamlit_webrtc.{module}.get_this_session_info"
            patches.enter_context(mock.patch(target, lambda: None))
        patches.enter_context(mock.patch("ui.frame.PagesManager.uses_pages_directory", False))

        def run(name: str) -> AppTest:
            page = AppTest.from_file(str(REPOSITORY / "pages" / f"{name}.py"), default_timeout=60).run()
            assert not page.exception and not page.error
            return page

        yield run


def session_of(page, name):
    return page.session_state[f"{name}_live_session"]


def by_label(widgets, label):
    return next(widget for widget in widgets if widget.label == label)


@pytest.mark.parametrize("name", ["capture", "avatar"])
def test_the_first_visit_shows_the_next_step_and_starts_nothing(name, run_page):
    page = run_page(name)
    assert page.title[0].value == name.title()
    assert any("Start the camera" in caption.value for caption in page.caption)
    assert not session_of(page, name).is_running


def test_capture_sliders_reach_the_session(run_page):
    page = run_page("capture")
    assert session_of(page, "capture").settings == LiveSettings()
    by_label(page.slider, "Faces").set_value(3)
    by_label(page.slider, "Detection confidence").set_value(80)
    by_label(page.slider, "Tracking confidence").set_value(20).run()
    settings = session_of(page, "capture").settings
    assert (settings.faces, settings.detection_confidence, settings.tracking_confidence) == (3, 0.8, 0.2)
    by_label(page.toggle, "Mirror").set_value(False)
    by_label(page.toggle, "Landmarks").set_value(False)
    by_label(page.selectbox, "Smoothing").set_value(Smoothing.ONE_EURO)
    by_label(page.slider, "Strength").set_value(80).run()
    settings = session_of(page, "capture").settings
    assert (settings.mirrored, settings.draws_landmarks) == (False, False)
    assert (settings.smoothing, settings.strength) == (Smoothing.ONE_EURO, 0.8)


def test_reset_brings_every_control_back(run_page):
    page = run_page("avatar")
    by_label(page.slider, "Turn").set_value(40)
    by_label(page.slider, "Faces").set_value(4)
    by_label(page.selectbox, "Smoothing").set_value(Smoothing.OFF)
    by_label(page.toggle, "Side by side").set_value(True).run()
    by_label(page.button, "Reset controls").click().run()
    assert session_of(page, "avatar").settings == LiveSettings(view=View.AVATAR)
    assert by_label(page.slider, "Turn").value == 0
    assert by_label(page.slider, "Faces").value == 1
    assert by_label(page.toggle, "Side by side").value is False


def test_the_orbit_is_in_degrees_and_centimetres(run_page):
    page = run_page("avatar")
    by_label(page.slider, "Turn").set_value(30)
    by_label(page.slider, "Height").set_value(-10)
    by_label(page.slider, "Distance").set_value(100).run()
    orbit = session_of(page, "avatar").settings.orbit
    assert math.degrees(orbit.yaw_rad) == pytest.approx(30.0)
    assert math.degrees(orbit.pitch_rad) == pytest.approx(-10.0)
    assert orbit.distance_m == 1.0
    by_label(page.toggle, "Side by side").set_value(True).run()
    assert session_of(page, "avatar").settings.view is View.SIDE_BY_SIDE


def test_a_take_needs_no_camera_and_the_demo_take_is_ready(run_page):
    page = run_page("avatar")
    page.segmented_control[0].set_value("Take").run()
    assert not page.exception
    assert any("demo take" in caption.value for caption in page.caption)
    assert any("No camera is needed" in caption.value for caption in page.caption)


def test_a_video_is_asked_for(run_page):
    page = run_page("avatar")
    page.segmented_control[0].set_value("Video").run()
    assert not page.exception
    assert any("Choose a video" in info.value for info in page.info)


def test_when_every_place_is_taken_start_is_not_offered(run_page):
    with mock.patch("core.session.LIVE_SESSIONS._running", 4):
        page = run_page("capture")
        assert any("All places" in info.value for info in page.info)
        assert "capture_camera" not in page.session_state
    by_label(page.button, "Try again").click().run()
    assert "capture_camera" in page.session_state


def test_a_machine_without_graphics_is_told_in_words(run_page):
    with mock.patch("ui.live.engine_trouble", lambda: "OpenGL could not be started on this machine."):
        page = AppTest.from_file(str(REPOSITORY / "pages" / "capture.py"), default_timeout=60).run()
    assert [error.value for error in page.error] == ["OpenGL could not be started on this machine."]
    assert not page.slider
