"""Paints the built-in head's skin on another head's atlas, so that it has brows and lips."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from scipy.interpolate import RBFInterpolator
from scipy.spatial import cKDTree

from core.head_model.identity import FACE_POINTS
from core.head_model.rig import HeadRig
from core.structures import FloatArray, ImageArray

TEXTURE_SIZE = 1024
GRID_SIZE = 128  # the way from atlas to atlas is smooth: it is computed here and interpolated
FADE_START, FADE_END = (
    0.03,
    0.09,
)  # distance from the nearest face point, in the atlas, over which plain skin takes over
SMOOTHING = 1e-4


def landmark_places(rig: HeadRig) -> FloatArray:
    """(468, 2) texture places of the face points, v down."""
    corners = rig.uv[rig.faces[rig.landmark_faces]].astype(np.float64)
    return np.einsum("nk,nkd->nd", rig.landmark_weights, corners)[:FACE_POINTS]


def with_skin_painted(rig: HeadRig, painted: HeadRig) -> HeadRig:
    """`rig` with the skin material of `painted`, moved so that every face point keeps its colour."""
    source = painted.part("skin").material
    if source.texture is None:
        return rig
    texture = _moved(source.texture, landmark_places(painted), landmark_places(rig))
    material = replace(source, texture=texture)
    return replace(rig, parts=tuple(replace(p, material=material) if p.name == "skin" else p for p in rig.parts))


def _moved(texture: ImageArray, places: FloatArray, goals: FloatArray) -> ImageArray:
    """(S, S, 3) the texture whose `places` (n, 2) come to lie at `goals` (n, 2), plain skin far from them."""
    axis = (np.arange(GRID_SIZE) + 0.5) / GRID_SIZE
    grid = np.stack(np.meshgrid(axis, axis), axis=2).reshape(-1, 2)
    way = RBFInterpolator(goals, places, kernel="thin_plate_spline", smoothing=SMOOTHING, neighbors=40)(grid)
    distance = cKDTree(goals).query(grid)[0].astype(np.float32)
    scale = np.array([texture.shape[1], texture.shape[0]], np.float32)
    maps = _enlarged((way * scale - 0.5).astype(np.float32).reshape(GRID_SIZE, GRID_SIZE, 2))
    drawn = cv2.remap(texture, maps[..., 0], maps[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    far = _enlarged(distance.reshape(GRID_SIZE, GRID_SIZE))
    share = np.clip((far - FADE_START) / (FADE_END - FADE_START), 0.0, 1.0)[..., None]
    plain = np.median(texture.reshape(-1, 3), axis=0)
    return np.round(drawn * (1 - share) + plain * share).astype(np.uint8)


def _enlarged(grid: FloatArray) -> FloatArray:
    return np.asarray(cv2.resize(grid, (TEXTURE_SIZE, TEXTURE_SIZE), interpolation=cv2.INTER_CUBIC), np.float32)
