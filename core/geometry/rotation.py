"""Rotations as 3x3 matrices and as yaw, pitch, roll. Radians."""

from __future__ import annotations

import numpy as np

from core.structures import FloatArray


def rotation_from_yaw_pitch_roll(yaw: float, pitch: float, roll: float) -> FloatArray:
    """(3, 3) rotation `Ry(yaw) @ Rx(-pitch) @ Rz(roll)` in a frame with +Y up and +Z out of the face.

    Positive yaw turns to the subject's left, positive pitch looks up, positive roll tilts the crown towards the
    subject's right shoulder (counter-clockwise in the picture).
    """
    cy, sy, cp, sp, cr, sr = (f(a) for a in (yaw, -pitch, roll) for f in (np.cos, np.sin))
    around_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    around_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    around_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return around_y @ around_x @ around_z


def yaw_pitch_roll(rotation: FloatArray) -> tuple[float, float, float]:
    """The three angles of `rotation_from_yaw_pitch_roll`; pitch in [-pi/2, pi/2]."""
    r = np.asarray(rotation, np.float64)
    yaw = np.arctan2(r[0, 2], r[2, 2])
    pitch = np.arcsin(np.clip(r[1, 2], -1.0, 1.0))
    roll = np.arctan2(r[1, 0], r[1, 1])
    return float(yaw), float(pitch), float(roll)


def rotation_from_vector(vector: FloatArray) -> FloatArray:
    """(3, 3) rotation about `vector` by its length (Rodrigues' formula); the zero vector gives the identity."""
    angle = float(np.linalg.norm(vector))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = np.asarray(vector, np.float64) / angle
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * k + (1.0 - np.cos(angle)) * (k @ k)


def rotation_angle(rotation: FloatArray) -> float:
    """Angle of a rotation matrix, in [0, pi]."""
    return float(np.arccos(np.clip((np.trace(rotation) - 1.0) / 2.0, -1.0, 1.0)))


def nearest_rotation(matrix: FloatArray) -> FloatArray:
    """(3, 3) proper rotation closest to `matrix` in the Frobenius norm."""
    u, _, vt = np.linalg.svd(matrix)
    return u @ np.diag([1.0, 1.0, np.linalg.det(u @ vt)]) @ vt
