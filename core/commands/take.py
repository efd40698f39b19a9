"""`take IN -o OUT`: a take cut, looped, played faster, mixed with another, in another format."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.commands.arguments import require_file, require_output
from core.errors import InputError

if TYPE_CHECKING:
    from core.animation.take import Take

OUTPUTS = (".csv", ".jsonl", ".glb", ".bvh")
RECORDED_PACKETS = ".gesichter"


def add_parser(subparsers: Any) -> None:
    """Adds `take`."""
    parser = subparsers.add_parser(
        "take",
        help="a take cut, looped, retimed, mixed, or in another format",
        description="Reads a take, changes it in the order of the options below, and writes it.",
    )
    parser.add_argument("take", type=Path, metavar="IN", help=f"take.csv, take.jsonl or packets{RECORDED_PACKETS}")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="out.csv, .jsonl, .glb or .bvh")
    parser.add_argument("--trim", type=time_span, metavar="A:B", help="keep seconds A to B; either may be left out")
    parser.add_argument(
        "--mix", nargs=2, metavar=("OTHER", "WEIGHT"), help="towards another take: 0.5, or by part: mouth=1,head=0.5"
    )
    parser.add_argument("--speed", type=float, metavar="X", help="2 is twice as fast; the rate stays")
    parser.add_argument("--rate", type=float, metavar="HZ", help="evenly spaced frames, so many a second")
    parser.add_argument("--loop", type=int, metavar="N", help="play it N times in a row")
    parser.add_argument("--fade", type=float, metavar="SECONDS", default=0.0, help="let each round flow into the next")
    parser.add_argument("--rig", type=Path, metavar="RIG.glb", help="the head of a .glb; the built-in one if left out")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Reads, changes and writes the take, and prints where."""
    output = require_output(arguments.output, OUTPUTS)
    if arguments.rig is not None and output.suffix.lower() != ".glb":
        raise InputError("--rig goes with a .glb: name the output out.glb.")
    if arguments.fade and arguments.loop is None:
        raise InputError("--fade goes with --loop: say how often.")
    source = require_file(arguments.take)
    rig_path = require_file(arguments.rig) if arguments.rig else None

    take = _changed(_load(source), arguments)
    _write(take, output, rig_path)
    print(output)
    return 0


def time_span(text: str) -> tuple[float, float]:
    """(start, end) in seconds from `1.5:4`, `:4` or `1.5:`."""
    start, colon, end = text.partition(":")
    try:
        span = (float(start or 0.0), float(end or "inf"))
    except ValueError:
        span = (1.0, 0.0)
    if not colon or not 0.0 <= span[0] < span[1]:
        raise argparse.ArgumentTypeError(f"'{text}' is no span of seconds: give 1.5:4, :4 or 1.5:")
    return span


def mix_weights(text: str) -> float | dict[str, float]:
    """The weight of everything from `0.5`, or of parts from `mouth=1,head=0.5`. InputError: neither."""
    try:
        if "=" not in text:
            return float(text)
        pairs = (pair.split("=") for pair in text.split(","))
        return {name.strip(): float(weight) for name, weight in pairs}
    except ValueError:
        raise InputError(f"A weight of --mix looks like 0.5 or mouth=1,head=0.5, but it is '{text}'.") from None


def _load(path: Path) -> Take:
    from core.animation.packet_recording import read_packets, take_of_packets
    from core.animation.take_files import load_take
    from core.streaming.codecs.live_link import LiveLinkDecoder, sender_time_s

    if path.suffix.lower() == RECORDED_PACKETS:
        return take_of_packets(path.stem, read_packets(path), LiveLinkDecoder().decode, sender_time_s)
    return load_take(path)


def _changed(take: Take, arguments: argparse.Namespace) -> Take:
    from core.animation.take_edits import at_speed, loop, mix, retime, trim

    if arguments.trim is not None:
        start_s, end_s = arguments.trim
        take = trim(take, start_s, min(end_s, start_s + take.duration_s + 1.0))
    if arguments.mix is not None:
        other, weight = arguments.mix
        take = mix(take, _load(require_file(Path(other))), mix_weights(weight))
    rate_hz = arguments.rate
    if arguments.speed is not None:
        rate_hz = rate_hz or take.rate_hz
        take = at_speed(take, arguments.speed)
    if rate_hz is not None:
        take = retime(take, rate_hz)
    if arguments.loop is not None:
        take = loop(take, arguments.loop, arguments.fade)
    return take


def _write(take: Take, output: Path, rig_path: Path | None) -> None:
    suffix = output.suffix.lower()
    if suffix == ".glb":
        from core.export.glb_animation import export_glb_animation
        from core.head_model.builtin import load_builtin_rig
        from core.head_model.rig_glb import load_rig

        export_glb_animation(load_rig(rig_path) if rig_path else load_builtin_rig(), take, output)
    elif suffix == ".bvh":
        from core.export.bvh import export_bvh

        export_bvh(take, output)
    else:
        from core.animation.take_files import save_take

        save_take(take, output)
