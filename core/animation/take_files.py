"""Takes to files and back, by the file's suffix."""

from __future__ import annotations

from pathlib import Path

from core.animation.json_lines import json_text, read_json_lines
from core.animation.live_link_csv import csv_text, read_csv
from core.animation.take import Take
from core.errors import TakeError
from core.media.atomic_file import written_whole

WRITERS = {".csv": csv_text, ".jsonl": json_text}
READERS = {".csv": read_csv, ".jsonl": read_json_lines}


def save_take(take: Take, path: Path) -> None:
    """Write `take` to `path`, whole or not at all: .csv for Live Link Face, .jsonl for everything that is known.

    TakeError: another suffix, or the folder cannot be written to.
    """
    path = Path(path)
    lines = WRITERS[_suffix(path)](take)
    try:
        with written_whole(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
            file.writelines(lines)
    except OSError as error:
        raise TakeError(f"'{path}' could not be written: {error.strerror}. Choose another folder.") from error


def load_take(path: Path) -> Take:
    """The take in a .csv or .jsonl file. TakeError: another suffix, absent, or not a take; one line that says why."""
    path = Path(path)
    return READERS[_suffix(path)](path)


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in WRITERS:
        raise TakeError(f"A take is a .csv or .jsonl file, but got '{path.name}'. Give it one of these endings.")
    return suffix
