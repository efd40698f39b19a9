"""What several commands ask of their words: files that are there, folders that can be written, sizes of pictures."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.errors import InputError

SMALLEST_PX = 64
LARGEST_PX = 4096


def require_file(path: Path) -> Path:
    """The path, or InputError where no file is there."""
    if not path.is_file():
        raise InputError(f"There is no file {path}. Check the name and the folder.")
    return path


def require_output(path: Path, suffixes: tuple[str, ...]) -> Path:
    """The path, or InputError where its ending is another or its folder is absent."""
    if path.suffix.lower() not in suffixes:
        raise InputError(f"The output must end in {' or '.join(suffixes)}, but it is named {path.name}.")
    if not path.parent.is_dir():
        raise InputError(f"The folder {path.parent} for the output is not there. Make it first.")
    return path


def picture_size(text: str) -> tuple[int, int]:
    """(width, height) in pixels from `512` or `640x480`; even numbers, as H.264 wants them."""
    words = text.lower().split("x")
    try:
        width, height = (int(words[0]), int(words[-1]))
    except ValueError:
        width = height = 0
    if len(words) > 2 or not all(SMALLEST_PX <= side <= LARGEST_PX and side % 2 == 0 for side in (width, height)):
        raise argparse.ArgumentTypeError(
            f"'{text}' is no size: give 512 or 640x480, even numbers from {SMALLEST_PX} to {LARGEST_PX}"
        )
    return width, height
