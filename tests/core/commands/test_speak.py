from __future__ import annotations

import shutil

import av
import numpy as np
import pytest

from core.animation.take_files import load_take
from core.audio import speech_driver
from core.blendshapes import INDEX
from core.cli import main
from core.head_model.rig_glb import save_rig
from core.media.sounds import load_sound
from core.media.videos import probe_video
from tests.builders import tiny_rig
from tests.core.audio.stand_in import LoudMouth
from tests.sounds import syllables, wav_bytes

SOUND = syllables(2.0)
JAW, BLINK = INDEX["jawOpen"], INDEX["eyeBlinkLeft"]


@pytest.fixture(autouse=True)
def light_network(monkeypatch):
    """What the command does with a network is tested here; what the network says, with the network."""
    monkeypatch.setattr(speech_driver, "load_network", LoudMouth)


@pytest.fixture
def speech_path(tmp_path):
    path = tmp_path / "speech.wav"
    path.write_bytes(wav_bytes(SOUND, 16000))
    return path


def spoken(path, *words):
    output = path.with_name("take.jsonl")
    assert main(["speak", str(path), "-o", str(output), *words]) == 0
    return load_take(output)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_sound_becomes_a_take(speech_path, suffix, capsys):
    output = speech_path.with_suffix(suffix)
    assert main(["speak", str(speech_path), "-o", str(output)]) == 0
    assert capsys.readouterr().out == f"{output}\n"
    take = load_take(output)
    assert (len(take.states), take.rate_hz) == (61, 30.0)
    assert take.duration_s == pytest.approx(2.0, abs=0.01)
    assert np.ptp(take.blendshapes[:, JAW]) > 0.3


@pytest.mark.parametrize(
    ("rate_hz", "kind", "channels"),
    [(8000, "8", 1), (48000, "24", 2), (44100, "float", 1), (192000, "32", 2), (16000, "alaw", 1)],
)
def test_the_same_speech_in_other_files_moves_the_same_face(speech_path, rate_hz, kind, channels):
    plain = spoken(speech_path)
    times = np.arange(2 * rate_hz) / rate_hz
    other = np.interp(times, np.arange(len(SOUND)) / 16000, SOUND)[:, None].repeat(channels, axis=1)
    speech_path.write_bytes(wav_bytes(other, rate_hz, kind))
    take = spoken(speech_path)
    assert len(take.states) == 61
    np.testing.assert_allclose(take.blendshapes[:, JAW], plain.blendshapes[:, JAW], atol=0.08)


@pytest.mark.parametrize("fps", ["24", "60"])
def test_other_rates(speech_path, fps):
    take = spoken(speech_path, "--fps", fps)
    assert take.rate_hz == float(fps) and len(take.states) == 2 * int(fps) + 1


def test_settings_reach_the_face(speech_path):
    plain = spoken(speech_path)
    half = spoken(speech_path, "--strength", "0.5")
    np.testing.assert_allclose(half.blendshapes[:, JAW], 0.5 * plain.blendshapes[:, JAW], atol=1e-5)
    still = spoken(speech_path, "--no-blinks", "--head-motion", "0", "--brows", "0", "--valence", "-1")
    assert still.blendshapes[:, BLINK].max() == 0.0
    np.testing.assert_allclose(
        [state.head_rotation for state in still.states], np.eye(3)[None].repeat(61, 0), atol=1e-6
    )
    assert still.blendshapes[:, INDEX["mouthFrownLeft"]].min() > 0.2
    assert (
        np.abs(spoken(speech_path, "--seed", "5").states[40].head_rotation - plain.states[40].head_rotation).max() > 0
    )


def test_a_talking_video_has_its_sound(speech_path, tmp_path, capsys):
    rig, output = tmp_path / "rig.glb", tmp_path / "out.mp4"
    save_rig(tiny_rig(), rig)
    assert main(["speak", str(speech_path), "--render", str(output), "--rig", str(rig), "--size", "128"]) == 0
    assert capsys.readouterr().out == f"{output}\n"
    assert probe_video(output).frame_count == 61
    heard = load_sound(output, 60.0)
    assert len(heard.samples) / heard.rate_hz == pytest.approx(2.0, abs=0.1)
    assert heard.samples.std() == pytest.approx(SOUND.std(), rel=0.2)


def test_a_videos_sound_keeps_its_place(tmp_path):
    path = tmp_path / "late.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("flac", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray((SOUND[None] * 32767).astype(np.int16), format="s16", layout="mono")
        frame.sample_rate, frame.pts = 16000, 24000
        picture = container.add_stream("libx264", rate=10)
        picture.width, picture.height, picture.pix_fmt = 64, 64, "yuv420p"
        for k in range(30):
            shown = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 8 * k, np.uint8), "rgb24")
            shown.pts = k
            container.mux(picture.encode(shown))
        container.mux(picture.encode(None))
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    take = spoken(path)
    assert take.states[0].timestamp_s == 0.0 and len(take.states) == 106
    assert take.blendshapes[:43, JAW].max() < 0.01 < take.blendshapes[46:60, JAW].max()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"hello, this is no sound at all", "not a sound"),
        (wav_bytes(SOUND[:0], 16000), "damaged or cut off"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "damaged or cut off"),
    ],
)
def test_what_is_no_sound_is_one_line(speech_path, data, words, capsys):
    speech_path.write_bytes(data)
    assert main(["speak", str(speech_path), "-o", str(speech_path.with_suffix(".csv"))]) == 1
    out, err = capsys.readouterr()
    assert out == "" and words in err and len(err.splitlines()) == 1
    assert not speech_path.with_suffix(".csv").exists()


def test_one_sample_is_one_calm_frame(speech_path):
    speech_path.write_bytes(wav_bytes(SOUND[:1], 16000))
    take = spoken(speech_path)
    assert len(take.states) == 1 and take.blendshapes[0, JAW] < 0.01 and take.blendshapes.max() < 0.1


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_typed_text_is_spoken_and_may_be_kept(tmp_path, capsys):
    take, kept = tmp_path / "take.csv", tmp_path / "kept.wav"
    assert main(["speak", "--text", "Mama, open the door.", "-o", str(take), "--keep-sound", str(kept)]) == 0
    assert capsys.readouterr().out == f"{take}\n{kept}\n"
    sound = load_sound(kept, 60.0)
    assert load_take(take).duration_s == pytest.approx(len(sound.samples) / sound.rate_hz, abs=0.04)


def test_typed_text_without_espeak_says_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert main(["speak", "--text", "hello", "-o", str(tmp_path / "take.csv")]) == 1
    assert "espeak-ng" in capsys.readouterr().err


def test_the_network_is_exported(tmp_path, capsys):
    pytest.importorskip("torch", reason="torch is not installed")
    model = tmp_path / "speech.pt"
    assert main(["speak", "--export", str(model), "--look-ahead", "40"]) == 0
    assert capsys.readouterr().out == f"{model}\n" and model.stat().st_size > 1 << 20
    assert main(["speak", "--export", str(tmp_path / "speech.txt")]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
