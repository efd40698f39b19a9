"""The landmarks of faces drawn on their picture."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from mediapipe.python.solutions import face_mesh_connections as connections

from core.structures import FaceLandmarks, ImageArray, IntArray

FACE_COLORS: tuple[tuple[int, int, int], ...] = ((94, 234, 212), (251, 191, 36), (196, 181, 253), (253, 164, 175))
"""sRGB, one for each followed face by `face_id`; all four readable on skin and told apart by colour-blind eyes."""

SUBPIXEL_BITS = 4
MESH_OPACITY = 0.35
MARGIN_PX = 3


@cache
def _edges(name: str) -> IntArray:
    return np.array(sorted(getattr(connections, name)), np.int32)


def draw_landmarks(image: ImageArray, faces: tuple[FaceLandmarks, ...]) -> ImageArray:
    """A copy of `image` (H, W, 3) uint8 RGB with each face's mesh, contours and irises, a colour per face."""
    drawn = image.copy()
    for face in faces:
        _draw_face(drawn, face, FACE_COLORS[face.face_id % len(FACE_COLORS)])
    return drawn


def _draw_face(image: ImageArray, face: FaceLandmarks, color: tuple[int, int, int]) -> None:
    height, width = image.shape[:2]
    scale = np.array([width / face.image_size[0], height / face.image_size[1]])
    points = face.points[:, :2] * scale
    left, top = np.clip(np.floor(points.min(0)) - MARGIN_PX, 0, (width, height)).astype(int)
    right, bottom = np.clip(np.ceil(points.max(0)) + MARGIN_PX, 0, (width, height)).astype(int)
    if right <= left or bottom <= top:
        return
    window = image[top:bottom, left:right]
    fixed = np.round((points - (left, top)) * (1 << SUBPIXEL_BITS)).astype(np.int32)
    meshed = window.copy()
    _draw_edges(meshed, fixed, _edges("FACEMESH_TESSELATION"), color, 1)
    plain = np.ascontiguousarray(window)
    blended = np.asarray(cv2.addWeighted(meshed, MESH_OPACITY, plain, 1.0 - MESH_OPACITY, 0.0), np.uint8)
    stroke = 2 if height >= 720 else 1
    _draw_edges(blended, fixed, _edges("FACEMESH_CONTOURS"), color, stroke)
    _draw_edges(blended, fixed, _edges("FACEMESH_IRISES"), (255, 255, 255), stroke)
    window[...] = blended


def _draw_edges(
    image: ImageArray, points: IntArray, edges: IntArray, color: tuple[int, int, int], thickness: int
) -> None:
    cv2.polylines(image, list(points[edges]), False, color, thickness, cv2.LINE_AA, SUBPIXEL_BITS)
