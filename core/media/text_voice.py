"""Typed text to sound, by espeak-ng where it is installed: a program of the machine, run as a child."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from core.errors import InputError, MediaError

PROGRAM = "espeak-ng"
HOW_TO_INSTALL = (
    "Typed text needs the program espeak-ng. On Debian or Ubuntu: sudo apt install espeak-ng. "
    "On macOS: brew install espeak-ng. Then start the app again."
)
VOICES: dict[str, str] = {
    "English (US)": "en-us", "English (GB)": "en-gb", "German": "de", "French": "fr", "Spanish": "es", "Italian": "it",
    "Portuguese": "pt", "Dutch": "nl", "Polish": "pl", "Swedish": "sv", "Turkish": "tr",
}  # fmt: skip
"""Some of espeak-ng's voices: the name a person reads, and espeak-ng's own."""
MOST_CHARACTERS = 600
WORDS_A_MINUTE = (80, 320)
PATIENCE_S = 30.0


def can_speak_text() -> bool:
    """Whether espeak-ng is installed."""
    return shutil.which(PROGRAM) is not None


def speak_text(text: str, voice: str = "en-us", words_a_minute: int = 160) -> bytes:
    """The spoken text as a WAV file, mono, 22050 Hz, 16 bits. voice: a value of `VOICES`.

    InputError: nothing to say, too much, or an unknown voice or speed. MediaError: espeak-ng is absent or gave no
    sound.
    """
    words = " ".join(text.split())
    if not words:
        raise InputError("There is nothing to say yet. Type a sentence first.")
    if len(words) > MOST_CHARACTERS:
        raise InputError(f"The text has {len(words)} characters, and at most {MOST_CHARACTERS} are spoken. Shorten it.")
    if voice not in VOICES.values():
        raise InputError(f"'{voice[:20]}' is none of the voices {', '.join(VOICES.values())}.")
    low, high = WORDS_A_MINUTE
    if not low <= words_a_minute <= high:
        raise InputError(f"The speed goes from {low} to {high} words a minute, but it is {words_a_minute}.")
    program = shutil.which(PROGRAM)
    if program is None:
        raise MediaError(HOW_TO_INSTALL)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spoken.wav"
        # The text goes in by stdin, so that one that begins with a dash is no option.
        command = [program, "-v", voice, "-s", str(words_a_minute), "-b", "1", "-w", str(path), "--stdin"]
        try:
            subprocess.run(command, input=words.encode(), capture_output=True, timeout=PATIENCE_S, check=True)
            return path.read_bytes()
        except (OSError, subprocess.SubprocessError) as error:
            raise MediaError(f"espeak-ng could not speak this text: {error}. Try another voice.") from None
