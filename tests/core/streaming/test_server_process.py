"""The server's own process: starts, ends, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from core.errors import StreamError
from core.media.guarded_process import REPOSITORY
from core.streaming.pipe_messages import FRAME, HEAD, MAX_BYTES, METRICS, PipeReader, framed
from core.streaming.record import sequence_of
from core.streaming.server_process import ServerProcess
from core.streaming.server_settings import ServerSettings
from core.streaming.state_record import pack_state
from tests.stream_tools import (
    Viewer,
    assert_same_face,
    http_get,
    open_files,
    random_face,
    resident_bytes,
    stream_threads,
    wait_until,
)

MEBIBYTE = 1 << 20


@pytest.fixture
def make_process():
    processes = []

    def make(**settings) -> ServerProcess:
        processes.append(ServerProcess(ServerSettings(port=0, **settings)))
        return processes[-1]

    yield make
    for process in processes:
        process.close()


def record(sequence: int) -> bytes:
    now_s = time.monotonic()
    return pack_state(random_face(sequence), sequence, now_s, now_s)


def test_messages_come_out_as_they_went_in_however_they_are_cut():
    messages = [(FRAME, record(1)), (METRICS, b""), (FRAME, bytes(3000)), (METRICS, b"a 1\n")]
    data = b"".join(framed(kind, payload) for kind, payload in messages)
    for piece in (1, 7, 344, len(data)):
        reader = PipeReader()
        found = [m for at in range(0, len(data), piece) for m in reader.feed(data[at : at + piece])]
        assert found == messages
    with pytest.raises(ValueError, match="pipe"):
        list(PipeReader().feed(HEAD.pack(FRAME, MAX_BYTES + 1)))


def test_frames_go_through_the_process(make_process):
    from core.streaming.state_record import unpack_state

    process = make_process(rig_name="Ann")
    with Viewer(process.port) as viewer:
        assert viewer.hear()["rig"] == "Ann"
        for sequence in range(20):
            assert process.send(record(sequence))
            message = viewer.hear()
            assert sequence_of(message) == sequence
            assert_same_face(unpack_state(message, 0.0), random_face(sequence))
            viewer.acknowledge(sequence)
        process.send_metrics("elsewhere 5\n" * 5000)  # more than the pipe takes at once
        process.send(record(20))
        wait_until(lambda: process.send(record(21)), "the pipe to be free again")
        wait_until(lambda: "elsewhere 5" in http_get(process.port, "/metrics")[1], "the further metrics")
    assert wait_until(lambda: process.status().get("frames", 0) >= 20, "the status")
    assert process.process_id != os.getpid()


def test_nothing_is_left_when_it_ends():
    files, threads = open_files(), stream_threads()
    process = ServerProcess(ServerSettings(port=0))
    child = psutil.Process(process.process_id)
    with Viewer(process.port) as viewer:
        viewer.hear()
        process.close()
        assert viewer.closing()[0] == 1001
    assert not child.is_running()
    assert stream_threads() == threads
    wait_until(lambda: open_files() == files, "the descriptors to be back")
    with pytest.raises(StreamError):
        process.send(record(0))
    process.close()  # twice is once


def test_a_port_in_use_is_told_and_leaves_nothing(make_process):
    port = make_process().port
    files = open_files()
    with pytest.raises(StreamError, match=f"port {port}: Address already in use"):
        ServerProcess(ServerSettings(port=port))
    assert open_files() == files


def test_a_server_that_was_killed_is_an_error_not_a_wait(make_process):
    process = make_process()
    os.kill(process.process_id, signal.SIGKILL)
    wait_until(lambda: not process.is_alive, "the end of the process")
    with pytest.raises(StreamError, match="has ended"):
        process.send(record(0))


def test_a_server_that_stands_still_costs_the_sender_nothing(make_process):
    process = make_process()
    with Viewer(process.port) as viewer:
        viewer.hear()
        os.kill(process.process_id, signal.SIGSTOP)
        try:
            results = [process.send(record(sequence)) for sequence in range(2000)]
        finally:
            os.kill(process.process_id, signal.SIGCONT)
        assert results[0] and not results[-1]
        assert process.dropped == results.count(False)

        def newest_arrives():
            process.send(record(5000))
            try:
                message = viewer.connection.recv(0.1)
            except TimeoutError:
                return False
            viewer.acknowledge(sequence_of(message))
            return sequence_of(message) == 5000

        wait_until(newest_arrives, "the newest frame")


def test_it_does_not_outlive_who_started_it():
    code = (
        "import time\nfrom core.streaming.server_process import ServerProcess\n"
        "from core.streaming.server_settings import ServerSettings\n"
        "process = ServerProcess(ServerSettings(port=0))\nprint(process.process_id, flush=True)\ntime.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    with parent:
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        child.wait(30)
    assert not child.is_running()


def test_the_token_is_in_no_list_of_processes(make_process):
    process = make_process(token="very-secret-words")
    assert "very-secret-words" not in " ".join(psutil.Process(process.process_id).cmdline())
    environment = psutil.Process(process.process_id).environ()
    assert all("very-secret-words" not in value for value in environment.values())


def test_two_hundred_that_connect_and_vanish_leave_no_trace(make_process):
    """Threads, descriptors and memory of the server are back where they began, for a quarter of each way of leaving."""
    process = make_process()
    server = psutil.Process(process.process_id)

    def come_and_go(number: int) -> None:
        viewer = Viewer(process.port)
        if number % 4 > 0:
            viewer.hear()
        process.send(record(number))
        if number % 4 == 1:
            viewer.hear()
        if number % 4 == 2:
            viewer.close()
        else:
            viewer.connection.socket.close()  # no word, as a killed program

    def settled() -> bool:
        return process.status().get("clients") == 0 and open_files(server.pid) == files

    come_and_go(2)
    wait_until(lambda: process.status().get("clients") == 0, "the first client to be gone")
    files = open_files(server.pid)
    for number in range(40):  # what grows once: caches, the allocator's pools
        come_and_go(number)
    wait_until(settled, "the first clients to be gone")
    threads, memory = server.num_threads(), resident_bytes(server.pid)
    for number in range(200):
        come_and_go(number)
    wait_until(settled, "all clients to be gone")
    assert server.num_threads() == threads
    assert resident_bytes(server.pid) - memory < 2 * MEBIBYTE
