"""What one photo shows of the skin: colours and weights of the texture's texels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from scipy.interpolate import RBFInterpolator

from core.geometry.mesh import VertexNormals
from core.geometry.similarity import Similarity
from core.geometry.texture_raster import TexelMap, map_texels
from core.head_model.identity import FACE_POINTS
from core.head_model.rig import HeadRig
from core.rigging.lighting import Lighting, estimate_lighting, to_linear, to_srgb
from core.rigging.observation import Observation, face_width, upright_points
from core.rigging.person_mask import person_share
from core.rigging.skin_colour import SkinColour, measure_skin, smooth_step
from core.structures import BoolArray, FloatArray, ImageArray
from core.tracking.landmark_ids import INNER_LIPS, OUTER_LIPS


@dataclass(frozen=True, slots=True)
class TextureParameters:
    """How photos become a texture."""

    size: int = 1024
    facing_low: float = 0.12  # cosine between the surface and the view below which a texel is not taken
    facing_high: float = 0.55
    occlusion_m: float = 0.006  # a texel this far behind the nearest surface is hidden
    fade_m: float = 0.014  # the photo fades out this far behind the face's outline
    skin_tolerance: float = 2.2  # in robust deviations of the person's skin colour, outside the features


FACE_SHARE = 0.6  # width of the face in parts of the atlas, with some to spare
PERSON_LOW, PERSON_HIGH = 0.4, 0.9  # sureness that a pixel shows the person
LIGHT_STEP = 7  # every so many texels tell the light

FEATURES = (  # closed contours whose colours differ from skin by right
    (46, 53, 52, 65, 55, 107, 66, 105, 63, 70), (276, 283, 282, 295, 285, 336, 296, 334, 293, 300),
    (130, 247, 30, 29, 27, 28, 56, 190, 243, 112, 26, 22, 23, 24, 110, 25),
    (359, 467, 260, 259, 257, 258, 286, 414, 463, 341, 256, 252, 253, 254, 339, 255),
    (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146),
    (48, 115, 220, 45, 4, 275, 440, 344, 278, 294, 327, 326, 2, 97, 98, 64),
)  # fmt: skip


MIDDLE_OF_FACE = (
    9, 336, 296, 334, 293, 383, 372, 345, 352, 411, 427, 434, 430, 431, 262, 428, 199,
    208, 32, 211, 210, 214, 207, 187, 123, 116, 143, 156, 63, 105, 66, 107,
)  # fmt: skip
"""Contour along the upper brows, the temples, the cheeks and the chin."""


def face_texels(rig: HeadRig, parameters: TextureParameters) -> TexelMap:
    """The texels that a photo may show: those no farther behind the face's outline than the photo reaches. Their
    triangles are numbered among the skin's."""
    skin = rig.part("skin")
    faces = rig.faces[skin.faces] - skin.vertices.start
    near = np.flatnonzero((distance_behind_face(rig) < parameters.fade_m)[faces].any(axis=1))
    texels = map_texels(rig.uv[skin.vertices], faces[near], parameters.size)
    return replace(texels, faces=near[texels.faces])


def picture_positions(rig: HeadRig, seen: Observation, to_head: Similarity) -> FloatArray:
    """(V, 3) skin vertices in the picture: x right and y down in pixels, z towards the camera in metres.

    The rig takes the photo's own expression, and what is left over at the landmarks is spread over the skin, so that
    every landmark falls on its pixel.
    """
    skin = rig.part("skin").vertices
    posed = rig.shaped_vertices(seen.resting.blendshapes)
    landmarks = rig.landmarks(posed).astype(np.float64)[:FACE_POINTS]
    goal = upright_points(seen.landmarks)[:FACE_POINTS]
    back = to_head.inverse()
    centred = landmarks.mean(axis=0) - to_head.apply(goal).mean(axis=0)
    flat = back.apply(posed[skin].astype(np.float64) - centred)
    misfit = goal[:, :2] - back.apply(landmarks - centred)[:, :2]
    spread = RBFInterpolator(rig.landmarks()[:FACE_POINTS], misfit, kernel="linear", neighbors=24)
    rest = rig.vertices[skin].astype(np.float64)
    near = distance_behind_face(rig) < 0.06
    flat[near, :2] += spread(rest[near])
    return np.stack([flat[:, 0], -flat[:, 1], flat[:, 2] * to_head.scale], axis=1)


def distance_behind_face(rig: HeadRig) -> FloatArray:
    """(V,) metres from each skin vertex to the nearest face point."""
    skin = rig.vertices[rig.part("skin").vertices]
    points = rig.landmarks()[:FACE_POINTS].astype(np.float32)
    squared = (skin**2).sum(1)[:, None] + (points**2).sum(1) - 2 * skin @ points.T
    return np.sqrt(np.maximum(squared, 0.0)).min(axis=1)


def _hidden(positions: FloatArray, facing: FloatArray, metres_per_pixel: float, tolerance_m: float) -> FloatArray:
    """(n,) bool: texels (x, y pixels, z metres) that lie behind others of the same surface.

    facing: (n,) cosine to the view; a steep surface spans much depth within one cell of the depth map.
    """
    cell = 3.0
    first = positions[:, :2].min(axis=0)
    columns, rows = np.floor((positions[:, :2] - first) / cell).astype(int).T
    index = rows * (columns.max() + 1) + columns
    nearest = np.full(index.max() + 1, -np.inf)
    np.maximum.at(nearest, index, positions[:, 2])
    slope = np.sqrt(np.maximum(1 - facing**2, 0.0)) / np.maximum(facing, 0.1)
    return positions[:, 2] < nearest[index] - tolerance_m - 1.5 * cell * metres_per_pixel * slope


def feature_mask(rig: HeadRig, size: int) -> FloatArray:
    """(size, size) float32, 1 over brows, eyes, lips and nostrils, whose colours are no skin colours."""
    mask = np.zeros((size, size), np.float32)
    at = rig.uv[rig.faces[rig.landmark_faces, rig.landmark_weights.argmax(axis=1)]] * size
    for contour in FEATURES:
        cv2.fillPoly(mask, [np.round(at[list(contour)] * 16).astype(np.int32)], (1.0,), cv2.LINE_AA, 4)
    return np.asarray(cv2.GaussianBlur(cv2.dilate(mask, np.ones((size // 64, size // 64))), (0, 0), size / 200))


def mouth_mask(rig: HeadRig, size: int) -> FloatArray:
    """(size, size) float32, 1 over the lips."""
    mask = np.zeros((size, size), np.float32)
    at = rig.uv[rig.faces[rig.landmark_faces, rig.landmark_weights.argmax(axis=1)]] * size
    cv2.fillPoly(mask, [np.round(at[list(OUTER_LIPS)] * 16).astype(np.int32)], (1.0,), cv2.LINE_AA, 4)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), size / 400))


def trusted_mask(rig: HeadRig, features: FloatArray) -> BoolArray:
    """(S, S) bool: features and the middle of the face, where a photo shows the face whatever the colour says; hair
    and clothes come only from its outline."""
    size = features.shape[0]
    at = rig.uv[rig.faces[rig.landmark_faces, rig.landmark_weights.argmax(axis=1)]] * size
    middle = np.zeros((size, size), np.uint8)
    cv2.fillPoly(middle, [np.round(at[list(MIDDLE_OF_FACE)]).astype(np.int32)], (1,))
    return (middle > 0) | (features > 0.5)


def blurred_to_texels(seen: Observation, size: int) -> ImageArray:
    """(H, W, 3) the picture without what is finer than the texels of an atlas of this size: they then average the grain
    of a close photo instead of picking single pixels of it."""
    finer = face_width(seen.landmarks) / (FACE_SHARE * size)
    if finer <= 1.0:
        return seen.image
    return np.asarray(cv2.GaussianBlur(seen.image, (0, 0), 0.6 * finer), np.uint8)


def sampled(image: ImageArray | FloatArray, positions: FloatArray) -> FloatArray:
    """(n, 3) float32 colours in [0, 1] of an image in [0, 255] at (n, 2) pixel positions, bicubic."""
    row_length = 4096  # OpenCV takes maps of at most 32767 in a row
    padded = np.zeros((-(-len(positions) // row_length) * row_length, 2), np.float32)
    padded[: len(positions)] = positions
    grid = padded.reshape(-1, row_length, 2)
    sampled = cv2.remap(image, grid[..., 0], grid[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return sampled.reshape(-1, 3)[: len(positions)].astype(np.float32) / 255


def _strangeness(
    colours: FloatArray, texels: TexelMap, skin: SkinColour, trusted: BoolArray, parameters: TextureParameters
) -> FloatArray:
    """(n,) 0 where a texel shows skin, 1 where it shows hair, clothes or background: what is not of one piece with the
    middle of the face."""
    lab = cv2.cvtColor(colours[None], cv2.COLOR_RGB2LAB)[0]
    field = np.zeros((texels.size, texels.size), np.float32)
    known = np.zeros_like(field)
    field[texels.rows, texels.columns] = np.minimum(skin.distance(np.asarray(lab), lightness=0.5), 8.0)
    known[texels.rows, texels.columns] = 1.0
    spread = texels.size / 140
    field = cv2.GaussianBlur(field, (0, 0), spread) / np.maximum(cv2.GaussianBlur(known, (0, 0), spread), 1e-3)
    strange = ((field > parameters.skin_tolerance) | (known == 0)).astype(np.uint8)
    strange = cv2.dilate(strange, np.ones((texels.size // 80,) * 2)) * (1 - trusted.astype(np.uint8))
    _, regions, sizes, _ = cv2.connectedComponentsWithStats(1 - strange, connectivity=4)
    largest = 1 + int(sizes[1:, cv2.CC_STAT_AREA].argmax()) if len(sizes) > 1 else 0
    other = cv2.GaussianBlur((regions != largest).astype(np.float32), (0, 0), texels.size / 70)
    return np.clip(2.0 * other[texels.rows, texels.columns], 0.0, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class SkinView:
    """The texels (n,) in one photo. at: (n, 3) pixels and metres towards the camera; normals: (n, 3) camera frame;
    colours: (n, 3) sRGB in [0, 1] as photographed; even: (n, 3) in even light; weights: (n,); lighting: of the
    photo."""

    at: FloatArray
    normals: FloatArray
    colours: FloatArray
    even: FloatArray
    weights: FloatArray
    lighting: Lighting

    def albedo(self, tone: FloatArray) -> FloatArray:
        """(n, 3) sRGB colours in even light, at the exposure where the skin has this linear tone (3,)."""
        return to_srgb(to_linear(self.even) * np.clip(tone / self.lighting.tone, 0.4, 2.5))


def unproject(
    rig: HeadRig,
    seen: Observation,
    size: float,
    texels: TexelMap,
    features: FloatArray,
    parameters: TextureParameters,
    person: FloatArray | None = None,
) -> SkinView:
    """What one photo shows of the skin. size: of the person, see `Observation.to_head`; features: `feature_mask`;
    person: (H, W) of `person_mask`, which only ever takes texels away, and none from the middle of the face."""
    to_head = seen.to_head(size)
    skin = rig.part("skin")
    faces = rig.faces[skin.faces] - skin.vertices.start
    positions = picture_positions(rig, seen, to_head)
    normals = VertexNormals(faces, len(positions))(positions * (1, -1, 1 / to_head.scale))
    corners = faces[texels.faces]
    at = np.einsum("nk,nkd->nd", texels.weights, positions[corners])
    smooth = np.einsum("nk,nkd->nd", texels.weights, normals[corners])
    smooth /= np.maximum(np.linalg.norm(smooth, axis=1, keepdims=True), 1e-9)
    facing = smooth[:, 2]
    behind = np.einsum("nk,nk->n", texels.weights, distance_behind_face(rig)[corners])
    height, width = seen.image.shape[:2]
    inside = (at[:, 0] >= 0) & (at[:, 0] < width - 1) & (at[:, 1] >= 0) & (at[:, 1] < height - 1)
    colours = sampled(blurred_to_texels(seen, texels.size), at[:, :2])
    weights = smooth_step(facing, parameters.facing_low, parameters.facing_high)
    weights *= inside & ~_hidden(at, facing, to_head.scale, parameters.occlusion_m)
    weights *= 1 - smooth_step(behind, 0.5 * parameters.fade_m, parameters.fade_m)
    bare = weights * (1 - np.clip(1.5 * features[texels.rows, texels.columns], 0, 1))
    strange = measure_skin(seen).distance(_as_lab(colours), lightness=0.15) > 2.0
    plain = np.where(strange, 0.0, bare)
    lighting = estimate_lighting(colours[::LIGHT_STEP], smooth[::LIGHT_STEP], plain[::LIGHT_STEP])
    even = lighting.removed(colours, smooth)
    trusted = trusted_mask(rig, features)
    weights *= ~_in_mouth(seen, at)
    weights *= 1 - _strangeness(even, texels, measure_skin(seen), trusted, parameters)
    if person is not None:
        kept = smooth_step(person_share(person, at), PERSON_LOW, PERSON_HIGH)
        weights *= np.where(trusted[texels.rows, texels.columns], 1.0, kept)
    return SkinView(at, smooth, colours, even, weights.astype(np.float32), lighting)


def _in_mouth(seen: Observation, at: FloatArray) -> BoolArray:
    """(n,) whether a pixel (n, 2 or more) lies between the lips, where teeth would be painted on them."""
    mask = np.zeros(seen.image.shape[:2], np.uint8)
    contour = seen.landmarks.points[list(INNER_LIPS), :2]
    cv2.fillPoly(mask, [np.round(contour).astype(np.int32)], (1,))
    reach = max(1, round(0.006 * float(np.ptp(seen.landmarks.points[:FACE_POINTS, 0]))))
    if float(np.linalg.norm(contour[5] - contour[15])) > 2 * reach:
        mask = np.asarray(cv2.dilate(mask, np.ones((2 * reach + 1,) * 2, np.uint8)), np.uint8)
    column = np.clip(at[:, 0].round().astype(int), 0, mask.shape[1] - 1)
    row = np.clip(at[:, 1].round().astype(int), 0, mask.shape[0] - 1)
    return np.asarray(mask[row, column] > 0)


def _as_lab(colours: FloatArray) -> FloatArray:
    return np.asarray(cv2.cvtColor(colours[None].astype(np.float32), cv2.COLOR_RGB2LAB)[0])
