"""Still pictures that are sent until the first real one is ready, so that the raw camera is never echoed."""

from __future__ import annotations

from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from core.session_parts import Phase
from core.structures import ImageArray

SIZE = (640, 480)
BACKGROUND = (24, 28, 38)
INK = (203, 213, 225)

WORDS: dict[Phase, str] = {
    Phase.IDLE: "Starting",
    Phase.STARTING: "Starting",
    Phase.RUNNING: "Starting",
    Phase.BUSY: "All places are taken.\nYour turn comes by itself.",
    Phase.FAILED: "The engine could not start.\nThe page says why.",
}


@cache
def placeholder(phase: Phase) -> ImageArray:
    """(480, 640, 3) uint8 RGB with a few words for this phase."""
    image = Image.new("RGB", SIZE, BACKGROUND)
    font = ImageFont.load_default(26)
    ImageDraw.Draw(image).multiline_text(
        (SIZE[0] / 2, SIZE[1] / 2), WORDS[phase], INK, font, anchor="mm", align="center", spacing=12
    )
    return np.array(image)
