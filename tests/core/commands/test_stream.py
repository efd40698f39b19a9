"""`stream` as a user meets it: faces on real sockets, errors in one line, a clean end."""

from __future__ import annotations

import itertools
import json
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing

import pytest

from core import cli
from core.animation.demo import demo_take
from core.animation.take_files import save_take
from core.bench.footage import drawn_frames
from core.blendshapes import INDEX
from core.commands.stream_sources import host_and_port, make_source
from core.errors import InputError, ModelPackError
from core.head_model.builtin import load_builtin_rig
from core.media.guarded_process import REPOSITORY
from core.media.video_writer import VideoWriter
from core.streaming.codec import WIRES
from core.streaming.mapping import Channel, FaceMapping, save_mapping
from core.streaming.record import sequence_of
from core.streaming.state_record import unpack_state
from tests.core.audio.stand_in import LoudMouth
from tests.sounds import syllables, wav_bytes
from tests.stream_tools import Viewer, wait_until


@pytest.fixture(scope="module")
def take(tmp_path_factory):
    path = tmp_path_factory.mktemp("stream") / "take.jsonl"
    save_take(demo_take(2.0), path)
    return path


@pytest.fixture
def listening():
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(60)
        yield receiver


def port_of(receiver: socket.socket) -> int:
    return receiver.getsockname()[1]


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(*words: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "core", "stream", *map(str, words)]
    return subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_take_goes_to_two_places_once_and_is_counted(take, listening, capsys):
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as second:
        second.bind(("127.0.0.1", 0))
        outputs = [f"udp:{port_of(listening)}", f"livelink:127.0.0.1:{port_of(second)}"]
        assert cli.main(["stream", str(take), "--once", "--to", outputs[0], "--to", outputs[1]]) == 0
        first = WIRES["udp"].make_decoder().decode(listening.recv(65_536), 0.0)
        WIRES["livelink"].make_decoder().decode(second.recv(65_536), 0.0)
    assert first.has_face
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[0].endswith(f"JSON over UDP at 127.0.0.1:{port_of(listening)}")
    words = lines[2].split()
    assert int(words[1]) + int(words[3]) == 60 and words[-2:] == ["0", "failed"]


def test_mirror_mapping_and_rate_are_obeyed(take, listening, tmp_path):
    path = tmp_path / "map.json"
    save_mapping(FaceMapping({"mouthSmileLeft": Channel(gain=0.0, offset=0.25), "jawOpen": Channel(mute=True)}), path)
    words = ["--to", f"udp:{port_of(listening)}", "--map", path, "--mirror", "--rate", "10", "--duration", "1"]
    assert cli.main(["stream", str(take), *map(str, words)]) == 0
    listening.settimeout(0.2)
    states = []
    try:
        while True:
            states.append(WIRES["udp"].make_decoder().decode(listening.recv(65_536), 0.0))
    except TimeoutError:
        pass
    assert 8 <= len(states) <= 13
    for state in states:
        assert state.blendshapes[INDEX["mouthSmileRight"]] == pytest.approx(0.25, abs=1e-4)
        assert state.blendshapes[INDEX["jawOpen"]] == 0.0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_a_signal_is_a_clean_end(take, number):
    port = free_port()
    with start(take, "--to", f"ws:{port}", "--rig-name", "Ann") as streaming:
        assert streaming.stdout.readline() == f"{take} to WebSocket at ws://127.0.0.1:{port}\n"
        with Viewer(port) as viewer:
            assert viewer.hear()["rig"] == "Ann"
            for _ in range(6):
                message = viewer.hear()
                viewer.acknowledge(sequence_of(message))
            streaming.send_signal(number)
            assert viewer.closing()[0] == 1001
        out, err = streaming.communicate(timeout=60)
    assert streaming.returncode == 0, err
    assert err == "" and "frames" in out


def test_a_video_is_tracked_and_its_stamps_are_in_order(tmp_path):
    path, port = tmp_path / "video.mp4", free_port()
    with VideoWriter(path, (640, 480)) as writer:
        for frame in drawn_frames(load_builtin_rig(), 30):
            writer.write(frame.image)
    with start(path, "--to", f"ws:{port}", "--duration", "60") as streaming:
        streaming.stdout.readline()
        with Viewer(port) as viewer:
            viewer.hear()

            def face():
                message = viewer.hear()
                viewer.acknowledge(sequence_of(message))
                state = unpack_state(message, time.monotonic())
                return (message, state) if state.has_face else None

            message, state = wait_until(face, "a face in the drawn video")
        streaming.send_signal(signal.SIGINT)
        streaming.communicate(timeout=60)
    from core.streaming.record import plain_record

    plain = plain_record(message)
    assert plain["arrived_s"] <= plain["tracked_s"] <= plain["sent_s"] <= state.timestamp_s
    assert streaming.returncode == 0


def test_one_stream_feeds_another(take, listening):
    port = free_port()
    with start(take, "--to", f"ws:{port}", "--token", "secret") as first:
        first.stdout.readline()
        words = ["--source-token", "secret", "--to", f"udp:{port_of(listening)}", "--duration", "2"]
        assert cli.main(["stream", f"ws://127.0.0.1:{port}", *words]) == 0
        assert json.loads(listening.recv(65_536))["confidence"] == 1.0
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=60)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["webcam:99"], "no camera 99"),
        (["webcam:x"], "numbered"),
        (["absent.csv"], "no file absent.csv"),
        (["livelink://192.0.2.1:11111"], "Cannot listen"),
        (["smoke://:1"], "smoke"),
        (["livelink://:port"], "port"),
        (["ws://127.0.0.1:1"], "No stream"),
        (["TAKE", "--to", "smoke"], "smoke"),
        (["TAKE", "--to", "ws:0.0.0.0"], "token"),
        (["TAKE", "--to", "udp:no.such.host.invalid:5"], "no machine"),
        (["TAKE", "--to", "udp:99999999"], "port"),
        (["TAKE", "--rate", "0"], "rate"),
        (["TAKE", "--repeat"], "rate"),
        (["TAKE", "--duration", "-1"], "duration"),
        (["TAKE", "--map", "absent.json"], "absent.json"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_what_cannot_be_done_is_one_line(take, words, said, capsys):
    words = [str(take) if word == "TAKE" else word for word in words]
    assert cli.main(["stream", *words, "--to", "udp:50000"]) == 1
    out, err = capsys.readouterr()
    assert len(err.splitlines()) == 1 and said in err
    assert "failed" not in out


def test_a_port_in_use_is_one_line(take, capsys):
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert cli.main(["stream", str(take), "--to", f"ws:{port}"]) == 1
    assert f"port {port}: Address already in use" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", ("", 0)), (":5", ("", 5)), ("5", ("", 5)), ("host", ("host", 0)), ("host:5", ("host", 5)),
        ("host:", ("host", 0)), ("[::1]:5", ("::1", 5)), ("[::1]", ("::1", 0)), ("10.0.0.7", ("10.0.0.7", 0)),
    ],
)  # fmt: skip
def test_addresses_are_read(text, wanted):
    assert host_and_port(text) == wanted


@pytest.mark.parametrize("text", [":x", "host:-1", "host:70000", ":1.5"])
def test_what_is_no_port_is_refused(text):
    with pytest.raises(InputError):
        host_and_port(text)


class FakeCamera:
    """What OpenCV's camera is to `CameraSource`: blue first, and gone after a while."""

    def __init__(self, pictures) -> None:
        self.pictures, self.released = list(pictures), False

    def isOpened(self) -> bool:  # as OpenCV spells it
        return True

    def set(self, *_) -> None:
        pass

    def read(self):
        time.sleep(0.03)
        return (True, self.pictures.pop(0)) if self.pictures else (False, None)

    def release(self) -> None:
        self.released = True


def test_a_camera_is_tracked_in_its_true_colours_and_told_when_it_is_gone(monkeypatch):
    import cv2

    from core.commands import stream_sources

    pictures = [frame.image for frame in drawn_frames(load_builtin_rig(), 20)]
    camera = FakeCamera(picture[..., ::-1] for picture in pictures * 3)
    monkeypatch.setattr(cv2, "VideoCapture", lambda _number: camera)
    monkeypatch.setattr(stream_sources, "CAMERA_LOST_S", 0.5)
    source = stream_sources.CameraSource(0)
    seen = []
    tracked = source._track
    monkeypatch.setattr(source, "_track", lambda frame, at: (seen.append(frame), tracked(frame, at))[1])
    frames = []
    wait_until(lambda: frames.append(source.next(0.1)) or source.is_over, "the camera to be gone")
    faces = [frame for frame in frames if frame is not None]
    assert faces and all(frame.states[0].has_face for frame in faces)
    assert all(any((frame.image == picture).all() for picture in pictures) for frame in seen)
    assert "no more pictures" in source.notice
    source.close()
    assert camera.released


def voice(tmp_path, name="speech.wav"):
    path = tmp_path / name
    path.write_bytes(wav_bytes(syllables(1.5), 16_000))
    return path


def test_a_voice_is_sent_as_it_sounds_once(tmp_path, listening, monkeypatch, capsys):
    monkeypatch.setattr("core.audio.speech_driver.load_network", LoudMouth)
    assert cli.main(["stream", str(voice(tmp_path)), "--once", "--to", f"udp:{port_of(listening)}"]) == 0
    words = capsys.readouterr().out.splitlines()[-1].split()
    sent = int(words[1])
    assert sent + int(words[3]) == pytest.approx(45, abs=2)
    decode = WIRES["udp"].make_decoder().decode
    faces = [decode(listening.recv(65_536), 0.0) for _ in range(sent)]
    jaws = [face.blendshapes[INDEX["jawOpen"]] for face in faces]
    assert max(jaws) - min(jaws) > 0.2
    assert all(face.has_face for face in faces)


def test_a_voice_goes_round_and_its_times_go_on(tmp_path, monkeypatch):
    monkeypatch.setattr("core.audio.speech_driver.load_network", LoudMouth)
    with closing(make_source(str(voice(tmp_path)), False, "")) as source:
        times_s = []
        while len(times_s) < 70:
            frame = source.next(1.0)
            if frame is not None:
                times_s.append(frame.states[0].timestamp_s)
    assert all(1 / 31 < after - before < 1 / 29 for before, after in itertools.pairwise(times_s))


def test_a_sound_that_is_none_and_a_model_that_is_absent_are_one_line(tmp_path, monkeypatch, capsys):
    path = tmp_path / "broken.wav"
    path.write_bytes(b"RIFF\x00\x00\x00\x00WAVEnothing")
    assert cli.main(["stream", str(path), "--to", "udp:9"]) == 1
    assert len(capsys.readouterr().err.strip().splitlines()) == 1

    def absent():
        raise ModelPackError("The voice model is not there.")

    monkeypatch.setattr("core.audio.speech_driver.load_network", absent)
    assert cli.main(["stream", str(voice(tmp_path)), "--to", "udp:9"]) == 1
    assert "The voice model is not there." in capsys.readouterr().err
