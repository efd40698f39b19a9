"""Speech: a voice alone moves the head: an example, the microphone, a recording, or typed text."""

from __future__ import annotations

import streamlit as st

from core.audio.speech_settings import SpeechSettings
from core.errors import LiveAvatarError
from core.media.text_voice import HOW_TO_INSTALL, MOST_CHARACTERS, VOICES, WORDS_A_MINUTE, can_speak_text, speak_text
from core.session import LiveSession
from core.session_parts import LiveSettings, View, VoiceUse
from ui.examples import example_picture
from ui.frame import require_frame
from ui.live import engine_trouble, live_session, microphone_stream, must_wait, voice_trouble
from ui.live_panels import mirror_control, recorder, show_status
from ui.outputs import visitor_outputs, visitor_presence
from ui.rig_pictures import still_png, viewer_glb
from ui.send_panel import send_section
from ui.speech_panel import downloads, film_download, send_take, show_hearing, show_mouth, speech_controls
from ui.spoken import EXAMPLE_VOICE, LARGEST_MIB, LONGEST_S, Spoken, content_id, film, understand
from ui.state import chosen_rig, chosen_rig_id
from ui.viewer.component import show_head
from ui.work import Work

PAGE = "speech"
DEFAULTS = LiveSettings(view=View.AVATAR, voice=VoiceUse.ALONE)
EXAMPLE, MICROPHONE, FILE, TEXT = "Example", "Microphone", "File", "Text"
WORK, SPOKEN, FILM, TYPED, TYPED_PROBLEM = (
    f"{PAGE}_{name}" for name in ("work", "spoken", "film_work", "typed", "typed_problem")
)
SOUND_TYPES = ["wav", "mp3", "flac", "ogg", "opus", "m4a", "aac", "aiff", "aif", "mp4", "mov", "mkv", "webm"]
HEIGHT_PX = 560
QUICK_S = 1.5  # a short sentence is understood before the page is drawn, without a bar that flickers
POLL_S = 0.3
FIRST_TEXT = "Hello, this is my new face. Type what it shall say."

Voice = tuple[str, bytes]  # a file's name and its content; a string here would be printed on the page


def uploaded_voice() -> Voice | None:
    """The recording that the visitor gave."""
    file = st.file_uploader(
        "Recording", SOUND_TYPES, key=f"{PAGE}_file", max_upload_size=LARGEST_MIB,
        help=f"A voice in any usual format, or a video with one; up to {LONGEST_S / 60:.0f} minutes. It is not stored.",
    )  # fmt: skip
    return None if file is None else (file.name, file.getvalue())


def speak_typed() -> None:
    """Makes the typed text a sound: a press is worked on before the page."""
    st.session_state.pop(TYPED_PROBLEM, None)
    said = {name: st.session_state[f"{PAGE}_{name}"] for name in ("text", "voice", "speed")}
    try:
        st.session_state[TYPED] = ("text.wav", speak_text(said["text"], VOICES[said["voice"]], said["speed"]))
    except LiveAvatarError as error:
        st.session_state[TYPED_PROBLEM] = str(error)


def typed_voice() -> Voice | None:
    """The sound of the typed text, once it was pressed."""
    if not can_speak_text():
        st.info(HOW_TO_INSTALL, icon=":material/keyboard:")
        return None
    with st.form(f"{PAGE}_text_form", border=False):
        st.text_area("Text", FIRST_TEXT, max_chars=MOST_CHARACTERS, height=110, key=f"{PAGE}_text")
        st.selectbox("Voice", list(VOICES), key=f"{PAGE}_voice", help="Spoken by espeak-ng on this machine.")
        st.slider("Speed", *WORDS_A_MINUTE, 150, 10, format="%d words/min", key=f"{PAGE}_speed")
        st.form_submit_button("Speak", type="primary", icon=":material/record_voice_over:", on_click=speak_typed)
    if problem := st.session_state.get(TYPED_PROBLEM):
        st.error(problem, icon=":material/error:")
    return st.session_state.get(TYPED)


def chosen_voice(source: str) -> Voice | None:
    """The sound that shall move the head; None while one is missing, and for the microphone."""
    if source == FILE:
        return uploaded_voice()
    if source == TEXT:
        return typed_voice()
    return (EXAMPLE_VOICE.name, EXAMPLE_VOICE.read_bytes()) if source == EXAMPLE else None


def work_on(voice: Voice, settings: SpeechSettings) -> Work[Spoken]:
    """The work that understands this voice with these settings, begun where it is not under way."""
    name, content = voice
    wanted = (content_id(content), settings)
    known, work = st.session_state.get(WORK, (None, None))
    if known != wanted:
        if work is not None:
            work.stop()
        work = Work("speech-work", lambda progress: understand(content, name, settings, progress), visitor_presence())
        st.session_state[WORK] = (wanted, work)
        work.join(QUICK_S)
    return work


def stop_work() -> None:
    """Stops listening to a recording that is long."""
    _, work = st.session_state.get(WORK, (None, None))
    if work is not None:
        work.stop()


@st.fragment(run_every=POLL_S)
def show_progress(work: Work, words: str) -> None:
    """How far the work is, and a way out."""
    if work.is_done:
        st.rerun(scope="app")
    row = st.container(horizontal=True, vertical_alignment="center")
    row.progress(work.fraction, text=words)
    row.button("Cancel", icon=":material/close:", on_click=work.stop, key=f"{PAGE}_cancel_{words}")


def start_film() -> None:
    """Begins the film of what is shown now."""
    spoken, rig = st.session_state[SPOKEN], chosen_rig()
    st.session_state[FILM] = (
        (id(spoken), chosen_rig_id()),
        Work("speech-film", lambda progress: film(spoken, rig, progress), visitor_presence()),
    )


def film_work(spoken: Spoken) -> Work[bytes] | None:
    """The film of this voice on this head, where one is being made or is there."""
    belongs_to, work = st.session_state.get(FILM, (None, None))
    return work if belongs_to == (id(spoken), chosen_rig_id()) else None


def picture_of(spoken: Spoken | None) -> None:
    """The head, which plays what was understood."""
    show_head(
        viewer_glb(chosen_rig()),
        key=f"{PAGE}_{chosen_rig_id()}",
        height_px=HEIGHT_PX,
        motion=None if spoken is None else spoken.motion,
        sound=None if spoken is None else spoken.wav,
        controls=False,
        still_png=still_png(chosen_rig()),
    )


def show_recorded(voice: Voice | None, settings: SpeechSettings, source: str) -> None:
    """A recorded voice: understood, played, and given as files."""
    if voice is None:
        picture_of(None)
        st.caption("Choose a recording of a voice." if source == FILE else "Type a sentence and press Speak.")
        return
    work = work_on(voice, settings)
    is_done = work.is_done  # asked once: it may end between two lines of this page
    if is_done and work.result is not None:
        st.session_state[SPOKEN] = work.result
    shown = st.session_state.get(SPOKEN)  # until new settings are worked in, the same voice goes on as it was
    picture_of(shown if shown is not None and shown.content_id == content_id(voice[1]) else None)
    if not is_done:
        show_progress(work, "Listening to the voice")
        return
    if work.problem:
        st.error(work.problem, icon=":material/error:")
    elif work.result is None:
        st.info("Stopped. Choose the voice again to go on.", icon=":material/stop_circle:")
    else:
        show_take(work.result)


def show_take(spoken: Spoken) -> None:
    """What came of it, and where it can go."""
    st.caption(
        f"{spoken.take.duration_s:.1f} s, {len(spoken.take.states)} frames. Press *Play with sound*: lips and sound "
        "keep together. Turn the head by dragging."
    )
    running_film = film_work(spoken)
    is_drawing = running_film is not None and not running_film.is_done
    with st.container(horizontal=True):
        downloads(spoken, chosen_rig(), PAGE)
        film_download(running_film, spoken.take.name, PAGE, start_film)
        send_take(visitor_outputs(), spoken, PAGE)
    if running_film is not None and is_drawing:
        show_progress(running_film, "Drawing the video")
    elif running_film is not None and running_film.problem:
        st.error(running_film.problem, icon=":material/error:")


def show_voice(session: LiveSession, playing: bool) -> None:
    """What is heard and how the session stands: one fragment, because each costs the engine's thread time."""
    show_hearing(session, playing)
    show_status(session, playing, sees_camera=False)


def show_microphone(settings: SpeechSettings) -> bool:
    """The visitor's own voice, live; True while the microphone runs."""
    if trouble := engine_trouble():
        st.error(trouble, icon=":material/error:")
        return False
    session = live_session(PAGE, DEFAULTS)
    session.update(speech=settings)
    if must_wait(session, PAGE):
        return False
    example = st.empty()
    still = example_picture(chosen_rig_id(), chosen_rig(), with_landmarks=False)  # before a start is offered
    playing = microphone_stream(session, PAGE)
    st.fragment(run_every=1.0 if playing else None)(show_voice)(session, playing)
    if not playing:
        st.caption("Start the microphone and speak. Your voice stays on this machine; nothing is stored.")
        example.image(still, width="stretch")
    st.fragment(run_every=1.0 if session.recorded_s is not None else None)(recorder)(session, PAGE, playing)
    return playing


require_frame()
st.title("Speech")
if trouble := voice_trouble():
    picture_of(None)
    st.info(trouble, icon=":material/voice_over_off:")
    st.stop()
left, right = st.columns([2, 1], gap="large")
with left:
    source = st.segmented_control(
        "Voice", (EXAMPLE, MICROPHONE, FILE, TEXT), default=EXAMPLE, required=True, key=f"{PAGE}_source",
        label_visibility="collapsed",
    )  # fmt: skip
with right:
    voice = chosen_voice(str(source))
    speech = speech_controls(PAGE, source == MICROPHONE)
with left:
    is_playing = False
    if source == MICROPHONE:
        is_playing = show_microphone(speech)
    else:
        show_recorded(voice, speech, str(source))
    send_section(PAGE, "Waiting for a voice: start the microphone, or send a take.")
with right:
    if source == MICROPHONE:
        session = live_session(PAGE, DEFAULTS)
        mirror_control(session, PAGE)
        st.fragment(run_every=0.7 if is_playing else None)(show_mouth)(session)
