"""`rig INPUT... -o rig.glb`: photos, or one video, to a head that can be animated."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.commands.arguments import require_file, require_output
from core.errors import InputError

MORPHS: dict[str, bool | None] = {"auto": None, "dense": False, "sparse": True}


def add_parser(subparsers: Any) -> None:
    """Adds `rig`."""
    parser = subparsers.add_parser("rig", help="photos or a video to an animatable head (GLB)")
    parser.add_argument("inputs", nargs="*", type=Path, metavar="INPUT", help="photos of one person, or one video")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="RIG.glb", help="the rig to write")
    parser.add_argument("--name", help="the rig's name; the output's file name where left out")
    parser.add_argument(
        "--head", choices=("builtin", "ict", "flame"), default="builtin",
        help="the head that is reshaped; ict and flame need their model pack, see `models list`",
    )  # fmt: skip
    parser.add_argument(
        "--morphs", choices=tuple(MORPHS), default="auto",
        help="the shapes in the file: dense is read by every importer, sparse is smaller; auto is dense up to 8 MB",
    )  # fmt: skip
    parser.add_argument(
        "--no-refine", dest="refine", action="store_false",
        help="leave the form as the points of the face tell it, without the light and shade on the skin",
    )  # fmt: skip
    parser.add_argument(
        "--guided", type=Path, metavar="VIDEO",
        help="a video of: calm face, mouth open, smile, kiss, brows up, eyes shut, each held for a second or two; it "
        "tells how far this person's shapes go, and is enough alone",
    )  # fmt: skip
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Builds the rig, writes it and prints where."""
    output = require_output(arguments.output, (".glb",))
    for path in (*arguments.inputs, *([arguments.guided] if arguments.guided else [])):
        require_file(path)
    if not arguments.inputs and not arguments.guided:
        raise InputError("A rig needs photos or one video, but none was given. Name them, or give --guided VIDEO.")

    from core.assets.registry import models_folder
    from core.commands.native_log import quiet_native_log
    from core.commands.progress import StepProgress
    from core.head_model.heads import load_head
    from core.head_model.rig_glb import save_rig
    from core.rig_maker import make_rig, read_pictures
    from core.rig_maker_guided import GuidedVideo, refine_with_video

    told: tuple[str, ...] = ()
    with quiet_native_log(), StepProgress("reading") as progress:
        video = GuidedVideo(arguments.guided, progress) if arguments.guided else None
        pictures = video.calm_pictures() if video and not arguments.inputs else read_pictures(arguments.inputs)
        base = load_head(arguments.head, models_folder())
        rig = make_rig(pictures, arguments.name or output.stem, base=base, progress=progress, refine=arguments.refine)
        if video is not None:
            progress("Learning how this face moves", 0.95)
            rig, reading = refine_with_video(rig, video)
            told = reading.lines()
    save_rig(rig, output, compact=MORPHS[arguments.morphs])
    print(output)
    tell_quality(rig.details)
    print("".join(f"{line}\n" for line in told), end="", file=sys.stderr)
    tell_unreachable(rig.details)
    return 0


def tell_quality(details: Mapping[str, object]) -> None:
    """What the maker measured, in plain words, on stderr."""
    if "pictures_used" not in details:
        return
    lines = [
        f"pictures used: {details['pictures_used']} of {details['pictures_seen']} with a face; "
        f"head turns (degrees): {details['yaw_deg']}; face seen: {details['face_seen']}",
        f"expected error of a face point: {details['expected_error_mm']} mm; size against an average head: "
        f"{details['size']} +- {details['size_deviation']}; camera about {details['camera_distance_m']} m away",
    ]
    if "shading_moved_mm" in details:
        lines.append(f"shading moved a face point by {details['shading_moved_mm']} mm")
    if "halves_differ_mm" in details:
        lines.append(f"two halves of the pictures give forms that differ by {details['halves_differ_mm']} mm")
    remarks = details.get("remarks")
    print("\n".join([*lines, *(remarks if isinstance(remarks, list) else [])]), file=sys.stderr)


def tell_unreachable(details: Mapping[str, object]) -> None:
    """Names the shapes that the base head cannot make, on stderr; stdout holds the file's name alone."""
    shapes = details.get("unreachable")
    if isinstance(shapes, list) and shapes:
        names = ", ".join(map(str, shapes))
        print(
            f"The head '{details.get('head')}' cannot make these; they are the built-in head's: {names}",
            file=sys.stderr,
        )
