"""Capture: the webcam's face as landmarks, coefficients and pose, live; record a take of it."""

from __future__ import annotations

import streamlit as st

from core.session import LiveSession
from core.session_parts import LiveSettings
from ui.examples import example_picture
from ui.face_panel import show_numbers
from ui.frame import require_frame
from ui.live import camera_stream, engine_trouble, live_session, must_wait
from ui.live_panels import (
    mirror_control,
    neutral_control,
    recorder,
    reset_control,
    show_status,
    smoothing_control,
    tracking_controls,
)
from ui.send_panel import send_section
from ui.state import chosen_rig, chosen_rig_id

PAGE = "capture"
DEFAULTS = LiveSettings()


def picture(session: LiveSession) -> bool:
    """The stream with its status line; True while it plays."""
    if must_wait(session, PAGE):
        return False
    example = st.empty()
    still = example_picture(chosen_rig_id(), chosen_rig(), with_landmarks=True)  # before a start is offered
    playing = camera_stream(session, PAGE)
    st.fragment(run_every=1.0 if playing else None)(show_status)(session, playing)
    if not playing:
        st.caption("Start the camera and look at it. The picture stays on this machine; nothing is stored.")
        example.image(still, width="stretch")
    return playing


@st.fragment
def controls(session: LiveSession, playing: bool) -> None:
    """What people move, beside the picture."""
    tracking_controls(session, PAGE)
    neutral_control(session, PAGE, playing)
    with st.expander("More"):
        session.update(
            draws_landmarks=st.toggle("Landmarks", session.settings.draws_landmarks, key=f"{PAGE}_landmarks")
        )
        mirror_control(session, PAGE)
        smoothing_control(session, PAGE)
        reset_control(session, PAGE, DEFAULTS)


require_frame()
st.title("Capture")
if trouble := engine_trouble():
    st.error(trouble, icon=":material/error:")
    st.stop()
live = live_session(PAGE, DEFAULTS)
left, right = st.columns([2, 1], gap="large")
with left:
    is_playing = picture(live)
    st.fragment(run_every=1.0 if live.recorded_s is not None else None)(recorder)(live, PAGE, is_playing)
    send_section(PAGE)
with right:
    controls(live, is_playing)
    st.fragment(run_every=0.4 if is_playing else None)(show_numbers)(live, PAGE, is_playing)
