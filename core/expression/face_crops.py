"""Small grey pictures of eyes, mouth and face, put upright by the landmarks: for what points cannot tell."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from core.structures import FloatArray, ImageArray
from core.tracking.landmark_ids import (
    LEFT_EYE_INNER,
    LEFT_EYE_OUTER,
    OUTER_LIPS,
    RIGHT_EYE_INNER,
    RIGHT_EYE_OUTER,
)

EYE_SIZE, MOUTH_SIZE, FACE_SIZE = (32, 24), (40, 32), (48, 48)
"""(width, height) pixels of each crop."""
EYE_REACH, MOUTH_REACH, FACE_REACH = 0.70, 1.25, 2.40
"""Width of each crop in parts of the distance between the eyes."""
FACE_BELOW_EYES = 0.62  # centre of the face crop, in the same parts
WORKING_PX = 72.0  # distance between the eyes in the picture that the crops are cut from; larger ones are averaged down

_LIPS = np.array(OUTER_LIPS)


@dataclass(frozen=True, slots=True, eq=False)
class FaceCrops:
    """uint8, upright: eyes (2, 24, 32), left then right, the right one mirrored; mouth (32, 40); face (48, 48)."""

    eyes: ImageArray
    mouth: ImageArray
    face: ImageArray


def face_crops(image: ImageArray, points: FloatArray) -> FaceCrops:
    """The crops of one face. image: (H, W, 3) uint8 RGB; points: (478, 3) pixels, as the landmark network gives them.

    What lies outside the picture repeats its border.
    """
    points = np.asarray(points, np.float64)
    right = points[[RIGHT_EYE_OUTER, RIGHT_EYE_INNER]].mean(0)
    left = points[[LEFT_EYE_OUTER, LEFT_EYE_INNER]].mean(0)
    between = max(float(np.linalg.norm(left - right)), 4.0)  # with depth, so that a turned head keeps its size
    grey, offset, scale = _reduced(image, 0.5 * (left + right)[:2], between)
    across = (left - right)[:2]
    across = across / max(float(np.linalg.norm(across)), 1e-6)
    unit = scale * between

    def cut(centre: FloatArray, reach: float, size: tuple[int, int], mirrored: bool = False) -> ImageArray:
        return _upright(grey, (centre - offset) * scale, across, reach * unit / size[0], size, mirrored)

    below = np.array([-across[1], across[0]])
    face_centre = 0.5 * (left + right)[:2] + FACE_BELOW_EYES * between * below
    return FaceCrops(
        np.stack([
            cut(left[:2], EYE_REACH, EYE_SIZE),
            cut(right[:2], EYE_REACH, EYE_SIZE, mirrored=True),
        ]),
        cut(points[_LIPS, :2].mean(0), MOUTH_REACH, MOUTH_SIZE),
        cut(face_centre, FACE_REACH, FACE_SIZE),
    )  # fmt: skip


def _reduced(image: ImageArray, centre: FloatArray, between: float) -> tuple[ImageArray, FloatArray, float]:
    """The grey surroundings of the face at the working size, the picture point of its corner, and its scale.

    Pixels are averaged, not skipped: that takes out most of a camera's grain.
    """
    height, width = image.shape[:2]
    reach = 2.1 * between
    x0, y0 = (int(np.clip(centre[axis] - reach, 0, (width, height)[axis] - 2)) for axis in (0, 1))
    x1 = int(np.clip(centre[0] + reach, x0 + 2, width))
    y1 = int(np.clip(centre[1] + reach, y0 + 2, height))
    grey = np.asarray(cv2.cvtColor(image[y0:y1, x0:x1], cv2.COLOR_RGB2GRAY), np.uint8)
    scale = min(1.0, WORKING_PX / between)
    if scale < 1.0:
        size = (max(2, round((x1 - x0) * scale)), max(2, round((y1 - y0) * scale)))
        grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
    return grey, np.array([x0, y0], np.float64), scale


def _upright(
    grey: ImageArray, centre: FloatArray, across: FloatArray, step: float, size: tuple[int, int], mirrored: bool
) -> ImageArray:
    """(h, w) crop about `centre`, whose rows run along `across`; step: picture pixels per pixel of the crop."""
    column = step * across * (-1.0 if mirrored else 1.0)
    row = step * np.array([-across[1], across[0]])
    corner = centre - 0.5 * (size[0] - 1) * column - 0.5 * (size[1] - 1) * row
    matrix = np.stack([column, row, corner], axis=1)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(grey, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8)
