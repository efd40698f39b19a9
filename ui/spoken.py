"""A recorded voice made into movement, and the movement into files."""

from __future__ import annotations

import hashlib
import io
import tempfile
import wave
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.signal import resample_poly

from core.animation.speech_take import speech_take
from core.animation.take import Take
from core.audio.resampling import resampled
from core.audio.speech_settings import SpeechSettings
from core.errors import InputError, MediaError
from core.export.glb_animation import export_glb_animation
from core.head_model.rig import HeadRig
from core.media.sounds import load_sound
from core.media.video_writer import VideoWriter
from core.rendering.renderer import HeadRenderer
from core.structures import AudioChunk
from ui.viewer.motion import viewer_motion
from ui.work import Progress

EXAMPLE_VOICE = Path(__file__).parent / "example_voice.flac"
LONGEST_S = 180.0
LARGEST_MIB = 50
FILM_SIZE = (512, 512)
SHORTEST_S = 0.1
WAV_TOP = 32767
LISTENING_RATES_HZ = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000)


@dataclass(frozen=True, slots=True, eq=False)
class Spoken:
    """A voice and what it does to a face. sound: for listening; wav: the same as a file; motion: for the viewer;
    content_id: of the file that it came from."""

    name: str
    content_id: str
    sound: AudioChunk
    take: Take
    wav: bytes
    motion: dict[str, Any]


def understand(content: bytes, name: str, settings: SpeechSettings, progress: Progress) -> Spoken:
    """The voice in this file as movement. MediaError, InputError: no sound, too long, too large; ModelPackError: the
    speech network is not there."""
    from core.audio.speech_driver import SpeechDriver

    if len(content) > LARGEST_MIB << 20:
        raise InputError(f"A sound may have up to {LARGEST_MIB} MB, but '{name}' has {len(content) >> 20} MB.")
    sound = load_sound(content, LONGEST_S)
    if len(sound.samples) < SHORTEST_S * sound.rate_hz:
        raise MediaError(f"'{name}' holds no sound to speak of. Choose a recording of a voice.")
    driver = SpeechDriver(settings=settings)
    take = speech_take(_pieces(sound, progress), driver, Path(name).stem[:80] or "Speech")
    heard = _for_listening(sound)
    return Spoken(name, content_id(content), heard, take, wav_file(heard), viewer_motion(take.states, take.rate_hz))


def content_id(content: bytes) -> str:
    """A name for this content that no other has."""
    return hashlib.sha256(content).hexdigest()


def wav_file(sound: AudioChunk) -> bytes:
    """The sound as a WAV file of 16 bits, as every browser plays it; clipped to [-1, 1]."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(sound.rate_hz)
        writer.writeframes((np.clip(sound.samples, -1.0, 1.0) * WAV_TOP).astype("<i2").tobytes())
    return file.getvalue()


def film(spoken: Spoken, rig: HeadRig, progress: Progress) -> bytes:
    """An MP4 of the head that speaks, with its sound. RenderError: nothing can be drawn here."""
    states = spoken.take.states
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.mp4"
        with (
            HeadRenderer(rig, FILM_SIZE, antialias=True) as renderer,
            VideoWriter(path, FILM_SIZE, spoken.take.rate_hz, sound=spoken.sound) as writer,
        ):
            for number, state in enumerate(states):
                writer.write(renderer.render(state))
                progress.step((number + 1) / len(states))
        return path.read_bytes()


def animated_glb_file(spoken: Spoken, rig: HeadRig) -> bytes:
    """The head with the take as its animation, one GLB. RigError, TakeError: it cannot be made."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.glb"
        export_glb_animation(rig, spoken.take, path)
        return path.read_bytes()


def _pieces(sound: AudioChunk, progress: Progress) -> Iterator[AudioChunk]:
    step = sound.rate_hz // 4
    for start in range(0, len(sound.samples), step):
        progress.step(start / len(sound.samples))
        yield replace(sound, samples=sound.samples[start : start + step], timestamp_s=start / sound.rate_hz)


def _for_listening(sound: AudioChunk) -> AudioChunk:
    """The sound in a rate that browsers and AAC know, 24 kHz at most: a voice has little above 12 kHz."""
    samples, rate_hz = sound.samples, sound.rate_hz
    while rate_hz > LISTENING_RATES_HZ[-1] and rate_hz % 2 == 0:
        samples, rate_hz = resample_poly(samples, 1, 2).astype(np.float32), rate_hz // 2
    if rate_hz not in LISTENING_RATES_HZ:
        samples, rate_hz = resampled(samples, rate_hz), 16_000
    return AudioChunk(samples, rate_hz, 0.0)
