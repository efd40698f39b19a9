"""Heads whose form is exactly known, to be drawn and found again: people of the ICT-FaceKit pack, and made-up relatives
of the built-in head where the pack is absent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from core.errors import ModelPackError
from core.geometry.mesh import VertexNormals
from core.geometry.similarity import fit_similarity
from core.head_model.builtin import load_builtin_rig
from core.head_model.heads import ICT_FILE
from core.head_model.ict import load_ict_rig
from core.head_model.ict_file import read_ict_file
from core.head_model.ict_model import METRES_PER_UNIT, checked_model
from core.head_model.ict_parts import cut_parts, with_anatomical_eyes
from core.head_model.identity import FACE_POINTS
from core.head_model.personalise import personalise
from core.head_model.rig import HeadRig
from core.head_model.skin_paint import landmark_places
from core.head_model.skinning import LEFT_EYE, RIGHT_EYE
from core.structures import BoolArray, FloatArray, ImageArray
from core.tracking.landmark_ids import LEFT_BROW, OUTER_LIPS, RIGHT_BROW

FACE_REACH_M = 0.008  # skin this near to a FaceMesh point is face
SCANNER_CELL_M = 0.0015
DEFAULT_SCALE, DEFAULT_MODES = 1.2, 100
TONES = ((224, 172, 145), (198, 134, 102), (141, 85, 60), (240, 200, 175), (104, 62, 44), (176, 120, 92))


@dataclass(frozen=True, slots=True, eq=False)
class IctModes:
    """The mean rig and how its vertices (V, 3) move with each of the n identity modes, metres: (n, V, 3)."""

    mean: HeadRig
    modes: FloatArray


@lru_cache(maxsize=1)
def ict_modes(path: Path) -> IctModes:
    """The pack's people. ModelPackError when the file is absent or has no identities."""
    mean = load_ict_rig(path)
    model, centres = with_anatomical_eyes(checked_model(read_ict_file(path), path.name))
    source = np.concatenate([mesh.source for mesh in cut_parts(model, centres)])
    with np.load(path, allow_pickle=False) as stored:
        if "identity_delta" not in stored:
            raise ModelPackError(f"{path.name} holds no identities (identity_delta). Get the light model again.")
        modes = stored["identity_delta"][:, source].astype(np.float32) * np.float32(METRES_PER_UNIT)
    for name in ("leftEye", "rightEye"):
        ball = mean.part(name).vertices
        front = mean.vertices[ball, 2] > np.percentile(mean.vertices[ball, 2], 60)
        modes[:, ball] = modes[:, ball][:, front].mean(axis=1, keepdims=True)  # eyeballs keep their size
    return IctModes(mean, modes)


def ict_person(people: IctModes, seed: int, scale: float = DEFAULT_SCALE, modes: int = DEFAULT_MODES) -> HeadRig:
    """A person of the pack: standard normal coefficients times `scale` on the first `modes` modes."""
    code = np.random.default_rng(seed).normal(0, scale, modes)
    mean = people.mean
    vertices = mean.vertices + np.tensordot(code, people.modes[:modes], 1)
    joints = mean.joints.astype(np.float64).copy()
    for joint, name in ((LEFT_EYE, "leftEye"), (RIGHT_EYE, "rightEye")):
        ball = mean.part(name).vertices
        joints[joint] += (vertices[ball] - mean.vertices[ball]).mean(axis=0)
    origin = 0.5 * (joints[LEFT_EYE] + joints[RIGHT_EYE])
    return replace(
        mean, name=f"ict-{seed}", vertices=(vertices - origin).astype(np.float32),
        joints=(joints - origin).astype(np.float32),
    )  # fmt: skip


def relative(seed: int) -> HeadRig:
    """A made-up relative of the built-in head: other size, proportions and features, mostly symmetric."""
    rng = np.random.default_rng(seed)
    base = load_builtin_rig()
    points = base.landmarks().astype(np.float64)
    changed = points * (rng.normal(1.0, 0.045) * rng.normal(1.0, 0.025, 3))
    for _ in range(14):
        centre, reach = points[rng.integers(FACE_POINTS)], rng.uniform(0.012, 0.045)
        push = rng.normal(0, 0.0022, 3)
        for sign in (1, -1):
            fall = np.exp(-((points - centre * (sign, 1, 1)) ** 2).sum(1) / (2 * reach**2))
            changed += rng.normal(1, 0.15) * fall[:, None] * push * (sign, 1, 1)
    return personalise(base, changed, f"relative-{seed}")


def with_skin(rig: HeadRig, seed: int) -> HeadRig:
    """The rig in another skin: tone, blotches, contrast of its features."""
    rng = np.random.default_rng([seed, 7])
    skin = rig.part("skin")
    texture = np.asarray(skin.material.texture, np.float64)
    plain = np.median(texture.reshape(-1, 3), axis=0)
    tone = np.array(TONES[rng.integers(len(TONES))]) * rng.normal(1, 0.05, 3)
    contrast = rng.uniform(0.7, 1.5)
    repainted = tone * np.clip(texture / plain, 0.05, 1.6) ** contrast
    size = texture.shape[0]
    blotches = _soft_noise(rng, size, 24) * 5 + _soft_noise(rng, size, 200) * 4
    image: ImageArray = np.clip(repainted + blotches[..., None], 0, 255).astype(np.uint8)
    changed = replace(skin, material=replace(skin.material, texture=image, roughness=float(rng.uniform(0.4, 0.8))))
    return replace(rig, parts=tuple(changed if part is skin else part for part in rig.parts))


def with_makeup(rig: HeadRig, seed: int) -> HeadRig:
    """The rig with brows and lips crudely drawn over, a little beside their places: what is painted on a face is no
    sure sign of its form."""
    import cv2

    rng = np.random.default_rng([seed, 8])
    skin = rig.part("skin")
    image = np.asarray(skin.material.texture, np.float64)
    size = image.shape[0]
    places = landmark_places(rig) * size
    shift = rng.normal(0, (0.003, 0.010)) * size
    tone = np.median(image.reshape(-1, 3), axis=0)
    for contours, colour, reach in (
        ((LEFT_BROW, RIGHT_BROW), tone * rng.uniform(0.15, 0.6), rng.uniform(-0.004, 0.006)),
        ((OUTER_LIPS,), tone * (1.0, 0.5, 0.55) * rng.uniform(0.5, 1.1), rng.uniform(-0.003, 0.02)),
    ):
        mask = np.zeros((size, size), np.float32)
        for contour in contours:
            ring = np.array([*contour[:5], *contour[:4:-1]]) if len(contour) == 10 else np.array(contour)
            moved = places[ring] + (shift if len(contour) == 10 else 0.3 * shift)
            cv2.fillPoly(mask, [np.round(moved).astype(np.int32)], (1.0,))
        grown = cv2.GaussianBlur(mask, (0, 0), max(1.0, abs(reach) * size / 2))
        mask = np.clip(grown * (2.2 if reach > 0 else 1.0) * mask.max(), 0, 1) * float(rng.uniform(0.3, 1.0))
        image = image * (1 - mask[..., None]) + colour * mask[..., None]
    painted = replace(skin, material=replace(skin.material, texture=np.clip(image, 0, 255).astype(np.uint8)))
    return replace(rig, parts=tuple(painted if part is skin else part for part in rig.parts))


def _soft_noise(rng: np.random.Generator, size: int, cells: int) -> FloatArray:
    import cv2

    return np.asarray(cv2.resize(rng.normal(size=(cells, cells)), (size, size), interpolation=cv2.INTER_CUBIC))


def face_region(rig: HeadRig) -> BoolArray:
    """(n,) which of the skin's vertices are face: near a FaceMesh point, and what a scanner in front would see: not the
    inside of lids, lips and nostrils."""
    skin = rig.part("skin").vertices
    points = rig.vertices[skin].astype(np.float64)
    landmarks = rig.landmarks()[:FACE_POINTS]
    near = cKDTree(landmarks).query(points)[0] < FACE_REACH_M
    normals = VertexNormals(rig.faces, len(rig.vertices), rig.seam_groups)(rig.vertices)[skin]
    cells = np.floor((points[:, :2] - points[:, :2].min(axis=0)) / SCANNER_CELL_M).astype(int)
    front = np.full(cells.max(axis=0) + 3, -np.inf)
    for across in (-1, 0, 1):
        for down in (-1, 0, 1):
            np.maximum.at(front, (cells[:, 0] + 1 + across, cells[:, 1] + 1 + down), points[:, 2])
    behind = front[cells[:, 0] + 1, cells[:, 1] + 1] - points[:, 2]
    seen = (normals[:, 2] > 0.1) & (behind < 5 * SCANNER_CELL_M)
    return near & seen & (points[:, 2] > landmarks[:, 2].min())


def closest_scale(estimate: FloatArray, truth: FloatArray) -> float:
    """Size of the estimated (n, 3) points in parts of the true ones, corresponding row by row."""
    return float(fit_similarity(truth, estimate).scale)


def ict_path(models_dir: Path) -> Path | None:
    """The pack's array file, None where it is absent."""
    path = models_dir / ICT_FILE
    return path if path.is_file() else None
