"""A photographer for heads whose form is known: lights, lenses, distances and turns by the number, and what FaceMesh
reports of the pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import TracebackType

import cv2
import numpy as np

from core.blendshapes import COUNT, INDEX
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.head_model.rig import HeadRig
from core.rendering.lights import LightParameters
from core.rendering.renderer import HeadRenderer
from core.structures import Camera, FaceState, FloatArray, ImageArray

FACE_HEIGHT_M = 0.19  # chin to hairline, with some to spare


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """How a picture is taken. yaw, pitch, roll in radians; distance_m of the eyes; blendshapes: (52,); gaze: (2, 2)."""

    yaw: float
    pitch: float
    roll: float
    distance_m: float
    blendshapes: FloatArray
    gaze: FloatArray


def neutral_shot(yaw_deg: float = 0.0, pitch_deg: float = 0.0, roll_deg: float = 0.0, distance_m: float = 0.58) -> Shot:
    """A shot of the resting face, which looks where it is turned."""
    yaw, pitch, roll = (math.radians(angle) for angle in (yaw_deg, pitch_deg, roll_deg))
    return Shot(yaw, pitch, roll, distance_m, np.zeros(COUNT, np.float32), np.zeros((2, 2), np.float32))


def named(**coefficients: float) -> FloatArray:
    """(52,) float32 with these coefficients."""
    values = np.zeros(COUNT, np.float32)
    for name, value in coefficients.items():
        values[INDEX[name]] = value
    return values


SMILE = named(
    mouthSmileLeft=0.8, mouthSmileRight=0.75, cheekSquintLeft=0.4, cheekSquintRight=0.4, mouthUpperUpLeft=0.25,
    mouthUpperUpRight=0.25, jawOpen=0.08,
)  # fmt: skip
OPEN_MOUTH = named(jawOpen=0.45, mouthLowerDownLeft=0.1, mouthLowerDownRight=0.1)


def random_lights(rng: np.random.Generator) -> tuple[LightParameters, ...]:
    """A key light somewhere in front, a weaker fill, a rim; warm to cool."""
    warm = rng.uniform(-0.08, 0.08)
    key = (float(rng.normal(0, 0.7)), float(rng.uniform(-0.2, 0.9)), 1.0)
    fill = (float(rng.normal(0, 0.9)), float(rng.uniform(-0.4, 0.6)), 0.8)
    return (
        LightParameters(key, (1.0, 0.97 - warm / 3, 0.95 - warm), float(rng.uniform(0.45, 0.85))),
        LightParameters(fill, (0.92, 0.95, 0.97 + warm / 3), float(rng.uniform(0.15, 0.45))),
        LightParameters((float(rng.choice([-0.8, 0.8])), 0.6, -0.7), (1.0, 1.0, 1.0), float(rng.uniform(0.0, 0.5))),
    )


class Studio:
    """Draws one head after the other. size: (width, height); frame_heights: how many face heights the picture is high.

    The thread that makes it owns it.
    """

    def __init__(self, size: tuple[int, int] = (640, 480), first: HeadRig | None = None) -> None:
        from core.head_model.builtin import load_builtin_rig

        self._size = size
        self._renderer = HeadRenderer(first or load_builtin_rig(), size)

    def seat(self, rig: HeadRig, lights: tuple[LightParameters, ...]) -> None:
        """The next to be taken."""
        self._renderer.set_rig(rig)
        self._renderer.set_lights(lights)

    def camera(self, distance_m: float, face_share: float = 0.61) -> Camera:
        """The lens that shows the face as high as `face_share` of the picture from this distance."""
        focal = face_share * self._size[1] * distance_m / FACE_HEIGHT_M
        return Camera(focal, (0.5 * self._size[0], 0.5 * self._size[1]), self._size)

    def take(self, shot: Shot, camera: Camera, rng: np.random.Generator) -> ImageArray:
        """(H, W, 3) the picture with a camera's grain."""
        turn = rotation_from_yaw_pitch_roll(shot.yaw, shot.pitch, shot.roll).astype(np.float32)
        state = FaceState(
            0.0, blendshapes=shot.blendshapes, head_rotation=turn, gaze=shot.gaze,
            head_translation=np.array([0.0, 0.025, -shot.distance_m], np.float32),
        )  # fmt: skip
        drawn = self._renderer.render(state, camera).astype(np.float32)
        picture = np.asarray(cv2.GaussianBlur(drawn, (0, 0), float(rng.uniform(0.3, 0.8))), np.float32)
        return np.clip(picture + rng.normal(0, rng.uniform(1, 4), picture.shape), 0, 255).astype(np.uint8)

    def close(self) -> None:
        """Gives the window back."""
        self._renderer.close()

    def __enter__(self) -> Studio:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
