"""Home: a living head, and three doors."""

from __future__ import annotations

import streamlit as st

from core.animation.demo import demo_take
from ui.frame import require_frame
from ui.rig_pictures import still_png, viewer_glb
from ui.state import chosen_rig, chosen_rig_id
from ui.viewer.component import show_head
from ui.viewer.motion import viewer_motion

DOORS = (
    (
        "Make your head",
        "One photo is enough. In seconds it becomes a head that can be animated.",
        (("pages/rig.py", "Upload a photo", ":material/add_a_photo:"),),
    ),
    (
        "Move it",
        "Your webcam moves the head, live; or your voice alone. No marker, no depth camera.",
        (
            ("pages/avatar.py", "Start the avatar", ":material/play_circle:"),
            ("pages/speech.py", "Let it speak", ":material/record_voice_over:"),
        ),
    ),
    (
        "Send it",
        "Live to Unreal, VTuber programs and browsers, or recorded as a take.",
        (("pages/watch.py", "Send and watch", ":material/cast:"),),
    ),
)


@st.cache_resource(show_spinner=False)
def demo_motion() -> dict[str, object]:
    """The demo motion as the viewer plays it."""
    take = demo_take()
    return viewer_motion(take.states, take.rate_hz)


def show_doors() -> None:
    """The three next steps."""
    for title, text, links in DOORS:
        with st.container(border=True):
            st.markdown(f"**{title}**  \n{text}")
            with st.container(horizontal=True):
                for page, action, icon in links:
                    st.page_link(page, label=action, icon=icon)


require_frame()
picture, words = st.columns([2, 1], gap="medium")
with words:
    st.title("Live Avatar", anchor=False)
    st.markdown("From one camera to a living 3D face.")
    show_doors()
with picture, st.spinner("Getting the head ready. The first time takes some seconds."):
    show_head(
        viewer_glb(chosen_rig()),
        key=f"home_{chosen_rig_id()}",
        height_px=600,
        motion=demo_motion(),
        controls=False,
        still_png=still_png(chosen_rig()),
    )
