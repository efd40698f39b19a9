"""How much of a face lies inside the picture."""

from __future__ import annotations

from core.structures import FloatArray
from core.tracking.landmark_ids import FACE_POINT_COUNT

CUT_OFF_BELOW = 0.97  # 14 of 468 points outside; a chin that just touches the border stays above


def visible_fraction(points: FloatArray, image_size: tuple[int, int]) -> float:
    """Part of the 468 face points that lies inside the picture, 0 to 1. points: (478, 2 or 3) pixels."""
    x, y = points[:FACE_POINT_COUNT, 0], points[:FACE_POINT_COUNT, 1]
    width, height = image_size
    return float(((x >= 0) & (x < width) & (y >= 0) & (y < height)).mean())
