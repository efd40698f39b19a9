"""What stands beside every page: which head is chosen, and what is being sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from ui.outputs import VisitorOutputs, visitor_outputs
from ui.send_panel import CHANGED, stop_output
from ui.send_words import host_of, stays_here
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
        show_sending(visitor_outputs())


def show_sending(outputs: VisitorOutputs) -> None:
    """The running outputs, each with a stop button, and where the numbers go."""
    running = outputs.running()
    if running:
        st.markdown("**Sending**")
        _sending_badges(outputs)
    abroad = [output for output in running if not stays_here(output.status.address)]
    if abroad:
        hosts = ", ".join(sorted({host_of(output.status.address) for output in abroad}))
        st.caption(f"Numbers of the face leave this computer ({hosts}). Pictures never do.")
    elif running:
        st.caption("What is sent stays on this machine.")
    else:
        st.caption("Everything stays on this machine until you start a stream.")


@st.fragment(run_every=2.0)
def _sending_badges(outputs: VisitorOutputs) -> None:
    if st.session_state.pop(CHANGED, False):
        st.rerun()
    for output in outputs.running():
        status = output.status
        words = f"{status.title.split(' (')[0]} :{status.address.rpartition(':')[2]}"
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            if output.works:
                st.badge(words, icon=":material/cast_connected:", color="red", help="Frames' numbers are sent there.")
            else:
                st.badge(f"{words} failed", icon=":material/error:", color="orange")
            st.button(
                "Stop", key=f"sidebar_stop_{status.name}", icon=":material/stop_circle:", help=f"Stop sending: {words}",
                type="tertiary", on_click=stop_output, args=(outputs, status.name),
            )  # fmt: skip
