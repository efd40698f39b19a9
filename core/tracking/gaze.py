"""Where the eyes look, from the irises."""

from __future__ import annotations

import numpy as np

from core.structures import FaceLandmarks, FloatArray
from core.tracking.landmark_ids import (
    LEFT_EYE_INNER,
    LEFT_EYE_OUTER,
    LEFT_IRIS,
    LEFT_LOWER_LID,
    LEFT_UPPER_LID,
    RIGHT_EYE_INNER,
    RIGHT_EYE_OUTER,
    RIGHT_IRIS,
    RIGHT_LOWER_LID,
    RIGHT_UPPER_LID,
    RIGID_LANDMARKS,
)

EYEBALL_RADIUS_M = 0.012
IRIS_DIAMETER_M = 0.0117
IRIS_DISTANCE_M = float(np.sqrt(EYEBALL_RADIUS_M**2 - (IRIS_DIAMETER_M / 2) ** 2))  # of its plane from the centre

# The eyeball's centre from the middle of the eye's two corners. Behind: the iris plane of people who look straight
# ahead lies 2.8 mm before the corners in FaceMesh's depth, in portraits as in rendered heads. Above: 1.1 mm there.
EYEBALL_CENTER_FROM_CORNERS_M = np.array([0.0, 0.0011, 0.0028 - IRIS_DISTANCE_M])

CLOSED_BELOW = 0.1  # lid gap in parts of the eye's width; open eyes have 0.2 to 0.4
MOST_YAW_RAD, MOST_PITCH_RAD = np.radians(45.0), np.radians(35.0)

_RIGID = np.array(RIGID_LANDMARKS)
_OUTER = np.array([LEFT_EYE_OUTER, RIGHT_EYE_OUTER])
_INNER = np.array([LEFT_EYE_INNER, RIGHT_EYE_INNER])
_IRIS = np.array([LEFT_IRIS[0], RIGHT_IRIS[0]])
_UPPER = np.array([LEFT_UPPER_LID[2:5], RIGHT_UPPER_LID[2:5]])  # the middle three
_LOWER = np.array([LEFT_LOWER_LID[2:5], RIGHT_LOWER_LID[2:5]])


def lid_openness(head_points: FloatArray) -> FloatArray:
    """(..., 2) gap between the lids in parts of the eye's width, left and right; 0 closed, 0.2 to 0.4 open.

    head_points: (..., 478, 3), any unit.
    """
    width = np.linalg.norm(head_points[..., _OUTER, :] - head_points[..., _INNER, :], axis=-1)
    gap = np.linalg.norm(head_points[..., _UPPER, :] - head_points[..., _LOWER, :], axis=-1).mean(-1)
    return gap / np.maximum(width, 1e-9)


def estimate_gaze(landmarks: FaceLandmarks, head_points: FloatArray, previous: FloatArray | None = None) -> FloatArray:
    """(2, 2) float64 radians: rows left and right eye, columns yaw (to the subject's left) and pitch (up).

    Relative to the head; zero when the eyes look straight ahead. head_points: (478, 3) metres, head frame, of the
    same landmarks. previous: the last frame's answer. An eye whose lids are nearly closed follows the other one;
    when both are closed, both keep `previous` (zero without it).

    The line of sight through each iris is met with a sphere about the eyeball's centre.
    """
    points = np.asarray(head_points, np.float64)
    held = np.zeros((2, 2)) if previous is None else np.asarray(previous, np.float64)
    is_open = lid_openness(points) >= CLOSED_BELOW
    if not is_open.any():
        return held.copy()
    centers = (points[_OUTER] + points[_INNER]) / 2 + EYEBALL_CENTER_FROM_CORNERS_M
    directions = _meet_sphere(points[_IRIS] - centers, _towards_camera(landmarks, points))
    yaw = np.arctan2(directions[:, 0], directions[:, 2])
    pitch = np.arcsin(np.clip(directions[:, 1], -1.0, 1.0))
    gaze = np.stack(
        [np.clip(yaw, -MOST_YAW_RAD, MOST_YAW_RAD), np.clip(pitch, -MOST_PITCH_RAD, MOST_PITCH_RAD)], axis=1
    )
    if not is_open.all():
        gaze[:] = gaze[int(np.argmax(is_open))]
    return gaze


def _towards_camera(landmarks: FaceLandmarks, head_points: FloatArray) -> FloatArray:
    """(3,) unit direction to the camera in the head frame: the one that the picture does not see move.

    From the affine camera that best takes the head's points to the picture's.
    """
    solid = head_points[_RIGID] - head_points[_RIGID].mean(0)
    flat = np.asarray(landmarks.points, np.float64)[_RIGID, :2]
    normal = solid.T @ solid
    normal[np.diag_indices(3)] += 1e-9 * max(float(np.trace(normal)), 1e-12)
    affine = np.linalg.solve(normal, solid.T @ (flat - flat.mean(0)))
    direction = np.cross(affine[:, 1], affine[:, 0])  # the picture's y runs down
    length = float(np.linalg.norm(direction))
    return direction / length if length > 0.0 else np.array([0.0, 0.0, 1.0])


def _meet_sphere(points: FloatArray, line: FloatArray) -> FloatArray:
    """(n, 3) unit directions to where lines through `points` (n, 3) along `line` (3,) first meet the iris sphere."""
    along = points @ line
    across = points - along[:, None] * line
    left = IRIS_DISTANCE_M**2 - (across**2).sum(1)
    met = across + np.sqrt(np.maximum(left, 0.0))[:, None] * line
    return met / np.maximum(np.linalg.norm(met, axis=1, keepdims=True), 1e-12)
