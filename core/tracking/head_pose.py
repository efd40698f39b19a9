"""Head pose from landmarks, and landmarks into the head frame."""

from __future__ import annotations

import math

import numpy as np

from core.errors import InputError
from core.geometry.rotation import nearest_rotation, rotation_from_vector
from core.geometry.similarity import fit_similarity
from core.structures import LANDMARK_COUNT, Camera, FaceLandmarks, FloatArray, HeadPose
from core.tracking.landmark_ids import (
    LEFT_EYE_INNER,
    LEFT_EYE_OUTER,
    RIGHT_EYE_INNER,
    RIGHT_EYE_OUTER,
    RIGID_LANDMARKS,
)

NEAREST_M, FARTHEST_M = 0.05, 50.0
_MOST_STEPS = 12
_SMALL_STEP = 1e-4  # radians, or parts of the distance
_LOST = 0.3  # root mean square error in parts of the points' spread; faces on a foreign head have 0.05 to 0.15

# How far the middle of the four eye corners lies before the eyeballs' middle, the origin, in the built-in head.
EYE_CORNER_DEPTH_M = 0.0045
_EYE_CORNERS = [RIGHT_EYE_OUTER, RIGHT_EYE_INNER, LEFT_EYE_INNER, LEFT_EYE_OUTER]


class HeadPoseSolver:
    """Finds how a known head stands before the camera, from the points that its skull carries.

    model_points: (478, 3) the person's FaceMesh points at rest, head frame, metres.

    Gauss-Newton on the perspective error at `RIGID_LANDMARKS` together with FaceMesh's relative depth, from the
    last frame's pose on; the first frame starts from a similarity fit. OpenCV's solvePnP, tried first, sees only x
    and y: on 480 frames of rendered talking heads with known pose, and a foreign head model, its error was 3.5
    degrees at these points; with the depth it is 2.1. The depth also rules out the mirrored pose that nearly flat
    point sets have.
    """

    def __init__(self, model_points: FloatArray) -> None:
        points = np.asarray(model_points, np.float64)
        if points.shape != (LANDMARK_COUNT, 3) or not np.isfinite(points).all():
            raise InputError(f"A head needs ({LANDMARK_COUNT}, 3) finite points, but got shape {points.shape}.")
        self._ids = np.array(RIGID_LANDMARKS)
        self._model = np.ascontiguousarray(points[self._ids])
        self._last: HeadPose | None = None

    def reset(self) -> None:
        """Forget the last frame: another person, or a cut."""
        self._last = None

    def solve(self, landmarks: FaceLandmarks, camera: Camera) -> HeadPose:
        """The pose of the head, float64; always a head before the camera, 5 cm to 50 m away."""
        points = np.asarray(landmarks.points, np.float64)[self._ids]
        measured = _measure(points, camera)
        error, pose = math.inf, None
        if self._last is not None:
            error, pose = self._refine(self._last, measured)
        if pose is None or error > _LOST:
            start = self._start(measured)
            fresh_error, fresh = self._refine(start, measured)
            if pose is None or fresh_error < error:
                pose = fresh if math.isfinite(fresh_error) else start
        self._last = pose
        return pose

    def _start(self, measured: FloatArray) -> HeadPose:
        """Weak-perspective pose."""
        points = measured * np.array([1.0, 1.0, -1.0])
        if float(points.var(0).sum()) < 1e-12:
            return HeadPose(np.eye(3), np.array([0.0, 0.0, -FARTHEST_M]))
        fit = fit_similarity(self._model, points)
        depth = float(np.clip(1.0 / max(fit.scale, 1e-9), NEAREST_M, FARTHEST_M))
        return HeadPose(fit.rotation, depth * np.array([fit.translation[0], fit.translation[1], -1.0]))

    def _refine(self, start: HeadPose, measured: FloatArray) -> tuple[float, HeadPose]:
        """The remaining error in parts of the points' spread, and the pose; infinite when no pose was reached."""
        rotation, translation = start.rotation, start.translation
        spread = max(float(np.sqrt(measured[:, :2].var(0).sum())), 1e-9)
        for _ in range(_MOST_STEPS):
            arms = self._model @ rotation.T
            seen = arms + translation
            if not NEAREST_M / 2 < -seen[:, 2].max() < 2 * FARTHEST_M:
                return math.inf, start
            residual, jacobian = _linearised(arms, translation, measured)
            normal = jacobian.T @ jacobian
            normal[np.diag_indices(6)] *= 1.0 + 1e-9
            try:
                step = np.linalg.solve(normal, -(jacobian.T @ residual))
            except np.linalg.LinAlgError:
                return math.inf, start
            rotation = rotation_from_vector(step[:3]) @ rotation
            translation = translation + step[3:]
            if np.abs(step[:3]).max() < _SMALL_STEP and np.abs(step[3:]).max() < _SMALL_STEP * -translation[2]:
                break
        if not (np.isfinite(translation).all() and NEAREST_M <= -translation[2] <= FARTHEST_M):
            return math.inf, start
        error = math.sqrt(float(residual @ residual) / len(measured)) / spread
        return error, HeadPose(nearest_rotation(rotation), translation)


def _measure(points: FloatArray, camera: Camera) -> FloatArray:
    """(n, 3) of landmarks in pixels: tangents to the right and up, and depth in parts of the distance.

    FaceMesh's z is taken along the camera's axis, as MediaPipe's own geometry pipeline does. Along the line of
    sight, which a network that sees a crop suggests, the yaw error of heads away from the middle doubled.
    """
    x = (points[:, 0] - camera.center_px[0]) / camera.focal_px
    y = (camera.center_px[1] - points[:, 1]) / camera.focal_px
    return np.stack([x, y, points[:, 2] / camera.focal_px], axis=1)


def _linearised(arms: FloatArray, translation: FloatArray, measured: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Residual (3n,) and its (3n, 6) slope in a turn about the head frame's origin and a shift.

    arms: (n, 3) model points, turned; translation: (3,); measured: (n, 3) as from `_measure`.
    The third row of each point compares depths from their mean, in parts of the head's distance.
    """
    count = len(arms)
    seen = arms + translation
    x, y, depth, distance = seen[:, 0], seen[:, 1], -seen[:, 2], -translation[2]
    relief = (depth - depth.mean()) / distance
    residual = np.empty((3, count))
    residual[0] = x / depth - measured[:, 0]
    residual[1] = y / depth - measured[:, 1]
    residual[2] = relief - (measured[:, 2] - measured[:, 2].mean())
    # by the point: rows are the three residuals, columns its x, y, z
    by_point = np.zeros((3, count, 3))
    by_point[0, :, 0] = by_point[1, :, 1] = 1.0 / depth
    by_point[0, :, 2] = x / depth**2
    by_point[1, :, 2] = y / depth**2
    by_point[2, :, 2] = -1.0 / distance
    jacobian = np.empty((3, count, 6))
    jacobian[..., 3:] = by_point
    jacobian[..., 0] = arms[:, 1] * by_point[..., 2] - arms[:, 2] * by_point[..., 1]
    jacobian[..., 1] = arms[:, 2] * by_point[..., 0] - arms[:, 0] * by_point[..., 2]
    jacobian[..., 2] = arms[:, 0] * by_point[..., 1] - arms[:, 1] * by_point[..., 0]
    jacobian[2] -= jacobian[2].mean(0)
    jacobian[2, :, 5] += relief / distance
    return residual.ravel(), jacobian.reshape(3 * count, 6)


def head_frame_points(landmarks: FaceLandmarks, pose: HeadPose, camera: Camera) -> FloatArray:
    """(478, 3) float64, the landmarks in the head frame, metres.

    Each pixel is unprojected at its own depth: that of the head plus FaceMesh's relative z, which has the scale of
    x (measured on rendered heads: 0.98 to 1.02). FaceMesh's z has an arbitrary origin, so the eye corners are
    put where they lie in a head.
    """
    measured = _measure(np.asarray(landmarks.points, np.float64), camera)
    corner_depth = -(pose.rotation @ np.array([0.0, 0.0, EYE_CORNER_DEPTH_M]) + pose.translation)[2]
    depth = corner_depth - pose.translation[2] * (measured[:, 2] - measured[_EYE_CORNERS, 2].mean())
    depth = np.maximum(depth, 0.1 * corner_depth)
    seen = np.stack([measured[:, 0] * depth, measured[:, 1] * depth, -depth], axis=1)
    return (seen - pose.translation) @ pose.rotation
