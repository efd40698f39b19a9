"""How like the photo a rig looks, drawn again in the photo's own camera, pose, expression and light."""

from __future__ import annotations

import cv2
import numpy as np

from core.geometry.texture_raster import TexelMap
from core.head_model.rig import HeadRig
from core.rigging.differentiable_raster import nearest_triangles
from core.rigging.observation import Observation
from core.rigging.unprojection import TextureParameters, face_texels, feature_mask, picture_positions, unproject
from core.structures import BoolArray, FloatArray, ImageArray
from core.tracking.landmark_ids import FACE_OVAL, INNER_LIPS, LEFT_EYE, RIGHT_EYE

SSIM_SIGMA_PX = 1.5  # Wang et al. 2004: an 11 x 11 window with this deviation, and the two constants below
SSIM_C1, SSIM_C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def drawn_again(rig: HeadRig, seen: Observation, size: float) -> tuple[ImageArray, BoolArray]:
    """(H, W, 3) the rig's skin in the photo's place and light, and (H, W) where it was drawn.

    size: of the person, see `Observation.to_head`. Eyes and mouth, which are no skin, are left out.
    """
    texture = rig.part("skin").material.texture
    if texture is None:
        raise ValueError("The rig has no skin texture.")
    parameters = TextureParameters(size=texture.shape[0])
    texels, features = face_texels(rig, parameters), feature_mask(rig, parameters.size)
    view = unproject(rig, seen, size, texels, features, parameters)
    exposure = _exposure(view.albedo(view.lighting.tone), texture[texels.rows, texels.columns] / 255, view.weights)
    colours = np.clip(texture[texels.rows, texels.columns] / 255 * exposure, 0, 1)
    lit = 255 * view.lighting.applied(colours, view.normals)
    visible = (view.normals[:, 2] > 0.15) & (view.weights > 0.02)
    atlas = np.zeros((*texture.shape[:2], 4), np.float32)
    atlas[texels.rows, texels.columns] = np.column_stack([lit, visible])
    places, covered = _atlas_places(rig, seen, size)
    places = places * texture.shape[0] - 0.5
    drawn = np.asarray(cv2.remap(_grown(atlas, texels), places[..., 0], places[..., 1], cv2.INTER_LINEAR))
    shown = covered & (drawn[..., 3] > 0.5) & face_mask(seen)
    return np.clip(np.round(drawn[..., :3]), 0, 255).astype(np.uint8), shown


def _grown(atlas: FloatArray, texels: TexelMap) -> FloatArray:
    """(S, S, 4) the atlas with its outermost texels carried two texels on, so that none beside it bleeds in."""
    covered = np.zeros(atlas.shape[:2], np.uint8)
    covered[texels.rows, texels.columns] = 1
    beside = (cv2.dilate(covered, np.ones((5, 5), np.uint8)) > 0) & (covered == 0)
    total, count = (np.asarray(cv2.blur(a.astype(np.float32), (5, 5))) for a in (atlas, covered))
    return np.where(beside[..., None], total / np.maximum(count, 1e-6)[..., None], atlas).astype(np.float32)


def _atlas_places(rig: HeadRig, seen: Observation, size: float) -> tuple[FloatArray, BoolArray]:
    """(H, W, 2) float32 place in the atlas that each pixel shows, and (H, W) whether it shows the skin at all."""
    to_head, skin = seen.to_head(size), rig.part("skin")
    positions = picture_positions(rig, seen, to_head) * (1, 1, 1 / to_head.scale)
    faces = (rig.faces[skin.faces] - skin.vertices.start).astype(np.int64)
    height, width = seen.image.shape[:2]
    shown = nearest_triangles(positions, faces, (width, height))
    row, column = np.nonzero(shown >= 0)
    corners = faces[shown[row, column]]
    a, b, c = (positions[corners[:, k], :2] for k in range(3))
    u, v, w = b - a, c - a, np.stack([column, row], axis=1) - a
    area = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    second, third = ((w[:, 0] * v[:, 1] - w[:, 1] * v[:, 0]) / area, (u[:, 0] * w[:, 1] - u[:, 1] * w[:, 0]) / area)
    weights = np.stack([1 - second - third, second, third], axis=1)
    places = np.zeros((height, width, 2), np.float32)
    places[row, column] = np.einsum("nk,nkd->nd", weights, rig.uv[skin.vertices][corners])
    return places, shown >= 0


def _exposure(shown: FloatArray, painted: FloatArray, weights: FloatArray) -> FloatArray:
    """(3,) factor between the photo's skin in even light and the rig's, which was brought to a believable tone."""
    sure = weights > 0.5 * weights.max()
    return np.asarray(np.median(shown[sure], axis=0) / np.maximum(np.median(painted[sure], axis=0), 1e-3))


def face_mask(seen: Observation) -> BoolArray:
    """(H, W) the face's oval without eyes and mouth opening."""
    mask = np.zeros(seen.image.shape[:2], np.uint8)
    for contour, value in ((FACE_OVAL, 1), (LEFT_EYE, 0), (RIGHT_EYE, 0), (INNER_LIPS, 0)):
        cv2.fillPoly(mask, [np.round(seen.landmarks.points[list(contour), :2]).astype(np.int32)], (value,))
    return np.asarray(mask > 0)


def structural_similarity(first: ImageArray, second: ImageArray, mask: BoolArray) -> float:
    """Mean SSIM of two (H, W, 3) pictures in grey over the pixels of the mask, in [-1, 1] (Wang et al. 2004)."""
    a, b = (np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.float64) for image in (first, second))

    def blurred(image: FloatArray) -> FloatArray:
        return np.asarray(cv2.GaussianBlur(image, (11, 11), SSIM_SIGMA_PX))

    mean_a, mean_b = blurred(a), blurred(b)
    variance_a, variance_b = blurred(a * a) - mean_a**2, blurred(b * b) - mean_b**2
    covariance = blurred(a * b) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + SSIM_C1) / (mean_a**2 + mean_b**2 + SSIM_C1)
    structure = (2 * covariance + SSIM_C2) / (variance_a + variance_b + SSIM_C2)
    return float((luminance * structure)[mask].mean())


def photo_likeness(rig: HeadRig, seen: Observation, size: float) -> float:
    """SSIM of the rig drawn again and the photo, over the face."""
    drawn, shown = drawn_again(rig, seen, size)
    photo = np.where(shown[..., None], seen.image, drawn)
    return structural_similarity(drawn, photo.astype(np.uint8), shown)
