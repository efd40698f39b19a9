"""`bench [NAME] --json`: speed and memory here, held against the budgets."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from core.commands.arguments import require_file
from core.errors import InputError

NAMES = ("frame", "identity", "picture", "rig", "memory", "stream", "expression", "speech")


def add_parser(subparsers: Any) -> None:
    """Adds `bench`."""
    parser = subparsers.add_parser("bench", help="speed and memory on this machine, against the budgets")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(NAMES)}; all of them where left out")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--video", type=Path, help="measure on this video instead of a drawn head")
    parser.add_argument("--photo", type=Path, help="make the rig from this photo instead of a drawn portrait")
    parser.add_argument("--frames", type=int, default=200, metavar="N", help="frames to time, 200 where left out")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs the benches and prints them; 0 also where a budget is missed."""
    unknown = [name for name in arguments.names if name not in NAMES]
    if unknown:
        raise InputError(f"There is no bench '{unknown[0]}'. Known are {', '.join(NAMES)}.")
    if not 1 <= arguments.frames <= 10_000:
        raise InputError(f"--frames must lie in 1 to 10000, but it is {arguments.frames}.")
    video = require_file(arguments.video) if arguments.video else None
    photo = require_file(arguments.photo) if arguments.photo else None

    from core.bench.benches import BENCHES, BenchInput
    from core.bench.report import as_json, as_text, machine
    from core.commands.native_log import quiet_native_log

    given = BenchInput(video, photo, arguments.frames)
    at = machine()
    results = []
    for name in arguments.names or NAMES:
        with quiet_native_log():
            results.append(BENCHES[name](given))
        if not arguments.json:
            print(as_text(results[-1]), flush=True)
    if arguments.json:
        print(json.dumps(as_json(results, at), indent=2))
    else:
        print(", ".join(f"{name} {value}" for name, value in at.items()))
    return 0
