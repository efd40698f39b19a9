"""ICT-FaceKit as a parametric model: its 100 identities on the rig of its mean head (see `ict`)."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from core.errors import ModelPackError
from core.head_model.ict import load_ict_rig
from core.head_model.ict_file import read_file_identities, read_ict_file
from core.head_model.ict_layout import IBUG_VERTICES
from core.head_model.ict_model import ADVICE, MAX_COORDINATE, METRES_PER_UNIT, checked_model
from core.head_model.ict_obj import NEUTRAL_FILE, read_folder_identities, read_ict_folder
from core.head_model.ict_parts import cut_parts, with_anatomical_eyes
from core.head_model.joint_rows import joint_regressor
from core.head_model.model import HeadModel, dense_pose_correctives
from core.head_model.rig import HeadRig
from core.structures import FloatArray, IntArray

EYE_FRONT_SHARE = 0.4
"""Share of an eyeball, from its front, with which the ball moves: there it touches the lids."""


def load_ict_model(path: Path) -> HeadModel:
    """The model at `path`, as `load_ict_rig` finds it; immutable. One unit of its shape code is one deviation of the
    published model; its expression code is ARKit's 52 coefficients.

    ModelPackError in one line when the file is absent, damaged, of another layout, or without identities.
    """
    load_ict_rig(path)  # its errors say more of a file that is not a model at all
    status = (path / NEUTRAL_FILE if path.is_dir() else path).stat()
    return _load(path.resolve(), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=1)
def _load(path: Path, size: int, changed_ns: int) -> HeadModel:
    """size and changed_ns only tell one state of the file from another."""
    rig = load_ict_rig(path)
    identities = read_folder_identities(path) if path.is_dir() else read_file_identities(path)
    if not (np.isfinite(identities).all() and np.abs(identities).max() <= MAX_COORDINATE):
        raise ModelPackError(f"{path.name} has identities that are not finite or beyond {MAX_COORDINATE:.0f}. {ADVICE}")
    source = _sources(path)
    basis = np.ascontiguousarray(np.moveaxis(identities[:, source], 0, 2)) * np.float32(METRES_PER_UNIT)
    _move_eyes_as_balls(rig, basis)
    ibug_faces, ibug_weights = _ibug(rig, source)
    return HeadModel(
        name=rig.name,
        template=rig.vertices,
        faces=rig.faces,
        uv=rig.uv,
        shape_basis=basis,
        expression_basis=np.moveaxis(rig.shapes, 0, 2),
        pose_correctives=dense_pose_correctives(rig),
        joint_regressor=joint_regressor(rig),
        skin_weights=rig.skin_weights,
        parts=rig.parts,
        arkit_shapes=rig.shapes,
        landmark_faces=rig.landmark_faces,
        landmark_weights=rig.landmark_weights,
        ibug_faces=ibug_faces,
        ibug_weights=ibug_weights,
        seam_groups=rig.seam_groups,
        details=rig.details,
        correctives=rig.correctives,
    )


def _sources(path: Path) -> IntArray:
    """(V,) the pack's vertex behind each vertex of the rig."""
    stored = read_ict_folder(path) if path.is_dir() else read_ict_file(path)
    model, centres = with_anatomical_eyes(checked_model(stored, path.name))
    return np.concatenate([mesh.source for mesh in cut_parts(model, centres)])


def _move_eyes_as_balls(rig: HeadRig, basis: FloatArray) -> None:
    """Writes over the (V, 3, S) directions of the eyeballs: they keep their 24 mm and follow their front."""
    for name in ("leftEye", "rightEye"):
        ball = rig.part(name).vertices
        depth = rig.vertices[ball, 2]
        front = depth > np.quantile(depth, 1 - EYE_FRONT_SHARE)
        basis[ball] = basis[ball][front].mean(axis=0)


def _ibug(rig: HeadRig, source: IntArray) -> tuple[IntArray, FloatArray]:
    """(68,) faces of the rig and (68, 3) weights of the pack's own iBUG vertices."""
    faces, weights = [], []
    for vertex in IBUG_VERTICES:
        face, corner = np.argwhere(source[rig.faces] == vertex)[0]
        faces.append(int(face))
        weights.append(np.eye(3)[corner])
    return np.array(faces, np.int32), np.stack(weights).astype(np.float32)
