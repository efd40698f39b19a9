"""A person sends the face from the Capture page: a client of another program gets it, until the press of Stop."""

from __future__ import annotations

import re
import socket

import numpy as np
import pytest

from core.streaming.record import is_record
from core.streaming.state_record import unpack_state
from tests.e2e.studio import Tab, free_port, wait_until
from tests.stream_tools import Viewer

FACES_WITHIN_S = 60.0


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def start_websocket(tab: Tab, port: int) -> None:
    field = tab.page.get_by_role("spinbutton", name="Port")
    field.fill(str(port))
    field.press("Tab")
    tab.page.get_by_role("button", name="Start sending").click()
    wait_until(lambda: is_open(port), "the output to listen")


def stop_output(tab: Tab) -> None:
    tab.page.get_by_test_id("stMain").get_by_role("button", name=re.compile("Stop$")).click()


def faces(viewer: Viewer, count: int):
    """The next states with a face in them; every frame is answered, so that further ones come."""
    found = []
    while len(found) < count:
        record = viewer.hear(FACES_WITHIN_S)
        if not isinstance(record, bytes):
            continue
        assert is_record(record)
        state = unpack_state(record, 0.0)
        viewer.acknowledge(int.from_bytes(record[8:12], "little"))
        if state.has_face:
            found.append(state)
    return found


@pytest.fixture(autouse=True)
def no_stream_is_left(server, open_tab):
    yield
    wait_until(lambda: not server.owned_threads(), "all threads to end", 20)


def test_the_face_reaches_a_client_until_the_output_is_stopped(open_tab):
    port = free_port()
    tab = open_tab("capture")
    tab.is_ready_to(Tab.START)
    assert not is_open(port)
    tab.page.get_by_text("Send it", exact=True).click()
    start_websocket(tab, port)
    tab.says("Waiting for a face: start the camera.")
    with Viewer(port) as viewer:
        assert viewer.hear()["type"] == "hello"
        tab.press(Tab.START)
        states = faces(viewer, 5)
        assert np.mean([state.confidence for state in states]) > 0.5
        assert np.ptp([state.timestamp_s for state in states]) >= 0.0
        assert all(0.2 < -state.head_translation[2] < 2.0 for state in states)
        tab.says("1 client")
        stop_output(tab)
        assert viewer.closing()[0] == 1001
    wait_until(lambda: not is_open(port), "the port to close")
    tab.says("Nothing is sent.")
    tab.press(Tab.STOP)
    tab.is_ready_to(Tab.START)
    assert not tab.has_exception()


def test_an_output_survives_a_change_of_page_and_ends_with_the_tab(open_tab):
    port = free_port()
    tab = open_tab("capture")
    tab.page.get_by_text("Send it", exact=True).click()
    start_websocket(tab, port)
    tab.follow("Rig")
    tab.page.get_by_test_id("stSidebar").get_by_text(f"WebSocket :{port}").first.wait_for()
    assert is_open(port)
    tab.page.context.close()
    wait_until(lambda: not is_open(port), "the output to end with the tab", 30)


def test_watch_shows_what_a_stream_sends(open_tab):
    tab = open_tab("watch", permissions=[])
    port = free_port()
    start_websocket(tab, port)
    tab.page.get_by_role("button", name="Send the demo movement").click()

    numbers = tab.page.frame_locator('iframe[title*="viewer"]').locator("#live dd")
    wait_until(lambda: re.fullmatch(r"[\d.]+ ms\|\d+ /s.*", "|".join(numbers.all_inner_texts())), "delay and rate")
    stop_output(tab)
    wait_until(lambda: not is_open(port), "the port to close")
