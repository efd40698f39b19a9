"""Pictures put together: two side by side, many as a labelled sheet."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from core.errors import InputError
from core.head_model.rig import HeadRig
from core.rendering.camera import FRONT, OrbitCamera
from core.rendering.renderer import HeadRenderer
from core.structures import FaceState, ImageArray

LABEL_HEIGHT_PX = 26
LABEL_TEXT_PX = 14
PAPER = (244, 244, 242)
INK = (40, 42, 46)


def compose_side_by_side(left: ImageArray, right: ImageArray, gap_px: int = 0) -> ImageArray:
    """(H, W, 3) uint8: `left` as it is and `right` scaled to the same height, with `gap_px` black pixels between."""
    height = left.shape[0]
    if right.shape[0] != height:
        width = max(1, round(right.shape[1] * height / right.shape[0]))
        right = np.asarray(cv2.resize(right, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    gap = np.zeros((height, gap_px, 3), np.uint8)
    return np.concatenate([left, gap, right], axis=1)


def compose_sheet(pictures: Sequence[ImageArray], columns: int, labels: Sequence[str] | None = None) -> ImageArray:
    """(H, W, 3) uint8: pictures of one size in rows of `columns`, each with its label below when labels are given."""
    if not pictures or columns < 1:
        raise InputError(f"A sheet needs pictures and columns, but got {len(pictures)} and {columns}.")
    if labels is not None and len(labels) != len(pictures):
        raise InputError(f"A sheet needs a label for each of its {len(pictures)} pictures, but got {len(labels)}.")
    columns = min(columns, len(pictures))
    height, width = pictures[0].shape[:2]
    cell_height = height + (LABEL_HEIGHT_PX if labels is not None else 0)
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * width, rows * cell_height), PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(LABEL_TEXT_PX)
    for i, picture in enumerate(pictures):
        x, y = (i % columns) * width, (i // columns) * cell_height
        sheet.paste(Image.fromarray(picture), (x, y))
        if labels is not None:
            draw.text((x + width / 2, y + height + LABEL_HEIGHT_PX / 2), labels[i], INK, font, anchor="mm")
    return np.array(sheet)


def render_sheet(
    rig: HeadRig,
    states: Sequence[FaceState],
    columns: int = 6,
    labels: Sequence[str] | None = None,
    tile_size: tuple[int, int] = (256, 256),
    camera: OrbitCamera = FRONT,
) -> ImageArray:
    """(H, W, 3) uint8: the head in each state, in rows of `columns`; opens and closes its own renderer."""
    with HeadRenderer(rig, tile_size, antialias=True) as renderer:
        return compose_sheet([renderer.render(state, camera) for state in states], columns, labels)
