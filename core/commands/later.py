"""Commands whose names are promised and whose work is not there yet."""

from __future__ import annotations

import argparse
from typing import Any

from core.errors import LiveAvatarError

_PROMISED = {
    "speak": "speech to a take",
}


def add_parser(subparsers: Any) -> None:
    """Adds the promised commands; each answers that it is not there yet."""
    for name, what in _PROMISED.items():
        parser = subparsers.add_parser(name, help=f"{what} (not there yet)", description=f"{what}: not there yet.")
        parser.add_argument("words", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
        parser.set_defaults(run=run, command=name)


def run(arguments: argparse.Namespace) -> int:
    """Always raises LiveAvatarError."""
    name = arguments.command
    raise LiveAvatarError(f"'{name}' ({_PROMISED[name]}) is not there yet in this version.")
