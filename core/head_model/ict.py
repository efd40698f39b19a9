"""ICT-FaceKit's mean head (Li et al. 2020, "Learning Formation of Physically-Based Face Attributes") as a rig.

An optional pack (MIT licence), never part of this project: https://github.com/USC-ICT/ICT-FaceKit.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from core.blendshapes import INDEX
from core.errors import InputError, ModelPackError, RigError
from core.geometry.similarity import Similarity
from core.head_model.builtin import load_builtin_rig
from core.head_model.correctives import EXCESS, PairCorrective
from core.head_model.ict_file import read_ict_file
from core.head_model.ict_landmarks import align_builtin, carry_landmarks
from core.head_model.ict_lids import with_closing_lids
from core.head_model.ict_model import ADVICE, IctModel, checked_model
from core.head_model.ict_obj import NEUTRAL_FILE, read_ict_folder
from core.head_model.ict_parts import PartMesh, cut_parts, jaw_share, tongue_out, with_anatomical_eyes
from core.head_model.rig import PART_NAMES, HeadRig, Material, Part
from core.head_model.skin_paint import with_skin_painted
from core.head_model.skinning import JAW, JOINT_NAMES, LEFT_EYE, NECK, RIGHT_EYE, ROOT
from core.structures import FloatArray, IntArray

NECK_STILL_M, NECK_TURNS_M = -0.176, -0.100
"""Heights on the built-in head between which the neck's turn fades in; higher up everything turns with the head."""
NECK_SLANT, NECK_SLANT_START_M = 0.5, -0.035  # the throat in front counts as higher than the nape
_RIGID_JOINTS = {
    "leftEye": LEFT_EYE, "rightEye": RIGHT_EYE, "upperTeeth": NECK, "lowerTeeth": JAW, "tongue": JAW,
}  # fmt: skip
_COLOURS: dict[str, tuple[tuple[float, float, float], float]] = {
    "mouth": ((0.42, 0.16, 0.16), 0.5), "upperTeeth": ((0.91, 0.88, 0.81), 0.3),
    "lowerTeeth": ((0.89, 0.86, 0.79), 0.3), "tongue": ((0.72, 0.36, 0.35), 0.45),
}  # fmt: skip


def load_ict_rig(path: Path) -> HeadRig:
    """The mean head at `path`: 52 shapes, joints, parts, atlas and the 478 FaceMesh points; immutable.

    path: an `.npz` of the model's arrays, or the published folder `FaceXModel` of OBJ files (a few seconds).
    `details["made"]` names the shapes that ICT-FaceKit lacks and that were made here. Remembered until the file
    changes. ModelPackError in one line when the file is absent, damaged or of another layout.
    """
    file = path / NEUTRAL_FILE if path.is_dir() else path
    if not file.is_file():
        raise ModelPackError(f"There is no ICT-FaceKit model at {file}. {ADVICE}")
    status = file.stat()
    return _load(path.resolve(), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=2)
def _load(path: Path, size: int, changed_ns: int) -> HeadRig:
    """size and changed_ns only tell one state of the file from another."""
    stored = read_ict_folder(path) if path.is_dir() else read_ict_file(path)
    model = checked_model(stored, path.name)
    try:
        return _assemble(model)
    except (InputError, RigError, ValueError, np.linalg.LinAlgError):
        raise ModelPackError(
            f"{path.name} has ICT-FaceKit's counts, but its points do not make a head with eyes and teeth. {ADVICE}"
        ) from None


def _assemble(model: IctModel) -> HeadRig:
    """The rig of a model as read; its origin moves between the eyeballs' centres."""
    builtin = load_builtin_rig()
    model, eye_centres = with_anatomical_eyes(model)
    origin = eye_centres.mean(axis=0)
    eye_centres = eye_centres - origin
    model = replace(model, vertices=(model.vertices - origin).astype(np.float32))
    model = with_closing_lids(model, eye_centres)
    meshes = cut_parts(model, eye_centres)
    source = np.concatenate([mesh.source for mesh in meshes])
    aligned = align_builtin(builtin, model)
    carried = carry_landmarks(builtin, model, eye_centres)
    shapes = _shapes(model, meshes)
    joints = aligned.apply(builtin.joints.astype(np.float64))
    joints[:, 0] = 0.0
    joints[[LEFT_EYE, RIGHT_EYE]] = eye_centres
    rig = HeadRig(
        name="ICT-FaceKit",
        vertices=model.vertices[source],
        faces=_faces(meshes),
        uv=np.concatenate([mesh.uv for mesh in meshes]).astype(np.float32),
        shapes=shapes,
        joints=joints.astype(np.float32),
        skin_weights=_skin_weights(model, meshes, aligned),
        parts=_parts(meshes),
        landmark_faces=_own_faces(meshes, len(model.triangles))[carried.faces],
        landmark_weights=carried.weights.astype(np.float32),
        seam_groups=_seam_groups(source),
        details={"head": "ict", "made": ["tongueOut"], "unreachable": []},
        correctives=(_without_open_jaw(shapes),),
    )
    return _frozen(with_skin_painted(rig, builtin))


def _starts(counts: list[int]) -> list[int]:
    return [0, *np.cumsum(counts).tolist()]


def _faces(meshes: list[PartMesh]) -> IntArray:
    """(F, 3) int32 triangles of all parts over the rig's vertices."""
    starts = _starts([len(mesh.source) for mesh in meshes])
    return np.concatenate([m.triangles + start for m, start in zip(meshes, starts, strict=False)]).astype(np.int32)


def _parts(meshes: list[PartMesh]) -> tuple[Part, ...]:
    vertices = _starts([len(mesh.source) for mesh in meshes])
    faces = _starts([len(mesh.rows) for mesh in meshes])
    return tuple(
        Part(m.name, slice(*vertices[k : k + 2]), slice(*faces[k : k + 2]), _material(m.name))
        for k, m in enumerate(meshes)
    )


def _material(name: str) -> Material:
    """Plain colours; the eyes look as the built-in head's, in whose texture's places they were unwrapped."""
    if name in _COLOURS:
        colour, roughness = _COLOURS[name]
        return Material(colour, None, roughness)
    return load_builtin_rig().part(name).material


def _own_faces(meshes: list[PartMesh], triangle_count: int) -> IntArray:
    """(T,) int32 the rig's face made from each of the model's triangles, -1 for those left out."""
    rows = np.concatenate([mesh.rows for mesh in meshes])
    own = np.full(triangle_count, -1, np.int32)
    own[rows] = np.arange(len(rows), dtype=np.int32)
    return own


def _seam_groups(source: IntArray) -> IntArray:
    """(V,) int32: the first of the rig's vertices that come from the same vertex of the model."""
    _, first, group = np.unique(source, return_index=True, return_inverse=True)
    return first[group].astype(np.int32)


def _shapes(model: IctModel, meshes: list[PartMesh]) -> FloatArray:
    """(52, V, 3) float32; tongueOut is made here."""
    shapes = model.shapes[:, np.concatenate([mesh.source for mesh in meshes])]
    tongue = meshes[PART_NAMES.index("tongue")].source
    shapes[INDEX["tongueOut"], -len(tongue) :] = tongue_out(model.vertices[tongue])
    return shapes


def _without_open_jaw(shapes: FloatArray) -> PairCorrective:
    """Takes mouthClose back as far as it exceeds jawOpen: the model's lifts the lips of an open jaw, and on a closed
    one it would push them into the nose."""
    rows = np.flatnonzero(shapes[INDEX["mouthClose"]].any(axis=1)).astype(np.int32)
    return PairCorrective("mouthClose", "jawOpen", rows, -shapes[INDEX["mouthClose"], rows], EXCESS)


def _skin_weights(model: IctModel, meshes: list[PartMesh], aligned: Similarity) -> FloatArray:
    """(V, 5) float32. Eyes, upper teeth, lower teeth and tongue follow one joint; skin and mouth share between neck
    and jaw by their way in jawOpen, and fade to the root down the neck, at the built-in head's heights."""
    jaw = jaw_share(model)
    at_builtin = aligned.inverse().apply(model.vertices.astype(np.float64))
    slant = NECK_SLANT * np.maximum(0.0, at_builtin[:, 2] - NECK_SLANT_START_M)
    t = np.clip((at_builtin[:, 1] + slant - NECK_STILL_M) / (NECK_TURNS_M - NECK_STILL_M), 0.0, 1.0)
    head = t * t * (3 - 2 * t)
    soft = np.zeros((len(jaw), len(JOINT_NAMES)))
    soft[:, ROOT], soft[:, NECK], soft[:, JAW] = 1 - head, head * (1 - jaw), head * jaw
    weights = []
    for mesh in meshes:
        own = soft[mesh.source]
        if mesh.name in _RIGID_JOINTS:
            own = np.zeros_like(own)
            own[:, _RIGID_JOINTS[mesh.name]] = 1.0
        weights.append(own)
    return np.concatenate(weights).astype(np.float32)


def _frozen(rig: HeadRig) -> HeadRig:
    """The rig with arrays that nobody can write to, for it is shared."""
    for array in vars(rig).values():
        if isinstance(array, np.ndarray):
            array.flags.writeable = False
    return rig
