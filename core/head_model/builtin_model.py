"""The built-in head as a parametric model: people who never were, with directions that have names."""

from __future__ import annotations

from functools import cache

import numpy as np

from core.head_model.builtin import load_builtin_rig
from core.head_model.carried import carry_shapes
from core.head_model.gpmm import HeadProcess
from core.head_model.head_basis import HeadBasis, make_basis
from core.head_model.ict_layout import IBUG_FACE_MESH
from core.head_model.joint_rows import joint_regressor
from core.head_model.measures import MEASURES, Measuring
from core.head_model.model import HeadModel, dense_pose_correctives
from core.structures import FloatArray


@cache
def load_builtin_model() -> HeadModel:
    """The model; shared and immutable; a second or two the first time.

    Its shape code is in standard deviations; `named` are `core.head_model.measures.MEASURES`, one deviation each. Its
    expression code is ARKit's 52 coefficients.
    """
    rig = load_builtin_rig()
    basis = builtin_basis()
    iris_free = np.array(IBUG_FACE_MESH)
    return HeadModel(
        name=rig.name,
        template=rig.vertices,
        faces=rig.faces,
        uv=rig.uv,
        shape_basis=basis.shape_basis,
        expression_basis=np.moveaxis(rig.shapes, 0, 2),
        pose_correctives=dense_pose_correctives(rig),
        joint_regressor=joint_regressor(rig),
        skin_weights=rig.skin_weights,
        parts=rig.parts,
        arkit_shapes=rig.shapes,
        landmark_faces=rig.landmark_faces,
        landmark_weights=rig.landmark_weights,
        ibug_faces=rig.landmark_faces[iris_free],
        ibug_weights=rig.landmark_weights[iris_free],
        seam_groups=rig.seam_groups,
        details=rig.details,
        named={measure.name: basis.named[measure.name] for measure in MEASURES if measure.is_named},
        correctives=rig.correctives,
        carried=carry_shapes(rig, basis.field, basis.shape_basis),
    )


@cache
def builtin_process() -> HeadProcess:
    """Who the built-in head can be, before anything is known of them but the surveys."""
    return HeadProcess(load_builtin_rig(), measures=_measuring().matrix(), deviations=_deviations())


@cache
def builtin_basis() -> HeadBasis:
    """The directions of `load_builtin_model`."""
    names = tuple(measure.name for measure in MEASURES)
    return make_basis(builtin_process(), _measuring().matrix(), _deviations(), names)


def _measuring() -> Measuring:
    rig = load_builtin_rig()
    return Measuring(rig, joint_regressor(rig))


def _deviations() -> FloatArray:
    """(m,) metres."""
    return 1e-3 * np.array([measure.deviation_mm for measure in MEASURES])
