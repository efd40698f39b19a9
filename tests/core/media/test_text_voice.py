"""Typed text becomes sound where espeak-ng is installed, and a plain line where it is not."""

from __future__ import annotations

import io
import wave

import numpy as np
import pytest

from core.errors import InputError, MediaError
from core.media import text_voice
from core.media.text_voice import MOST_CHARACTERS, VOICES, can_speak_text, speak_text

needs_espeak = pytest.mark.skipif(not can_speak_text(), reason="espeak-ng is not installed")


def samples_of(content: bytes) -> tuple[np.ndarray, int]:
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), np.int16), file.getframerate()


@needs_espeak
def test_a_sentence_is_spoken():
    samples, rate_hz = samples_of(speak_text("Papa may buy a pie."))
    assert 0.8 < len(samples) / rate_hz < 4.0
    assert np.abs(samples).max() > 3000


@needs_espeak
def test_slower_is_longer_and_more_text_is_longer():
    def seconds(text, **options):
        samples, rate_hz = samples_of(speak_text(text, **options))
        return len(samples) / rate_hz

    usual = seconds("one two three four")
    assert seconds("one two three four", words_a_minute=80) > 1.4 * usual
    assert seconds("one two three four " * 3) > 2.0 * usual


@needs_espeak
@pytest.mark.parametrize("text", ["-h", "--version", "<b>bold</b> & 'quoted' $(date)", "Ünïcödé ünd Größe", "一二三"])
def test_whatever_is_typed_is_text_and_never_an_option(text):
    assert len(samples_of(speak_text(text))[0]) > 1000


@needs_espeak
@pytest.mark.parametrize("voice", VOICES.values())
def test_every_offered_voice_is_there(voice):
    assert len(samples_of(speak_text("ma", voice))[0]) > 1000


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("", {}, "Type a sentence"),
        (" \n\t", {}, "Type a sentence"),
        ("a" * (MOST_CHARACTERS + 1), {}, "Shorten it"),
        ("hello", {"voice": "--path=/"}, "none of the voices"),
        ("hello", {"words_a_minute": 5000}, "from 80 to 320"),
    ],
)
def test_what_cannot_be_spoken_is_told(text, options, words):
    with pytest.raises(InputError, match=words):
        speak_text(text, **options)


def test_without_the_program_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setattr(text_voice.shutil, "which", lambda name: None)
    assert not can_speak_text()
    with pytest.raises(MediaError, match="apt install espeak-ng"):
        speak_text("hello")


def test_a_program_that_fails_is_told(monkeypatch):
    monkeypatch.setattr(text_voice.shutil, "which", lambda name: "/bin/false")
    with pytest.raises(MediaError, match="could not speak this text"):
        speak_text("hello")
