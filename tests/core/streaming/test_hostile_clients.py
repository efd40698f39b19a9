"""Clients that mean no good, on real sockets: each is turned away, and a good one beside them gets every frame."""

from __future__ import annotations

import base64
import os
import socket
import struct
import time
from contextlib import suppress

import pytest
from websockets.exceptions import InvalidStatus

from core.streaming.record import sequence_of
from core.streaming.state_record import pack_state
from tests.stream_tools import BINARY, JSON, Viewer, http_get, random_face, wait_until


@pytest.fixture
def good(server):
    """A client that is there all the time and must get every frame in the end."""
    with Viewer(server.port) as viewer:
        viewer.hear()
        yield viewer
        for sequence in range(5):
            server.send(pack_state(random_face(sequence), sequence, 0.0, 0.0))
            assert sequence_of(viewer.hear()) == sequence
            viewer.acknowledge(sequence)


BAD_WORDS = {
    "no json": "hello",
    "a list": "[]",
    "a number": "1",
    "no type": "{}",
    "type is no text": '{"type": 1}',
    "no number": '{"type": "ack"}',
    "negative": '{"type": "ack", "seq": -1}',
    "too large": '{"type": "ack", "seq": 4294967296}',
    "a truth": '{"type": "ack", "seq": true}',
    "a fraction": '{"type": "ack", "seq": 1.5}',
    "deep": "[" * 4000,
    "bytes": b"abc",
    "many bytes": bytes(4000),
    "no bytes": b"",
}


@pytest.mark.parametrize("words", BAD_WORDS.values(), ids=BAD_WORDS)
def test_garbage_ends_the_connection_in_words(server, good, words):
    with Viewer(server.port, JSON) as viewer:
        viewer.hear()
        viewer.say(words)
        code, reason = viewer.closing()
    assert code == 1008 and reason


@pytest.mark.parametrize("size", [4097, 1 << 20])
def test_a_message_that_is_too_large_ends_the_connection(server, good, size):
    with Viewer(server.port) as viewer:
        viewer.hear()
        viewer.say("x" * size)
        assert viewer.closing()[0] == 1009


def test_unknown_but_well_formed_words_are_passed_over(server, good):
    with Viewer(server.port) as viewer:
        viewer.hear()
        viewer.say({"type": "dance"})
        viewer.say({"type": "ping", "t": 1})
        assert viewer.hear()["type"] == "pong"


def test_a_flood_ends_the_connection(make_server):
    server = make_server(messages_per_s=50.0)
    with Viewer(server.port) as viewer:
        viewer.hear()
        try:
            for _ in range(1000):
                viewer.acknowledge(0)
        except Exception:  # the server may close while we still write
            pass
        assert viewer.closing()[0] == 4429
    assert 'closed_total{reason="flood"} 1' in http_get(server.port, "/metrics")[1]


@pytest.mark.parametrize("said", [{"type": "auth", "token": "wrong"}, {"type": "ack", "seq": 1}, {"type": "auth"}, "?"])
def test_without_the_token_nothing_is_told(make_server, said):
    server = make_server(token="secret é")
    with Viewer(server.port) as viewer:
        viewer.say(said)
        code, reason = viewer.closing()
    assert code == 4401 and "secret" not in reason
    assert server.status()["clients"] == 0


def test_with_the_token_one_is_let_in(make_server):
    server = make_server(token="secret é")
    with Viewer(server.port, token="secret é") as viewer:
        assert viewer.hear()["type"] == "hello"
    assert http_get(server.port, "/metrics")[0] == 401
    assert http_get(server.port, "/metrics", Authorization="Bearer wrong")[0] == 401


def test_metrics_open_with_the_token(make_server):
    server = make_server(token="secret")
    assert http_get(server.port, "/metrics", Authorization="Bearer secret")[0] == 200


def test_who_never_says_the_token_is_closed_in_time(make_server):
    server = make_server(token="secret", open_s=0.3)
    with Viewer(server.port) as viewer:
        assert viewer.closing()[0] == 4401


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://localhost.evil.example", "http://127.0.0.1.evil.example", "file://",
     "http://localhost:80@evil.example", "https://studio.example:444", "http://studio.example"],
)  # fmt: skip
def test_foreign_pages_are_refused(make_server, origin):
    server = make_server(origins=("https://studio.example", "http://lab.example:*"))
    with pytest.raises(InvalidStatus) as refused:
        Viewer(server.port, origin=origin)
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    "origin",
    [None, "http://localhost:8501", "https://localhost", "http://127.0.0.1:8000", "http://[::1]:3000",
     "https://studio.example", "http://lab.example:81", "http://lab.example"],
)  # fmt: skip
def test_pages_of_this_machine_and_allowed_ones_are_let_in(make_server, origin):
    server = make_server(origins=("https://studio.example", "http://lab.example:*"))
    with Viewer(server.port, origin=origin) as viewer:
        assert viewer.hear()["type"] == "hello"


def test_foreign_subprotocols_are_refused(server):
    with pytest.raises(InvalidStatus) as refused:
        Viewer(server.port, "foreign.v1")
    assert refused.value.response.status_code == 400


def test_connections_are_capped_in_all_and_given_back(make_server):
    server = make_server(max_connections=6, max_per_address=4)
    viewers = [Viewer(server.port) for _ in range(4)]
    with pytest.raises(Exception):  # noqa: B017 - refused before a word is said; the library names it variously
        Viewer(server.port)
    for viewer in viewers:
        assert viewer.hear()["type"] == "hello"
        viewer.close()

    def let_in():
        try:
            Viewer(server.port).close()
        except Exception:
            return False
        return True

    wait_until(let_in, "a place to become free")


def test_slowloris_is_closed_and_frees_its_place(make_server):
    server = make_server(open_s=0.5, max_per_address=8)
    drips = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(8)]
    for drip in drips:
        drip.sendall(b"GET /stream HTTP/1.1\r\nHost: x\r\n")
    deadline = time.monotonic() + 30
    for drip in drips:
        drip.settimeout(max(0.1, deadline - time.monotonic()))
        try:
            while drip.recv(100):
                pass
        except ConnectionResetError:
            pass
        drip.close()
    with Viewer(server.port) as viewer:
        assert viewer.hear()["type"] == "hello"


RAW = {
    "noise": os.urandom(5000),
    "nothing but zeros": bytes(5000),
    "a long line": b"GET /" + b"a" * 100_000,
    "many headers": b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 10_000,
    "another method": b"POST /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
    "no upgrade": b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
}


@pytest.mark.parametrize("data", RAW.values(), ids=RAW)
def test_what_is_no_handshake_is_turned_away(make_server, data):
    server = make_server(open_s=1.0)
    with socket.create_connection(("127.0.0.1", server.port)) as raw, Viewer(server.port) as good:
        raw.settimeout(30)
        try:
            raw.sendall(data)
            answer = raw.recv(65_536)
        except ConnectionError:
            answer = b""
        assert b" 101 " not in answer
        assert good.hear()["type"] == "hello"


def handshake(port: int) -> socket.socket:
    raw = socket.create_connection(("127.0.0.1", port))
    key = base64.b64encode(os.urandom(16)).decode()
    raw.sendall(
        f"GET /stream HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: {BINARY}\r\n\r\n".encode()
    )
    assert raw.recv(65_536).startswith(b"HTTP/1.1 101")
    return raw


FRAMES = {
    "not masked": b"\x81\x02hi",
    "reserved bits": b"\xf1\x80" + bytes(4),
    "unknown opcode": b"\x83\x80" + bytes(4),
    "endless length": b"\x81\xff" + b"\xff" * 8 + bytes(4),
    "large control frame": b"\x89\xfe" + struct.pack(">H", 200) + bytes(204),
    "no utf-8": b"\x81\x82" + bytes(4) + b"\xff\xfe",
    "endless fragments": (b"\x01\x84" + bytes(4) + b"aaaa") + (b"\x00\x84" + bytes(4) + b"aaaa") * 4000,
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_frames_against_the_protocol_end_the_connection(server, good, frame):
    with handshake(server.port) as raw:
        raw.settimeout(30)
        try:
            raw.sendall(frame)
            while raw.recv(65_536):
                pass
        except ConnectionError:
            pass
    wait_until(lambda: server.status()["clients"] == 1, "the hostile client to be gone")


def test_a_client_that_answers_without_reading_costs_no_memory(make_server):
    """Answers forged ahead of time give credit without end; what waits for the client is bounded all the same."""
    server = make_server(max_waiting_bytes=20_000, messages_per_s=1e6)
    with handshake(server.port) as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.setblocking(False)
        (client,) = wait_until(lambda: server._server._clients, "the client")
        largest = 0
        for sequence in range(20_000):
            server.send(FACE)
            with suppress(BlockingIOError):
                raw.send(b"\x82\x84" + bytes(4) + struct.pack("<I", 2**31 - 1))
            if sequence % 100 == 0:
                largest = max(largest, client.waiting_bytes)
        wait_until(lambda: server.status()["frames"] >= 20_000, "all frames")
        largest = max(largest, client.waiting_bytes)
    assert largest <= 20_000 + 1000


FACE = pack_state(random_face(1), 0, 0.0, 0.0)
