"""The hub: many outputs at once, each its own affair."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import replace

import numpy as np
import pytest

from core.blendshapes import INDEX, MIRROR
from core.errors import InputError, StreamError
from core.streaming.codec import WIRES
from core.streaming.hub import MOST_OUTPUTS, StreamHub
from core.streaming.mapping import Channel, FaceMapping
from core.streaming.metrics import Metrics
from core.streaming.output import OutgoingFrame, Output, OutputPhase, OutputSettings
from core.streaming.server_settings import ServerSettings
from core.streaming.sinks import UdpTarget
from core.streaming.state_record import unpack_state
from core.structures import FaceState
from tests.stream_tools import Viewer, assert_same_face, http_get, open_files, random_face, stream_threads, wait_until


@contextmanager
def receiver():
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(30)
        yield listening


def port_of(listening: socket.socket) -> int:
    return listening.getsockname()[1]


def next_face(listening: socket.socket, wire: str) -> FaceState:
    decoder = WIRES[wire].make_decoder()
    while (state := decoder.decode(listening.recv(65_536), 0.0)) is None:
        pass
    return state


@pytest.fixture
def hub():
    with StreamHub() as hub:
        yield hub


@pytest.mark.parametrize("wire", WIRES)
def test_every_wire_carries_the_face_to_its_port(hub, wire):
    face = random_face(3)
    with receiver() as listening:
        hub.start("out", UdpTarget(wire, port=port_of(listening)))
        hub.publish(face)
        found = next_face(listening, wire)
    if wire != "openseeface":  # that format has features of its own instead of coefficients
        np.testing.assert_allclose(found.blendshapes, face.blendshapes, atol=0.006)


def test_outputs_differ_in_mirror_mapping_and_face(hub):
    faces = (random_face(1), random_face(2))
    louder = FaceMapping({"jawOpen": Channel(mute=True)}, mutes_head=True)
    with receiver() as plain, receiver() as mirror, receiver() as mapped, receiver() as second, receiver() as third:
        for name, listening, settings in (
            ("plain", plain, OutputSettings()),
            ("mirror", mirror, OutputSettings(mirrored=True)),
            ("mapped", mapped, OutputSettings(mapping=louder)),
            ("second", second, OutputSettings(face=1)),
            ("third", third, OutputSettings(face=2)),
        ):
            hub.start(name, UdpTarget("udp", port=port_of(listening)), settings)
        hub.publish(faces)
        assert_same_face(next_face(plain, "udp"), faces[0], 1e-4)
        mirrored = next_face(mirror, "udp")
        np.testing.assert_allclose(mirrored.blendshapes, faces[0].blendshapes[list(MIRROR)], atol=1e-4)
        still = next_face(mapped, "udp")
        assert still.blendshapes[INDEX["jawOpen"]] == 0.0
        np.testing.assert_array_equal(still.head_rotation, np.eye(3))
        assert_same_face(next_face(second, "udp"), faces[1], 1e-4)
        assert not next_face(third, "udp").has_face


def test_the_web_socket_gets_the_same_face_and_the_hubs_numbers(hub):
    face = random_face(7)
    with receiver() as listening:
        hub.start("other", UdpTarget("udp", port=port_of(listening)))
        status = hub.start("page", ServerSettings(port=0, rig_name="Ann"))
        port = int(status.address.rpartition(":")[2])
        with Viewer(port) as viewer:
            assert viewer.hear()["rig"] == "Ann"
            hub.publish(face)
            assert_same_face(unpack_state(viewer.hear(), 0.0), face)
            viewer.acknowledge(0)

            def counted():
                hub.publish(face)
                time.sleep(0.05)
                return 'output_frames_total{output="other"}' in http_get(port, "/metrics")[1]

            wait_until(counted, "the hub's own numbers on the page of metrics")
            wait_until(lambda: hub.status()[1].details.get("clients") == 1, "the client to be counted")
    assert [output.name for output in hub.status()] == ["other", "page"]


def test_settings_change_while_it_runs(hub):
    face = random_face(1)
    with receiver() as listening:
        hub.start("out", UdpTarget("udp", port=port_of(listening)))
        hub.publish(face)
        next_face(listening, "udp")
        hub.update("out", mirrored=True)
        hub.publish(face)
        found = next_face(listening, "udp")
    np.testing.assert_allclose(found.blendshapes, face.blendshapes[list(MIRROR)], atol=1e-4)
    with pytest.raises(StreamError, match="no output"):
        hub.update("absent", mirrored=True)


def test_the_last_frame_is_repeated_where_none_comes(hub):
    with receiver() as listening:
        hub.start("out", UdpTarget("udp", port=port_of(listening)), OutputSettings(rate_hz=50, repeats=True))
        hub.publish(random_face(1))
        for _ in range(10):
            assert_same_face(next_face(listening, "udp"), random_face(1), 1e-4)


def test_fewer_frames_leave_than_come(hub):
    with receiver() as listening:
        hub.start("out", UdpTarget("udp", port=port_of(listening)), OutputSettings(rate_hz=5))
        started_s = time.monotonic()
        while time.monotonic() - started_s < 2.0:
            hub.publish(random_face(1))
            time.sleep(0.005)
        (status,) = hub.status()
    assert 8 <= status.sent <= 13


class FakeSink:
    """A sink that fails, stands still, or counts."""

    title, address = "fake", "nowhere"
    sends_at_once = False

    def __init__(self, error: Exception | None = None, gate: threading.Event | None = None) -> None:
        self.error, self.gate = error, gate
        self.frames: list[OutgoingFrame] = []
        self.lives, self.closed = True, 0

    def send(self, frame: OutgoingFrame) -> bool:
        if self.gate is not None:
            self.gate.wait()
        if self.error is not None:
            raise self.error
        self.frames.append(frame)
        return True

    def is_alive(self) -> bool:
        return self.lives

    def details(self):
        return {}

    def close(self) -> None:
        self.closed += 1


class AtOnceSink(FakeSink):
    sends_at_once = True


def outgoing(number: int) -> OutgoingFrame:
    now_s = time.monotonic()
    return OutgoingFrame(random_face(number), number, now_s, now_s)


@pytest.mark.parametrize("make_sink", [FakeSink, AtOnceSink])
def test_one_that_fails_goes_on_trying_and_says_what_was_wrong(make_sink):
    sink = make_sink(ZeroDivisionError("in the\nsink"))
    output = Output("bad", sink, OutputSettings(), Metrics("test"))
    for number in range(5):
        output.offer(outgoing(number))
        wait_until(lambda wanted=number + 1: output.status().errors == wanted, "the error")
    status = output.status()
    assert (status.phase, status.error, status.sent) == (OutputPhase.RUNNING, "in the sink", 0)
    sink.error = None
    output.offer(outgoing(9))
    wait_until(lambda: output.status().sent == 1, "a frame that goes out")
    output.close()
    assert output.status().phase is OutputPhase.STOPPED and sink.closed == 1


def test_one_that_stands_still_holds_up_nobody_and_then_sends_the_newest():
    gate = threading.Event()
    slow = Output("slow", FakeSink(gate=gate), OutputSettings(), Metrics("test"))
    quick_sink = FakeSink()
    quick = Output("quick", quick_sink, OutputSettings(), Metrics("test"))
    for number in range(50):
        for output in (slow, quick):
            output.offer(outgoing(number))
        wait_until(lambda wanted=number + 1: len(quick_sink.frames) == wanted, "the quick one")
    gate.set()
    wait_until(lambda: slow.status().sent == 2, "the slow one")
    assert [frame.sequence for frame in slow._sink.frames] == [0, 49]
    assert slow.status().dropped == 48 and quick.status().dropped == 0
    slow.close()
    quick.close()


def test_one_whose_sink_died_is_failed_and_closed():
    sink = FakeSink()
    output = Output("dead", sink, OutputSettings(), Metrics("test"))
    sink.lives = False
    wait_until(lambda: output.status().phase is OutputPhase.FAILED, "the failure")
    output.offer(outgoing(0))
    output.close()
    assert output.status().phase is OutputPhase.FAILED and sink.closed == 1


def test_a_killed_server_fails_alone(hub):
    with receiver() as listening:
        hub.start("page", ServerSettings(port=0))
        hub.start("other", UdpTarget("udp", port=port_of(listening)))
        page, _ = hub._receivers
        os.kill(page._sink._server.process_id, signal.SIGKILL)
        wait_until(lambda: hub.status()[0].phase is OutputPhase.FAILED, "the failure")
        hub.publish(random_face(1))
        assert_same_face(next_face(listening, "udp"), random_face(1), 1e-4)
        hub.stop("page")
        hub.start("page", ServerSettings(port=0))
        assert [output.phase for output in hub.status()] == [OutputPhase.RUNNING] * 2


def test_names_and_numbers_of_outputs_are_held(hub):
    for number in range(MOST_OUTPUTS):
        hub.start(f"out {number}", UdpTarget("udp", port=50_000))
    with pytest.raises(StreamError, match="already"):
        hub.start("one more", UdpTarget("udp"))
    hub.stop("out 3")
    with pytest.raises(StreamError, match="already"):
        hub.start("out 4", UdpTarget("udp"))
    hub.stop("absent")


@pytest.mark.parametrize(
    "target",
    [
        lambda: UdpTarget("smoke"),
        lambda: UdpTarget("udp", port=70_000),
        lambda: UdpTarget("udp", "no.such.host.invalid"),
    ],
)
def test_what_cannot_be_sent_to_is_told_at_once(hub, target):
    with pytest.raises(StreamError):
        hub.start("out", target())
    assert hub.status() == ()
    hub.start("out", UdpTarget("udp"))  # the name is free


@pytest.mark.parametrize("values", [{"rate_hz": 0}, {"repeats": True}, {"face": -1}, {"rate_hz": float("nan")}])
def test_senseless_settings_are_refused(values):
    with pytest.raises(InputError):
        OutputSettings(**values)


def test_publishing_without_outputs_or_faces_is_no_error(hub):
    hub.publish(random_face(0))
    with receiver() as listening:
        hub.start("out", UdpTarget("udp", port=port_of(listening)))
        hub.publish(())
        assert not next_face(listening, "udp").has_face


def test_starting_and_stopping_from_many_threads_leaves_nothing():
    files, threads = open_files(), stream_threads()
    failures: list[Exception] = []
    with StreamHub() as hub, receiver() as listening:
        stopped = threading.Event()

        def publish():
            while not stopped.is_set():
                hub.publish(random_face(0))

        def start_and_stop(name: str):
            try:
                for _ in range(20):
                    hub.start(name, UdpTarget("udp", port=port_of(listening)))
                    hub.update(name, mirrored=True)
                    hub.status()
                    hub.stop(name)
            except Exception as error:
                failures.append(error)

        publisher = threading.Thread(target=publish)
        workers = [threading.Thread(target=start_and_stop, args=(f"out {k}",)) for k in range(6)]
        for thread in (publisher, *workers):
            thread.start()
        for worker in workers:
            worker.join()
        stopped.set()
        publisher.join()
    assert failures == []
    assert stream_threads() == threads
    assert open_files() == files


def test_the_source_time_goes_through(hub):
    with receiver() as listening:
        hub.start("out", UdpTarget("udp", port=port_of(listening)))
        hub.publish(replace(random_face(0), timestamp_s=12.5))
        assert b'"timestamp":12.5' in listening.recv(65_536)
