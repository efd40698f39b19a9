"""A person at the Speech page: a microphone that is a file, uploads, sound that plays in the browser."""

from __future__ import annotations

import re

import numpy as np
import pytest

from core.audio.speech_layout import WEIGHTS_FILE
from core.media.text_voice import can_speak_text
from core.structures import AudioChunk
from tests.e2e.studio import Tab, wait_until
from tests.e2e.test_live_pages import is_placeholder
from tests.sounds import syllables
from ui.spoken import EXAMPLE_VOICE, wav_file

SPEECH, AVATAR = "speech", "avatar"
DEVICES = ["camera", "microphone"]
START_MICROPHONE = "Start microphone"
SAMPLES = 40

pytestmark = pytest.mark.skipif(not WEIGHTS_FILE.exists(), reason=f"the speech network's {WEIGHTS_FILE.name} is absent")


@pytest.fixture(autouse=True)
def no_stream_is_left(server, open_tab):  # `open_tab` closes its tabs after this check
    yield
    wait_until(lambda: not server.owned_threads(), "all threads to end", 30)


def choose(tab: Tab, source: str) -> None:
    tab.page.get_by_role("radio", name=source).or_(
        tab.page.get_by_role("button", name=source, exact=True)
    ).first.click()


def viewer(tab: Tab):
    return tab.page.frame_locator('iframe[title*="viewer"]')


def start(tab: Tab, button: str) -> None:
    tab.is_ready_to(button)
    tab.press(button)
    wait_until(lambda: tab.plays() and not is_placeholder(tab.picture()), "the first picture", 30)


def stop(tab: Tab, button: str) -> None:
    tab.press(Tab.STOP)
    tab.is_ready_to(button)


def jaw(tab: Tab) -> float:
    """How far the jaw is open, 0 to 100, as the bars say."""
    row = tab.page.locator(".bars .row[title='jawOpen']")
    return float(row.locator(".value").inner_text()) if row.count() else 0.0


def upload(tab: Tab, name: str, content: bytes) -> None:
    chooser = tab.page.get_by_test_id("stFileUploader").filter(has_text="Recording").locator("input[type=file]")
    chooser.set_input_files({"name": name, "mimeType": "audio/wav", "buffer": content})


def test_the_microphone_moves_the_jaw(open_tab):
    tab = open_tab(SPEECH, permissions=DEVICES)
    choose(tab, "Microphone")
    start(tab, START_MICROPHONE)
    tab.says("Microphone on")
    tab.says("Speaking")
    tab.says("behind your voice here (look-ahead")
    wait_until(lambda: jaw(tab) >= 10.0, "the jaw to open")
    wait_until(lambda: jaw(tab) <= 5.0, "the jaw to close")
    first = tab.picture()
    wait_until(lambda: np.abs(tab.picture() - first).max() > 60, "the head to move")
    stop(tab, START_MICROPHONE)
    assert not tab.has_exception()


def test_a_silent_microphone_is_told_and_the_mouth_rests(open_tab):
    tab = open_tab(SPEECH, microphone="silence", permissions=DEVICES)
    choose(tab, "Microphone")
    start(tab, START_MICROPHONE)
    tab.says("Nothing is heard.")
    tab.says("Silence")
    assert max(jaw(tab) for _ in range(SAMPLES)) <= 5.0
    stop(tab, START_MICROPHONE)


def test_leaving_the_page_ends_the_microphone(open_tab, server):
    tab = open_tab(SPEECH, permissions=DEVICES)
    choose(tab, "Microphone")
    start(tab, START_MICROPHONE)
    wait_until(server.owned_threads, "the engine's thread")
    tab.follow("Rig")
    wait_until(lambda: not server.owned_threads(), "the threads to end", 15)


def test_a_take_of_the_voice_is_recorded(open_tab):
    tab = open_tab(SPEECH, permissions=DEVICES)
    choose(tab, "Microphone")
    start(tab, START_MICROPHONE)
    tab.page.get_by_role("button", name="Record a take").click()
    wait_until(lambda: re.search(r"Recording, ([3-9]|\d\d) s", tab.text()), "three seconds of recording")
    tab.page.get_by_role("button", name="Stop recording").click()
    with tab.page.expect_download() as download:
        tab.page.get_by_role("button", name="Download CSV").click()
    lines = download.value.path().read_text().splitlines()
    column = lines[0].split(",").index("JawOpen")
    assert np.ptp([float(line.split(",")[column]) for line in lines[1:]]) > 0.1
    stop(tab, START_MICROPHONE)


def test_the_example_plays_with_its_sound(open_tab):
    tab = open_tab(SPEECH, permissions=[])
    play = viewer(tab).locator("#play")
    wait_until(lambda: play.is_visible() and play.inner_text() == "Play with sound", "the example")
    seconds = viewer(tab).locator("#sound input")
    assert float(seconds.input_value()) == 0.0
    play.click()
    wait_until(lambda: 0.0 < float(seconds.input_value()) < float(seconds.get_attribute("max")), "the sound to run")
    wait_until(lambda: play.inner_text() == "Play with sound", "the end of the sound")
    assert float(seconds.input_value()) == pytest.approx(float(seconds.get_attribute("max")), abs=0.05)
    assert not tab.has_exception()


def test_an_upload_gives_a_take(open_tab):
    tab = open_tab(SPEECH, permissions=[])
    choose(tab, "File")
    tab.says("Choose a recording of a voice.")
    upload(tab, "babble.wav", wav_file(AudioChunk(syllables(2.0), 16_000, 0.0)))
    tab.says("2.0 s, 6")
    with tab.page.expect_download() as download:
        tab.page.get_by_role("button", name="CSV").click()
    assert download.value.suggested_filename == "babble.csv"
    assert 58 <= len(download.value.path().read_text().splitlines()) - 1 <= 62
    upload(tab, "example.flac", EXAMPLE_VOICE.read_bytes())
    tab.says("4.7 s, 14")


def test_what_is_no_sound_is_told_in_a_plain_line(open_tab):
    tab = open_tab(SPEECH, permissions=[])
    choose(tab, "File")
    upload(tab, "speech.wav", b"this is no sound at all" * 100)
    alert = tab.page.get_by_test_id("stAlert")
    alert.first.wait_for()
    assert alert.count() == 1 and "sound" in alert.inner_text() and "Traceback" not in alert.inner_text()
    assert not tab.has_exception()


@pytest.mark.skipif(not can_speak_text(), reason="espeak-ng is not installed")
def test_typed_text_is_spoken(open_tab):
    tab = open_tab(SPEECH, permissions=[])
    choose(tab, "Text")
    tab.page.get_by_role("textbox", name="Text").fill("Mama may buy a pie.")
    tab.page.get_by_test_id("stFormSubmitButton").get_by_role("button").click()
    tab.says("Play with sound")
    wait_until(lambda: viewer(tab).locator("#play").is_visible(), "the sound")


def test_the_voice_moves_the_avatar_where_the_camera_sees_no_face(open_tab):
    tab = open_tab(AVATAR, camera="wall", permissions=DEVICES)
    tab.page.get_by_text("Use my voice too", exact=True).click()
    tab.says("Start the camera and microphone")
    start(tab, Tab.START)
    tab.says("No face in the picture.")
    tab.says("mouth 100 %")
    first = tab.picture()
    wait_until(lambda: np.abs(tab.picture() - first).max() > 60, "the head to speak")
    stop(tab, Tab.START)


def test_a_face_in_full_view_stays_the_cameras(open_tab):
    tab = open_tab(AVATAR, permissions=DEVICES)
    tab.page.get_by_text("Use my voice too", exact=True).click()
    tab.says("Start the camera and microphone")
    start(tab, Tab.START)
    tab.says("the camera sees enough to move the whole face")
    stop(tab, Tab.START)


def test_two_people_speak_at_once(open_tab, server):
    tabs = [open_tab(SPEECH, microphone=microphone, permissions=DEVICES) for microphone in ("voice", "silence")]
    for tab in tabs:
        choose(tab, "Microphone")
        start(tab, START_MICROPHONE)
    tabs[0].says("Speaking")
    tabs[1].says("Nothing is heard.")
    stop(tabs[0], START_MICROPHONE)
    assert tabs[1].plays()
    stop(tabs[1], START_MICROPHONE)


def test_without_the_voice_model_the_pages_say_so(open_tab, make_server):
    bare = make_server("no voice model")
    tab = open_tab(SPEECH, on=bare, permissions=[])
    tab.says("planted: the voice model is not there.")
    assert not tab.has_exception()
