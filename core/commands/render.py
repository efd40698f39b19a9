"""`render TAKE --rig rig.glb -o out.mp4|out.png`: a take on a head, as a video or one picture."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.commands.arguments import picture_size, require_file, require_output
from core.errors import InputError

if TYPE_CHECKING:
    from core.animation.take import Take
    from core.rendering.renderer import HeadRenderer
    from core.structures import FaceState, ImageArray


LONGEST_SOUND_S = 1200.0
SLACK = 0.1
"""Part of a step that a frame may be late: the rounded times of two files never meet exactly."""


def add_parser(subparsers: Any) -> None:
    """Adds `render`."""
    parser = subparsers.add_parser("render", help="a take on a head, as a video or a picture")
    parser.add_argument("take", type=Path, metavar="TAKE", help="take.csv or take.jsonl")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="out.mp4 or out.png")
    parser.add_argument("--rig", type=Path, metavar="RIG.glb", help="the head; the built-in one where left out")
    parser.add_argument("--size", type=picture_size, default=(512, 512), help="512 (where left out) or 640x480")
    parser.add_argument(
        "--at", type=float, metavar="SECONDS", help="the moment of a picture; the middle where left out"
    )
    parser.add_argument(
        "--sound", type=Path, metavar="SOUND", help="put this sound, or that of a video, into the video"
    )
    parser.add_argument("--beside", type=Path, metavar="VIDEO", help="show this video to the left of the head")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Draws the take, writes it and prints where."""
    output = require_output(arguments.output, (".mp4", ".png"))
    take_path = require_file(arguments.take)
    rig_path = require_file(arguments.rig) if arguments.rig else None
    beside = require_file(arguments.beside) if arguments.beside else None
    sound_path = require_file(arguments.sound) if arguments.sound else None
    if output.suffix.lower() == ".png" and (beside or sound_path):
        raise InputError("--beside and --sound go with a video: name the output out.mp4.")

    from core.animation.take_files import load_take
    from core.head_model.builtin import load_builtin_rig
    from core.head_model.rig_glb import load_rig
    from core.rendering.renderer import HeadRenderer

    take = load_take(take_path)
    rig = load_rig(rig_path) if rig_path else load_builtin_rig()
    with HeadRenderer(rig, arguments.size, antialias=True) as renderer:
        if output.suffix.lower() == ".png":
            _write_picture(renderer, take, arguments.at, output)
        else:
            write_video(renderer, take, output, beside=beside, sound=sound_path)
    print(output)
    return 0


def _write_picture(renderer: HeadRenderer, take: Take, at_s: float | None, output: Path) -> None:
    from PIL import Image

    from core.media.atomic_file import written_whole

    moment_s = 0.5 * take.duration_s if at_s is None else at_s
    if not 0.0 <= moment_s <= take.duration_s:
        raise InputError(f"--at must lie within the take, 0 to {take.duration_s:.2f} s, but it is {moment_s:g}.")
    picture = renderer.render(take.at(take.states[0].timestamp_s + moment_s))
    with written_whole(output) as temporary:
        Image.fromarray(picture).save(temporary, format="PNG")


def write_video(
    renderer: HeadRenderer, take: Take, output: Path, *, beside: Path | None = None, sound: Path | bytes | None = None
) -> None:
    """Draws the take into an MP4: with the video `beside` to the left of the head, and with this sound.

    MediaError: the sound is longer than 20 minutes, for it is held whole while the pictures are drawn.
    """
    from core.commands.progress import counting_bar
    from core.media.sounds import load_sound
    from core.media.video_writer import VideoWriter

    heard = load_sound(sound, LONGEST_SOUND_S) if sound is not None else None
    states = take.resampled(take.rate_hz).states
    pictures = _pictures(renderer, states, beside, take.rate_hz)
    first = next(pictures)
    size = (first.shape[1], first.shape[0])
    with (
        VideoWriter(output, size, take.rate_hz, sound=heard) as writer,
        counting_bar("drawing", len(states), "frame") as bar,
    ):
        for picture in chain((first,), pictures):
            writer.write(picture)
            bar.update()


def _pictures(
    renderer: HeadRenderer, states: Sequence[FaceState], beside: Path | None, rate_hz: float
) -> Iterator[ImageArray]:
    """A picture of each state, with those of the video `beside` to their left."""
    if beside is None:
        yield from map(renderer.render, states)
        return

    from core.session_painter import side_by_side

    for state, other in zip(states, _pictures_at_rate(beside, rate_hz), strict=False):
        yield side_by_side(other, renderer.render(state))


def _pictures_at_rate(path: Path, rate_hz: float) -> Iterator[ImageArray]:
    """The video's picture nearest before every 1 / rate_hz seconds; the last one stands when it has ended."""
    from core.media.videos import read_video

    number, start_s = 0, None
    shown = None
    for frame in read_video(path):
        start_s = frame.timestamp_s if start_s is None else start_s
        while shown is not None and frame.timestamp_s - start_s > (number + SLACK) / rate_hz:
            yield shown
            number += 1
        shown = frame.image
    while shown is not None:
        yield shown
