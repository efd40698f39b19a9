"""Between the camera frame and the picture: the only place where y and z are flipped."""

from __future__ import annotations

import numpy as np

from core.structures import Camera, FloatArray, HeadPose


def transform(pose: HeadPose, points: FloatArray) -> FloatArray:
    """(n, 3) head-frame points in the camera frame, metres."""
    return points @ pose.rotation.T + pose.translation


def project(camera: Camera, points: FloatArray) -> FloatArray:
    """(n, 2) pixels of (n, 3) camera-frame points; points must lie before the camera (z < 0)."""
    depth = -points[:, 2]
    return np.stack(
        [
            camera.center_px[0] + camera.focal_px * points[:, 0] / depth,
            camera.center_px[1] - camera.focal_px * points[:, 1] / depth,
        ],
        axis=1,
    )
