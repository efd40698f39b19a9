"""A voice file to a take and back to files: as long, as loud, and in step."""

from __future__ import annotations

import io
import json
import struct
import wave

import av
import numpy as np
import pytest

from core.audio.speech_settings import SpeechSettings
from core.blendshapes import INDEX
from core.errors import Cancelled, InputError, MediaError
from core.head_model.builtin import load_builtin_rig
from core.structures import AudioChunk
from tests.core.audio.stand_in import LoudMouth
from ui import spoken as spoken_module
from ui.spoken import EXAMPLE_VOICE, LISTENING_RATES_HZ, animated_glb_file, film, understand, wav_file
from ui.work import Progress

ONSET_S = 1.0


@pytest.fixture(autouse=True)
def voice_model(monkeypatch):
    monkeypatch.setattr("core.audio.speech_driver.load_network", LoudMouth)


def progress() -> Progress:
    return Progress(lambda: True)


def tone(rate_hz: int, duration_s: float = 2.0) -> bytes:
    """Silence, then a tone from `ONSET_S` on."""
    times_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    samples = np.where(times_s >= ONSET_S, 0.5 * np.sin(2 * np.pi * 220 * times_s), 0.0)
    return wav_file(AudioChunk(samples.astype(np.float32), rate_hz, 0.0))


def heard_at(content: bytes) -> tuple[int, float, float]:
    """(rate, seconds, when it becomes loud) of a WAV file."""
    with wave.open(io.BytesIO(content)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
        return (
            file.getframerate(),
            len(samples) / file.getframerate(),
            np.argmax(np.abs(samples) > 0.2) / file.getframerate(),
        )


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050, 44_100, 48_000, 96_000, 12_345, 37_801])
def test_the_sound_for_the_browser_keeps_its_time_at_a_usual_rate(rate_hz):
    spoken = understand(tone(rate_hz), "tone.wav", SpeechSettings(), progress())
    wav_rate_hz, seconds, onset_s = heard_at(spoken.wav)
    assert wav_rate_hz in LISTENING_RATES_HZ
    assert seconds == pytest.approx(2.0, abs=0.01) and onset_s == pytest.approx(ONSET_S, abs=0.01)
    assert spoken.take.duration_s == pytest.approx(2.0, abs=0.1)
    assert spoken.motion["frames"] == len(spoken.take.states)
    json.dumps(spoken.motion)


def test_the_example_comes_with_the_project_and_is_short():
    spoken = understand(EXAMPLE_VOICE.read_bytes(), EXAMPLE_VOICE.name, SpeechSettings(), progress())
    assert 3.0 < spoken.take.duration_s < 8.0
    assert EXAMPLE_VOICE.stat().st_size < 200_000


def test_too_large_too_long_and_nothing_are_refused(monkeypatch):
    monkeypatch.setattr(spoken_module, "LARGEST_MIB", 0)
    with pytest.raises(InputError, match="up to 0 MB"):
        understand(tone(48_000, 15.0), "big.wav", SpeechSettings(), progress())
    monkeypatch.undo()
    monkeypatch.setattr(spoken_module, "LONGEST_S", 1.5)
    with pytest.raises(MediaError, match="longer"):
        understand(tone(16_000), "long.wav", SpeechSettings(), progress())
    with pytest.raises(MediaError, match="no sound to speak of"):
        understand(tone(16_000, 0.05), "click.wav", SpeechSettings(), progress())


def test_listening_stops_when_nobody_waits():
    told = progress()
    told.stop()
    with pytest.raises(Cancelled):
        understand(tone(16_000), "tone.wav", SpeechSettings(), told)


def test_the_film_has_the_sound_in_step_with_the_mouth(tmp_path, monkeypatch):
    monkeypatch.setattr("core.audio.speech_driver.load_network", LoudMouth)
    monkeypatch.setattr(spoken_module, "FILM_SIZE", (64, 64))
    spoken = understand(tone(16_000, 1.5), "tone.wav", SpeechSettings(), progress())
    path = tmp_path / "film.mp4"
    path.write_bytes(film(spoken, load_builtin_rig(), progress()))
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert video.frames == len(spoken.take.states)
        assert float(audio.duration * audio.time_base) == pytest.approx(spoken.take.duration_s, abs=0.1)
        frames = list(container.decode(audio=0))
    samples = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    loud_s = np.argmax(np.abs(samples) > 0.2) / 16_000 + float(frames[0].pts * frames[0].time_base)
    opens_s = np.argmax(spoken.take.blendshapes[:, INDEX["jawOpen"]] > 0.2) / spoken.take.rate_hz
    assert loud_s == pytest.approx(ONSET_S, abs=0.02) and opens_s == pytest.approx(ONSET_S, abs=0.15)


def test_the_head_with_its_movement_is_a_glb_with_one_animation():
    spoken = understand(tone(16_000, 1.2), "tone.wav", SpeechSettings(), progress())
    content = animated_glb_file(spoken, load_builtin_rig())
    assert content[:4] == b"glTF"
    length = struct.unpack("<I", content[12:16])[0]
    document = json.loads(content[20 : 20 + length])
    assert [animation["name"] for animation in document["animations"]] == ["tone"]


def test_a_wav_file_is_clipped_and_not_wrapped():
    with wave.open(io.BytesIO(wav_file(AudioChunk(np.array([2.0, -2.0, 0.0], np.float32), 8_000, 0.0)))) as file:
        assert np.frombuffer(file.readframes(3), "<i2").tolist() == [32767, -32767, 0]
