"""Frames to measure with: a head that talks, blinks and turns, drawn by this project itself."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from core.blendshapes import COUNT, INDEX
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.head_model.rig import HeadRig
from core.media.videos import read_video
from core.rendering.renderer import HeadRenderer
from core.structures import FaceState, Frame, ImageArray

FRAME_SIZE = (640, 480)
FRAME_RATE_HZ = 30.0


def performance(count: int) -> Iterator[FaceState]:
    """`count` states at 30 Hz: speech-like jaw and lips, a smile that comes and goes, blinks, a turning head."""
    for number in range(count):
        time_s = number / FRAME_RATE_HZ
        blendshapes = np.zeros(COUNT, np.float32)
        jaw = 0.5 - 0.5 * math.cos(2 * math.pi * 3.1 * time_s)
        smile = 0.5 - 0.5 * math.cos(2 * math.pi * 0.4 * time_s)
        blink = max(0.0, 1.0 - abs((time_s % 2.5) - 0.6) / 0.1)
        for name, value in {
            "jawOpen": 0.45 * jaw,
            "mouthFunnel": 0.3 * (1.0 - jaw),
            "mouthSmileLeft": 0.6 * smile,
            "mouthSmileRight": 0.6 * smile,
            "browInnerUp": 0.5 * (1.0 - smile),
            "eyeBlinkLeft": blink,
            "eyeBlinkRight": blink,
        }.items():
            blendshapes[INDEX[name]] = value
        rotation = rotation_from_yaw_pitch_roll(
            0.3 * math.sin(2 * math.pi * 0.3 * time_s), 0.12 * math.sin(2 * math.pi * 0.5 * time_s), 0.0
        )
        yield FaceState(time_s, blendshapes=blendshapes, head_rotation=rotation)


def drawn_frames(rig: HeadRig, count: int, size: tuple[int, int] = FRAME_SIZE) -> list[Frame]:
    """The performance on this head, as a camera would see it."""
    with HeadRenderer(rig, size) as renderer:
        return [
            Frame(renderer.render(state), state.timestamp_s, number) for number, state in enumerate(performance(count))
        ]


def photo(rig: HeadRig, side_px: int = 1024) -> ImageArray:
    """(side, side, 3) a neutral portrait of this head."""
    with HeadRenderer(rig, (side_px, side_px), antialias=True) as renderer:
        return renderer.render(FaceState(0.0))


def video_frames(path: Path, count: int) -> list[Frame]:
    """At most the first `count` frames of a video."""
    return list(islice(read_video(path), count))
