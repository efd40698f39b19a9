"""Closes ICT-FaceKit's eyes: at eyeBlink 1 its lids stay up to 1.6 mm apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.blendshapes import INDEX
from core.head_model import ict_contours as contours
from core.head_model import ict_layout as layout
from core.head_model.eyes import EYE_RADIUS_M
from core.head_model.ict_model import NEGLIGIBLE_M, IctModel
from core.structures import FloatArray, IntArray

OVERLAP_M = 0.0003  # how far the upper rim passes the lower one
CLEARANCE_M = 0.0003  # skin over the eyeball, on the whole way
LEAST_WAY_M = 0.002  # of the rim; in the corners, where it hardly moves, nothing is added
RIM_SMOOTHING_M = 0.0015
ON_THE_WAY = (0.25, 0.5, 0.75, 1.0)
PUSHES = 4


def with_closing_lids(model: IctModel, eye_centres: FloatArray) -> IctModel:
    """The model with an upper lid that meets the lower one at eyeBlink 1 and passes in front of the eyeball on its way.

    eye_centres: (2, 3) metres, left and right. What the rim lacks is added to the whole lid, by each vertex's share in
    the rim's way down.
    """
    shapes = model.shapes.copy()
    rims = contours.Rims(model)
    sides = (
        ("eyeBlinkLeft", contours.LEFT_UPPER_LID, contours.LEFT_LOWER_LID, layout.LEFT_SOCKET),
        ("eyeBlinkRight", contours.RIGHT_UPPER_LID, contours.RIGHT_LOWER_LID, layout.RIGHT_SOCKET),
    )
    for centre, (name, upper, lower, socket) in zip(eye_centres, sides, strict=True):
        skin = np.concatenate([np.arange(layout.FACE.stop), np.arange(socket.start, socket.stop)])
        way = shapes[INDEX[name]].astype(np.float64)
        rest = model.vertices.astype(np.float64)
        way[skin] += _lacking(rest, way, rims.along(upper), rims.along(lower), skin)
        moved = skin[np.abs(way[skin]).max(axis=1) >= NEGLIGIBLE_M]
        way[moved] = _before_the_eye(rest[moved], way[moved], centre)
        shapes[INDEX[name]] = way
    return replace(model, shapes=shapes)


def _lacking(rest: FloatArray, way: FloatArray, upper: IntArray, lower: IntArray, skin: IntArray) -> FloatArray:
    """(n, 3) what the vertices `skin` have to go further. upper, lower: vertices of the rims."""
    ends = rest + way
    at, goal = ends[upper], ends[lower][np.argsort(ends[lower, 0])]
    onto = np.stack([np.interp(at[:, 0], goal[:, 0], goal[:, axis]) for axis in (1, 2)], axis=1)
    lacking = onto - at[:, 1:] + (-OVERLAP_M, OVERLAP_M)
    lacking[lacking[:, 0] >= 0] = 0.0
    order = np.argsort(rest[upper, 0])
    places = rest[upper[order], 0]
    near = np.exp(-0.5 * ((places[:, None] - places) / RIM_SMOOTHING_M) ** 2)
    even = near @ lacking[order] / near.sum(axis=1, keepdims=True)
    down = np.maximum(np.interp(rest[skin, 0], places, -way[upper[order], 1]), LEAST_WAY_M)
    share = np.clip(-way[skin, 1] / down, 0.0, 1.0)
    added = np.zeros((len(skin), 3))
    for axis in (0, 1):
        added[:, 1 + axis] = share * np.interp(rest[skin, 0], places, even[:, axis])
    return added


def _before_the_eye(rest: FloatArray, way: FloatArray, centre: FloatArray) -> FloatArray:
    """(n, 3) ways on which no vertex comes closer to the eyeball than it rests, nor than `CLEARANCE_M`: a shape moves
    on a straight line, so the end is pushed out as far as the middle needs."""
    least = np.minimum(np.linalg.norm(rest - centre, axis=1), EYE_RADIUS_M + CLEARANCE_M)
    pushed = way.copy()
    for _ in range(PUSHES):
        for share in ON_THE_WAY:
            away = rest + share * pushed - centre
            distance = np.linalg.norm(away, axis=1)
            lacking = np.maximum(least - distance, 0.0) / share
            pushed += away * (lacking / np.maximum(distance, 1e-9))[:, None]
    return pushed
