"""Textures of the built-in head, drawn from formulas: skin with lips and brows, eyes, teeth with gums."""

from __future__ import annotations

import cv2
import numpy as np

from core.head_model.builtin import EYE_TEXTURE_ANGLE
from training.head.atlas import EAR_CENTRES, EAR_RADIUS, FACE_RADII
from training.head.face import LOWER_LIP_ROWS, UPPER_LIP_ROWS
from training.head.parts import IRIS_ANGLE, LOWER_TOOTH_WIDTHS, UPPER_TOOTH_WIDTHS

SKIN = np.array([206, 160, 136], float)
LIPS = np.array([176, 104, 98], float)
BROWS = np.array([104, 77, 61], float)
LEFT_BROW = (336, 296, 334, 293, 300, 276, 283, 282, 295, 285)
LEFT_UPPER_MARGIN = (263, 466, 388, 387, 386, 385, 384, 398, 362)
LEFT_NOSTRIL = (290, 328, 326, 250, 309, 392)
LEFT_CHEEK, FOREHEAD, CHIN = 425, 151, 199


def _noise(rng: np.random.Generator, size: int, grain: float) -> np.ndarray:
    field = cv2.GaussianBlur(rng.standard_normal((size, size)), (0, 0), grain)
    return field / field.std()


def _polygon_mask(size: int, points: np.ndarray, blur: float) -> np.ndarray:
    mask = np.zeros((size, size), np.float32)
    cv2.fillPoly(mask, [np.round(points * 16).astype(np.int32)], 1.0, cv2.LINE_AA, 4)
    return cv2.GaussianBlur(mask, (0, 0), blur)


def _blend(image: np.ndarray, mask: np.ndarray, colour: np.ndarray) -> None:
    image += mask[..., None] * (colour - image)


def _brow(image: np.ndarray, outline: np.ndarray, rng: np.random.Generator) -> None:
    """Short strokes along the brow instead of a flat patch."""
    size = image.shape[0]
    upper, lower = outline[:5], outline[:4:-1]
    strokes = np.zeros((size, size), np.float32)
    for _ in range(800):
        s, t = 4 * rng.beta(1.25, 1.35) * 0.9999, rng.uniform(0.15, 0.95)
        k, f = int(s), s % 1
        top, base = (row[k] * (1 - f) + row[k + 1] * f for row in (upper, lower))
        root = base + (top - base) * t
        along = (upper[k + 1] - upper[k]) / max(np.linalg.norm(upper[k + 1] - upper[k]), 1e-6)
        lean = np.array([along[0], along[1] - 0.7 * (1 - s / 4)]) * size * rng.uniform(0.008, 0.014)
        ends = np.round(np.stack([root, root + lean]) * 16).astype(np.int32)
        cv2.line(strokes, ends[0], ends[1], rng.uniform(0.35, 0.75), 1, cv2.LINE_AA, 4)
    whole = _polygon_mask(size, outline, size * 0.004)
    body = _polygon_mask(size, np.concatenate([upper[1:], lower[:0:-1]]), size * 0.008)
    hair = np.clip(0.75 * cv2.GaussianBlur(strokes, (0, 0), 0.8) + 0.35 * body, 0, 1)
    _blend(image, hair * np.clip(1.5 * whole, 0, 1) * (0.55 + 0.45 * np.clip(1.6 * body, 0, 1)), BROWS)


def paint_skin(uv: np.ndarray, mirror: np.ndarray, size: int = 1024) -> np.ndarray:
    """(size, size, 3) uint8 skin texture; uv: (V, 2), its first 468 rows the FaceMesh points."""
    rng = np.random.default_rng(7)
    at = uv * size
    image = np.ones((size, size, 3)) * SKIN
    yy, xx = np.mgrid[0:size, 0:size]

    def glow(point: int, radius: float, colour: tuple[float, float, float], strength: float) -> None:
        for p in {point, int(mirror[point])}:
            fall = np.exp(-(((xx - at[p, 0]) ** 2 + (yy - at[p, 1]) ** 2) / (radius * size) ** 2))
            _blend(image, strength * fall, np.array(colour))

    glow(LEFT_CHEEK, 0.060, (204, 128, 112), 0.38)
    glow(1, 0.030, (204, 130, 112), 0.35)
    glow(CHIN, 0.040, (202, 138, 118), 0.22)
    glow(FOREHEAD, 0.090, (212, 168, 143), 0.20)
    # The skull is stretched in the atlas: grain would show as streaks there.
    radius = np.hypot((xx / size - 0.5) / FACE_RADII[0], (yy / size - 0.5) / FACE_RADII[1])
    on_face = np.clip((1.0 - radius) / 0.25, 0, 1)[..., None]
    grain = _noise(rng, size, 1.2)[..., None] * 1.6 + _noise(rng, size, 14)[..., None] * np.array([1.8, 2.6, 2.4])
    image += on_face * grain
    for centre in EAR_CENTRES.values():
        inward = np.hypot(xx / size - centre[0], yy / size - centre[1]) / EAR_RADIUS
        _blend(image, 0.22 * np.exp(-((inward / 0.9) ** 4)), np.array([206.0, 132, 114]))
        _blend(image, 0.62 * np.exp(-((inward / 0.20) ** 2)), np.array([112.0, 66, 54]))
    border = [*UPPER_LIP_ROWS[0], *LOWER_LIP_ROWS[0][-2:0:-1]]
    lips = _polygon_mask(size, at[border], size * 0.0022)
    _blend(image, 0.85 * lips, LIPS)
    line = [*UPPER_LIP_ROWS[3], *LOWER_LIP_ROWS[3][-2:0:-1]]
    _blend(image, 0.5 * _polygon_mask(size, at[line], size * 0.0015), np.array([120.0, 58, 56]))
    image += lips[..., None] * _noise(rng, size, 2.0)[..., None] * 2.5
    for flip in (False, True):
        ids = (lambda row: [int(mirror[i]) for i in row]) if flip else list
        _brow(image, at[ids(LEFT_BROW)], rng)
        lash = np.zeros((size, size), np.float32)
        margin = np.round(at[ids(LEFT_UPPER_MARGIN)] * 16).astype(np.int32)
        cv2.polylines(lash, [margin], False, 1.0, max(1, size // 340), cv2.LINE_AA, 4)
        _blend(image, 0.62 * cv2.GaussianBlur(lash, (0, 0), size * 0.0009), np.array([66.0, 46, 39]))
        _blend(image, 0.75 * _polygon_mask(size, at[ids(LEFT_NOSTRIL)], size * 0.0035), np.array([92.0, 54, 46]))
    return np.clip(image, 0, 255).astype(np.uint8)


def paint_eye(size: int = 512, iris: tuple[float, float, float] = (84, 106, 112)) -> np.ndarray:
    """(size, size, 3) uint8: sclera, iris with fibres, limbus, pupil and a soft reflection, seen along the axis."""
    rng = np.random.default_rng(3)
    yy, xx = (np.mgrid[0:size, 0:size] + 0.5) / size - 0.5
    angle = np.hypot(xx, yy) * 2 * EYE_TEXTURE_ANGLE
    around = np.arctan2(yy, xx)
    image = np.ones((size, size, 3)) * np.array([228.0, 223, 217])
    _blend(image, np.clip((angle - 0.7) / 1.0, 0, 1) * 0.55, np.array([214.0, 150, 138]))
    share = angle / IRIS_ANGLE
    fibres = sum(np.cos(around * k + rng.uniform(0, 6.3)) * rng.uniform(0.3, 1) for k in (9, 17, 29, 43, 61)) / 3
    colour = np.array(iris) * (1 + 0.16 * fibres[..., None]) * (1.12 - 0.35 * np.clip(share, 0, 1)[..., None] ** 3)
    collarette = np.exp(-(((share - 0.48) / 0.10) ** 2))[..., None] * np.array([38.0, 22, 0])
    soft = np.clip((1.02 - share) / 0.05, 0, 1)[..., None]
    image = image * (1 - soft) + (colour + collarette) * soft
    _blend(image, np.exp(-(((share - 0.98) / 0.075) ** 2)) * 0.75, np.array([44.0, 48, 52]))
    _blend(image, np.clip((0.36 - share) / 0.04, 0, 1), np.array([12.0, 10, 10]))
    reflection = np.exp(-(((xx + 0.028) ** 2 + (yy + 0.036) ** 2) / 0.016**2))
    _blend(image, 0.85 * np.clip(reflection * 1.6 - 0.3, 0, 1), np.array([255.0, 255, 255]))
    return np.clip(image, 0, 255).astype(np.uint8)


def paint_teeth(upper: bool, size: int = 256) -> np.ndarray:
    """(size, size, 3) uint8: along the row in u, from the outer gum over the edge to the inner gum in v."""
    widths = UPPER_TOOTH_WIDTHS if upper else LOWER_TOOTH_WIDTHS
    ends = np.concatenate([[0], np.cumsum(widths)]) / widths.sum()
    borders = 0.5 + 0.5 * np.concatenate([-ends[::-1], ends[1:]])
    u, v = np.meshgrid((np.arange(size) + 0.5) / size, (np.arange(size) + 0.5) / size)
    gum_line = 1 / 6 + 0.03
    nearest = np.abs(u[..., None] - borders).min(-1)
    image = np.ones((size, size, 3)) * np.array([232.0, 222, 202])
    _blend(image, np.clip((v - 0.30) / 0.2, 0, 1) * 0.25, np.array([240.0, 238, 232]))
    _blend(image, 0.75 * np.exp(-((nearest / 0.006) ** 2)), np.array([120.0, 84, 70]))
    scallop = gum_line + 0.03 * np.exp(-((nearest / 0.012) ** 2))
    gum = np.clip((scallop - v) / 0.03, 0, 1) + np.clip((v - 0.80) / 0.03, 0, 1)
    _blend(image, np.clip(gum, 0, 1), np.array([186.0, 104, 100]))
    return np.clip(image, 0, 255).astype(np.uint8)
