"""Looks at a source before a child process is started for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.errors import MediaError
from core.media.file_kinds import HEAD_BYTES


@dataclass(frozen=True, slots=True)
class Source:
    """A file or bytes to decode. path: absolute, or None for bytes; label: how messages call it; head: first bytes."""

    path: str | None
    payload: bytes
    label: str
    head: bytes
    size: int


def open_source(source: Path | bytes, label: str) -> Source:
    """The source, known to exist and to hold something. MediaError: absent, no file, empty or not readable."""
    if isinstance(source, bytes | bytearray | memoryview):
        found = Source(None, bytes(source), label, bytes(source[:HEAD_BYTES]), len(source))
    else:
        found = _open_path(Path(source))
    if found.size == 0:
        raise MediaError(f"{found.label} is empty. Give a file with something in it.")
    return found


def _open_path(path: Path) -> Source:
    label = f"'{path.name}'"
    if not path.exists():
        raise MediaError(f"'{path}' was not found. Check the name and the folder.")
    if not path.is_file():
        raise MediaError(f"'{path}' is not a file. Give the file itself.")
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise MediaError(f"{label} could not be opened: {error.strerror}.") from error
    return Source(str(path.resolve()), b"", label, head, path.stat().st_size)
