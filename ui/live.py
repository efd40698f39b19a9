"""Between the browser's camera and a live session: pointers are handed over here, all work is done elsewhere."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import streamlit as st
from av import AudioFrame, VideoFrame
from streamlit_webrtc import (
    Translations,
    WebRtcMode,
    create_audio_sink_track,
    create_video_sink_track,
    create_video_source_track,
    webrtc_streamer,
)

from core.audio.speech_settings import SpeechSettings
from core.errors import LiveAvatarError
from core.head_model.builtin import load_builtin_rig
from core.media.sounds import mono_samples
from core.pipeline import Pipeline
from core.rendering.renderer import HeadRenderer
from core.session import LIVE_SESSIONS, LiveSession, MakeInput
from core.session_parts import LiveSettings
from core.session_voice import make_speech_driver
from core.structures import AudioChunk, FaceState, Frame
from ui.ice import ice_servers
from ui.outputs import visitor_outputs
from ui.placeholder import placeholder
from ui.state import chosen_rig

RATE_HZ = 30
PLACES_VARIABLE = "LIVE_AVATAR_PLACES"

CAMERA_CONSTRAINTS = {
    "video": {
        "width": {"ideal": 640},
        "height": {"ideal": 480},
        "frameRate": {"ideal": RATE_HZ},
        "facingMode": "user",
    },
    "audio": False,
}
# Levels are evened out and noise is taken off by the browser; nothing is played back, so there is no echo to cancel.
MICROPHONE_CONSTRAINTS = {"echoCancellation": False, "noiseSuppression": True, "autoGainControl": True}
VIDEO_ATTRIBUTES = {
    "autoPlay": True,
    "controls": False,
    "muted": True,
    "playsInline": True,
    # One shape for every view: the component's frame does not grow with a taller picture, and STOP would be cut off.
    "style": {
        "width": "100%",
        "aspectRatio": "4 / 3",
        "objectFit": "contain",
        "borderRadius": "0.5rem",
        "backgroundColor": "#181c26",
    },
}
CAMERA_WORDS: Translations = {
    "start": "Start camera",
    "stop": "Stop",
    "select_device": "Choose camera",
    "device_ask_permission": "Please allow the camera. The browser asks at the top of the window.",
    "device_not_available": "No camera is there, or another program uses it.",
    "device_access_denied": "The browser blocks the camera. Allow it in the address bar, then start again.",
    "media_api_not_available": "Cameras work only over https or on localhost. Open this page there.",
}
VOICE_WORDS: Translations = {
    **CAMERA_WORDS,
    "device_ask_permission": "Please allow camera and microphone. The browser asks at the top of the window.",
    "device_not_available": "Camera or microphone is not there, or another program uses it.",
    "device_access_denied": "The browser blocks camera or microphone. Allow both in the address bar, then start again.",
}
MICROPHONE_WORDS: Translations = {
    "start": "Start microphone",
    "stop": "Stop",
    "select_device": "Choose microphone",
    "device_ask_permission": "Please allow the microphone. The browser asks at the top of the window.",
    "device_not_available": "No microphone is there, or another program uses it.",
    "device_access_denied": "The browser blocks the microphone. Allow it in the address bar, then start again.",
    "media_api_not_available": "Microphones work only over https or on localhost. Open this page there.",
}
PLAYBACK_WORDS: Translations = {"start": "Play", "stop": "Stop"}


@st.cache_resource(show_spinner="Loading the face models. This happens once.")
def engine_trouble() -> str:
    """Warms the networks and the renderer once per server; "" when both work, else what stands in the way.

    The first frame of a cold process takes seconds, and streamlit-webrtc gives up on a stream that waits for ten.
    """
    trouble: list[str] = []

    def warm() -> None:
        try:
            with Pipeline() as pipeline:
                pipeline.step(Frame(np.full((480, 640, 3), 128, np.uint8), 0.0))
            renderer = HeadRenderer(load_builtin_rig())
            renderer.render(FaceState(0.0))
            renderer.close()
        except LiveAvatarError as error:
            trouble.append(str(error))

    thread = threading.Thread(target=warm, name="avatar-warm-up")
    thread.start()
    thread.join()
    return "".join(trouble)


@st.cache_resource(show_spinner="Loading the voice model. This happens once.")
def voice_trouble() -> str:
    """Warms the speech network once per server; "" when it works, else what stands in the way."""
    try:
        driver = make_speech_driver(SpeechSettings())
        driver.push(AudioChunk(np.zeros(16_000, np.float32), 16_000, 0.0))
    except LiveAvatarError as error:
        return str(error)
    return ""


@st.cache_resource(show_spinner=False)
def _set_places() -> None:
    places = os.environ.get(PLACES_VARIABLE, "")
    if places.isdigit() and int(places) > 0:
        LIVE_SESSIONS.maximum = int(places)


def live_session(page: str, settings: LiveSettings) -> LiveSession:
    """This visitor's session on this page, with the chosen rig; made with `settings` at the first visit. Its faces go
    to whatever outputs the visitor starts."""
    _set_places()
    key = f"{page}_live_session"
    if key not in st.session_state:
        st.session_state[key] = LiveSession(chosen_rig(), settings, on_states=visitor_outputs().publish)
    session: LiveSession = st.session_state[key]
    rig = chosen_rig()
    if session.rig is not rig:
        session.rig = rig
    return session


def camera_stream(session: LiveSession, page: str, with_voice: bool = False) -> bool:
    """Shows the start button and the returned picture; True while the camera streams.

    The session starts with the first frame and ends with the stream: on stop, on a change of page, on a closed tab.
    with_voice: asks for the microphone too; the choice counts from the next start on.
    """
    kind = "voice" if with_voice else "camera"
    sink = create_video_sink_track(
        lambda frame: session.put_frame(lambda: _decode(frame)),
        key=f"{page}_{kind}_sink",
        on_ended=session.request_stop,
    )
    source = create_video_source_track(lambda pts, time_base: _picture(session), f"{page}_{kind}_source", RATE_HZ)
    context = webrtc_streamer(
        key=f"{page}_{kind}",
        mode=WebRtcMode.SENDRECV,
        rtc_configuration={"iceServers": ice_servers(_page_url())},
        media_stream_constraints={**CAMERA_CONSTRAINTS, "audio": MICROPHONE_CONSTRAINTS if with_voice else False},
        sink_video_track=sink,
        sink_audio_track=_sound_sink(session, f"{page}_{kind}_sound") if with_voice else None,
        source_video_track=source,
        video_html_attrs=VIDEO_ATTRIBUTES,
        translations=VOICE_WORDS if with_voice else CAMERA_WORDS,
    )
    return bool(context.state.playing)


def microphone_stream(session: LiveSession, page: str) -> bool:
    """Shows the start button and the picture that the voice moves; True while the microphone streams.

    The session starts with the first sound and ends with the stream. No sound goes back to the browser.
    """
    source = create_video_source_track(
        lambda pts, time_base: _picture(session), f"{page}_microphone_source", RATE_HZ, session.request_stop
    )
    context = webrtc_streamer(
        key=f"{page}_microphone",
        mode=WebRtcMode.SENDRECV,
        rtc_configuration={"iceServers": ice_servers(_page_url())},
        media_stream_constraints={"video": False, "audio": MICROPHONE_CONSTRAINTS},
        sink_audio_track=_sound_sink(session, f"{page}_microphone_sound", session.request_stop),
        source_video_track=source,
        video_html_attrs=VIDEO_ATTRIBUTES,
        translations=MICROPHONE_WORDS,
    )
    return bool(context.state.playing)


def playback_stream(session: LiveSession, page: str, make_input: MakeInput) -> bool:
    """Shows the play button and the picture of a session that plays `make_input`; no camera is asked for."""

    def picture(pts: int, time_base: Fraction) -> VideoFrame:
        session.play(make_input)
        return _picture(session)

    source = create_video_source_track(picture, f"{page}_playback_source", RATE_HZ, session.request_stop)
    context = webrtc_streamer(
        key=f"{page}_playback",
        mode=WebRtcMode.RECVONLY,
        rtc_configuration={"iceServers": ice_servers(_page_url())},
        media_stream_constraints={"video": True, "audio": False},
        source_video_track=source,
        video_html_attrs=VIDEO_ATTRIBUTES,
        translations=PLAYBACK_WORDS,
    )
    return bool(context.state.playing)


def must_wait(session: LiveSession, page: str) -> bool:
    """Whether every place of the server is in use by others; then says so and offers to try again."""
    if session.is_running or not LIVE_SESSIONS.is_full:
        return False
    st.info("All places of this server are taken. Try again in a minute.", icon=":material/group:")
    st.button("Try again", key=f"{page}_retry")
    return True


def _page_url() -> str:
    return str(st.context.url or "")


def _decode(frame: VideoFrame) -> Frame:
    return Frame(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8), float(frame.time or 0.0))


def _sound_sink(session: LiveSession, key: str, on_ended: Callable[[], None] | None = None) -> Any:
    return create_audio_sink_track(lambda frame: session.put_sound(lambda: _heard(frame)), key=key, on_ended=on_ended)


def _heard(frame: AudioFrame) -> AudioChunk:
    samples = frame.to_ndarray()
    by_channel = samples.T if frame.format.is_planar else samples.reshape(-1, frame.layout.nb_channels)
    return AudioChunk(mono_samples(by_channel), frame.sample_rate, float(frame.time or 0.0))


def _picture(session: LiveSession) -> VideoFrame:
    output = session.latest_output()
    image = placeholder(session.phase) if output is None else output.picture
    return VideoFrame.from_ndarray(image, format="rgb24")
