"""That the bench of the stream measures what it says; how fast this machine is, no test asks."""

from __future__ import annotations

import time

import pytest

from core.bench.footage import drawn_frames, performance
from core.bench.stream import datagram_ages_ms, live_capture, replayed, run_bare, run_clients, stalled_readings
from core.head_model.builtin import load_builtin_rig
from core.streaming.output import OutgoingFrame
from core.streaming.server_process import ServerProcess
from core.streaming.server_thread import ServerThread

STATE = performance(1)[0]


@pytest.mark.parametrize("make_server", [ServerProcess, ServerThread])
def test_every_client_hears_and_delays_are_what_was_planted(make_server):
    """Frames are stamped 50 ms before they are offered, and arrived 20 ms before that."""

    def feed(output, stopped):
        for number in range(10_000):
            if stopped.wait(0.02):
                return
            now_s = time.monotonic()
            output.offer(OutgoingFrame(STATE, number, now_s - 0.07, now_s - 0.05))

    heard = run_clients(make_server, feed, 3, 1.0)
    assert len(heard) == 3
    for one in heard:
        assert len(one.delays_ms) > 5
        assert min(one.delays_ms) >= 50.0 and min(one.ages_ms) >= 70.0
        assert min(one.delays_ms) < 500.0


def test_many_clients_share_processes():
    heard = run_clients(ServerProcess, replayed, 13, 1.0)
    assert len(heard) == 13 and all(one.delays_ms for one in heard)


def test_capture_is_the_real_pipeline():
    pictures = drawn_frames(load_builtin_rig(), 5)
    (heard,) = run_clients(ServerProcess, live_capture(pictures), 1, 3.0)
    assert heard.ages_ms and min(heard.ages_ms) > 0.5  # the network takes its time


def test_a_stalled_client_is_seen_as_such():
    readings = {reading.name.split(": ")[1]: reading for reading in stalled_readings(2.0)}
    assert readings["stale frames it then got"].value <= 3
    assert readings["server's memory grew"].value < 5
    assert readings["frames 4 others lost"].bound == 0


def test_bare_datagrams_reach_every_client():
    heard = run_bare(replayed, 3, 1.0)
    assert len(heard) == 3 and all(len(one.delays_ms) > 5 and min(one.delays_ms) > 0 for one in heard)


def test_datagrams_are_timed_from_the_arrival_of_their_frames():
    ages_ms = datagram_ages_ms(replayed, 1.0)
    assert len(ages_ms) > 5 and min(ages_ms) > 0
