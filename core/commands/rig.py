"""`rig INPUT... -o rig.glb`: photos, or one video, to a head that can be animated."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.commands.arguments import require_file, require_output
from core.errors import InputError

if TYPE_CHECKING:
    from core.structures import ImageArray

VIDEO_PICTURES = 24
"""Pictures taken from a video, evenly over its length: more add time and hardly any likeness."""


def add_parser(subparsers: Any) -> None:
    """Adds `rig`."""
    parser = subparsers.add_parser("rig", help="photos or a video to an animatable head (GLB)")
    parser.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help="photos of one person, or one video")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="RIG.glb", help="the rig to write")
    parser.add_argument("--name", help="the rig's name; the output's file name where left out")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Builds the rig, writes it and prints where."""
    output = require_output(arguments.output, (".glb",))
    for path in arguments.inputs:
        require_file(path)

    from core.commands.native_log import quiet_native_log
    from core.commands.progress import StepProgress
    from core.head_model.rig_glb import save_rig
    from core.rigging.build import build_rig

    with quiet_native_log(), StepProgress("reading") as progress:
        pictures = read_pictures(arguments.inputs)
        rig = build_rig(pictures, arguments.name or output.stem, progress=progress)
    save_rig(rig, output)
    print(output)
    return 0


def read_pictures(paths: Sequence[Path]) -> list[ImageArray]:
    """The photos, or evenly spread frames of the one video; InputError where both kinds or two videos are given."""
    from core.media.images import load_image
    from core.media.videos import is_video

    videos = [path for path in paths if is_video(path)]
    if not videos:
        return [load_image(path) for path in paths]
    if len(paths) > 1:
        raise InputError(f"Give either photos or one video, but {videos[0]} is a video among {len(paths)} inputs.")
    return _video_pictures(videos[0])


def _video_pictures(path: Path) -> list[ImageArray]:
    from core.media.videos import probe_video, read_video

    info = probe_video(path)
    frame_count = info.frame_count or round((info.duration_s or 0.0) * info.rate_hz)
    step = max(1, frame_count // VIDEO_PICTURES)
    pictures: list[ImageArray] = []
    for frame in read_video(path):
        if frame.index % step == 0:
            pictures.append(frame.image)
        if len(pictures) > 2 * VIDEO_PICTURES:
            # The file promised fewer frames than it holds: thin out what was kept, so that memory stays bounded.
            pictures, step = pictures[::2], 2 * step
    return pictures
