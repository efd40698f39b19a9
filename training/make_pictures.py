"""Draws the README's first picture: the portrait, the head made from it, and the head moved.

    python -m training.make_pictures

The app's pages in docs/images are screenshots of the running app.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from core.blendshapes import INDEX
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.head_model.rig_glb import load_rig
from core.rendering.camera import FRONT, THREE_QUARTER, OrbitCamera
from core.rendering.renderer import HeadRenderer
from core.structures import FaceState
from training.build_demo_rig import FOLDER

SIDE = 420
HERO = Path(__file__).resolve().parent.parent / "docs" / "images" / "hero.png"


def _state(yaw_deg: float = 0, pitch_deg: float = 0, **values: float) -> FaceState:
    coefficients = np.zeros(52, np.float32)
    for name, value in values.items():
        for side in ("", "Left", "Right"):
            if name + side in INDEX:
                coefficients[INDEX[name + side]] = value
    turn = rotation_from_yaw_pitch_roll(*np.radians([yaw_deg, pitch_deg, 0])).astype(np.float32)
    return FaceState(0.0, blendshapes=coefficients, head_rotation=turn)


VIEWS: tuple[tuple[FaceState, OrbitCamera], ...] = (
    (_state(), FRONT),
    (_state(), THREE_QUARTER),
    (_state(yaw_deg=-12, mouthSmile=0.9, cheekSquint=0.6, eyeSquint=0.3), FRONT),
    (_state(yaw_deg=14, pitch_deg=5, jawOpen=0.55, browInnerUp=0.8, browOuterUp=0.8, eyeWide=0.6), FRONT),
    (_state(yaw_deg=-8, eyeBlinkLeft=1.0, mouthPucker=0.8), FRONT),
)


def main() -> None:
    from skimage import data

    portrait = cv2.resize(data.astronaut()[0:256, 96:352], (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    pictures = [portrait]
    with HeadRenderer(load_rig(FOLDER / "rig.glb"), (SIDE, SIDE), antialias=True) as renderer:
        pictures += [renderer.render(state, camera) for state, camera in VIEWS]
    rows = [np.concatenate(pictures[k : k + 3], axis=1) for k in (0, 3)]
    HERO.parent.mkdir(exist_ok=True)
    Image.fromarray(np.concatenate(rows)).save(HERO, optimize=True)
    print(HERO)


if __name__ == "__main__":
    main()
