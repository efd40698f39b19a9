"""A run of face states in the form that the browser's viewer plays."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from core.blendshapes import ARKIT_NAMES
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.structures import FaceState, FloatArray

JOINT_TURN_DECIMALS = 4  # 0.01 degree: finer than a picture shows


def viewer_motion(states: Sequence[FaceState], rate_hz: float) -> dict[str, Any]:
    """JSON values: 8-bit coefficients as base64, and quaternions (x, y, z, w) of neck and eyes, frame by frame."""
    values = np.stack([state.blendshapes for state in states])
    eyes = {joint: [_gaze(state, row) for state in states] for row, joint in enumerate(("leftEye", "rightEye"))}
    turns = {"neck": [state.head_rotation for state in states], **eyes}
    return {
        "names": list(ARKIT_NAMES),
        "rate_hz": rate_hz,
        "frames": len(states),
        "values": base64.b64encode(np.round(255 * values).astype(np.uint8).tobytes()).decode("ascii"),
        "turns": {joint: _quaternions(rotations) for joint, rotations in turns.items()},
    }


def _gaze(state: FaceState, eye: int) -> FloatArray:
    return rotation_from_yaw_pitch_roll(float(state.gaze[eye, 0]), float(state.gaze[eye, 1]), 0.0)


def _quaternions(rotations: Sequence[FloatArray]) -> list[float]:
    flat = Rotation.from_matrix(np.stack(rotations)).as_quat().ravel()
    return [round(float(value), JOINT_TURN_DECIMALS) for value in flat]
