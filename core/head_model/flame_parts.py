"""Cuts FLAME's mesh into skin and eyeballs and unwraps it: the model's file has neither parts nor texture places."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from core.errors import ModelPackError
from core.head_model.builtin import EYE_TEXTURE_ANGLE
from core.head_model.flame_file import FlameFile
from core.head_model.skinning import LEFT_EYE, RIGHT_EYE
from core.structures import FloatArray, IntArray

EYE_CENTRE_TOLERANCE_M = 0.006
ATLAS_WIDTH = 0.94
"""Share of the atlas for the way around the head; what is left lets triangles reach over the seam at the back."""


@dataclass(frozen=True, slots=True, eq=False)
class CutPart:
    """source: (n,) the model's vertex behind each own vertex; rows: (m,) the model's triangles; triangles: (m, 3) over
    the own vertices; uv: (n, 2), v down."""

    name: str
    source: IntArray
    rows: IntArray
    triangles: IntArray
    uv: FloatArray


def cut_parts(model: FlameFile) -> tuple[CutPart, ...]:
    """Skin, left and right eyeball, in the order of `PART_NAMES`.

    The eyeballs are the pieces of the mesh that lie about the eye joints. ModelPackError when there is none.
    """
    pieces = _pieces(model)
    joints = model.joints()
    left, right = (_eyeball(model, pieces, joints[joint]) for joint in (LEFT_EYE, RIGHT_EYE))
    owner = pieces[model.faces[:, 0]]
    return (
        _cut_skin(model, np.flatnonzero((owner != left) & (owner != right)), joints),
        _cut_eye(model, "leftEye", np.flatnonzero(owner == left), joints[LEFT_EYE]),
        _cut_eye(model, "rightEye", np.flatnonzero(owner == right), joints[RIGHT_EYE]),
    )


def _pieces(model: FlameFile) -> IntArray:
    """(V,) number of the connected piece of the mesh in which a vertex lies."""
    links = np.concatenate([model.faces[:, [0, 1]], model.faces[:, [1, 2]]])
    count = len(model.template)
    graph = coo_matrix((np.ones(len(links)), (links[:, 0], links[:, 1])), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1])


def _eyeball(model: FlameFile, pieces: IntArray, joint: FloatArray) -> int:
    """The piece about an eye joint."""
    centres = np.stack([model.template[pieces == piece].mean(axis=0) for piece in range(pieces.max() + 1)])
    distance = np.linalg.norm(centres - joint, axis=1)
    nearest = int(distance.argmin())
    if distance[nearest] > EYE_CENTRE_TOLERANCE_M:
        raise ModelPackError("should have two eyeballs about its eye joints, but it has not.")
    return nearest


def _cut_eye(model: FlameFile, name: str, rows: IntArray, centre: FloatArray) -> CutPart:
    """An eyeball whose texture is the built-in eye's: polar about the optical axis."""
    source, triangles = np.unique(model.faces[rows], return_inverse=True)
    offset = model.template[source] - centre
    angle = np.arctan2(np.hypot(offset[:, 0], offset[:, 1]), offset[:, 2])
    around = np.arctan2(offset[:, 1], offset[:, 0])
    share = 0.5 * np.minimum(angle / EYE_TEXTURE_ANGLE, 1.0)[:, None]
    uv = 0.5 + share * np.stack([np.cos(around), -np.sin(around)], axis=1)
    return CutPart(name, source, rows, triangles.reshape(-1, 3), uv)


def _cut_skin(model: FlameFile, rows: IntArray, joints: FloatArray) -> CutPart:
    """The skin on a globe about the head's middle, cut at the back: its own mirror image about u = 0.5.

    A vertex of a triangle that reaches over the cut is there twice.
    """
    corners = model.faces[rows]
    points = model.template
    used = points[np.unique(corners)]
    eyes = 0.5 * (joints[LEFT_EYE] + joints[RIGHT_EYE])
    middle = np.array([eyes[0], eyes[1], 0.5 * (used[:, 2].min() + used[:, 2].max())])
    offset = points - middle
    azimuth = np.arctan2(offset[:, 0], offset[:, 2])
    polar = np.arctan2(np.hypot(offset[:, 0], offset[:, 2]), offset[:, 1])
    lap = (np.ptp(azimuth[corners], axis=1) > np.pi)[:, None] & (azimuth[corners] < 0)
    own, triangles = np.unique(
        np.stack([corners.ravel(), lap.ravel().astype(np.int64)], axis=1), axis=0, return_inverse=True
    )
    source = own[:, 0]
    u = 0.5 + ATLAS_WIDTH * (azimuth[source] + 2 * np.pi * own[:, 1]) / (2 * np.pi)
    uv = np.clip(np.stack([u, polar[source] / np.pi], axis=1), 0.0, 1.0)
    return CutPart("skin", source, rows, triangles.reshape(-1, 3), uv)
