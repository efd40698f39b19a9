"""Lines of a text file that may be anything: bounded before they are believed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import TakeError

MAX_LINE_BYTES = 1 << 16
MAX_LINES = 1_000_000


def text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """(line number from 1, line without its end) of every line that is not blank.

    TakeError: absent, not readable, empty, not UTF-8 text, a line beyond 64 KB, or over a million lines.
    """
    if not path.is_file():
        raise TakeError(f"'{path}' was not found. Check the name and the folder.")
    count = 0
    try:
        with path.open("rb") as file:
            while line := file.readline(MAX_LINE_BYTES + 1):
                count += 1
                if len(line) > MAX_LINE_BYTES or count > MAX_LINES:
                    raise TakeError(f"'{path.name}' is no take: line {count} is too long, or there are too many lines.")
                if b"\0" in line:
                    raise TakeError(f"'{path.name}' is no take: it is not a text file.")
                text = line.decode("utf-8-sig" if count == 1 else "utf-8").strip()
                if text:
                    yield count, text
    except UnicodeDecodeError:
        raise TakeError(f"'{path.name}' is no take: it is not a text file.") from None
    except OSError as error:
        raise TakeError(f"'{path.name}' could not be read: {error.strerror}.") from error
    if count == 0:
        raise TakeError(f"'{path.name}' is empty.")


@dataclass(slots=True)
class RowCheck:
    """Counts the rows of a file that could not be read, and decides whether the rest is worth having."""

    file_name: str
    good: int = 0
    skipped: int = 0
    first_reason: str = field(default="")

    def skip(self, line_number: int, reason: object) -> None:
        """Leave this row out."""
        self.skipped += 1
        self.first_reason = self.first_reason or f"line {line_number}: {reason}"

    def require_enough(self) -> None:
        """TakeError unless there are good rows and they are the greater part."""
        if self.good == 0 and self.skipped == 0:
            raise TakeError(f"'{self.file_name}' holds no frames.")
        if self.good <= self.skipped:
            total = self.good + self.skipped
            raise TakeError(
                f"'{self.file_name}' is damaged: {self.skipped} of {total} rows cannot be read; {self.first_reason}"
            )
