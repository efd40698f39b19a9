"""The hub: faces in from one place, out to any number of others at once.

    hub = StreamHub()
    hub.start("page", ServerSettings(rig_name="Ann"))                    # ws://127.0.0.1:8765
    hub.start("unreal", UdpTarget("livelink"), OutputSettings(rate_hz=60, mirrored=True))
    hub.publish(state)                                                   # once a frame, from any thread; never waits
    for output in hub.status(): ...
    hub.close()

Each output has its own thread, its own mapping and counters; one that fails or is slow is its own affair. Nothing
leaves before `start`, and then only to the address that was given.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from core.errors import StreamError
from core.streaming.metrics import Metrics
from core.streaming.output import Clock, OutgoingFrame, Output, OutputSettings, OutputStatus, Sink
from core.streaming.server_settings import ServerSettings
from core.streaming.sinks import UdpSink, UdpTarget, WebSocketSink
from core.structures import FaceState

MOST_OUTPUTS = 16


class StreamHub:
    """Any number of outputs. Every method may be called from any thread."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self.metrics = Metrics("liveavatar")
        self._clock = clock
        self._lock = threading.Lock()
        self._outputs: dict[str, Output] = {}
        self._starting: set[str] = set()
        self._receivers: tuple[Output, ...] = ()  # replaced whole, so that `publish` needs no lock
        self._numbers = itertools.count()

    def start(
        self, name: str, target: ServerSettings | UdpTarget, settings: OutputSettings | None = None
    ) -> OutputStatus:
        """Starts an output and returns when it is ready, for the WebSocket server after about half a second.

        StreamError: it cannot be set up as asked (port taken, unknown host), too many, or the name is in use.
        """
        with self._lock:
            if name in self._outputs or name in self._starting:
                raise StreamError(f"An output named '{name}' is there already. Stop it first.")
            if len(self._outputs) + len(self._starting) >= MOST_OUTPUTS:
                raise StreamError(f"There are {MOST_OUTPUTS} outputs already. Stop one first.")
            self._starting.add(name)
        try:
            sink: Sink = UdpSink(target) if isinstance(target, UdpTarget) else WebSocketSink(target, self.metrics)
            output = Output(name, sink, settings or OutputSettings(), self.metrics, self._clock)
        finally:
            with self._lock:
                self._starting.discard(name)
        with self._lock:
            self._outputs[name] = output
            self._receivers = tuple(self._outputs.values())
        return output.status()

    def stop(self, name: str) -> OutputStatus | None:
        """Ends an output, waits until its socket is free, and returns its last numbers; None where it is not there."""
        with self._lock:
            output = self._outputs.pop(name, None)
            self._receivers = tuple(self._outputs.values())
        if output is None:
            return None
        output.close()
        return output.status()

    def update(self, name: str, **changes: Any) -> None:
        """Changes fields of a running output's `OutputSettings`, from its next frame on. StreamError: none so named."""
        with self._lock:
            output = self._outputs.get(name)
            if output is None:
                raise StreamError(f"There is no output named '{name}'.")
            output.settings = replace(output.settings, **changes)

    @property
    def is_sending(self) -> bool:
        """Whether any output is there."""
        return bool(self._receivers)

    def publish(self, states: FaceState | Sequence[FaceState], arrived_s: float | None = None) -> None:
        """Offers the faces of one frame to every output.

        arrived_s: when the frame came, seconds of the hub's clock; this moment where None. An output that asks for a
        face that is not there gets "no face".
        """
        tracked_s = self._clock()
        faces = (states,) if isinstance(states, FaceState) else tuple(states)
        sequence = next(self._numbers)
        arrived_s = tracked_s if arrived_s is None else arrived_s
        for output in self._receivers:
            number = output.settings.face
            timestamp_s = faces[0].timestamp_s if faces else tracked_s
            state = faces[number] if number < len(faces) else FaceState.no_face(timestamp_s)
            output.offer(OutgoingFrame(state, sequence, arrived_s, tracked_s))

    def status(self) -> tuple[OutputStatus, ...]:
        """The numbers of every output, in the order in which they were started."""
        return tuple(output.status() for output in self._receivers)

    def close(self) -> None:
        """Ends every output."""
        for output in self._receivers:
            self.stop(output.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
