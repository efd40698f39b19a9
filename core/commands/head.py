"""`head`: contact sheets of a head: its shapes, visemes and emotions; people made from it; its named directions."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.blendshapes import ARKIT_NAMES, EMOTION_PROTOTYPES, INDEX, VISEMES
from core.commands.arguments import require_file, require_output
from core.errors import InputError

if TYPE_CHECKING:
    from core.head_model.model import HeadModel
    from core.head_model.rig import HeadRig
    from core.structures import FaceState, ImageArray

COLUMNS, PEOPLE_COLUMNS = 10, 8
PEOPLE, PEOPLE_SEED = 16, 0
TILE_PX = 180
DISTANCE_M, FIELD_OF_VIEW_DEG, THREE_QUARTER_DEG = 0.62, 21.0, 35.0
WHOLE_HEAD_DEG = 26.0  # people differ in the height of their crowns


def add_parser(subparsers: Any) -> None:
    """Adds `head`."""
    parser = subparsers.add_parser("head", help="contact sheets of a head: shapes, people, directions of form")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--sheet", type=Path, metavar="OUT.png", help="rest, 52 shapes, visemes and emotions")
    what.add_argument("--people", type=Path, metavar="OUT.png", help=f"{PEOPLE} people of chance")
    what.add_argument("--directions", type=Path, metavar="OUT.png", help="each named direction of form, both ways")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--head", choices=("builtin", "ict", "flame"), default="builtin", help="the head to show")
    which.add_argument("--rig", type=Path, metavar="RIG.glb", help="a rig to show instead")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Draws everything from the front and from three quarters, and writes the sheet."""
    output = require_output(arguments.sheet or arguments.people or arguments.directions, (".png",))
    rig_path = require_file(arguments.rig) if arguments.rig else None
    if rig_path and not arguments.sheet:
        raise InputError("A rig is one person. Give --head instead of --rig, or --sheet.")

    from PIL import Image

    from core.assets.registry import models_folder
    from core.head_model.heads import load_head, load_model
    from core.head_model.rig_glb import load_rig
    from core.media.atomic_file import written_whole
    from core.rendering.pictures import compose_sheet

    sheet = _Sheet(FIELD_OF_VIEW_DEG if arguments.sheet else WHOLE_HEAD_DEG)
    if arguments.sheet:
        rig = load_rig(rig_path) if rig_path else load_head(arguments.head, models_folder())
        sheet.draw(rig, rows())
    else:
        model = load_model(arguments.head, models_folder())
        for label, person in (people if arguments.people else directions)(model):
            sheet.draw(person, {label: {}})
    columns = COLUMNS if arguments.sheet else PEOPLE_COLUMNS
    with written_whole(output) as unfinished:
        Image.fromarray(compose_sheet(sheet.pictures, columns, sheet.labels)).save(unfinished, "PNG", optimize=True)
    print(output)
    return 0


class _Sheet:
    """Pictures side by side, each state twice, and what is written below them."""

    def __init__(self, field_of_view_deg: float) -> None:
        self._field_of_view_deg = field_of_view_deg
        self.pictures: list[ImageArray] = []
        self.labels: list[str] = []

    def draw(self, rig: HeadRig, states: Mapping[str, Mapping[str, float]]) -> None:
        """Adds a head in states given as label to coefficients by name."""
        import math

        from core.rendering.camera import OrbitCamera
        from core.rendering.renderer import HeadRenderer

        with HeadRenderer(rig, (TILE_PX, TILE_PX), antialias=True) as renderer:
            for label, coefficients in states.items():
                for turn_deg in (0.0, THREE_QUARTER_DEG):
                    camera = OrbitCamera(
                        yaw_rad=math.radians(turn_deg),
                        distance_m=DISTANCE_M,
                        vertical_fov_rad=math.radians(self._field_of_view_deg),
                    )
                    self.pictures.append(renderer.render(state_of(coefficients), camera))
                    self.labels.append(label if turn_deg == 0.0 else "")


def people(model: HeadModel) -> Iterator[tuple[str, HeadRig]]:
    """Number and rig of people whose codes are drawn from the model's own distribution; the same ones every time."""
    import numpy as np

    rng = np.random.default_rng(PEOPLE_SEED)
    for number in range(PEOPLE):
        yield str(number + 1), model.rig(rng.normal(0.0, 1.0, model.shape_count))


def directions(model: HeadModel) -> Iterator[tuple[str, HeadRig]]:
    """Label and rig of every named direction, two deviations either way. InputError when the model has none."""
    if not model.named:
        raise InputError(f"The directions of {model.name} have no names. Only the built-in head's have.")
    for name in model.named:
        for amount in (-2.0, 2.0):
            yield f"{name} {amount:+.0f}", model.rig(named={name: amount})


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

    from core.geometry.gaze_shapes import gaze_from_blendshapes
    from core.structures import FaceState

    values = np.zeros(len(ARKIT_NAMES), np.float32)
    for name, value in coefficients.items():
        for full in (name, f"{name}Left", f"{name}Right"):
            if full in INDEX:
                values[INDEX[full]] = value
    return FaceState(0.0, blendshapes=values, gaze=gaze_from_blendshapes(values))
