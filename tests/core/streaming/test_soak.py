"""Ten minutes of everything at once. LIVE_AVATAR_SOAK_SECONDS makes it shorter or longer."""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import closing, suppress

import psutil
import pytest
from websockets.exceptions import WebSocketException

from core.streaming.hub import StreamHub
from core.streaming.output import OutputPhase, OutputSettings
from core.streaming.record import sequence_of
from core.streaming.server_settings import ServerSettings
from core.streaming.sinks import UdpTarget
from tests.stream_tools import Viewer, open_files, random_face, resident_bytes, stream_threads, wait_until

SOAK_S = float(os.environ.get("LIVE_AVATAR_SOAK_SECONDS", "600"))
MEBIBYTE = 1 << 20


class Crowd:
    """Threads that run until told to stop; the first exception of each is kept."""

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self.failures: list[BaseException] = []
        self._threads: list[threading.Thread] = []

    def add(self, work) -> None:
        def run():
            try:
                while not self.stopped.is_set():
                    work()
            except BaseException as error:
                self.failures.append(error)

        self._threads.append(threading.Thread(target=run))
        self._threads[-1].start()

    def end(self) -> None:
        self.stopped.set()
        for thread in self._threads:
            thread.join(60)


@pytest.mark.slow
@pytest.mark.timeout(SOAK_S + 300)
def test_a_long_time_of_everything_leaves_no_trace():
    """Clients that read, come and go, stand still or never answer; outputs that start and stop. Threads,
    descriptors and memory are at the end as they were after the first fifth, and the steady clients got the newest."""
    files, threads = open_files(), stream_threads()
    crowd = Crowd()
    faces = [random_face(seed) for seed in range(50)]
    sent = 0
    with StreamHub() as hub, closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as receiver:
        receiver.bind(("127.0.0.1", 0))
        udp_port = receiver.getsockname()[1]
        address = hub.start("page", ServerSettings(port=0, acknowledge_s=5.0)).address
        hub.start("unreal", UdpTarget("livelink", port=udp_port), OutputSettings(rate_hz=30, mirrored=True))
        port = int(address.rpartition(":")[2])
        server = psutil.Process(hub._receivers[0]._sink._server.process_id)
        steady = [Viewer(port) for _ in range(4)]
        newest = [0] * len(steady)

        def publish():
            nonlocal sent
            hub.publish(faces[sent % len(faces)])
            sent += 1
            time.sleep(1 / 60)

        def reader(number: int):
            def read():
                with suppress(TimeoutError):
                    message = steady[number].connection.recv(0.2)
                    if isinstance(message, bytes):
                        newest[number] = sequence_of(message)
                        steady[number].acknowledge(newest[number])

            return read

        def come_and_go():
            with suppress(OSError, WebSocketException), Viewer(port) as viewer:
                viewer.hear()
                viewer.hear()
            time.sleep(0.05)

        def stand_still():
            with Viewer(port) as viewer:
                viewer.hear()
                crowd.stopped.wait(3.0)

        def never_answer():
            with suppress(WebSocketException), Viewer(port) as viewer:
                while not crowd.stopped.is_set():
                    viewer.hear(1.0)

        def never_answer_patiently():
            with suppress(TimeoutError):
                never_answer()

        def start_and_stop():
            hub.start("vmc", UdpTarget("vmc", port=udp_port))
            crowd.stopped.wait(0.5)
            hub.stop("vmc")

        for work in (publish, *map(reader, range(4)), come_and_go, stand_still, never_answer_patiently, start_and_stop):
            crowd.add(work)
        crowd.stopped.wait(SOAK_S / 5)
        memory = resident_bytes(server.pid), resident_bytes(os.getpid())
        crowd.stopped.wait(4 * SOAK_S / 5)
        grown = resident_bytes(server.pid) - memory[0], resident_bytes(os.getpid()) - memory[1]
        crowd.end()
        statuses = hub.status()
        for viewer in steady:
            viewer.close()
        wait_until(lambda: hub.status()[0].details.get("clients") == 0, "all clients to be gone")
        assert server.num_threads() <= 2
    assert crowd.failures == []
    assert all(status.phase is OutputPhase.RUNNING and status.errors == 0 for status in statuses)
    assert min(newest) > sent - 120, (newest, sent)
    assert grown[0] < 3 * MEBIBYTE and grown[1] < 20 * MEBIBYTE, grown
    assert stream_threads() == threads
    wait_until(lambda: open_files() == files, "the descriptors to be back")
