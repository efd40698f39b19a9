"""A visitor's outputs: they run until they are stopped or the visitor has gone, and say plainly where frames go."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import closing

import pytest

from core.animation.demo import demo_take
from core.errors import InputError, StreamError
from core.streaming.codec import WIRES
from core.streaming.output import OutputPhase, OutputSettings, OutputStatus
from core.streaming.record import is_record
from core.streaming.server_settings import ServerSettings
from core.streaming.sinks import UdpTarget
from core.streaming.state_record import unpack_state
from tests.stream_tools import Viewer, assert_same_face, random_face, wait_until
from ui.outputs import DEMO_THREAD, TAKE_THREAD, WATCH_THREAD, VisitorOutputs
from ui.send_words import (
    KIND_WORDS,
    checked_host,
    host_of,
    numbers_line,
    plan_words,
    stays_here,
    trouble_words,
    where_words,
)


def named_threads(name):
    return [thread for thread in threading.enumerate() if thread.name == name]


@pytest.fixture
def make_outputs():
    made = []

    def make(is_here=lambda: True, **options):
        made.append(VisitorOutputs(is_here, **{"look_s": 0.02, **options}))
        return made[-1]

    yield make
    for outputs in made:
        outputs.close()
    wait_until(lambda: not named_threads(WATCH_THREAD) and not named_threads(DEMO_THREAD), "the threads to end")


@pytest.fixture
def receiver():
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(30)
        yield listening


def target(listening) -> UdpTarget:
    return UdpTarget("udp", port=listening.getsockname()[1])


def test_nothing_runs_and_nothing_leaves_before_the_start(make_outputs, receiver):
    outputs = make_outputs()
    outputs.publish((random_face(1),), None)
    assert outputs.running() == ()
    assert not named_threads(WATCH_THREAD)
    receiver.settimeout(0.1)
    with pytest.raises(TimeoutError):
        receiver.recv(65_536)


def test_faces_go_out_until_the_output_is_stopped(make_outputs, receiver):
    outputs = make_outputs()
    name = outputs.start(target(receiver))
    face = random_face(2)
    outputs.publish((face,), time.monotonic())
    assert_same_face(WIRES["udp"].make_decoder().decode(receiver.recv(65_536), 0.0), face, 1e-4)
    (output,) = outputs.running()
    assert output.works and not output.is_websocket and output.token == ""
    outputs.stop(name)
    assert outputs.running() == ()
    wait_until(lambda: not named_threads(WATCH_THREAD), "the watch to end with the last output")


def test_a_websocket_client_gets_the_face_and_the_port_is_free_after_the_stop(make_outputs):
    outputs = make_outputs()
    name = outputs.start(ServerSettings(port=0, token="secret"))
    (output,) = outputs.running()
    port = int(output.status.address.rpartition(":")[2])
    assert output.is_websocket and output.token == "secret"
    face = random_face(5)
    with Viewer(port, token="secret") as viewer:
        assert viewer.hear()["type"] == "hello"
        outputs.publish((face,), time.monotonic())
        record = viewer.hear()
        assert is_record(record)
        assert_same_face(unpack_state(record, 0.0), face, 1e-4)
    outputs.stop(name)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    outputs.start(ServerSettings(port=port))


def test_a_taken_port_is_told_and_leaves_nothing_behind(make_outputs):
    outputs = make_outputs()
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(StreamError, match="choose another port"):
            outputs.start(ServerSettings(port=taken.getsockname()[1]))
    assert outputs.running() == ()


def test_when_the_visitor_goes_everything_ends(make_outputs, receiver):
    here = threading.Event()
    here.set()
    outputs = make_outputs(here.is_set, gone_s=0.1)
    outputs.start(target(receiver))
    outputs.play_demo()
    time.sleep(0.3)
    assert len(outputs.running()) == 1
    here.clear()
    wait_until(lambda: outputs.running() == (), "the outputs to end")
    assert not outputs.plays_demo


def test_a_short_absence_ends_nothing(make_outputs, receiver):
    looks = iter([True, False, False])
    outputs = make_outputs(lambda: next(looks, True), gone_s=10.0)
    outputs.start(target(receiver))
    wait_until(lambda: next(looks, None) is None, "the looks")
    assert len(outputs.running()) == 1


def test_the_demo_moves_until_it_is_stopped_and_gives_way_to_a_live_face(make_outputs, receiver):
    outputs = make_outputs()
    name = outputs.start(target(receiver))
    outputs.play_demo()
    outputs.play_demo()
    assert outputs.plays_demo and len(named_threads(DEMO_THREAD)) == 1
    decode = WIRES["udp"].make_decoder().decode
    first = decode(receiver.recv(65_536), 0.0)
    wait_until(lambda: abs(decode(receiver.recv(65_536), 0.0).blendshapes - first.blendshapes).max() > 0.1, "movement")
    outputs.stop(name)
    assert not outputs.plays_demo


def test_a_take_goes_out_once_in_order_and_can_be_stopped(make_outputs, receiver):
    outputs = make_outputs()
    outputs.start(target(receiver))
    outputs.play_take(demo_take(0.5))
    decode = WIRES["udp"].make_decoder().decode
    first = decode(receiver.recv(65_536), 0.0)
    assert first.has_face
    wait_until(lambda: not outputs.plays_take, "the take to end")
    wait_until(lambda: not named_threads(TAKE_THREAD), "its thread to end")
    outputs.play_take(demo_take(60.0))
    outputs.play_take(demo_take(60.0))
    assert outputs.plays_take
    wait_until(lambda: len(named_threads(TAKE_THREAD)) == 1, "the first to give way")
    outputs.stop_take()
    assert not outputs.plays_take
    wait_until(lambda: not named_threads(TAKE_THREAD), "the second to end")


def status(address="127.0.0.1:1", **changes) -> OutputStatus:
    values = {
        "name": "n", "title": "T", "address": address, "phase": OutputPhase.RUNNING, "settings": OutputSettings(),
        "rate_hz": 0.0, "age_ms": None, "sent": 0, "dropped": 0, "errors": 0, "error": "", "details": {},
    }  # fmt: skip
    return OutputStatus(**{**values, **changes})


@pytest.mark.parametrize(
    ("address", "host", "stays", "words"),
    [
        ("127.0.0.1:11111", "127.0.0.1", True, "stay on this computer"),
        ("::1:11111", "::1", True, "stay on this computer"),
        ("ws://127.0.0.1:8765", "127.0.0.1", True, "Only programs on this computer"),
        ("ws://[::1]:8765", "::1", True, "Only programs on this computer"),
        ("192.168.1.5:11111", "192.168.1.5", False, "now leave this computer to 192.168.1.5:11111"),
        ("studio-pc:9000", "studio-pc", False, "now leave this computer to studio-pc:9000"),
        ("ws://0.0.0.0:8765", "0.0.0.0", False, "Other computers can now read"),
    ],
)
def test_where_frames_go_is_said_plainly(address, host, stays, words):
    assert host_of(address) == host
    assert stays_here(address) is stays
    assert words in where_words(address)


def test_what_a_start_would_do_is_said_before_it():
    assert plan_words("vmc", "127.0.0.1", 39539) == ""
    assert "leave this computer to 10.0.0.2:39539" in plan_words("vmc", "10.0.0.2", 39539)
    assert "connect to port 8765" in plan_words("ws", "0.0.0.0", 8765)


def test_the_numbers_of_an_output_in_one_line():
    assert numbers_line(status()) == "0 left out · no errors"
    running = status(rate_hz=29.8, age_ms=41.7, dropped=3, errors=1, details={"clients": 2})
    assert numbers_line(running) == "30 frames/s · 42 ms old when sent · 2 clients · 3 left out · 1 error"
    assert "no client yet" in numbers_line(status(details={"clients": 0}))


def test_trouble_has_words():
    assert trouble_words(status()) == ""
    assert trouble_words(status(errors=1, error="no route")) == "Last error: no route"
    assert "Stop it and start it again" in trouble_words(status(phase=OutputPhase.FAILED))


def test_every_format_has_words():
    assert set(KIND_WORDS) == {"ws", *WIRES}


@pytest.mark.parametrize("text", ["", "  ", "http://x", "a b", "10.0.0.1:80", "me@x"])
def test_an_address_is_only_an_address(text):
    with pytest.raises(InputError, match="without port"):
        checked_host(text)
    assert checked_host(" [::1] ") == "::1"
