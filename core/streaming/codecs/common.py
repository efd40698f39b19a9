"""What the wire formats share: checks of numbers from outside, the mirror, quaternions of two frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from core.blendshapes import MIRROR
from core.errors import StreamError
from core.structures import FaceState, FloatArray

MAX_PACKET_BYTES = 65_507  # the most that one UDP datagram over IPv4 can carry
MAX_DATAGRAM_BYTES = 1_400  # what our encoders fill: passes a usual network of 1500 bytes without being split
SLACK = 0.5  # how far outside [0, 1] a coefficient is still clipped instead of refused
LARGEST_ANGLE_RAD = 4 * np.pi
LARGEST_DISTANCE_M = 1_000.0
LEAST_QUATERNION = 0.1  # of 1: shorter ones are no rotation, only noise

_FLIP = np.array([-1.0, 1.0, 1.0])


def require_packet(packet: bytes, wire: str) -> None:
    """StreamError unless the packet has 1 to 65507 bytes."""
    if not 0 < len(packet) <= MAX_PACKET_BYTES:
        raise StreamError(f"A packet of {wire} has 1 to {MAX_PACKET_BYTES} bytes, but this one has {len(packet)}.")


def checked_coefficients(values: FloatArray) -> FloatArray:
    """(...,) float32 in [0, 1]. StreamError: not finite, or further outside than rounding and overshoot explain."""
    if not (np.isfinite(values).all() and values.min() >= -SLACK and values.max() <= 1.0 + SLACK):
        raise StreamError("Coefficients lie in 0 to 1, but the packet holds others. It is damaged or of another kind.")
    return np.clip(values, 0.0, 1.0).astype(np.float32)


def checked_angles(values: FloatArray) -> FloatArray:
    """The same values. StreamError: not finite or beyond two turns, radians."""
    if not (np.abs(values) <= LARGEST_ANGLE_RAD).all():
        raise StreamError("The packet's angles are no numbers or beyond two turns. Check the sender's unit of angles.")
    return values


def checked_place(values: FloatArray) -> FloatArray:
    """(3,) float32. StreamError: not finite or beyond a kilometre, metres."""
    if not (np.abs(values) <= LARGEST_DISTANCE_M).all():
        raise StreamError("The packet's position is no number or beyond a kilometre. It is damaged or in another unit.")
    return np.asarray(values, np.float32)


def mirrored(state: FaceState) -> FaceState:
    """The face in a mirror: sides of the coefficients, both eyes, and signs of yaw, roll and x change together."""
    return replace(
        state,
        blendshapes=state.blendshapes[list(MIRROR)],
        head_rotation=(state.head_rotation * _FLIP * _FLIP[:, None]).astype(np.float32),
        head_translation=(state.head_translation * _FLIP).astype(np.float32),
        gaze=(state.gaze[::-1] * (-1.0, 1.0)).astype(np.float32),
    )


def quaternion(rotation: FloatArray) -> FloatArray:
    """(4,) float64 x, y, z, w of a (3, 3) rotation, w >= 0, in the same right-handed frame."""
    return np.asarray(Rotation.from_matrix(rotation).as_quat(canonical=True))


def rotation_from_quaternion(values: FloatArray) -> FloatArray:
    """(3, 3) float64 of x, y, z, w of any sensible length. StreamError: not finite, or far from length 1."""
    length = float(np.linalg.norm(values))
    if not LEAST_QUATERNION <= length <= 1.0 / LEAST_QUATERNION:
        raise StreamError("A quaternion has length 1, but the packet's is no number or far from it. It is damaged.")
    return np.asarray(Rotation.from_quat(np.asarray(values, np.float64) / length).as_matrix())


def left_handed(values: FloatArray) -> FloatArray:
    """(4,) quaternion of the head frame in Unity's, and back: x points the other way there, y up, z out of the face.

    Turning one axis round keeps the quaternion's part along it and reverses the other two.
    """
    return np.asarray(values, np.float64) * (1.0, -1.0, -1.0, 1.0)
