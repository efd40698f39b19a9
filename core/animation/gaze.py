"""Between the eyes' turn and the eight eyeLook coefficients."""

from __future__ import annotations

import numpy as np

from core.blendshapes import INDEX
from core.structures import FloatArray

SIDEWAYS_RAD = np.deg2rad(30.0)  # turn at coefficient 1: about as far as eyes go in everyday life
VERTICAL_RAD = np.deg2rad(25.0)

# rows: left eye, right eye; columns: towards the subject's left, right, up, down
LOOK_INDICES = np.array(
    [
        [INDEX[f"eyeLook{way}Left"] for way in ("Out", "In", "Up", "Down")],
        [INDEX[f"eyeLook{way}Right"] for way in ("In", "Out", "Up", "Down")],
    ]
)


def gaze_from_blendshapes(coefficients: FloatArray) -> FloatArray:
    """(..., 2, 2) float32 turn of both eyes for (..., 52) coefficients: 30 degrees sideways, 25 up or down at 1.

    Radians; rows left and right eye, columns yaw (positive to the subject's left) and pitch (positive up).
    """
    look = np.asarray(coefficients, np.float32)[..., LOOK_INDICES]
    yaw = SIDEWAYS_RAD * (look[..., 0] - look[..., 1])
    pitch = VERTICAL_RAD * (look[..., 2] - look[..., 3])
    return np.stack([yaw, pitch], axis=-1).astype(np.float32)


def with_gaze(coefficients: FloatArray, gaze: FloatArray) -> FloatArray:
    """(..., 52) coefficients with the eight eyeLook values that fit `gaze` (..., 2, 2), radians."""
    yaw, pitch = gaze[..., 0] / SIDEWAYS_RAD, gaze[..., 1] / VERTICAL_RAD
    result = np.array(coefficients)
    result[..., LOOK_INDICES] = np.clip(np.stack([yaw, -yaw, pitch, -pitch], axis=-1), 0.0, 1.0)
    return result
