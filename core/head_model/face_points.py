"""What carrying FaceMesh's face points from one head to another needs to know of them."""

from __future__ import annotations

import numpy as np

from core.geometry.mesh import VertexNormals, interpolate
from core.head_model.identity import FACE_POINTS, INNER_LIP_PAIRS
from core.head_model.rig import HeadRig
from core.structures import BoolArray, FloatArray

JAW_LIMIT = 0.5  # share of the jaw's motion that parts upper from lower lip


def landmark_normals(rig: HeadRig) -> FloatArray:
    """(468, 3) unit normals of the skin at the face points."""
    normals = VertexNormals(rig.faces, len(rig.vertices), rig.seam_groups)(rig.vertices)
    return interpolate(normals, rig.faces, rig.landmark_faces, rig.landmark_weights)[:FACE_POINTS]


def own_lip(jaw_share: FloatArray) -> BoolArray:
    """(468, F) which triangles, with their share of the jaw's motion (F,), a face point may lie on: inner lip points
    only on their own lip."""
    allowed = np.ones((FACE_POINTS, len(jaw_share)), bool)
    for upper, lower in INNER_LIP_PAIRS:
        allowed[upper], allowed[lower] = jaw_share < JAW_LIMIT, jaw_share >= JAW_LIMIT
    return allowed
