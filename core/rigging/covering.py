"""How much of a face something lies before in one of several pictures: a hand, a cup, a lock of hair.

A hand has a skin's colour, so no single picture tells it; the other pictures do. Bare skin is compared point by point
with the median of all of them, after what light and exposure change by the way the skin faces.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np

from core.geometry.mesh import VertexNormals, interpolate
from core.head_model.builtin import load_builtin_rig
from core.head_model.identity import FACE_POINTS
from core.rigging.observation import Observation, face_width
from core.rigging.unprojection import FEATURES
from core.structures import BoolArray, FloatArray, IntArray

FEWEST = 5  # pictures, or their median is nobody's
PATCH = 50  # parts of the face's width over which colours are averaged
LEAST_FACING = 0.6  # cosine between skin and view; what grazes it shows its neighbours
UNLIKE = 10.0  # CIE Lab
LIGHT_ROUNDS, FIT_ROUNDS, FIT_SLACK = 3, 4, 6.0
WITHIN_FEATURE_MM = -1.0  # this near to brows, eyes, lips and nostrils colours change by right


def covered_shares(observations: Sequence[Observation]) -> FloatArray:
    """(n,) in [0, 1]: the part of each face's bare skin in view that looks unlike in most of the pictures; zeros where
    they are too few to tell.

    A film of a woman whose hand lay on her cheek gave 0.08 to 0.26 with the hand, 0 to 0.05 without (0.12 where she
    bowed and laughed); drawn heads that turn by 40 degrees gave 0 to 0.07.
    """
    if len(observations) < FEWEST:
        return np.zeros(len(observations))
    points, normals = _bare_skin()
    colours = np.stack([_colours(seen, points) for seen in observations])
    facing = np.stack([normals @ seen.aligned.to_mean.rotation[:, 2] for seen in observations])
    in_view = facing > LEAST_FACING
    usual = _median(colours, in_view)
    for _ in range(LIGHT_ROUNDS):
        evened = np.stack([
            own - _light(own - usual, normals, seen) for own, seen in zip(colours, in_view, strict=True)
        ])  # fmt: skip
        usual = _median(evened, in_view)
    unlike = np.linalg.norm(evened - usual, axis=2) > UNLIKE
    return np.asarray((unlike & in_view).sum(axis=1) / np.maximum(in_view.sum(axis=1), 1))


@cache
def _bare_skin() -> tuple[IntArray, FloatArray]:
    """((m,) face points away from brows, eyes, lips and nostrils, (m, 3) their unit normals on the built-in head)."""
    rig = load_builtin_rig()
    of_vertices = VertexNormals(rig.faces, len(rig.vertices))(rig.vertices)
    normals = interpolate(of_vertices, rig.faces, rig.landmark_faces, rig.landmark_weights)[:FACE_POINTS]
    normals = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    flat = np.asarray(1000 * rig.landmarks()[:FACE_POINTS, :2], np.float32)
    bare = [
        k for k, (x, y) in enumerate(flat.tolist())
        if all(cv2.pointPolygonTest(flat[list(c)], (x, y), True) < WITHIN_FEATURE_MM for c in FEATURES)
    ]  # fmt: skip
    return np.array(bare), normals[bare].astype(np.float64)


def _colours(seen: Observation, points: IntArray) -> FloatArray:
    """(m, 3) CIE Lab around these face points."""
    sigma = max(face_width(seen.landmarks) / PATCH, 0.5)
    height, width = seen.image.shape[:2]
    at = np.clip(np.round(seen.landmarks.points[points, :2]).astype(int), 0, (width - 1, height - 1))
    (left, top), (right, bottom) = np.maximum(at.min(axis=0) - int(4 * sigma), 0), at.max(axis=0) + int(4 * sigma) + 1
    blurred = cv2.GaussianBlur(seen.image[top:bottom, left:right], (0, 0), sigma)
    colours = np.asarray(blurred[at[:, 1] - top, at[:, 0] - left], np.float32)[None] / 255
    return np.asarray(cv2.cvtColor(colours, cv2.COLOR_RGB2LAB)[0], np.float64)


def _median(colours: FloatArray, in_view: BoolArray) -> FloatArray:
    """(m, 3) median over the pictures (n, m, 3) that show a point; over all where none does."""
    counted = np.where((in_view | ~in_view.any(axis=0))[..., None], colours, np.nan)
    return np.asarray(np.nanmedian(counted, axis=0))


def _light(departure: FloatArray, normals: FloatArray, in_view: BoolArray) -> FloatArray:
    """(m, 3) the part of colours' departure (m, 3) that is linear in the normals: robust least squares over what is in
    view."""
    basis = np.column_stack([np.ones(len(normals)), normals])
    trust = in_view.astype(np.float64)
    light = np.zeros_like(departure)
    for _ in range(FIT_ROUNDS):
        weighted = basis * trust[:, None]
        light = basis @ np.linalg.lstsq(weighted, departure * trust[:, None], rcond=None)[0]
        trust = in_view / (1 + ((departure - light) ** 2).sum(axis=1) / FIT_SLACK**2)
    return light
