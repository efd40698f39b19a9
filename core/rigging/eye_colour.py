"""Eyes in the person's own colour."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.head_model.rig import HeadRig
from core.rigging.observation import Observation
from core.structures import FloatArray, ImageArray


def iris_colour(seen: Observation) -> FloatArray:
    """(3,) median colour in [0, 1] of the irises between pupil and rim."""
    yy, xx = np.mgrid[0 : seen.image.shape[0], 0 : seen.image.shape[1]]
    chosen = []
    for centre, rim in ((468, 469), (473, 474)):
        points = seen.landmarks.points
        radius = float(np.linalg.norm(points[rim, :2] - points[centre, :2]))
        distance = np.hypot(xx - points[centre, 0], yy - points[centre, 1])
        ring = (distance > 0.45 * radius) & (distance < 0.85 * radius) & (yy > points[centre, 1] - 0.3 * radius)
        chosen.append(seen.image[ring])
    pixels = np.concatenate(chosen)
    return np.median(pixels, axis=0) / 255 if len(pixels) else np.array([0.35, 0.3, 0.25])


def tint_eyes(rig: HeadRig, colour: FloatArray, iris_share: float) -> HeadRig:
    """The rig with irises of `colour` (3,) in [0, 1]; iris_share: radius of the iris in the eye texture's width."""
    parts = []
    for part in rig.parts:
        texture = part.material.texture
        if part.name in ("leftEye", "rightEye") and texture is not None:
            parts.append(replace(part, material=replace(part.material, texture=_tinted(texture, colour, iris_share))))
        else:
            parts.append(part)
    return replace(rig, parts=tuple(parts))


def _tinted(texture: ImageArray, colour: FloatArray, iris_share: float) -> ImageArray:
    size = texture.shape[0]
    yy, xx = (np.mgrid[0:size, 0:size] + 0.5) / size - 0.5
    inside = np.clip((iris_share - np.hypot(xx, yy)) / (0.08 * iris_share), 0, 1)[..., None]
    image = texture.astype(np.float32) / 255
    light = image.mean(axis=2, keepdims=True)
    usual = float(np.median(light[(inside[..., 0] > 0.9) & (light[..., 0] > 0.2) & (light[..., 0] < 0.8)]))
    painted = light / usual * np.clip(colour, 0.12, 0.75)
    bright = np.clip((light - 0.8) / 0.1, 0, 1)  # the reflection stays white
    mixed = image * (1 - inside) + (painted * (1 - bright) + image * bright) * inside
    return (np.clip(mixed, 0, 1) * 255 + 0.5).astype(np.uint8)
