"""Between a `FaceState` and the 61 numbers of Live Link Face, in the order of `LIVE_LINK_NAMES`.

Signs. The eyes: measured on three recorded takes of the app and one recorded stream, LeftEyeYaw follows
eyeLookOutLeft - eyeLookInLeft with r < -0.999 and LeftEyePitch follows eyeLookUpLeft - eyeLookDownLeft with
r < -0.995, so both angles are positive to the subject's right and down, opposite to ours. The head: in the one stream
that has it, HeadYaw goes with LeftEyeYaw (r = 0.95, equal size). Eyes that stay on the phone turn against the
head, so the head's yaw is positive to the subject's left, as ours; pitch is taken as ours for the same reason
(r = 0.5, weaker), roll is not decided by any file at hand and is taken as ours.
"""

from __future__ import annotations

import numpy as np

from core.blendshapes import COUNT, LIVE_LINK_NAMES
from core.geometry.rotation import rotation_from_yaw_pitch_roll, yaw_pitch_roll
from core.structures import FaceState, FloatArray

LIVE_LINK_COUNT = len(LIVE_LINK_NAMES)  # 61
HEAD = slice(COUNT, COUNT + 3)
LEFT_EYE = slice(COUNT + 3, COUNT + 5)
RIGHT_EYE = slice(COUNT + 6, COUNT + 8)


def live_link_values(state: FaceState) -> FloatArray:
    """(61,) float64: 52 coefficients, then yaw, pitch, roll in radians of head, left eye, right eye (eye roll 0)."""
    values = np.zeros(LIVE_LINK_COUNT)
    values[:COUNT] = state.blendshapes
    values[HEAD] = yaw_pitch_roll(state.head_rotation)
    values[LEFT_EYE], values[RIGHT_EYE] = -state.gaze[0], -state.gaze[1]
    return values


def state_from_live_link(values: FloatArray, timestamp_s: float) -> FaceState:
    """The face of 61 such values; coefficients are clipped to [0, 1] (the app writes up to 1.08)."""
    return FaceState(
        timestamp_s=timestamp_s,
        blendshapes=np.clip(values[:COUNT], 0.0, 1.0).astype(np.float32),
        head_rotation=rotation_from_yaw_pitch_roll(*values[HEAD]).astype(np.float32),
        gaze=-np.stack([values[LEFT_EYE], values[RIGHT_EYE]]).astype(np.float32),
    )
