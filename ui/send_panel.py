"""Send it: start and stop outputs, and what each of them does at this moment.

Presses are worked on in callbacks, which come before the page: see `ui.live_panels.recorder`.
"""

from __future__ import annotations

import secrets
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import streamlit as st

from core.errors import LiveAvatarError
from core.streaming.codec import WIRES
from core.streaming.mapping import FaceMapping, load_mapping
from core.streaming.output import OutputSettings
from core.streaming.server_settings import DEFAULT_PORT, ServerSettings, is_loopback
from core.streaming.sinks import LOOPBACK, UdpTarget
from ui.outputs import RunningOutput, VisitorOutputs, visitor_outputs
from ui.send_words import (
    KIND_WORDS,
    RATES,
    WEBSOCKET,
    checked_host,
    is_idle,
    numbers_line,
    plan_words,
    stays_here,
    trouble_words,
    where_words,
)
from ui.state import chosen_rig_id, rig_name

CHANGED, PROBLEM, TOKEN = "send_changed", "send_problem", "send_token"
MAPPING_HELP = (
    "A JSON file with gain, offset, limits and mutes by channel: "
    '{"version": 1, "channels": {"jawOpen": {"gain": 1.3}, "tongueOut": {"mute": true}}}'
)


def send_section(page: str, idle_hint: str = "Waiting for a face: start the camera.") -> None:
    """The form and the running outputs, in one expander."""
    outputs = visitor_outputs()
    with st.expander("Send it", expanded=bool(outputs.running()), icon=":material/cast:"):
        send_form(outputs, page)
        running_list(outputs, page, idle_hint)


def send_form(outputs: VisitorOutputs, page: str) -> None:
    """What to start. Nothing leaves before the press."""
    kind = st.selectbox(
        "To", list(KIND_WORDS), format_func=KIND_WORDS.__getitem__, key=f"send_{page}_kind",
        help="The format of the program that listens. Numbers of the face are sent, never a picture.",
    )  # fmt: skip
    is_websocket = kind == WEBSOCKET
    left, right = st.columns([3, 2])
    host = left.text_input(
        "Listen at" if is_websocket else "Address", LOOPBACK, key=f"send_{page}_host_{kind}",
        help=f"{LOOPBACK} is the computer that runs this app: nothing leaves it. "
        + ("0.0.0.0 lets other computers connect." if is_websocket else "Another computer: its name or numbers."),
    )  # fmt: skip
    usual = DEFAULT_PORT if is_websocket else WIRES[kind].default_port
    port = right.number_input("Port", 1, 65_535, usual, key=f"send_{page}_port_{kind}")
    st.selectbox(
        "Frames", list(RATES), format_func=RATES.__getitem__, key=f"send_{page}_rate",
        help="The most frames a second; fewer go out where the camera gives fewer.",
    )  # fmt: skip
    st.toggle("Mirrored", key=f"send_{page}_mirrored", help="Swaps left and right in what is sent, as a mirror does.")
    with st.popover("Strength of each channel", icon=":material/tune:"):
        st.file_uploader("Mapping file", ["json"], key=f"send_{page}_mapping", help=MAPPING_HELP)
    if plan := plan_words(kind, host.strip(), port):
        st.warning(plan, icon=":material/public:")
    if is_websocket and plan:
        st.text_input("Token", _fresh_token(), key=f"send_{page}_token", help="What clients must say first.")
    st.button(
        "Start sending", type="primary", icon=":material/play_arrow:", key=f"send_{page}_start",
        on_click=start_output, args=(outputs, page),
    )  # fmt: skip
    if problem := st.session_state.get(PROBLEM):
        st.error(problem, icon=":material/error:")


def start_output(outputs: VisitorOutputs, page: str) -> None:
    """Starts what the form says now: a press may come together with the last change of a field."""

    def said(field: str) -> Any:
        return st.session_state.get(f"send_{page}_{field}")

    st.session_state.pop(PROBLEM, None)
    kind = said("kind")
    host, port, rate_hz = str(said(f"host_{kind}")), int(said(f"port_{kind}")), said("rate") or None
    try:
        settings = OutputSettings(rate_hz, mirrored=said("mirrored"), mapping=mapping_of_upload(said("mapping")))
        outputs.start(target_of(kind, checked_host(host), port, said("token") or "", rate_hz), settings)
    except LiveAvatarError as error:
        st.session_state[PROBLEM] = str(error)


def target_of(kind: str, host: str, port: int, token: str, rate_hz: float | None) -> ServerSettings | UdpTarget:
    """Where to, as the hub wants it. StreamError: not possible so."""
    if kind != WEBSOCKET:
        return UdpTarget(kind, host, port)
    return ServerSettings(
        host, port, token, page_origins(), rig_name=rig_name(chosen_rig_id()), rate_hz=rate_hz or 0.0
    )  # fmt: skip


def page_origins() -> tuple[str, ...]:
    """The page that the visitor looks at, so that its own viewer may connect from wherever it is opened."""
    parts = urlsplit(str(st.context.url or ""))
    return (f"{parts.scheme}://{parts.netloc}",) if parts.scheme in ("http", "https") and parts.netloc else ()


def mapping_of_upload(file: Any) -> FaceMapping:
    """The mapping in an uploaded file, the plain one where there is none. InputError: it is no mapping."""
    if file is None:
        return FaceMapping()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / (Path(file.name).name or "mapping.json")
        path.write_bytes(file.getvalue())
        return load_mapping(path)


@st.fragment(run_every=1.0)
def _live_list(outputs: VisitorOutputs, page: str, idle_hint: str) -> None:
    if st.session_state.pop(CHANGED, False):
        st.rerun()  # the whole page: the sidebar tells of it too
    for output in outputs.running():
        show_output(outputs, output, page, idle_hint)


def running_list(outputs: VisitorOutputs, page: str, idle_hint: str) -> None:
    """Every output with its numbers, renewed once a second while there are any."""
    if outputs.running():
        _live_list(outputs, page, idle_hint)
    else:
        st.caption("Nothing is sent.")


def show_output(outputs: VisitorOutputs, output: RunningOutput, page: str, idle_hint: str) -> None:
    """One output: where to, how it goes, and its stop button."""
    status = output.status
    with st.container(border=True):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(f"**{status.title}**  \n`{status.address}`", width="content")
            st.button(
                "Stop", key=f"send_{page}_stop_{status.name}", icon=":material/stop_circle:",
                on_click=stop_output, args=(outputs, status.name),
            )  # fmt: skip
        if trouble := trouble_words(status):
            st.error(trouble, icon=":material/error:")
        elif is_idle(status):
            st.caption(idle_hint)
        st.caption(numbers_line(status))
        if stays_here(status.address):
            st.caption(where_words(status.address))
        else:
            st.warning(where_words(status.address), icon=":material/public:")
        if output.token:
            st.text_input("Token of this output", output.token, disabled=True, key=f"send_{page}_said_{status.name}")
        if output.is_websocket and page != "watch":
            query = urlencode({"address": watch_address(status.address)})
            st.link_button("Watch it in a new tab", f"watch?{query}", icon=":material/visibility:")


def stop_output(outputs: VisitorOutputs, name: str) -> None:
    """Ends an output and lets the whole page know."""
    outputs.stop(name)
    st.session_state[CHANGED] = True


def watch_address(address: str) -> str:
    """Where a browser reaches this output: the page's own machine where the output listens everywhere."""
    host, port = address.removeprefix("ws://").rpartition(":")[::2]
    if is_loopback(host.strip("[]")):
        return address
    page_host = urlsplit(str(st.context.url or "")).hostname or host
    return f"ws://{page_host if host in ('0.0.0.0', '[::]') else host}:{port}"


def _fresh_token() -> str:
    token: str = st.session_state.setdefault(TOKEN, secrets.token_urlsafe(12))
    return token
