"""The Speech page and the voice on the Avatar page as scripts, with a network whose jaw opens as loud as it hears."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.audio.speech_settings import MOST_LOOK_AHEAD_MS, SpeechSettings
from core.blendshapes import INDEX
from core.errors import ModelPackError
from core.media.text_voice import can_speak_text
from core.session_parts import VoiceUse
from core.streaming.sinks import UdpTarget
from core.structures import AudioChunk
from tests.conftest import REPOSITORY
from tests.core.audio.stand_in import LoudMouth
from tests.sounds import syllables
from tests.stream_tools import wait_until
from ui import live
from ui.live_panels import take_files
from ui.outputs import VisitorOutputs
from ui.spoken import wav_file
from ui.work import Work

EXAMPLE, MICROPHONE, FILE, TEXT = "Example", "Microphone", "File", "Text"


@pytest.fixture
def voice_model(without_browser, monkeypatch):
    monkeypatch.setattr("core.audio.speech_driver.load_network", LoudMouth)
    live.voice_trouble.clear()
    yield
    live.voice_trouble.clear()
    wait_until(lambda: not [t for t in threading.enumerate() if t.name.startswith("speech-")], "the work to end")


@pytest.fixture
def no_voice_model(without_browser, monkeypatch):
    def absent():
        raise ModelPackError("The voice model is not there.")

    monkeypatch.setattr("core.audio.speech_driver.load_network", absent)
    live.voice_trouble.clear()
    yield
    live.voice_trouble.clear()


def run_page(name: str = "speech") -> AppTest:
    page = AppTest.from_file(str(REPOSITORY / "pages" / f"{name}.py"), default_timeout=60).run()
    assert not page.exception
    return page


def by_label(widgets, label):
    return next(widget for widget in widgets if widget.label == label)


def choose(page: AppTest, source: str) -> AppTest:
    page.segmented_control[0].set_value(source).run()
    assert not page.exception
    return page


def upload(page: AppTest, name: str, content: bytes) -> AppTest:
    return by_label(page.get("file_uploader"), "Recording").upload(name, content, "audio/wav").run()


def settled(page: AppTest) -> AppTest:
    """The page once its work is done."""
    work = page.session_state["speech_work"][1]
    assert work.join(60)
    page.run()
    assert not page.exception
    return page


def words_of(page: AppTest) -> str:
    kinds = ("caption", "info", "warning", "error", "markdown")
    return " ".join(element.value for kind in kinds for element in page.get(kind))


def spoken_of(page: AppTest):
    return page.session_state["speech_spoken"]


def jaws(take) -> np.ndarray:
    return take.blendshapes[:, INDEX["jawOpen"]]


def test_the_first_visit_shows_an_example_that_speaks(voice_model):
    page = settled(run_page())
    spoken = spoken_of(page)
    assert 3.0 < spoken.take.duration_s < 10.0
    assert np.ptp(jaws(spoken.take)) > 0.2
    assert spoken.wav.startswith(b"RIFF")
    assert "Play with sound" in words_of(page)
    assert {button.label for button in page.get("download_button")} == {"CSV", "JSONL", "GLB"}
    assert by_label(page.button, "Make a video")
    assert not page.error


def test_an_upload_becomes_a_take_as_long_as_its_sound(voice_model):
    page = choose(run_page(), FILE)
    assert "Choose a recording" in words_of(page)
    sound = AudioChunk(syllables(3.0), 16_000, 0.0)
    page = settled(upload(page, "my voice.wav", wav_file(sound)))
    spoken = spoken_of(page)
    assert spoken.take.name == "my voice" and spoken.take.duration_s == pytest.approx(3.0, abs=0.1)
    assert np.ptp(jaws(spoken.take)) > 0.2


NO_VOICES = {
    "not audio": (b"this is no sound", "sound"),
    "empty": (b"", "empty"),
    "one sample": (wav_file(AudioChunk(np.zeros(1, np.float32), 16_000, 0.0)), "voice"),
}


@pytest.mark.parametrize(("content", "words"), NO_VOICES.values(), ids=NO_VOICES)
def test_what_is_no_voice_is_told_in_a_line(content, words, voice_model):
    page = choose(run_page(), FILE)
    page = settled(upload(page, "speech.wav", content))
    assert len(page.error) == 1 and words in page.error[0].value
    assert not page.get("download_button")


def test_the_controls_change_the_take(voice_model):
    page = settled(run_page())
    before = spoken_of(page)
    by_label(page.slider, "Strength").set_value(0).run()
    page = settled(page)
    still = spoken_of(page)
    assert still is not before and np.ptp(jaws(still.take)) < 0.01
    by_label(page.selectbox, "Mood").set_value("Sad").run()
    by_label(page.slider, "Head motion").set_value(0)
    by_label(page.toggle, "Blinks").set_value(False).run()
    settings = settled(page).session_state["speech_work"][0][1]
    assert settings == SpeechSettings(
        MOST_LOOK_AHEAD_MS, strength=0.0, valence=-0.6, arousal=-0.4, blinks=False, head_motion=0.0
    )
    take = spoken_of(page).take
    assert take.blendshapes[:, INDEX["eyeBlinkLeft"]].max() == 0.0
    assert np.ptp([state.head_rotation for state in take.states], axis=0).max() == 0.0
    by_label(page.button, "Reset controls").click().run()
    assert settled(page).session_state["speech_work"][0][1] == SpeechSettings(MOST_LOOK_AHEAD_MS)


def test_the_same_voice_is_understood_once(voice_model):
    page = settled(run_page())
    spoken = spoken_of(page)
    page.run()
    assert spoken_of(page) is spoken


@pytest.mark.skipif(not can_speak_text(), reason="espeak-ng is not installed")
def test_typed_text_is_spoken(voice_model):
    page = choose(run_page(), TEXT)
    assert "Type a sentence" in words_of(page)
    by_label(page.text_area, "Text").set_value("One two three.")
    by_label(page.button, "Speak").click().run()
    spoken = spoken_of(settled(page))
    assert 0.5 < spoken.take.duration_s < 5.0
    by_label(page.text_area, "Text").set_value("   ")
    by_label(page.button, "Speak").click().run()
    assert "Type a sentence first" in page.error[0].value


def test_without_espeak_it_is_said_what_to_install(voice_model, monkeypatch):
    monkeypatch.setattr("core.media.text_voice.shutil.which", lambda name: None)
    page = choose(run_page(), TEXT)
    assert "apt install espeak-ng" in words_of(page)
    assert not page.text_area


def test_the_microphone_is_offered_and_nothing_starts_by_itself(voice_model):
    page = choose(run_page(), MICROPHONE)
    session = page.session_state["speech_live_session"]
    assert session.settings.voice is VoiceUse.ALONE and not session.is_running
    assert "Start the microphone and speak" in words_of(page)
    by_label(page.slider, "Look-ahead").set_value(100).run()
    assert session.settings.speech.look_ahead_ms == 100.0


def test_two_visitors_share_nothing(voice_model):
    first, second = choose(run_page(), MICROPHONE), choose(run_page(), MICROPHONE)
    by_label(first.slider, "Strength").set_value(20).run()
    sessions = [page.session_state["speech_live_session"] for page in (first, second)]
    assert sessions[0] is not sessions[1]
    assert [session.settings.speech.strength for session in sessions] == [0.2, 1.0]


def test_a_video_with_the_sound_is_made(voice_model, monkeypatch):
    monkeypatch.setattr("ui.spoken.FILM_SIZE", (64, 64))
    page = choose(run_page(), FILE)
    sound = AudioChunk(syllables(0.5), 16_000, 0.0)
    page = settled(upload(page, "short.wav", wav_file(sound)))
    by_label(page.button, "Make a video").click().run()
    work = page.session_state["speech_film_work"][1]
    assert work.join(120) and not work.problem
    assert work.result[4:8] == b"ftyp" and b"mp4a" in work.result
    page.run()
    assert "MP4" in {button.label for button in page.get("download_button")}


def test_a_take_goes_to_the_running_outputs_once(voice_model, monkeypatch):
    sent = []
    outputs = VisitorOutputs(lambda: True, look_s=0.02)
    monkeypatch.setattr("ui.outputs.VisitorOutputs", lambda is_here: outputs)
    monkeypatch.setattr(outputs, "publish", lambda states, arrived_s: sent.append(states[0].timestamp_s))
    page = choose(run_page(), FILE)
    sound = AudioChunk(syllables(0.5), 16_000, 0.0)
    page = settled(upload(page, "short.wav", wav_file(sound)))
    assert "Send this take once" not in [button.label for button in page.button]
    outputs.start(UdpTarget("udp", port=9))
    page.run()
    by_label(page.button, "Send this take once").click().run()
    count = len(spoken_of(page).take.states)
    wait_until(lambda: len(sent) == count and not outputs.plays_take, "the take to go out")
    assert sent == sorted(sent)
    outputs.close()


def test_without_the_voice_model_the_page_says_so(no_voice_model):
    page = run_page()
    assert [info.value for info in page.info] == ["The voice model is not there."]
    assert not page.error and not page.slider


def test_the_avatar_offers_the_voice_beside_the_camera(voice_model):
    page = run_page("avatar")
    session = page.session_state["avatar_live_session"]
    assert session.settings.voice is VoiceUse.OFF
    by_label(page.toggle, "Use my voice too").set_value(True).run()
    assert session.settings.voice is VoiceUse.BESIDE
    assert "camera and microphone" in words_of(page)
    assert "avatar_voice" in page.session_state
    by_label(page.button, "Reset controls").click().run()
    assert session.settings.voice is VoiceUse.BESIDE
    page.segmented_control[0].set_value("Take").run()
    assert session.settings.voice is VoiceUse.OFF
    assert not page.exception


def test_the_avatar_goes_on_without_the_voice_model(no_voice_model):
    page = run_page("avatar")
    assert by_label(page.toggle, "Use my voice too").disabled
    assert not page.error


def test_the_film_and_take_files_are_what_they_say(voice_model):
    spoken = spoken_of(settled(run_page()))
    files = take_files(spoken.take)
    assert files[".csv"].startswith(b"Timecode,BlendShapeCount,EyeBlinkLeft")
    assert len(json.loads(files[".jsonl"].splitlines()[-1])) > 3


def test_work_that_ends_while_the_page_is_drawn_is_shown_by_the_next_run(voice_model, monkeypatch):
    """What is drawn first (the head without movement) and what is drawn last (the take) agree."""
    monkeypatch.setattr("ui.work.Work.join", lambda self, timeout_s: False)
    ends = iter([False])
    is_done = Work.is_done.fget
    monkeypatch.setattr(Work, "is_done", property(lambda self: next(ends, None) is None and is_done(self)))
    drawn = []
    monkeypatch.setattr("ui.viewer.component.show_head", lambda *_, **options: drawn.append(options["motion"]))
    page = run_page()
    wait_until(lambda: is_done(page.session_state["speech_work"][1]), "the work")
    page.run()
    assert drawn[-1] is not None
    assert "Play with sound" in words_of(page)
