"""From where the head is looked at."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from core.structures import Camera, FloatArray

HEAD_CENTER = (0.0, -0.035, -0.05)  # of the built-in head, between chin, crown, nose and nape


@dataclass(frozen=True, slots=True)
class OrbitCamera:
    """A camera on a sphere about the head, which looks at `target`.

    yaw_rad: positive walks to the subject's left; pitch_rad: positive rises. distance_m from the target.
    vertical_fov_rad: opening from the lower to the upper edge. target: (x, y, z) metres, head frame.
    """

    yaw_rad: float = 0.0
    pitch_rad: float = 0.0
    distance_m: float = 0.68
    vertical_fov_rad: float = math.radians(30.0)
    target: tuple[float, float, float] = HEAD_CENTER

    def position(self) -> FloatArray:
        """(3,) metres, head frame."""
        across = math.cos(self.pitch_rad)
        direction = (math.sin(self.yaw_rad) * across, math.sin(self.pitch_rad), math.cos(self.yaw_rad) * across)
        return np.asarray(self.target) + self.distance_m * np.asarray(direction)


FRONT = OrbitCamera()
THREE_QUARTER = OrbitCamera(yaw_rad=math.radians(35.0))
SIDE = OrbitCamera(yaw_rad=math.radians(85.0))


def window_center(camera: Camera) -> tuple[float, float]:
    """VTK's name for a principal point off the middle: each in [-1, 1], (0, 0) for a centred one."""
    width, height = camera.image_size
    return 1.0 - 2.0 * camera.center_px[0] / width, 2.0 * camera.center_px[1] / height - 1.0


def vertical_view_angle_deg(camera: Camera) -> float:
    """Opening of a pinhole camera from the lower to the upper edge, degrees."""
    return math.degrees(2.0 * math.atan(0.5 * camera.image_size[1] / camera.focal_px))
