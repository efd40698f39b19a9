"""The outputs that one visitor runs: started by a press, shown on every page, ended when the visitor's tab is gone.

Nothing leaves before `start`. The hub takes faces from the engine thread without ever waiting; the threads here only
watch whether the visitor is still there, and play the demo movement where the visitor asks for it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.animation.demo import demo_take
from core.animation.take import Take
from core.streaming.hub import StreamHub
from core.streaming.output import OutputPhase, OutputSettings, OutputStatus
from core.streaming.server_settings import ServerSettings
from core.streaming.sinks import UdpTarget
from core.streaming.sources import TakeSource
from core.structures import FaceState

OUTPUTS = "outputs"
GONE_S = 5.0  # a browser that lost its line for a moment comes back within seconds
LOOK_S = 1.0
LIVE_S = 1.0  # the demo movement waits so long after the last live face
WATCH_THREAD, DEMO_THREAD, TAKE_THREAD = "outputs-watch", "outputs-demo", "outputs-take"


@dataclass(frozen=True, slots=True)
class RunningOutput:
    """One output of this visitor. token: what clients of a WebSocket output must say, empty where it asks nothing."""

    status: OutputStatus
    token: str

    @property
    def is_websocket(self) -> bool:
        """Whether a browser can watch it."""
        return self.status.address.startswith("ws://")

    @property
    def works(self) -> bool:
        """Whether it goes on by itself."""
        return self.status.phase is OutputPhase.RUNNING


class VisitorOutputs:
    """is_here: whether the visitor's tab is open, asked once a second in a thread of its own while outputs run."""

    def __init__(self, is_here: Callable[[], bool], gone_s: float = GONE_S, look_s: float = LOOK_S) -> None:
        self.hub = StreamHub()
        self._is_here, self._gone_s, self._look_s = is_here, gone_s, look_s
        self._lock = threading.Lock()
        self._tokens: dict[str, str] = {}
        self._started = 0
        self._live_s = -LIVE_S
        self._watch: threading.Thread | None = None
        self._demo: threading.Event | None = None
        self._take: threading.Event | None = None

    def publish(self, states: tuple[FaceState, ...], arrived_s: float | None) -> None:
        """Offers the faces of one live frame to every output; never waits."""
        self._live_s = time.monotonic()
        if self.hub.is_sending:
            self.hub.publish(states, arrived_s)

    def start(self, target: ServerSettings | UdpTarget, settings: OutputSettings | None = None) -> str:
        """Starts an output and returns its name, after about half a second for a WebSocket server. StreamError: it
        cannot be set up as asked."""
        with self._lock:
            self._started += 1
            kind = target.wire if isinstance(target, UdpTarget) else "ws"
            name = f"{kind}-{self._started}"
        self.hub.start(name, target, settings)
        with self._lock:
            self._tokens[name] = target.token if isinstance(target, ServerSettings) else ""
            if self._watch is None:
                self._watch = threading.Thread(target=self._watch_visitor, name=WATCH_THREAD, daemon=True)
                self._watch.start()
        return name

    def stop(self, name: str) -> None:
        """Ends an output; its port is free afterwards."""
        self.hub.stop(name)
        with self._lock:
            self._tokens.pop(name, None)
        if not self.hub.is_sending:
            self.stop_demo()
            self.stop_take()

    def running(self) -> tuple[RunningOutput, ...]:
        """Every output that was started and not stopped, also one that failed by itself."""
        return tuple(RunningOutput(status, self._tokens.get(status.name, "")) for status in self.hub.status())

    def close(self) -> None:
        """Ends everything."""
        self.stop_demo()
        self.stop_take()
        self.hub.close()
        with self._lock:
            self._tokens.clear()

    @property
    def plays_demo(self) -> bool:
        """Whether the demo movement goes out where no live face does."""
        return self._demo is not None

    def play_demo(self) -> None:
        """Sends the demo movement, again and again, while no live face comes."""
        with self._lock:
            if self._demo is not None:
                return
            self._demo = threading.Event()
            thread = threading.Thread(target=self._play, args=(self._demo,), name=DEMO_THREAD, daemon=True)
        thread.start()

    def stop_demo(self) -> None:
        """Ends the demo movement."""
        with self._lock:
            stopped, self._demo = self._demo, None
        if stopped is not None:
            stopped.set()

    @property
    def plays_take(self) -> bool:
        """Whether a take goes out at this moment."""
        return self._take is not None

    def play_take(self, take: Take) -> None:
        """Sends this take once, at its own times, in place of another that still goes out."""
        self.stop_take()
        stopped = threading.Event()
        with self._lock:
            self._take = stopped
        threading.Thread(target=self._play_once, args=(take, stopped), name=TAKE_THREAD, daemon=True).start()

    def stop_take(self) -> None:
        """Ends the take."""
        with self._lock:
            stopped, self._take = self._take, None
        if stopped is not None:
            stopped.set()

    def _play_once(self, take: Take, stopped: threading.Event) -> None:
        source = TakeSource(take, once=True)
        while not stopped.is_set() and not source.is_over:
            frame = source.next(self._look_s)
            if frame is not None:
                self.publish(frame.states, frame.arrived_s)
        with self._lock:
            if self._take is stopped:
                self._take = None

    def _play(self, stopped: threading.Event) -> None:
        source = TakeSource(demo_take())
        while not stopped.is_set():
            frame = source.next(self._look_s)
            if frame is not None and time.monotonic() - self._live_s >= LIVE_S:
                self.hub.publish(frame.states, frame.arrived_s)

    def _watch_visitor(self) -> None:
        seen_s = time.monotonic()
        while True:
            with self._lock:
                if not self.hub.is_sending:
                    self._watch = None
                    return
            if self._is_here():
                seen_s = time.monotonic()
            elif time.monotonic() - seen_s > self._gone_s:
                self.close()
            time.sleep(self._look_s)


def visitor_outputs() -> VisitorOutputs:
    """The outputs of the visitor whose script runs, made at the first call."""
    if OUTPUTS not in st.session_state:
        st.session_state[OUTPUTS] = VisitorOutputs(visitor_presence())
    outputs: VisitorOutputs = st.session_state[OUTPUTS]
    return outputs


def visitor_presence() -> Callable[[], bool]:
    """Whether the tab of the visitor whose script runs is open; may be asked in any thread."""
    context = get_script_run_ctx()
    session_id = context.session_id if context is not None else ""
    return lambda: runtime.exists() and runtime.get_instance().is_active_session(session_id)
