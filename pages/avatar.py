"""Avatar: the chosen head, driven by the webcam, a recorded take or a video."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import streamlit as st

from core.animation.demo import demo_take
from core.animation.take import Take
from core.animation.take_files import load_take
from core.errors import LiveAvatarError, MediaError
from core.media.videos import is_video
from core.session import LiveSession, MakeInput
from core.session_inputs import TakeInput, VideoInput
from core.session_parts import LiveSettings, View, VoiceUse
from ui.examples import example_picture
from ui.frame import require_frame
from ui.live import (
    camera_stream,
    engine_trouble,
    live_session,
    must_wait,
    playback_stream,
    voice_trouble,
)
from ui.live_panels import (
    mirror_control,
    neutral_control,
    reset_control,
    show_status,
    smoothing_control,
    tracking_controls,
)
from ui.send_panel import send_section
from ui.state import chosen_rig, chosen_rig_id

PAGE = "avatar"
DEFAULTS = LiveSettings(view=View.AVATAR)
CAMERA, TAKE, VIDEO = "Camera", "Take", "Video"
WITH_VOICE = "voice_beside_camera"  # "Reset controls" leaves it alone: it would end a running stream
TAKE_HELP = "A take is recorded movement: Live Link Face CSV or JSONL, from the Capture page or from elsewhere."
VIDEO_HELP = "The face in the video moves the head."
VOICE_HELP = (
    "Your voice moves the mouth where the camera does not see it: turned away, covered or gone. "
    "It is chosen before the camera starts."
)


def take_of_upload(name: str, content: bytes) -> Take:
    """The take in an uploaded file; TakeError when it is none."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"take{Path(name).suffix.lower()}"
        path.write_bytes(content)
        return load_take(path)


def take_input() -> MakeInput:
    """The uploaded take, or the demo take."""
    file = st.file_uploader("Take file", ["csv", "jsonl"], key=f"{PAGE}_take_file", help=TAKE_HELP)
    if file is None:
        st.caption("Without a file, the demo take plays.")
        take = demo_take()
    else:
        take = take_of_upload(file.name, file.getvalue())
        st.caption(f"{len(take.states)} frames, {take.duration_s:.1f} s")
    return lambda clock, stopped: TakeInput(take, clock, stopped)


def video_input() -> MakeInput | None:
    """The uploaded video; None while there is none."""
    file = st.file_uploader(
        "Video file", ["mp4", "mov", "mkv", "webm", "avi"], key=f"{PAGE}_video_file", help=VIDEO_HELP
    )
    if file is None:
        return None
    content = file.getvalue()
    if not is_video(content):
        raise MediaError(f"'{file.name}' is not a video that can be read. Choose an MP4, MOV, MKV, WebM or AVI file.")
    return lambda clock, stopped: VideoInput(content, clock, stopped)


def chosen_source(live: LiveSession) -> tuple[str, MakeInput | None]:
    """What drives the head, and the input that plays it (None for the camera or while a file is missing)."""
    source = st.segmented_control(
        "Driven by", (CAMERA, TAKE, VIDEO), default=CAMERA, required=True, key=f"{PAGE}_source"
    )
    make_input = None
    try:
        if source == TAKE:
            make_input = take_input()
        elif source == VIDEO:
            make_input = video_input()
    except LiveAvatarError as error:
        st.error(str(error), icon=":material/error:")
    return str(source), make_input


def voice_control() -> bool:
    """Whether the microphone helps the camera; chosen before the start."""
    streams = (st.session_state.get(f"{PAGE}_{kind}") for kind in ("camera", "voice"))
    playing = any(stream is not None and stream.state.playing for stream in streams)
    trouble = voice_trouble()
    is_on = st.toggle(
        "Use my voice too", key=WITH_VOICE, disabled=playing or bool(trouble), help=trouble or VOICE_HELP
    )  # fmt: skip
    return is_on and not trouble


def picture(session: LiveSession, source: str, make_input: MakeInput | None, with_voice: bool) -> bool:
    """The stream with its status line; True while it plays."""
    if must_wait(session, PAGE):
        return False
    example = st.empty()
    still = example_picture(chosen_rig_id(), chosen_rig(), with_landmarks=False)  # before a start is offered
    if source == CAMERA:
        playing = camera_stream(session, PAGE, with_voice)
        words = ("camera and microphone", "Picture and voice stay") if with_voice else ("camera", "The picture stays")
        hint = f"Start the {words[0]} and move your face. {words[1]} on this machine; nothing is stored."
    elif make_input is None:
        st.info("Choose a video with one face in it.", icon=":material/movie:")
        return False
    else:
        playing = playback_stream(session, PAGE, make_input)
        hint = "Press Play. No camera is needed."
    st.fragment(run_every=1.0 if playing else None)(show_status)(session, playing, source == CAMERA)
    if not playing:
        st.caption(hint)
        example.image(still, width="stretch")
    return playing


@st.fragment
def controls(session: LiveSession, playing: bool, has_camera: bool) -> None:
    """What people move, beside the picture."""
    settings = session.settings
    yaw = st.slider("Turn", -90, 90, round(math.degrees(settings.orbit_yaw_rad)), format="%d°", key=f"{PAGE}_yaw")
    pitch = st.slider(
        "Height", -45, 45, round(math.degrees(settings.orbit_pitch_rad)), format="%d°", key=f"{PAGE}_pitch"
    )
    distance = st.slider(
        "Distance", 35, 150, round(100 * settings.orbit_distance_m), format="%d cm", key=f"{PAGE}_distance"
    )
    session.update(
        orbit_yaw_rad=math.radians(yaw), orbit_pitch_rad=math.radians(pitch), orbit_distance_m=distance / 100
    )
    beside = st.toggle(
        "Side by side", settings.view is View.SIDE_BY_SIDE, key=f"{PAGE}_beside", help="Shows the camera picture too."
    )
    session.update(view=View.SIDE_BY_SIDE if beside else View.AVATAR)
    if has_camera:
        neutral_control(session, PAGE, playing)
    with st.expander("More"):
        mirror_control(session, PAGE)
        smoothing_control(session, PAGE)
        tracking_controls(session, PAGE)
        reset_control(session, PAGE, DEFAULTS)


require_frame()
st.title("Avatar")
if trouble := engine_trouble():
    st.error(trouble, icon=":material/error:")
    st.stop()
live = live_session(PAGE, DEFAULTS)
left, right = st.columns([2, 1], gap="large")
with right:
    source, make_input = chosen_source(live)
    with_voice = source == CAMERA and voice_control()
    live.update(voice=VoiceUse.BESIDE if with_voice else VoiceUse.OFF)
with left:
    is_playing = picture(live, source, make_input, with_voice)
    send_section(PAGE, "Waiting for a face: start the camera, a take or a video.")
with right:
    controls(live, is_playing, source != TAKE)
