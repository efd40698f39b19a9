"""Frames to measure with: a head that talks, blinks and turns, drawn by this project itself."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from core.animation.demo import demo_take
from core.head_model.rig import HeadRig
from core.media.videos import read_video
from core.rendering.renderer import HeadRenderer
from core.structures import FaceState, Frame, ImageArray

FRAME_SIZE = (640, 480)
FRAME_RATE_HZ = 30.0


def performance(count: int) -> tuple[FaceState, ...]:
    """`count` states of the demonstration at 30 Hz."""
    return demo_take(count / FRAME_RATE_HZ, FRAME_RATE_HZ).states


def drawn_frames(rig: HeadRig, count: int, size: tuple[int, int] = FRAME_SIZE, step: int = 1) -> list[Frame]:
    """`count` frames of the performance on this head, every `step`-th of its states."""
    with HeadRenderer(rig, size) as renderer:
        return [
            Frame(renderer.render(state), state.timestamp_s, number)
            for number, state in enumerate(performance(count * step)[::step])
        ]


def photo(rig: HeadRig, side_px: int = 1024) -> ImageArray:
    """(side, side, 3) a neutral portrait of this head."""
    with HeadRenderer(rig, (side_px, side_px), antialias=True) as renderer:
        return renderer.render(FaceState(0.0))


def video_frames(path: Path, count: int) -> list[Frame]:
    """At most the first `count` frames of a video."""
    return list(islice(read_video(path), count))
