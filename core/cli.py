"""The command line: finds the command, runs it, and turns what went wrong into one line and an exit code.

Exit codes: 0 done, 1 it could not be done (one line on stderr says why), 2 the words were not understood, 130 Ctrl-C.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from core.commands import bench, doctor, head, models, render, rig, speak, stream, take, track
from core.errors import LiveAvatarError

_COMMANDS = (rig, track, speak, stream, render, take, head, bench, doctor, models)
EXIT_FAILED = 1
EXIT_INTERRUPTED = 130


def build_parser() -> argparse.ArgumentParser:
    """The parser of every command; the chosen one's function stands in `arguments.run`."""
    parser = argparse.ArgumentParser(
        prog="python -m core",
        description="Live Avatar: from one RGB camera to a living 3D face.",
        epilog="'python -m core COMMAND --help' tells more. The app itself starts with 'make app'.",
    )
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add_parser(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    arguments = build_parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader (`| head`) has gone; without this Python complains once more while it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except LiveAvatarError as error:
        print(f"Error: {' '.join(str(error).split())}", file=sys.stderr)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"Error: {where}{error.strerror or error}", file=sys.stderr)
    return EXIT_FAILED
