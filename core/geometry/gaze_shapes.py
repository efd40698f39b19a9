"""Between the turn of the eyes and the eight eyeLook coefficients."""

from __future__ import annotations

import numpy as np

from core.blendshapes import INDEX
from core.structures import FloatArray

FULL_YAW_RAD = float(np.radians(30.0))
FULL_PITCH_RAD = float(np.radians(25.0))
"""The angles at coefficient 1: about as far as eyes go before the head follows."""

EYE_LOOK = np.array(
    [[INDEX[f"eyeLook{way}{side}"] for way in ("Out", "In", "Up", "Down")] for side in ("Left", "Right")]
)
"""(2, 4) channels of the left and the right eye."""

_OUTWARDS = np.array([1.0, -1.0])  # sign of a yaw that turns the left and the right eye away from the nose


def eye_look_coefficients(gaze: FloatArray) -> FloatArray:
    """(..., 2, 4) float64 in [0, 1], as `EYE_LOOK`, of `gaze` (..., 2, 2) radians: yaw to the subject's left, pitch up.

    30 degrees sideways and 25 degrees up or down are 1, in proportion below. Out is away from the nose: to the
    subject's left for the left eye, to the right for the right eye.
    """
    gaze = np.asarray(gaze, np.float64)
    out = _OUTWARDS * gaze[..., 0] / FULL_YAW_RAD
    up = gaze[..., 1] / FULL_PITCH_RAD
    return np.clip(np.stack([out, -out, up, -up], axis=-1), 0.0, 1.0)


def blendshapes_with_gaze(coefficients: FloatArray, gaze: FloatArray) -> FloatArray:
    """(..., 52) a copy of `coefficients` whose eyeLook channels say `gaze` (..., 2, 2) radians."""
    filled = np.array(coefficients, copy=True)
    filled[..., EYE_LOOK] = eye_look_coefficients(gaze)
    return filled


def gaze_from_blendshapes(coefficients: FloatArray) -> FloatArray:
    """(..., 2, 2) float32 radians, the turn of both eyes that (..., 52) coefficients mean; rows left and right eye,
    columns yaw (to the subject's left) and pitch (up)."""
    look = np.asarray(coefficients, np.float64)[..., EYE_LOOK]
    yaw = _OUTWARDS * FULL_YAW_RAD * (look[..., 0] - look[..., 1])
    pitch = FULL_PITCH_RAD * (look[..., 2] - look[..., 3])
    return np.stack([yaw, pitch], axis=-1).astype(np.float32)
