"""`stream SOURCE --to ws --to livelink:HOST:PORT ...`: faces, live, to game engines, VTuber programs and browsers."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.commands.arguments import require_file
from core.errors import InputError

if TYPE_CHECKING:
    from core.streaming.hub import StreamHub
    from core.streaming.output import OutputSettings, OutputStatus
    from core.streaming.server_settings import ServerSettings
    from core.streaming.sinks import UdpTarget
    from core.streaming.sources import Source

PATIENCE_S = 0.25
STATUS_S = 1.0

_EXAMPLES = """examples:
  python -m core stream webcam --to ws                     browsers and programs on this machine, ws://127.0.0.1:8765
  python -m core stream webcam --to livelink:192.168.1.20  Unreal Engine on another machine
  python -m core stream take.csv --to vmc --to ws --rate 60
  python -m core stream speech.wav --to ws --once           a voice moves the face, in step with its sound
  python -m core stream livelink://0.0.0.0:11111 --to vmc  from a phone to a VTuber program
"""


def add_parser(subparsers: Any) -> None:
    """Adds `stream`."""
    parser = subparsers.add_parser(
        "stream", help="faces, live, to other programs", epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument(
        "source", metavar="SOURCE",
        help="webcam or webcam:N; a video; a voice (WAV, MP3, FLAC, ...); a take (.csv, .jsonl); or what comes in, as "
        "livelink://:11111, vmc://, ifacialmocap://PHONE, openseeface://, udp://, osc://, ws://HOST:PORT; no host: "
        "only this machine is heard",
    )  # fmt: skip
    parser.add_argument(
        "--to", action="append", required=True, metavar="OUTPUT", dest="outputs",
        help="ws, livelink, vmc, ifacialmocap, openseeface, udp or osc, then :HOST:PORT, :HOST or :PORT; "
        "this machine and the usual port where left out; may be given several times",
    )  # fmt: skip
    parser.add_argument("--rate", type=float, metavar="HZ", help="most frames a second; as many as come where left out")
    parser.add_argument("--repeat", action="store_true", help="with --rate: send the last frame again where none comes")
    parser.add_argument("--mirror", action="store_true", help="swap the sides, as in a mirror")
    parser.add_argument("--map", type=Path, metavar="MAPPING.json", help="gain, offset, limits and mutes by channel")
    parser.add_argument("--token", default="", help="what ws clients must say first; needed beyond this machine")
    parser.add_argument("--source-token", default="", metavar="TOKEN", help="what a ws:// source asks for")
    parser.add_argument(
        "--origin", action="append", default=[], metavar="URL", help="a page that may connect, as https://example.org"
    )
    parser.add_argument("--rig-name", default="", metavar="NAME", help="told to ws clients")
    parser.add_argument("--once", action="store_true", help="end with the file instead of repeating it")
    parser.add_argument("--duration", type=float, metavar="S", help="end after so many seconds")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Streams until Ctrl-C, SIGTERM, the end of the source, or --duration; then says what was sent."""
    if arguments.duration is not None and not arguments.duration > 0:
        raise InputError(f"--duration must be positive, but it is {arguments.duration:g}.")
    mapping_path = require_file(arguments.map) if arguments.map else None

    from core.streaming.hub import StreamHub
    from core.streaming.mapping import FaceMapping, load_mapping
    from core.streaming.output import OutputSettings

    mapping = load_mapping(mapping_path) if mapping_path else FaceMapping()
    settings = OutputSettings(arguments.rate, arguments.repeat, arguments.mirror, mapping)
    targets = [_target(words, arguments) for words in arguments.outputs]

    from core.commands.stream_sources import make_source

    with ExitStack() as resources:
        stopped = resources.enter_context(_stop_signals())
        source = resources.enter_context(closing(make_source(arguments.source, arguments.once, arguments.source_token)))
        hub = resources.enter_context(StreamHub())
        _start_outputs(hub, targets, settings, arguments)
        _stream(source, hub, stopped, arguments.duration)
        outputs = [hub.stop(output.name) for output in hub.status()]
    for output in filter(None, outputs):
        print(f"{output.address} {output.sent} frames, {output.dropped} left out, {output.errors} failed")
    if source.is_over and source.notice:
        raise InputError(f"The source ended: {source.notice}.")
    return 0


def _target(words: str, arguments: argparse.Namespace) -> ServerSettings | UdpTarget:
    from core.commands.stream_sources import host_and_port
    from core.streaming.server_settings import DEFAULT_PORT, ServerSettings
    from core.streaming.sinks import LOOPBACK, UdpTarget

    name, _, address = words.partition(":")
    host, port = host_and_port(address) if address else ("", 0)
    if name != "ws":
        return UdpTarget(name, host or LOOPBACK, port)
    return ServerSettings(
        host or LOOPBACK, port or DEFAULT_PORT, arguments.token, tuple(arguments.origin),
        rig_name=arguments.rig_name, rate_hz=arguments.rate or 0.0,
    )  # fmt: skip


def _start_outputs(
    hub: StreamHub,
    targets: Sequence[ServerSettings | UdpTarget],
    settings: OutputSettings,
    arguments: argparse.Namespace,
) -> None:
    for number, (words, target) in enumerate(zip(arguments.outputs, targets, strict=True)):
        output = hub.start(f"{words.partition(':')[0]}-{number}", target, settings)
        print(f"{arguments.source} to {output.title} at {output.address}", flush=True)


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set: stopping is the usual end of a stream, not an error."""
    stopped = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda *_: stopped.set())
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stream(source: Source, hub: StreamHub, stopped: threading.Event, duration_s: float | None) -> None:
    started_s = shown_s = time.monotonic()
    while not stopped.is_set() and not source.is_over:
        frame = source.next(PATIENCE_S)
        if frame is not None:
            hub.publish(frame.states, frame.arrived_s)
        now_s = time.monotonic()
        if duration_s is not None and now_s - started_s >= duration_s:
            break
        if now_s - shown_s >= STATUS_S:
            shown_s = now_s
            _show_status(hub.status(), source.notice)
    if sys.stderr.isatty():
        print(file=sys.stderr)


def _show_status(outputs: Sequence[OutputStatus], notice: str) -> None:
    """One line that rewrites itself; nothing where stderr is no terminal."""
    if not sys.stderr.isatty():
        return
    line = "  ".join(_status_words(output) for output in outputs)
    print(f"\r{line}{f'  ({notice})' if notice else ''}\x1b[K", end="", file=sys.stderr, flush=True)


def _status_words(output: OutputStatus) -> str:
    age = "" if output.age_ms is None else f" {output.age_ms:.1f} ms"
    clients = f" {output.details['clients']} clients" if "clients" in output.details else ""
    error = f" {output.phase}: {output.error}" if output.error else ""
    return f"{output.title} {output.rate_hz:.0f}/s{age}{clients}{error}"
