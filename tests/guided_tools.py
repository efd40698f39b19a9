"""A person who is known, drawn as they follow the prompts of a guided recording."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.blendshapes import COUNT, INDEX
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.head_model.rig import HeadRig
from core.media.video_writer import VideoWriter
from core.rendering.renderer import HeadRenderer
from core.rigging.guided_poses import GUIDED_POSES, POSES
from core.structures import FaceState, ImageArray
from core.tracking.camera import default_camera

RATE_HZ = 12.0
SIZE = (640, 480)
NAMES = tuple(pose.name for pose in GUIDED_POSES)


def person_with(rig: HeadRig, **factors: float) -> HeadRig:
    """The rig with some of its shapes larger or smaller."""
    shapes = rig.shapes.copy()
    for name, factor in factors.items():
        shapes[INDEX[name]] *= np.float32(factor)
    return replace(rig, shapes=shapes)


def performance(
    person: HeadRig, order: tuple[str, ...] = NAMES, instead: Mapping[str, Mapping[str, float]] | None = None
) -> list[ImageArray]:
    """Pictures at `RATE_HZ` of a person who holds each pose for 1.2 s and rests 0.8 s after it, head never quite still.

    instead: coefficients shown where a pose was asked for.
    """
    rng, pictures = np.random.default_rng(0), []
    camera = default_camera(SIZE)
    with HeadRenderer(person, SIZE) as renderer:
        time_s = 0.0
        for name in order:
            target = np.zeros(COUNT, np.float32)
            shown = (instead or {}).get(name) or dict.fromkeys(POSES[name].shapes, 1.0)
            for shape, value in shown.items():
                target[INDEX[shape]] = value
            for k in range(round(2.0 * RATE_HZ)):
                amount = np.clip(min(k / RATE_HZ / 0.3, (1.5 - k / RATE_HZ) / 0.3), 0.0, 1.0)
                sway = 0.04 * np.sin(np.array([1.3, 0.9, 0.6]) * time_s)
                turn = rotation_from_yaw_pitch_roll(*sway).astype(np.float32)
                place = np.array([0.003 * np.sin(time_s), 0.0, -0.55], np.float32)
                state = FaceState(
                    0.0, blendshapes=np.float32(amount) * target, head_rotation=turn, head_translation=place
                )
                noisy = renderer.render(state, camera) + rng.normal(0, 2, (SIZE[1], SIZE[0], 3))
                pictures.append(np.clip(noisy, 0, 255).astype(np.uint8))
                time_s += 1 / RATE_HZ
    return pictures


def write_performance(path: Path, pictures: list[ImageArray]) -> Path:
    """The pictures as a video."""
    with VideoWriter(path, SIZE, RATE_HZ) as writer:
        for picture in pictures:
            writer.write(picture)
    return path
