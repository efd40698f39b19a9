"""The inside of the mouth, which FLAME does not have: the built-in head's, set behind FLAME's lips."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.geometry.similarity import fit_similarity
from core.head_model.flame_file import FlameFile
from core.head_model.flame_landmarks import CarriedLandmarks
from core.head_model.identity import INNER_LIP_PAIRS
from core.head_model.rig import HeadRig
from core.structures import FloatArray, IntArray

MOUTH_PARTS = ("mouth", "upperTeeth", "lowerTeeth", "tongue")
SOFT_PARTS = ("mouth",)  # bends with the lips; teeth and tongue keep their form


@dataclass(frozen=True, slots=True, eq=False)
class GraftedPart:
    """A part of the built-in head on FLAME. vertices: (n, 3) metres; triangles: (m, 3) over them; uv: (n, 2);
    shapes: (52, n, 3); skin_weights: (n, 5)."""

    name: str
    vertices: FloatArray
    triangles: IntArray
    uv: FloatArray
    shapes: FloatArray
    skin_weights: FloatArray


def graft_mouth(builtin: HeadRig, landmarks: CarriedLandmarks) -> tuple[GraftedPart, ...]:
    """The parts of the mouth, where `landmarks` lay the built-in head on the model."""
    return tuple(_graft(builtin, landmarks, name) for name in MOUTH_PARTS)


def _graft(builtin: HeadRig, landmarks: CarriedLandmarks, name: str) -> GraftedPart:
    part = builtin.part(name)
    rest = builtin.vertices[part.vertices].astype(np.float64)
    placed = landmarks.warp(landmarks.alignment.apply(rest))
    stiff = fit_similarity(rest, placed)
    return GraftedPart(
        name,
        placed if name in SOFT_PARTS else stiff.apply(rest),
        builtin.faces[part.faces] - part.vertices.start,
        builtin.uv[part.vertices],
        stiff.scale * builtin.shapes[:, part.vertices] @ stiff.rotation.T,
        builtin.skin_weights[part.vertices],
    )


def lip_directions(model: FlameFile, landmarks: CarriedLandmarks) -> FloatArray:
    """(3, 300) how the middle of the lips moves by each direction of form: the mouth's inside goes along as one."""
    lips = np.array(INNER_LIP_PAIRS).ravel()
    corners = model.faces[landmarks.embedding.faces[lips]]
    return np.einsum("nk,nkds->ds", landmarks.embedding.weights[lips], model.shape_basis[corners]) / len(lips)
