"""The WebSocket server on real sockets: protocol, credit, newest wins."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

from core.blendshapes import ARKIT_NAMES, EMOTIONS
from core.errors import StreamError
from core.streaming.record import RECORD, sequence_of
from core.streaming.server_settings import ServerSettings
from core.streaming.server_thread import ServerThread
from core.streaming.state_record import pack_state, state_of_plain, unpack_state
from tests.stream_tools import (
    BINARY,
    JSON,
    Viewer,
    assert_same_face,
    http_get,
    random_face,
    sequences,
    stream_threads,
    wait_until,
)


def send(server, sequence: int, face=None) -> None:
    now_s = time.monotonic()
    server.send(pack_state(face or random_face(sequence), sequence, now_s - 0.01, now_s))


def has_frames(server, count: int):
    wait_until(lambda: server.status()["frames"] >= count, f"{count} frames at the server")


@pytest.mark.parametrize("protocol", [BINARY, JSON, None])
def test_the_hello_tells_names_clock_and_layout(make_server, protocol):
    server = make_server(rig_name="Ann", rate_hz=60.0)
    with Viewer(server.port, protocol) as viewer:
        before_s = time.monotonic()
        hello = viewer.hear()
        assert viewer.connection.subprotocol == protocol
    assert hello["type"] == "hello"
    assert hello["protocol"] == (protocol or JSON)
    assert (hello["rig"], hello["rate_hz"], hello["credit"]) == ("Ann", 60.0, 3)
    assert tuple(hello["blendshapes"]) == ARKIT_NAMES and tuple(hello["emotions"]) == EMOTIONS
    assert hello["record_bytes"] == RECORD.size
    assert abs(hello["clock"]["now_s"] - before_s) < 30


@pytest.mark.parametrize("protocol", [BINARY, JSON])
def test_a_face_arrives_whole_with_its_stamps(server, protocol):
    face = random_face(5, 2.5)
    with Viewer(server.port, protocol) as viewer:
        viewer.hear()
        send(server, 11, face)
        message = viewer.hear()
    received_s = time.monotonic()
    if protocol == BINARY:
        assert_same_face(unpack_state(message, received_s), face)
        arrived_s, tracked_s, sent_s = np.frombuffer(message, "<f8", 3, 24)
    else:
        assert_same_face(state_of_plain(message, received_s), face, 2e-5)
        assert message["seq"] == 11
        arrived_s, tracked_s, sent_s = (message[name] for name in ("arrived_s", "tracked_s", "sent_s"))
    assert tracked_s - arrived_s == pytest.approx(0.01)
    assert tracked_s <= sent_s <= received_s


def test_permessage_deflate_is_never_agreed_on(server):
    with Viewer(server.port, compression="deflate") as viewer:
        assert viewer.connection.protocol.extensions == []


@pytest.mark.parametrize("protocol", [BINARY, JSON])
def test_no_more_than_three_frames_are_under_way_and_the_newest_follows(server, protocol):
    def number(message):
        return message["seq"] if protocol == JSON else sequence_of(message)

    with Viewer(server.port, protocol) as viewer:
        viewer.hear()
        for sequence in range(10):
            send(server, sequence)
        has_frames(server, 10)
        assert [number(viewer.hear()) for _ in range(3)] == [0, 1, 2]
        assert viewer.hears_nothing()
        viewer.acknowledge(0)
        assert number(viewer.hear()) == 9
        assert viewer.hears_nothing()
        viewer.acknowledge(9)  # stands for all before it
        viewer.settle()
        for sequence in range(10, 13):
            send(server, sequence)
        assert [number(viewer.hear()) for _ in range(3)] == [10, 11, 12]
    assert server.status()["dropped"] == 7


def test_four_bytes_acknowledge_too_and_old_answers_change_nothing(server):
    with Viewer(server.port) as viewer:
        viewer.hear()
        for sequence in range(3):
            send(server, sequence)
        assert sequences(viewer, 3) == [0, 1, 2]
        viewer.say((2).to_bytes(4, "little"))
        viewer.acknowledge(0)
        viewer.settle()
        for sequence in range(3, 9):
            send(server, sequence)
        assert sequences(viewer, 3) == [3, 4, 5]
        assert viewer.hears_nothing()


def test_the_count_goes_on_over_its_end(server):
    last = 2**32 - 1
    with Viewer(server.port) as viewer:
        viewer.hear()
        for sequence in (last - 1, last, 0):
            send(server, sequence)
        assert sequences(viewer, 3) == [last - 1, last, 0]
        viewer.acknowledge(0)
        viewer.settle()
        for sequence in (1, 2, 3):
            send(server, sequence)
        assert sequences(viewer, 3) == [1, 2, 3]


def test_one_slow_client_costs_the_others_nothing(server):
    with Viewer(server.port) as slow, Viewer(server.port) as quick:
        slow.hear()
        quick.hear()
        for sequence in range(200):
            send(server, sequence)
            assert sequence_of(quick.hear()) == sequence
            quick.acknowledge(sequence)
        assert sequences(slow, 3) == [0, 1, 2]
        assert slow.hears_nothing()
        slow.acknowledge(2)
        assert sequence_of(slow.hear()) == 199


def test_a_client_that_never_answers_is_told_why_and_closed(make_server):
    server = make_server(acknowledge_s=0.2)
    with Viewer(server.port) as silent, Viewer(server.port) as other:
        silent.hear()
        other.hear()
        send(server, 0)
        other.hear()
        other.acknowledge(0)
        code, reason = silent.closing()
        assert code == 4408 and "acknowledg" in reason
        send(server, 1)
        assert sequence_of(other.hear()) == 1
    assert wait_until(lambda: server.status()["clients"] == 0, "no clients")


def test_the_clocks_can_be_compared(server):
    with Viewer(server.port, JSON) as viewer:
        viewer.hear()
        before_s = time.monotonic()
        viewer.say({"type": "ping", "t": [1, "anything"]})
        pong = viewer.hear()
        after_s = time.monotonic()
    assert pong["type"] == "pong" and pong["t"] == [1, "anything"]
    assert before_s <= pong["received_s"] <= pong["sent_s"] <= after_s  # one machine, one clock


def test_metrics_are_on_the_same_port(server):
    with Viewer(server.port) as viewer:
        viewer.hear()
        for sequence in range(5):
            send(server, sequence)
            viewer.hear()
            viewer.acknowledge(sequence)
        server.send_metrics("further 1\n")
        wait_until(lambda: server.status()["answer_s"] is not None, "an answer")
        status, text = http_get(server.port, "/metrics")
    assert status == 200
    assert "liveavatar_frames_sent_total 5\n" in text
    assert "liveavatar_clients 1\n" in text
    assert 'liveavatar_stage_seconds_bucket{stage="arrival_to_socket",le="+Inf"} 5\n' in text
    assert text.endswith("further 1\n")
    assert http_get(server.port, "/elsewhere")[0] == 404


def test_what_is_no_record_never_leaves(server):
    with pytest.raises(StreamError):
        server._server.publish(b"anything")


@pytest.mark.parametrize(
    "values",
    [
        {"host": "0.0.0.0"},
        {"host": "192.168.1.4"},
        {"host": "example.org"},
        {"port": 70_000},
        {"credit": 0},
        {"token": "x" * 300},
    ],
    ids=str,
)
def test_settings_that_are_unsafe_or_senseless_are_refused(values):
    with pytest.raises(StreamError):
        ServerSettings(**values)


def test_a_port_in_use_is_one_line_and_leaves_nothing(server):
    before = stream_threads()
    with pytest.raises(StreamError, match=f"port {server.port}"):
        ServerThread(ServerSettings(port=server.port))
    assert stream_threads() == before


def test_stopping_says_goodbye(make_server):
    server = ServerThread(ServerSettings(port=0))
    with Viewer(server.port) as viewer:
        viewer.hear()
        server.close()
        assert viewer.closing()[0] == 1001
    assert json.dumps(server.status())
