"""Watch: start outputs, and see in the browser what a WebSocket output sends, with the age of every face."""

from __future__ import annotations

import streamlit as st

from core.animation.demo import demo_take
from core.errors import LiveAvatarError, StreamError
from core.streaming.server_settings import DEFAULT_PORT, ServerSettings
from ui.frame import require_frame
from ui.outputs import RunningOutput, VisitorOutputs, visitor_outputs
from ui.rig_pictures import still_png, viewer_glb
from ui.send_panel import CHANGED, PROBLEM, page_origins, running_list, send_form, watch_address
from ui.state import chosen_rig, chosen_rig_id, rig_name
from ui.viewer.component import show_head
from ui.viewer.motion import viewer_motion

PAGE = "watch"
ADDRESS = "address"
IDLE = "Waiting for a face: start the camera on Capture or Avatar in another tab, or send the demo movement."
ADDRESS_HELP = "Where a WebSocket output listens, as ws://127.0.0.1:8765. Your browser connects to it."


@st.cache_resource(show_spinner=False)
def demo_motion() -> dict[str, object]:
    """The demo motion as the viewer plays it while there is nothing to watch."""
    take = demo_take()
    return viewer_motion(take.states, take.rate_hz)


def watched(running: tuple[RunningOutput, ...]) -> dict[str, str] | None:
    """Address and token of the stream to watch: the one that the link names, else the visitor's own newest."""
    own = next((output for output in reversed(running) if output.is_websocket), None)
    named = str(st.query_params.get(ADDRESS, ""))
    default = named or (watch_address(own.status.address) if own else "")
    with st.expander("Watch another stream", expanded=False, icon=":material/link:"):
        address = st.text_input("Address", default, placeholder="ws://127.0.0.1:8765", help=ADDRESS_HELP).strip()
        token = st.text_input("Token", type="password", help="Only where the output asks for one.")
    if not address:
        return None
    if own is not None and address == watch_address(own.status.address):
        token = token or own.token
    return {"address": address.rstrip("/"), "token": token}


def try_it(outputs: VisitorOutputs) -> None:
    """A WebSocket output on this computer that sends the demo movement."""
    st.session_state.pop(PROBLEM, None)
    try:
        if not any(output.is_websocket for output in outputs.running()):
            start_on_a_free_port(outputs)
        outputs.play_demo()
    except LiveAvatarError as error:
        st.session_state[PROBLEM] = str(error)
    st.session_state[CHANGED] = True


def start_on_a_free_port(outputs: VisitorOutputs) -> None:
    """A WebSocket output on this computer, at the usual port where nobody has it."""
    name = rig_name(chosen_rig_id())
    try:
        outputs.start(ServerSettings(port=DEFAULT_PORT, origins=page_origins(), rig_name=name))
    except StreamError:
        outputs.start(ServerSettings(port=0, origins=page_origins(), rig_name=name))


def demo_button(outputs: VisitorOutputs) -> None:
    """Starts and stops the demo movement."""
    if outputs.plays_demo:
        st.button("Stop the demo movement", icon=":material/stop_circle:", on_click=outputs.stop_demo)
    else:
        st.button(
            "Send the demo movement", icon=":material/play_circle:", on_click=try_it, args=(outputs,),
            help="Moves the outputs without a camera. Where no WebSocket output runs, one is started on this computer.",
        )  # fmt: skip


require_frame()
st.title("Watch")
outputs = visitor_outputs()
picture, words = st.columns([2, 1], gap="large")
with words:
    running = outputs.running()
    if not running:
        st.markdown(
            "Send the face's numbers to a game engine, a VTuber program or a browser. "
            "Nothing leaves before you press Start."
        )
    demo_button(outputs)
    running_list(outputs, PAGE, IDLE)
    with st.expander("Send it", expanded=not running, icon=":material/cast:"):
        send_form(outputs, PAGE)
    live = watched(running)
with picture:
    show_head(
        viewer_glb(chosen_rig()),
        key=f"watch_{chosen_rig_id()}",
        height_px=620,
        motion=demo_motion(),
        controls=False,
        still_png=still_png(chosen_rig()),
        live=live,
    )
    if live is None:
        st.caption("An example. Start a WebSocket output, or send the demo movement, to see a stream here.")
    else:
        st.caption("The head moves by what the WebSocket output sends; your browser is one of its clients.")
