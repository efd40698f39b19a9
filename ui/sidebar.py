"""What stands beside every page: which head is chosen."""

from __future__ import annotations

import streamlit as st

from ui.state import BUILTIN_ID, choose_rig, chosen_rig_id, rig_entries, rig_name

PICKER = "sidebar_rig"


def _on_pick() -> None:
    choose_rig(st.session_state[PICKER])


def show_sidebar() -> None:
    """The chosen rig and a quick way to another one."""
    with st.sidebar:
        ids = [entry.id for entry in rig_entries()] + [BUILTIN_ID]
        st.session_state[PICKER] = chosen_rig_id()
        st.selectbox(
            "Head in use",
            ids,
            format_func=rig_name,
            key=PICKER,
            on_change=_on_pick,
            help="A rig is a head that can be animated: its shape, its skin and its 52 expressions (blendshapes).",
        )
        thumbnail = next((e.thumbnail for e in rig_entries() if e.id == chosen_rig_id() and e.thumbnail), None)
        if thumbnail is not None:
            st.image(str(thumbnail), width=96)
        st.caption("Everything stays on this machine until you start a stream.")
