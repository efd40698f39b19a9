"""The stream, from a known face to a client's hands: delays on one machine, clients in processes of their own.

Delay: from the moment at which the hub was given a `FaceState` to the moment at which a client had read it; both are
stamps of the machine's one monotonic clock. Frames are sent at a fixed rate whatever the clients do.
"""

from __future__ import annotations

import importlib.util
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from statistics import median
from typing import Any

import numpy as np
import psutil

from core.bench.footage import FRAME_RATE_HZ, drawn_frames, performance
from core.bench.report import MEBIBYTE, BenchResult, Reading
from core.bench.stream_client import Heard, Plan
from core.head_model.builtin import load_builtin_rig
from core.media.guarded_process import REPOSITORY
from core.pipeline import Pipeline
from core.streaming.metrics import Metrics
from core.streaming.output import OutgoingFrame, Output, OutputSettings
from core.streaming.record import RECORD, stamped
from core.streaming.server_process import ServerProcess
from core.streaming.server_settings import ServerSettings
from core.streaming.server_thread import ServerThread
from core.streaming.sinks import UdpSink, UdpTarget, WebSocketServer, WebSocketSink
from core.streaming.state_record import pack_state
from core.structures import Frame

FAST_RATE_HZ = 60.0
REPEATS = 3
CLIENTS_A_PROCESS = 10
STALL_S = 20.0
SETTLE_S = 1.0
CALM_S = 2.0
DISCARD_PORT = 9  # where nobody listens

MakeServer = Callable[[ServerSettings], WebSocketServer]
Feed = Callable[[Output, threading.Event], None]


def stream_result(frames: int, stall_s: float = STALL_S, repeats: int = REPEATS) -> BenchResult:
    """All readings; percentiles are medians over `repeats` runs of `frames` frames each."""
    pictures = drawn_frames(load_builtin_rig(), 60)
    capture = live_capture(pictures)
    capture_s, fast_s = frames / FRAME_RATE_HZ, frames / FAST_RATE_HZ
    one, eight, beside, bare, fifty, datagrams = [], [], [], [], [], []
    for _ in range(repeats):  # one after the other, so that all kinds see the machine's good and bad moments
        one.append(run_clients(ServerProcess, capture, 1, capture_s))
        eight.append(run_clients(ServerProcess, capture, 8, capture_s))
        beside.append(run_clients(ServerThread, capture, 8, capture_s))
        bare.append(run_bare(capture, 8, capture_s))
        fifty.append(run_clients(ServerProcess, replayed, 50, fast_s))
        datagrams.append([datagram_ages_ms(capture, capture_s)])
    ages = [[[age for heard in run for age in heard.ages_ms]] for run in eight]
    readings = (
        Reading("1 client, capture runs, p50", _percentile(_delays(one), 50), "ms", 2.0),
        Reading("1 client, capture runs, p99", _percentile(_delays(one), 99), "ms"),
        Reading("8 clients, capture runs, p50", _percentile(_delays(eight), 50), "ms"),
        Reading("8 clients, capture runs, p99", _percentile(_delays(eight), 99), "ms", 20.0),
        Reading("8 clients, server beside it, p50", _percentile(_delays(beside), 50), "ms"),
        Reading("8 clients, server beside it, p99", _percentile(_delays(beside), 99), "ms"),
        Reading("8 bare datagrams, no server, p50", _percentile(_delays(bare), 50), "ms"),
        Reading("8 bare datagrams, no server, p99", _percentile(_delays(bare), 99), "ms"),
        Reading("50 clients at 60/s, p50", _percentile(_delays(fifty), 50), "ms"),
        Reading("50 clients at 60/s, p95", _percentile(_delays(fifty), 95), "ms", 20.0),
        Reading("frame arrived to sent, p50", _percentile(ages, 50), "ms", 15.0),
        Reading("frame arrived to sent, p95", _percentile(ages, 95), "ms", 30.0),
        Reading("frame arrived to Live Link datagram, p50", _percentile(datagrams, 50), "ms", 15.0),
        Reading("frame arrived to Live Link datagram, p95", _percentile(datagrams, 95), "ms", 30.0),
        *stalled_readings(stall_s),
    )
    loop = "uvloop" if _has_uvloop() else "asyncio"
    setting = (
        f"loopback, {RECORD.size}-byte frames, {loop}, median of {repeats} runs of {frames} frames; capture: FaceMesh "
        f"and solver on drawn frames at {FRAME_RATE_HZ:g}/s; 'beside it': the server as a thread of the same process"
    )
    return BenchResult("stream", setting, readings)


def run_clients(make_server: MakeServer, feed: Feed, clients: int, duration_s: float) -> list[Heard]:
    """What each of so many clients heard while `feed` ran."""
    with ExitStack() as resources:
        output = resources.enter_context(serving(make_server))
        resources.enter_context(feeding(output.output, feed))
        time.sleep(SETTLE_S)
        counts = [min(CLIENTS_A_PROCESS, clients - start) for start in range(0, clients, CLIENTS_A_PROCESS)]
        if clients <= CLIENTS_A_PROCESS:
            counts = [1] * clients
        return gather([Plan(output.port, count, duration_s) for count in counts])


def stalled_readings(stall_s: float) -> list[Reading]:
    """One client stands still while four read on, at 60 frames a second; then the same without the one, to compare."""
    stalled, healthy, grown_mib = _with_one_stalled(stall_s)
    control = run_clients(ServerProcess, replayed, 4, stall_s)
    return [
        Reading(f"stalled {stall_s:g} s: stale frames it then got", stalled.stale, "", 3.0),
        Reading(f"stalled {stall_s:g} s: frames 4 others lost", sum(heard.lost for heard in healthy), "", 0.0),
        Reading(f"stalled {stall_s:g} s: lost without it", sum(heard.lost for heard in control), ""),
        Reading(f"stalled {stall_s:g} s: server's memory grew", grown_mib, "MiB", 2.0),
    ]


def _with_one_stalled(stall_s: float) -> tuple[Heard, list[Heard], float]:
    """What the stalled one and the others heard, and by how many MiB the server grew."""
    with ExitStack() as resources:
        output = resources.enter_context(serving(ServerProcess))
        resources.enter_context(feeding(output.output, replayed))
        process = psutil.Process(output.server_process_id)
        time.sleep(SETTLE_S)
        duration_s = stall_s + 2 * CALM_S
        plans = [Plan(output.port, 1, duration_s, CALM_S, stall_s), *[Plan(output.port, 1, duration_s)] * 4]
        before_mib = float(process.memory_info().rss) / MEBIBYTE
        stalled, *healthy = gather(plans)
        after_mib = float(process.memory_info().rss) / MEBIBYTE
    return stalled, healthy, after_mib - before_mib


def run_bare(feed: Feed, clients: int, duration_s: float) -> list[Heard]:
    """The same with one plain datagram to each client from the capturing thread: what one hop takes here at least."""
    with ExitStack() as resources:
        processes, ports = start_clients([Plan(0, 1, duration_s)] * clients, resources)
        output = Output("bare", BareSink(ports), OutputSettings(), Metrics("bench"))
        resources.callback(output.close)
        resources.enter_context(feeding(output, feed))
        time.sleep(SETTLE_S)
        return heard_by(processes)


def datagram_ages_ms(feed: Feed, duration_s: float) -> list[float]:
    """From the arrival of each frame to the moment at which its Live Link datagram had left."""
    ages_ms: list[float] = []

    class TimedSink(UdpSink):
        def send(self, frame: OutgoingFrame) -> bool:
            went = super().send(frame)
            ages_ms.append(1000.0 * (time.monotonic() - frame.arrived_s))
            return went

    output = Output("livelink", TimedSink(UdpTarget("livelink", port=DISCARD_PORT)), OutputSettings(), Metrics("bench"))
    with ExitStack() as resources:
        resources.callback(output.close)
        resources.enter_context(feeding(output, feed))
        time.sleep(SETTLE_S)
        ages_ms.clear()
        time.sleep(duration_s)
        return list(ages_ms)


class BareSink:
    """A record to each of these ports of this machine."""

    title, address, sends_at_once = "bare", "127.0.0.1", True

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = ports
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def send(self, frame: OutgoingFrame) -> bool:
        """Always out: datagrams to this machine do not wait."""
        record = pack_state(frame.state, frame.sequence, frame.arrived_s, frame.tracked_s)
        for port in self._ports:
            self._socket.sendto(stamped(record, time.monotonic()), (self.address, port))
        return True

    def is_alive(self) -> bool:
        """Always."""
        return True

    def details(self) -> Mapping[str, Any]:
        """None."""
        return {}

    def close(self) -> None:
        """Frees the socket."""
        self._socket.close()


class ServedOutput:
    """An output with its server, and where both are."""

    def __init__(self, make_server: MakeServer) -> None:
        self.metrics = Metrics("bench")
        self._server: WebSocketServer | None = None

        def make(settings: ServerSettings) -> WebSocketServer:
            self._server = make_server(settings)
            return self._server

        sink = WebSocketSink(ServerSettings(port=0), self.metrics, make)
        self.port = sink.port
        self.output = Output("bench", sink, OutputSettings(), self.metrics)

    @property
    def server_process_id(self) -> int:
        """The server's process; this one where it is a thread here."""
        server = self._server
        return server.process_id if isinstance(server, ServerProcess) else psutil.Process().pid


@contextmanager
def serving(make_server: MakeServer) -> Iterator[ServedOutput]:
    """An output that runs."""
    served = ServedOutput(make_server)
    try:
        yield served
    finally:
        served.output.close()


@contextmanager
def feeding(output: Output, feed: Feed) -> Iterator[None]:
    """`feed` in a thread of its own, as the engine of a session has one."""
    stopped = threading.Event()
    thread = threading.Thread(target=feed, args=(output, stopped), name="bench-feed", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def replayed(output: Output, stopped: threading.Event) -> None:
    """Known states at 60 a second, without inference."""
    states = performance(300)
    for number in _ticks(FAST_RATE_HZ, stopped):
        now_s = time.monotonic()
        output.offer(OutgoingFrame(states[number % len(states)], number, now_s, now_s))


def live_capture(pictures: Sequence[Frame]) -> Feed:
    """The real pipeline on these pictures at camera rate."""

    def feed(output: Output, stopped: threading.Event) -> None:
        with Pipeline() as pipeline:
            for number in _ticks(FRAME_RATE_HZ, stopped):
                arrived_s = time.monotonic()
                picture = pictures[number % len(pictures)]
                states = pipeline.step(Frame(picture.image, number / FRAME_RATE_HZ, number)).states
                output.offer(OutgoingFrame(states[0], number, arrived_s, time.monotonic()))

    return feed


def gather(plans: Sequence[Plan]) -> list[Heard]:
    """What the clients of these plans heard, each plan in a process of its own, all from the same moment on."""
    with ExitStack() as resources:
        processes, _ = start_clients(plans, resources)
        return heard_by(processes)


def start_clients(plans: Sequence[Plan], resources: ExitStack) -> tuple[list[subprocess.Popen[str]], list[int]]:
    """The processes, connected and waiting for `heard_by`, and the ports of all their clients."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "core.bench.stream_client", json.dumps(asdict(plan))],
            cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for plan in plans
    ]  # fmt: skip
    ports: list[int] = []
    for process in processes:
        resources.enter_context(process)
        resources.callback(process.kill)
    for process in processes:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError("a client of the bench could not connect")
        ports += json.loads(line)
    return processes, ports


def heard_by(processes: Sequence[subprocess.Popen[str]]) -> list[Heard]:
    """Lets all begin at once and waits for what they heard."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    texts = [process.communicate()[0] for process in processes]
    return [Heard(**json.loads(line)) for text in texts for line in text.splitlines()]


def _ticks(rate_hz: float, stopped: threading.Event) -> Iterator[int]:
    """0, 1, 2 ... at their times; when late the next one comes at once, and no time is made up for."""
    due_s = time.monotonic()
    number = 0
    while not stopped.wait(max(0.0, due_s - time.monotonic())):
        yield number
        number += 1
        due_s = max(due_s + 1.0 / rate_hz, time.monotonic())


def _delays(runs: Sequence[Sequence[Heard]]) -> list[list[list[float]]]:
    return [[heard.delays_ms for heard in run] for run in runs]


def _percentile(runs: Sequence[Sequence[Sequence[float]]], percent: float) -> float:
    """The median over runs of the percentile over all clients of one run."""
    found = []
    for run in runs:
        values = np.concatenate([np.asarray(client, np.float64) for client in run])
        if values.size:
            found.append(float(np.percentile(values, percent)))
    return median(found) if found else float("nan")


def _has_uvloop() -> bool:
    return importlib.util.find_spec("uvloop") is not None
