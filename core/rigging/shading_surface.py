"""What a face's shading is compared with: the skin around the face and how it moves with form and expression, and the
brightness of a picture with its camera."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.linalg import lu_factor, lu_solve
from scipy.optimize import least_squares
from scipy.spatial.distance import cdist
from scipy.spatial.transform import Rotation

from core.head_model.personalise import LOOSE_POINTS
from core.head_model.rig import HeadRig
from core.rigging.face_gaussian import FACE_POINTS, FaceEstimate, FaceGaussian
from core.rigging.lighting import to_linear
from core.rigging.observation import Observation
from core.rigging.shading_gradients import Camera
from core.rigging.skin_colour import convert_colour, measure_skin
from core.rigging.unprojection import distance_behind_face, feature_mask
from core.structures import FloatArray, IntArray

REACH_M = 0.012  # skin this near to a face point takes part
MASK_SIZE = 256
MARGIN = 0.08  # of the face's longer side, around it
WIDTH_PX = 128  # of the picture that is compared: shading is smooth
STRANGE = 4.0  # deviations from the person's skin colour, lightness aside, from which a pixel is no skin
LEAST_VARIANCE_M2 = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """points: (n, 3) skin at rest, metres; triangles: (F, 3) int64; motion: (K, n, 3) for one standard deviation of
    each of K independent directions of what the form may still be; shapes: (E, n, 3) of expressions that people do in
    photos; plain: (n,) in [0, 1], bare skin. anchors: (468, 3) face points; anchor_motion: (K, 468, 3); anchor_shapes:
    (E, 468, 3); stillness: (468,) weights whose sum is 1; posed: (E,) which of the 52 shapes."""

    points: FloatArray
    triangles: IntArray
    motion: FloatArray
    shapes: FloatArray
    plain: FloatArray
    anchors: FloatArray
    anchor_motion: FloatArray
    anchor_shapes: FloatArray
    stillness: FloatArray
    posed: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class ShadingView:
    """One picture of the face. brightness: (h, w) float32 linear; skin: (h, w) in [0, 1]; camera: by the reported
    points; expression: (E,) coefficients of `Surface.shapes`."""

    brightness: FloatArray
    skin: FloatArray
    camera: Camera
    expression: FloatArray


def make_surface(rig: HeadRig, estimate: FaceEstimate, gaussian: FaceGaussian) -> Surface:
    """Of the rig that has the estimated form at rest."""
    skin = rig.part("skin")
    chosen = skin.vertices.start + np.flatnonzero(distance_behind_face(rig) < REACH_M)
    number = np.full(len(rig.vertices), -1)
    number[chosen] = np.arange(len(chosen))
    triangles = number[rig.faces[skin.faces]]
    values, vectors = np.linalg.eigh(estimate.doubt)
    root = vectors * np.sqrt(np.maximum(values, LEAST_VARIANCE_M2))
    anchor_motion = (estimate.size * root.T @ gaussian.form_basis).reshape(-1, FACE_POINTS, 3)
    posed = np.flatnonzero(gaussian.shape_deviation > 0)
    column, row = np.clip((rig.uv[chosen] * MASK_SIZE).astype(int), 0, MASK_SIZE - 1).T
    return Surface(
        rig.vertices[chosen].astype(np.float64), triangles[(triangles >= 0).all(axis=1)].astype(np.int64),
        carried_motion(rig, anchor_motion, chosen), rig.shapes[posed][:, chosen].astype(np.float64),
        1 - np.clip(1.5 * feature_mask(rig, MASK_SIZE)[row, column], 0.0, 1.0),
        rig.landmarks().astype(np.float64)[:FACE_POINTS], anchor_motion,
        rig.shape_landmarks()[posed][:, :FACE_POINTS].astype(np.float64),
        gaussian.anchor_weights / gaussian.anchor_weights.sum(), posed,
    )  # fmt: skip


def carried_motion(rig: HeadRig, motion: FloatArray, vertices: IntArray) -> FloatArray:
    """(K, n, 3) how these vertices near the face move when its 468 points move by (K, 468, 3): the biharmonic warp of
    `personalise`, which is linear in the points' motion."""
    told = np.setdiff1d(np.arange(FACE_POINTS), LOOSE_POINTS)
    centres = rig.landmarks().astype(np.float64)[told]
    count = len(centres)
    system = np.zeros((count + 4, count + 4))
    system[:count, :count] = cdist(centres, centres)
    system[:count, count] = system[count, :count] = 1.0
    system[:count, count + 1 :] = centres
    system[count + 1 :, :count] = centres.T
    right = np.zeros((count + 4, 3 * len(motion)))
    right[:count] = motion[:, told].transpose(1, 0, 2).reshape(count, -1)
    points = rig.vertices[vertices].astype(np.float64)
    design = np.concatenate([cdist(points, centres), np.ones((len(points), 1)), points], axis=1)
    moved = design @ lu_solve(lu_factor(system), right)
    return np.asarray(moved.reshape(len(points), len(motion), 3).transpose(1, 0, 2))


def make_view(surface: Surface, seen: Observation, estimate: FaceEstimate) -> ShadingView:
    """What one picture shows, and how the face stands in it by its reported points."""
    pixels = seen.landmarks.points[:FACE_POINTS, :2].astype(np.float64)
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    margin = MARGIN * float((high - low).max())
    left, top = np.floor(np.maximum(low - margin, 0)).astype(int)
    right, bottom = np.ceil(np.minimum(high + margin, seen.image.shape[1::-1])).astype(int)
    factor = WIDTH_PX / (right - left)
    size = (WIDTH_PX, max(8, round(float((bottom - top) * factor))))
    crop = seen.image[top:bottom, left:right].astype(np.float32) / 255
    lab = convert_colour(crop, cv2.COLOR_RGB2LAB).reshape(-1, 3)
    skin = measure_skin(seen).distance(lab, lightness=0.15).reshape(crop.shape[:2]) < STRANGE
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    brightness = cv2.resize(to_linear(crop).mean(axis=2), size, interpolation=way)
    whole = cv2.resize(skin.astype(np.float32), size, interpolation=way) > 0.9
    expression = seen.resting.blendshapes[surface.posed].astype(np.float64)
    camera = _camera(
        surface.anchors + np.tensordot(expression, surface.anchor_shapes, 1),
        (pixels - (left, top) + 0.5) * factor - 0.5,
        surface.stillness,
        estimate.distance_m,
        seen.aligned.to_mean.rotation.T,
        factor / (estimate.size * seen.aligned.to_mean.scale),
    )
    return ShadingView(brightness, whole.astype(np.float32), camera, expression)


def _camera(
    points: FloatArray, pixels: FloatArray, weights: FloatArray, distance_m: float, rotation: FloatArray, scale: float
) -> Camera:
    """The camera through which points (n, 3) come nearest to pixels (n, 2)."""
    root = np.sqrt(weights)[:, None]

    def offsets(x: FloatArray) -> FloatArray:
        turned = Rotation.from_rotvec(x[:3]).apply(points)
        enlarged = np.exp(x[3]) * distance_m / np.maximum(distance_m - turned[:, 2:], 0.01)
        return np.asarray((root * (x[4:] + enlarged * turned[:, :2] * (1, -1) - pixels)).ravel())

    start = np.concatenate([Rotation.from_matrix(rotation).as_rotvec(), [np.log(scale)], weights @ pixels])
    found = least_squares(offsets, start).x
    return Camera(Rotation.from_rotvec(found[:3]).as_matrix(), float(np.exp(found[3])), found[4:], distance_m)
