"""`head --sheet out.png`: a head at rest, in its 52 shapes, in visemes and in six emotions, on one sheet."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.blendshapes import ARKIT_NAMES, EMOTION_PROTOTYPES, INDEX, VISEMES
from core.commands.arguments import require_file, require_output

if TYPE_CHECKING:
    from core.structures import FaceState

COLUMNS = 10
TILE_PX = 180
DISTANCE_M, FIELD_OF_VIEW_DEG, THREE_QUARTER_DEG = 0.62, 21.0, 35.0


def add_parser(subparsers: Any) -> None:
    """Adds `head`."""
    parser = subparsers.add_parser("head", help="a contact sheet of a head: rest, 52 shapes, visemes, emotions")
    parser.add_argument("--sheet", type=Path, required=True, metavar="OUT.png", help="the picture to write")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--head", choices=("builtin", "ict", "flame"), default="builtin", help="the head to show")
    which.add_argument("--rig", type=Path, metavar="RIG.glb", help="a rig to show instead")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Draws every state from the front and from three quarters, and writes the sheet."""
    output = require_output(arguments.sheet, (".png",))
    rig_path = require_file(arguments.rig) if arguments.rig else None

    import math

    from PIL import Image

    from core.assets.registry import models_folder
    from core.head_model.heads import load_head
    from core.head_model.rig_glb import load_rig
    from core.media.atomic_file import written_whole
    from core.rendering.camera import OrbitCamera
    from core.rendering.pictures import compose_sheet
    from core.rendering.renderer import HeadRenderer

    rig = load_rig(rig_path) if rig_path else load_head(arguments.head, models_folder())
    pictures, labels = [], []
    with HeadRenderer(rig, (TILE_PX, TILE_PX), antialias=True) as renderer:
        for label, coefficients in rows().items():
            for turn_deg in (0.0, THREE_QUARTER_DEG):
                camera = OrbitCamera(
                    yaw_rad=math.radians(turn_deg),
                    distance_m=DISTANCE_M,
                    vertical_fov_rad=math.radians(FIELD_OF_VIEW_DEG),
                )
                pictures.append(renderer.render(state_of(coefficients), camera))
                labels.append(label if turn_deg == 0.0 else "")
    with written_whole(output) as unfinished:
        Image.fromarray(compose_sheet(pictures, COLUMNS, labels)).save(unfinished, "PNG", optimize=True)
    print(output)
    return 0


def rows() -> dict[str, dict[str, float]]:
    """Label to coefficients by name, in the order of the sheet."""
    shapes: dict[str, dict[str, float]] = {name: {name: 1.0} for name in ARKIT_NAMES}
    # mouthClose alone means nothing: it closes the lips over a jaw that is open.
    shapes["mouthClose"] = {"mouthClose": 0.6, "jawOpen": 0.6}
    visemes = {f"viseme {name}": values for name, values in VISEMES.items() if values}
    return {"neutral": {}} | shapes | visemes | EMOTION_PROTOTYPES


def state_of(coefficients: Mapping[str, float]) -> FaceState:
    """The state of these coefficients, eyes turned as their eyeLook values say; a name without a side is both."""
    import numpy as np

    from core.expression.gaze_shapes import gaze_from_blendshapes
    from core.structures import FaceState

    values = np.zeros(len(ARKIT_NAMES), np.float32)
    for name, value in coefficients.items():
        for full in (name, f"{name}Left", f"{name}Right"):
            if full in INDEX:
                values[INDEX[full]] = value
    return FaceState(0.0, blendshapes=values, gaze=gaze_from_blendshapes(values))
