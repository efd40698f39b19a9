"""FLAME as a head model: the mean head, its codes, ARKit's 52 shapes made with them, and a mouth's inside.

An optional pack, never part of this project: https://flame.is.tue.mpg.de. See `docs/packs.md`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from core.blendshapes import ARKIT_NAMES, COUNT, INDEX
from core.errors import ModelPackError
from core.geometry.closest_points import Surface
from core.head_model.builtin import load_builtin_rig
from core.head_model.flame_arkit import BLINKS, FlameArkitMap, fit_arkit_map
from core.head_model.flame_embedding import (
    IbugEmbedding,
    MediapipeEmbedding,
    read_ibug_embedding,
    read_mediapipe_embedding,
)
from core.head_model.flame_file import FlameFile, read_flame_file
from core.head_model.flame_files import companions_beside
from core.head_model.flame_landmarks import CarriedLandmarks, carry_landmarks
from core.head_model.flame_lids import LidShapes, outside_the_eyes, read_lids
from core.head_model.flame_mouth import GraftedPart, graft_mouth, lip_directions
from core.head_model.flame_parts import CutPart, cut_parts
from core.head_model.ict_layout import IBUG_FACE_MESH
from core.head_model.model import HeadModel
from core.head_model.personalise import BiharmonicWarp
from core.head_model.rig import HeadRig, Part
from core.head_model.skin_paint import with_skin_painted
from core.structures import FloatArray, IntArray

CARRY_REACH_M = 0.012
"""Skin farther than this from the built-in head's, after the warp, does not follow a carried shape."""


@dataclass(frozen=True, slots=True, eq=False)
class FlamePack:
    """What the files of one FLAME model say, and the map between its codes and ARKit's."""

    name: str
    file: FlameFile
    ibug: IbugEmbedding | None
    mediapipe: MediapipeEmbedding | None
    lids: LidShapes | None
    arkit: FlameArkitMap
    model: HeadModel


def load_flame_pack(path: Path) -> FlamePack:
    """The model at `path` (an official pickle) with the landmark and lid files in its folder or the one above.

    Remembered until one of the files changes; takes seconds. ModelPackError in one line: a file is absent, damaged,
    hostile or of another kind.
    """
    if not path.is_file():
        raise ModelPackError(f"There is no FLAME model at {path}. Register at https://flame.is.tue.mpg.de and get one.")
    stamp = tuple((str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in companions_beside(path).paths())
    return _load(path.resolve(), stamp)


def load_flame_model(path: Path) -> HeadModel:
    """The head model of `load_flame_pack`."""
    return load_flame_pack(path).model


def load_flame_rig(path: Path) -> HeadRig:
    """FLAME's mean head; its arrays cannot be written to."""
    rig = load_flame_model(path).rig()
    for array in vars(rig).values():
        if isinstance(array, np.ndarray):
            array.flags.writeable = False
    return rig


@lru_cache(maxsize=1)
def _load(path: Path, stamp: tuple[tuple[str, int, int], ...]) -> FlamePack:
    """stamp only tells one state of the files from another."""
    beside = companions_beside(path)
    if beside.missing:
        raise ModelPackError(beside.missing)
    file = read_flame_file(path)
    ibug = None if beside.ibug is None else read_ibug_embedding(beside.ibug)
    mediapipe = None if beside.mediapipe is None else read_mediapipe_embedding(beside.mediapipe)
    lids = None
    if beside.left_lid is not None and beside.right_lid is not None:
        lids = read_lids(beside.left_lid, beside.right_lid, file)
    return assemble(f"FLAME ({path.stem})", file, ibug, mediapipe, lids)


def assemble(
    name: str,
    file: FlameFile,
    ibug: IbugEmbedding | None,
    mediapipe: MediapipeEmbedding | None,
    lids: LidShapes | None = None,
) -> FlamePack:
    """The pack of files already read; at least one embedding must be given."""
    builtin = load_builtin_rig()
    parts = cut_parts(file)
    landmarks = carry_landmarks(builtin, file, parts, ibug, mediapipe)
    arkit = fit_arkit_map(builtin, file, landmarks, lids)
    model = _head_model(name, file, parts, landmarks, arkit, ibug)
    painted = replace(model, parts=with_skin_painted(model.rig(), builtin).parts)
    return FlamePack(name, file, ibug, mediapipe, lids, arkit, painted)


def _head_model(
    name: str,
    file: FlameFile,
    parts: tuple[CutPart, ...],
    landmarks: CarriedLandmarks,
    arkit: FlameArkitMap,
    ibug: IbugEmbedding | None,
) -> HeadModel:
    """The model on the vertices of `parts`, doubled where the atlas is cut, and behind them the mouth's inside."""
    mouth = graft_mouth(load_builtin_rig(), landmarks)
    everything: tuple[CutPart | GraftedPart, ...] = (*parts, *mouth)
    inside = sum(len(part.vertices) for part in mouth)
    source = np.concatenate([part.source for part in parts])
    rows = np.concatenate([part.rows for part in parts])
    own_face = np.zeros(len(file.faces), np.int64)
    own_face[rows] = np.arange(len(rows))
    _, first, group = np.unique(source, return_index=True, return_inverse=True)
    regressor = np.zeros((len(file.joint_regressor), len(source) + inside))
    regressor[:, first] = file.joint_regressor[:, source[first]]
    along = np.broadcast_to(lip_directions(file, landmarks), (inside, 3, file.shape_basis.shape[2]))
    shapes, made = _arkit_shapes(file, parts, landmarks, arkit)
    outline = landmarks.embedding
    on_mesh = np.array(IBUG_FACE_MESH)
    return HeadModel(
        name=name,
        template=np.concatenate([file.template[source], *(part.vertices for part in mouth)]),
        faces=_faces(everything),
        uv=np.concatenate([part.uv for part in everything]).astype(np.float32),
        shape_basis=np.concatenate([file.shape_basis[source], along]).astype(np.float32),
        expression_basis=_with_still(file.expression_basis[source], inside),
        pose_correctives=_with_still(file.pose_correctives[source], inside),
        joint_regressor=regressor,
        skin_weights=np.concatenate([file.skin_weights[source], *(p.skin_weights for p in mouth)]).astype(np.float32),
        parts=_parts(everything),
        arkit_shapes=np.concatenate([shapes[:, source], *(part.shapes for part in mouth)], axis=1).astype(np.float32),
        landmark_faces=own_face[outline.faces].astype(np.int32),
        landmark_weights=outline.weights.astype(np.float32),
        ibug_faces=own_face[outline.faces[on_mesh] if ibug is None else ibug.whole.faces].astype(np.int32),
        ibug_weights=(outline.weights[on_mesh] if ibug is None else ibug.whole.weights).astype(np.float32),
        seam_groups=np.concatenate([first[group], len(source) + np.arange(inside)]).astype(np.int32),
        unreachable=arkit.unreachable,
        details={"head": "flame", "made": made, "lids": "files" if arkit.face.has_lids else "own"},
    )


def _with_still(basis: FloatArray, count: int) -> FloatArray:
    """(V + count, 3, n) float32 with vertices behind that do not move."""
    return np.concatenate([basis, np.zeros((count, *basis.shape[1:]))]).astype(np.float32)


def _starts(parts: tuple[CutPart | GraftedPart, ...]) -> tuple[list[int], list[int]]:
    """Where the vertices and the triangles of each part begin, and the ends."""
    vertices, triangles = ([len(getattr(part, field)) for part in parts] for field in ("uv", "triangles"))
    return np.cumsum([0, *vertices]).tolist(), np.cumsum([0, *triangles]).tolist()


def _faces(parts: tuple[CutPart | GraftedPart, ...]) -> IntArray:
    starts = _starts(parts)[0]
    return np.concatenate([p.triangles + start for p, start in zip(parts, starts, strict=False)]).astype(np.int32)


def _parts(parts: tuple[CutPart | GraftedPart, ...]) -> tuple[Part, ...]:
    """Materials are the built-in head's, in whose texture's places the eyes were unwrapped."""
    vertices, faces = _starts(parts)
    return tuple(
        Part(name, slice(*vertices[k : k + 2]), slice(*faces[k : k + 2]), load_builtin_rig().part(name).material)
        for k, name in enumerate(part.name for part in parts)
    )


def _arkit_shapes(
    file: FlameFile, parts: tuple[CutPart, ...], landmarks: CarriedLandmarks, arkit: FlameArkitMap
) -> tuple[FloatArray, list[str]]:
    """(52, 5023, 3) displacements at 1, and the names of those not made with FLAME's codes but carried."""
    shapes = np.zeros((COUNT, len(file.template), 3))
    made = list(arkit.unreachable)
    carried = _carried_shapes(file, parts[0], landmarks) if made else shapes
    left, right = (np.unique(part.source) for part in parts[1:3])
    for k, name in enumerate(ARKIT_NAMES):
        posed = arkit.face.vertices(arkit.expression[k], arkit.jaw[k], arkit.lids[k])
        shapes[k] = carried[k] if name in made else posed - file.template
        if name in made and name in BLINKS:
            shapes[k] = outside_the_eyes(carried[k], file, (left, right))
    return shapes, made


def _carried_shapes(file: FlameFile, skin: CutPart, landmarks: CarriedLandmarks) -> FloatArray:
    """(52, 5023, 3) the built-in head's own displacements, read where the warp lays each vertex of the skin.

    A blink goes through the warp at both of its ends, so that the lids that meet on the built-in head meet here.
    """
    builtin = load_builtin_rig()
    known = np.flatnonzero(landmarks.is_known)
    there = landmarks.embedding.points(file.template, file.faces)[known]
    back = BiharmonicWarp(there, builtin.landmarks().astype(np.float64)[known], smoothing=1e-6)
    triangles: IntArray = builtin.faces[builtin.part("skin").faces]
    own = np.unique(skin.source)
    found = Surface(builtin.vertices, triangles).closest(back(file.template[own]))
    corners = triangles[found.faces]
    moved = np.einsum("nk,snkd->snd", found.weights, builtin.shapes[:, corners].astype(np.float64))
    nearness = np.clip(2.0 - found.distances / CARRY_REACH_M, 0.0, 1.0)[None, :, None]
    shapes = np.zeros((COUNT, len(file.template), 3))
    shapes[:, own] = nearness * landmarks.alignment.scale * (moved @ landmarks.alignment.rotation.T)
    rest = np.einsum("nk,nkd->nd", found.weights, builtin.vertices[corners].astype(np.float64))
    for k in (INDEX[name] for name in BLINKS):
        ends = [landmarks.warp(landmarks.alignment.apply(points)) for points in (rest, rest + moved[k])]
        shapes[k, own] = nearness[0] * (ends[1] - ends[0])
    return shapes
