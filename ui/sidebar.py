"""What stands beside every page: which head is chosen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from ui.state import BUILTIN_ID, choose_rig, chosen_rig_id, rig_entries, rig_name

PICKER = "sidebar_rig"


def _on_pick() -> None:
    choose_rig(st.session_state[PICKER])


def _labels(ids: Sequence[str]) -> dict[str, str]:
    """What the list shows for each id: the name, with a number where two heads share one."""
    labels: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for rig_id in ids:
        name = rig_name(rig_id)
        counts[name] += 1
        labels[rig_id] = name if counts[name] == 1 else f"{name} ({counts[name]})"
    return labels


def show_sidebar() -> None:
    """The chosen rig and a quick way to another one."""
    with st.sidebar:
        ids = [entry.id for entry in rig_entries()] + [BUILTIN_ID]
        labels = _labels(ids)
        st.session_state[PICKER] = chosen_rig_id()
        st.selectbox(
            "Head in use",
            ids,
            format_func=labels.__getitem__,
            key=PICKER,
            on_change=_on_pick,
            help="A rig is a head that can be animated: its shape, its skin and its 52 expressions (blendshapes).",
        )
        thumbnail = next((e.thumbnail for e in rig_entries() if e.id == chosen_rig_id() and e.thumbnail), None)
        if thumbnail is not None:
            st.image(str(thumbnail), width=96)
        st.caption("Everything stays on this machine until you start a stream.")
