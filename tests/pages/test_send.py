"""Send it, on its pages and in the sidebar: what is started runs, is told plainly, and ends by a press."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import closing
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import InputError
from core.streaming.codec import WIRES
from core.streaming.sinks import UdpTarget
from tests.conftest import REPOSITORY
from tests.stream_tools import assert_same_face, random_face, wait_until
from ui import outputs as outputs_module
from ui.outputs import WATCH_THREAD, VisitorOutputs
from ui.send_panel import mapping_of_upload

FORMAT, START = "To", "Start sending"


@pytest.fixture
def outputs(without_browser, monkeypatch):
    """The outputs of the visitor of this test."""
    made = VisitorOutputs(lambda: True, look_s=0.02)
    monkeypatch.setattr(outputs_module, "VisitorOutputs", lambda is_here: made)
    yield made
    made.close()
    wait_until(lambda: WATCH_THREAD not in [thread.name for thread in threading.enumerate()], "the watch to end")


@pytest.fixture
def listening():
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(30)
        yield receiver


def run_page(name: str) -> AppTest:
    page = AppTest.from_file(str(REPOSITORY / "pages" / f"{name}.py"), default_timeout=60).run()
    assert not page.exception
    return page


def by_label(widgets, label):
    return next(widget for widget in widgets if widget.label == label)


def fill_in(page: AppTest, kind: str, port: int, host: str | None = None) -> AppTest:
    by_label(page.selectbox, FORMAT).set_value(kind).run()
    by_label(page.number_input, "Port").set_value(port)
    if host is not None:
        by_label(page.text_input, "Address").set_value(host)
    page.run()
    assert not page.exception
    return page


def press(page: AppTest, label: str) -> AppTest:
    by_label(page.button, label).click().run()
    assert not page.exception
    return page


def words_of(page: AppTest) -> str:
    return " ".join(element.value for kind in ("caption", "warning", "error", "markdown") for element in page.get(kind))


@pytest.mark.parametrize("name", ["capture", "avatar", "watch"])
def test_nothing_is_sent_before_the_press(name, outputs):
    page = run_page(name)
    assert "Nothing is sent." in words_of(page)
    assert outputs.running() == ()


@pytest.mark.parametrize("name", ["capture", "avatar", "watch"])
def test_what_the_form_says_is_started_and_stopped(name, outputs, listening):
    page = fill_in(run_page(name), "udp", listening.getsockname()[1])
    by_label(page.toggle, "Mirrored").set_value(True)
    by_label(page.selectbox, "Frames").set_value(30.0)
    press(page, START)
    (output,) = outputs.running()
    assert (output.status.settings.rate_hz, output.status.settings.mirrored) == (30.0, True)
    assert "stay on this computer" in words_of(page)
    press(page, "Stop")
    assert outputs.running() == ()


def test_the_faces_of_the_live_session_go_out(outputs, listening):
    page = fill_in(run_page("capture"), "udp", listening.getsockname()[1])
    press(page, START)
    session = page.session_state["capture_live_session"]
    face = random_face(4)
    session.on_states((face,), time.monotonic())
    assert_same_face(WIRES["udp"].make_decoder().decode(listening.recv(65_536), 0.0), face, 1e-4)


def test_a_press_counts_with_the_last_change_of_a_field(outputs, listening):
    page = run_page("capture")
    by_label(page.selectbox, FORMAT).set_value("udp").run()
    by_label(page.number_input, "Port").set_value(listening.getsockname()[1])  # not run yet
    press(page, START)
    assert outputs.running()[0].status.address == f"127.0.0.1:{listening.getsockname()[1]}"


def test_a_busy_port_is_told_and_the_page_goes_on(outputs):
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        page = fill_in(run_page("watch"), "ws", port)
        press(page, START)
        assert "choose another port" in page.error[0].value
        assert outputs.running() == ()
    press(page, START)
    assert not page.error
    assert outputs.running()[0].is_websocket


def test_leaving_this_computer_is_said_before_and_after(outputs):
    page = fill_in(run_page("capture"), "livelink", 11111, "192.0.2.7")
    assert "Once started, the numbers of every frame leave this computer to 192.0.2.7:11111." in words_of(page)
    press(page, START)
    assert "The frames' numbers now leave this computer to 192.0.2.7:11111." in words_of(page)


def test_an_address_with_a_port_in_it_is_refused(outputs):
    page = fill_in(run_page("capture"), "vmc", 39539, "192.0.2.7:39539")
    press(page, START)
    assert "without port" in page.error[0].value
    assert outputs.running() == ()


def test_the_demo_starts_a_stream_on_a_free_port_and_the_page_watches_it(outputs, monkeypatch):
    with closing(socket.socket()) as taken:  # whoever has the usual port: another one is taken
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setattr("core.streaming.server_settings.DEFAULT_PORT", taken.getsockname()[1])
        page = run_page("watch")
        watch_the_demo(page, outputs)


def watch_the_demo(page, outputs):
    assert any("An example" in caption.value for caption in page.caption)
    press(page, "Send the demo movement")
    (output,) = outputs.running()
    assert output.is_websocket and outputs.plays_demo
    assert "Only programs on this computer" in words_of(page)
    assert any("The head moves by what the WebSocket output sends" in caption.value for caption in page.caption)
    press(page, "Stop the demo movement")
    assert not outputs.plays_demo and len(outputs.running()) == 1


def test_a_link_names_the_stream_to_watch(outputs):
    page = AppTest.from_file(str(REPOSITORY / "pages" / "watch.py"), default_timeout=60)
    page.query_params["address"] = "ws://127.0.0.1:9999"
    page.run()
    assert not page.exception
    assert "ws://127.0.0.1:9999" in [field.value for field in page.text_input]
    assert outputs.running() == ()


@pytest.mark.parametrize("name", ["home", "rig", "capture", "avatar", "watch"])
def test_running_outputs_stand_beside_every_page_with_a_stop(name, outputs, listening):
    outputs.start(UdpTarget("udp", port=listening.getsockname()[1]))
    app = AppTest.from_file(str(REPOSITORY / "app.py"), default_timeout=60).run()
    if name != "home":
        app.switch_page(f"pages/{name}.py").run()
    assert not app.exception
    assert any(f"JSON over UDP :{listening.getsockname()[1]}" in badge.value for badge in app.sidebar.markdown)
    by_label(app.sidebar.button, "Stop").click().run()
    assert outputs.running() == ()
    assert not app.exception


def test_the_sidebar_says_when_numbers_leave_this_computer(outputs):
    app = AppTest.from_file(str(REPOSITORY / "app.py"), default_timeout=60).run()
    assert any("Everything stays on this machine" in caption.value for caption in app.sidebar.caption)
    outputs.start(UdpTarget("vmc", "192.0.2.7"))
    app.run()
    assert any("leave this computer (192.0.2.7)" in caption.value for caption in app.sidebar.caption)


def test_a_mapping_file_changes_the_channels_and_a_wrong_one_is_told():
    content = b'{"version": 1, "channels": {"jawOpen": {"mute": true}}}'
    mapping = mapping_of_upload(SimpleNamespace(name="mine.json", getvalue=lambda: content))
    assert mapping.channels["jawOpen"].mute
    assert mapping_of_upload(None).is_plain
    with pytest.raises(InputError, match=r"wrong\.json is no mapping"):
        mapping_of_upload(SimpleNamespace(name="../wrong.json", getvalue=lambda: b"[]"))
