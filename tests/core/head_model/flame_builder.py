"""Writes files of FLAME's official layout from the built-in head: same counts, keys and classes, no FLAME data."""

from __future__ import annotations

import pickle
import struct
import sys
import types
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np
from scipy.sparse import csc_matrix
from scipy.spatial import ConvexHull

from core.blendshapes import ARKIT_NAMES, INDEX
from core.head_model.builtin import load_builtin_rig
from core.head_model.flame_embedding import (
    CONTOUR_COUNT,
    CONTOUR_ROWS,
    YAW_LIMIT_DEG,
    IbugEmbedding,
    MediapipeEmbedding,
    SurfaceEmbedding,
)
from core.head_model.flame_file import FACE_COUNT, VERTEX_COUNT, FlameFile
from core.head_model.ict_layout import IBUG_FACE_MESH
from core.head_model.skinning import JAW, LEFT_EYE, NECK, RIGHT_EYE, ROOT

_SKIN = load_builtin_rig().part("skin")
SKIN_POINTS = len(np.unique(load_builtin_rig().seam_groups[_SKIN.vertices]))
EYE_VERTICES = (VERTEX_COUNT - SKIN_POINTS) // 2  # what the skin leaves of the official number
UNREACHABLE = ("cheekPuff", "cheekSquintLeft", "cheekSquintRight", "tongueOut")
# What the published 105-point file covers: brows, eyes, nose and lips.
MEDIAPIPE_IDS = (
    276,282,283,285,293,295,296,300,334,336,46,52,53,55,63,65,66,70,105,107,249,263,362,373,374,380,381,382,384,385,386,
    387,388,390,398,466,7,33,133,144,145,153,154,155,157,158,159,160,161,163,173,246,168,6,197,195,5,4,129,98,97,2,326,
    327,358,0,13,14,17,37,39,40,61,78,80,81,82,84,87,88,91,95,146,178,181,185,191,267,269,270,291,308,310,311,312,314,
    317,318,321,324,375,402,405,409,415,
)  # fmt: skip
OFFSET = np.array([0.001, -0.022, -0.012])  # FLAME's origin does not lie between the eyes


class Ch:
    """As chumpy 0.70 pickles its `Ch`: these fields, a set among them."""

    def __init__(self, x: np.ndarray) -> None:
        self.__dict__.update(
            _dirty_vars={"x"}, _itr=None, _make_dense=False, _make_sparse=False, _depends_on_deps={}, x=x
        )


class Python2Pickler(pickle._Pickler):
    """Writes text and bytes as Python 2 wrote its `str`: one kind of string, without an encoding."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def _save_string(self, value) -> None:
        data = value.encode("latin1") if isinstance(value, str) else value
        self.write(b"T" + struct.pack("<i", len(data)) + data)
        self.memoize(value)

    dispatch[str] = dispatch[bytes] = _save_string


def _sphere(centre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    k = np.arange(EYE_VERTICES) + 0.5
    polar, around = np.arccos(1 - 2 * k / EYE_VERTICES), np.pi * (1 + 5**0.5) * k
    unit = np.stack([np.sin(polar) * np.cos(around), np.cos(polar), np.sin(polar) * np.sin(around)], 1)
    faces = ConvexHull(unit).simplices
    corner = unit[faces]
    inward = np.einsum("fd,fd->f", np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]), corner[:, 0]) < 0
    faces[inward] = faces[inward][:, ::-1]
    return centre + 0.012 * unit, faces


def _waves(points: np.ndarray, count: int, size_m: float, seed: int) -> np.ndarray:
    """(n, 3, count) smooth random motions of space."""
    rng = np.random.default_rng(seed)
    ways = rng.normal(0, 12.0, (3, count))
    return size_m * rng.normal(size=(1, 3, count)) * np.sin(points @ ways + rng.uniform(0, 6, count))[:, None]


@cache
def flame_arrays() -> dict[str, np.ndarray]:
    """The keys of an official file, with a head's own values."""
    rig = load_builtin_rig()
    part = rig.part("skin")
    group = rig.seam_groups[part.vertices]
    first, compact = np.unique(group, return_inverse=True)
    skin = rig.vertices[first].astype(np.float64)
    eyes = [_sphere(rig.joints[j].astype(np.float64)) for j in (LEFT_EYE, RIGHT_EYE)]
    template = np.concatenate([skin, eyes[0][0], eyes[1][0]])
    start = len(skin)
    faces = [compact[rig.faces[part.faces]], eyes[0][1] + start, eyes[1][1] + start + EYE_VERTICES]
    count = FACE_COUNT - sum(map(len, faces))
    faces.append(faces[0][:count])  # the same triangles again, to have the official number
    weights = np.zeros((len(template), 5))
    jaw = np.linalg.norm(rig.shapes[INDEX["jawOpen"]][first], axis=1)
    jaw = np.clip(jaw / jaw.max(), 0, 1)
    neck = np.clip((skin[:, 1] + 0.17) / 0.07, 0, 1)
    weights[:start, JAW], weights[:start, NECK], weights[:start, ROOT] = neck * jaw, neck * (1 - jaw), 1 - neck
    weights[start : start + EYE_VERTICES, LEFT_EYE] = weights[start + EYE_VERTICES :, RIGHT_EYE] = 1
    regressor = np.zeros((5, len(template)))
    regressor[LEFT_EYE, start : start + EYE_VERTICES] = regressor[RIGHT_EYE, start + EYE_VERTICES :] = 1 / EYE_VERTICES
    for joint in (ROOT, NECK, JAW):
        near = np.argsort(np.linalg.norm(skin - rig.joints[joint], axis=1))[:60]
        system = np.concatenate([skin[near].T, np.ones((1, 60))])
        regressor[joint, near] = np.linalg.lstsq(system, np.append(rig.joints[joint], 1.0), rcond=None)[0]
    return {
        "v_template": template + OFFSET,
        "shapedirs": np.concatenate([_waves(template, 300, 1e-3, 1), _expressions(first, len(template))], axis=2),
        "posedirs": _waves(template, 36, 2e-4, 2),
        "J_regressor": regressor,
        "kintree_table": np.array([[2**32 - 1, 0, 1, 1, 1], [0, 1, 2, 3, 4]], np.uint32),
        "weights": weights,
        "f": np.concatenate(faces).astype(np.uint32),
    }


def _expressions(first: np.ndarray, count: int) -> np.ndarray:
    """(n, 3, 100) random mixtures of the built-in shapes that FLAME can make without its jaw."""
    names = [n for n in ARKIT_NAMES if n not in UNREACHABLE and not n.startswith("jaw")]
    shapes = load_builtin_rig().shapes[[INDEX[n] for n in names]][:, first].astype(np.float64)
    mixed = np.random.default_rng(3).normal(0, 0.3, (len(names), 100))
    out = np.zeros((count, 3, 100))
    out[: len(first)] = np.einsum("snd,se->nde", shapes, mixed)
    return out


def _as_published(arrays: dict[str, np.ndarray]) -> dict[str, object]:
    wrapped = {key: Ch(arrays[key]) for key in ("v_template", "shapedirs", "posedirs", "weights")}
    matrix = csc_matrix(arrays["J_regressor"])
    others = {"J": arrays["J_regressor"] @ arrays["v_template"], "bs_style": "lbs", "bs_type": "lrotmin"}
    return {**arrays, **wrapped, "J_regressor": matrix, **others}


def write_flame(path: Path, arrays: dict[str, np.ndarray], protocol: int = 2, python2: bool = False) -> Path:
    """Pickles a model as the official files are: chumpy's and scipy's classes by their own names."""
    names = {"chumpy": types.ModuleType("chumpy"), "chumpy.ch": types.ModuleType("chumpy.ch")}
    names["chumpy.ch"].Ch, Ch.__module__ = Ch, "chumpy.ch"
    sys.modules.update(names)
    try:
        with path.open("wb") as file:
            make = Python2Pickler if python2 else pickle.Pickler
            make(file, protocol=protocol).dump(_as_published(arrays))
    finally:
        for name in names:
            del sys.modules[name]
        Ch.__module__ = __name__
    if python2:
        path.write_bytes(path.read_bytes().replace(b"cscipy.sparse._csc\n", b"cscipy.sparse.csc\n", 1))
    return path


@cache
def builtin_embedding() -> tuple[np.ndarray, np.ndarray]:
    """The face points of the built-in head on the synthetic model: same triangles, for the skin comes first."""
    rig = load_builtin_rig()
    return rig.landmark_faces[:468].astype(np.int64), rig.landmark_weights[:468].astype(np.float64)


def contour_faces() -> tuple[np.ndarray, np.ndarray]:
    """(79, 17) triangles nearest to a turned head's outline, and centre weights; yaw positive to the left."""
    arrays = flame_arrays()
    template = arrays["v_template"] - OFFSET
    corners = template[arrays["f"][_SKIN.faces]]
    centre = corners.mean(axis=1)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-12
    rows = []
    for row in range(CONTOUR_ROWS):
        yaw = np.radians(row if row <= YAW_LIMIT_DEG else YAW_LIMIT_DEG - row)
        depth = -np.sin(yaw) * normal[:, 0] + np.cos(yaw) * normal[:, 2]
        chosen = []
        for k in range(CONTOUR_COUNT):
            goal = (-0.07 if k < 8 else 0.07, -0.09 + 0.008 * abs(k - 8), 0.0)
            chosen.append(np.argmin(np.linalg.norm(centre - goal, axis=1) + 0.5 * np.abs(depth)))
        rows.append(chosen)
    return np.array(rows), np.full((CONTOUR_ROWS, CONTOUR_COUNT, 3), 1 / 3)


def write_ibug(path: Path, tensors: bool) -> Path:
    """`landmark_embedding.npy`: one dictionary in an array of objects, its contours torch tensors where asked for."""
    faces, weights = builtin_embedding()
    ids = np.array(IBUG_FACE_MESH)
    contours = contour_faces()
    if tensors:
        import torch

        contours = tuple(torch.as_tensor(part) for part in contours)
    content = {
        "static_lmk_faces_idx": faces[ids[17:]], "static_lmk_bary_coords": weights[ids[17:]],
        "dynamic_lmk_faces_idx": contours[0], "dynamic_lmk_bary_coords": contours[1],
        "full_lmk_faces_idx": faces[ids][None], "full_lmk_bary_coords": weights[ids][None].astype(np.float32),
    }  # fmt: skip
    np.save(path, np.array(content, dtype=object), allow_pickle=True)
    return path


def write_mediapipe(path: Path) -> Path:
    """`mediapipe_landmark_embedding.npz`."""
    faces, weights = builtin_embedding()
    ids = np.array(MEDIAPIPE_IDS)
    np.savez(path, lmk_face_idx=faces[ids].astype(np.uint32), lmk_b_coords=weights[ids], landmark_indices=ids)
    return path


@cache
def flame_file() -> FlameFile:
    """The synthetic model as `read_flame_file` gives it."""
    arrays = flame_arrays()
    return FlameFile(
        arrays["v_template"], arrays["f"].astype(np.int64), arrays["shapedirs"][:, :, :300],
        arrays["shapedirs"][:, :, 300:], arrays["posedirs"], arrays["J_regressor"], arrays["weights"],
    )  # fmt: skip


def ibug_embedding(turned: bool = False) -> IbugEmbedding:
    """The synthetic 68 points; turned: contours whose yaw is positive to the right."""
    faces, weights = builtin_embedding()
    ids = np.array(IBUG_FACE_MESH)
    contours, centre = contour_faces()
    if turned:
        contours = np.concatenate([contours[:1], contours[YAW_LIMIT_DEG + 1 :], contours[1 : YAW_LIMIT_DEG + 1]])
    features, whole = (SurfaceEmbedding(faces[chosen], weights[chosen]) for chosen in (ids[17:], ids))
    return IbugEmbedding(features, SurfaceEmbedding(contours, centre), whole)


def mediapipe_embedding() -> MediapipeEmbedding:
    """The synthetic 105 points."""
    faces, weights = builtin_embedding()
    ids = np.array(MEDIAPIPE_IDS)
    return MediapipeEmbedding(SurfaceEmbedding(faces[ids], weights[ids]), ids)


@cache
def lid_displacements() -> np.ndarray:
    """(2, 5023, 3) the built-in head's blinks on the synthetic model, left first: what a lid file would hold."""
    rig = load_builtin_rig()
    first = np.unique(rig.seam_groups[rig.part("skin").vertices])
    lids = np.zeros((2, VERTEX_COUNT, 3))
    lids[:, : len(first)] = rig.shapes[[INDEX["eyeBlinkLeft"], INDEX["eyeBlinkRight"]]][:, first]
    return lids


def write_lids(folder: Path, swapped: bool = False) -> tuple[Path, Path]:
    """`l_eyelid.npy` and `r_eyelid.npy`; swapped: each closes the other eye."""
    paths = folder / "l_eyelid.npy", folder / "r_eyelid.npy"
    for path, lid in zip(paths, lid_displacements()[::-1] if swapped else lid_displacements(), strict=True):
        np.save(path, lid.astype(np.float32))
    return paths


def without_lids(scale: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> FlameFile:
    """The synthetic model whose expressions stop at the lids, as FLAME's nearly do; its skin stretched by `scale`."""
    model = flame_file()
    lids = np.linalg.norm(lid_displacements(), axis=2).max(axis=0) > 1e-5
    template, expressions = model.template.copy(), model.expression_basis.copy()
    skin = slice(0, len(template) - 2 * EYE_VERTICES)
    middle = model.joints()[3:].mean(axis=0)
    template[skin] = middle + (template[skin] - middle) * scale
    expressions[lids] = 0.0
    return replace(model, template=template, expression_basis=expressions)
