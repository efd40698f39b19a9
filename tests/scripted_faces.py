"""Landmarks of the built-in head before a camera, and a landmarker that gives what the test says."""

from __future__ import annotations

import numpy as np

from core.blendshapes import INDEX
from core.geometry.projection import project, transform
from core.head_model.builtin import load_builtin_rig
from core.structures import FaceLandmarks, HeadPose
from core.tracking.camera import default_camera
from core.tracking.landmark_bias import as_seen
from core.tracking.settings import TrackerSettings

SIZE = (640, 480)
GREY = np.full((480, 640, 3), 128, np.uint8)
RIG = load_builtin_rig()


class ScriptedLandmarker:
    """Gives what the test says, frame by frame."""

    def __init__(self, *script):
        self.script = iter(script)
        self.settings = TrackerSettings()
        self.closed = False

    def detect(self, _frame):
        return next(self.script)

    def close(self):
        self.closed = True


def seen(face_id=0, name=None, value=1.0, rotation=None, distance_m=0.5):
    """The built-in head before the camera, with one coefficient set, as FaceMesh would report exact points.

    Its true movements are not quite those that the learned prior knows of FaceMesh, so coefficients come back smaller.
    """
    return seen_with({} if name is None else {name: value}, face_id, rotation, distance_m)


def seen_with(coefficients, face_id=0, rotation=None, distance_m=0.5):
    """The same with these coefficients, by name."""
    state = np.zeros(52, np.float32)
    for name, value in coefficients.items():
        state[INDEX[name]] = value
    camera = default_camera(SIZE)
    pose = HeadPose(np.eye(3) if rotation is None else rotation, np.array([0.0, 0.0, -distance_m]))
    points = transform(pose, as_seen(RIG.landmarks(RIG.shaped_vertices(state))))
    depth = -points[:, 2] * camera.focal_px / distance_m
    pixels = np.column_stack([project(camera, points), depth - depth.mean()])
    return FaceLandmarks(pixels.astype(np.float32), SIZE, face_id)
