"""Cuts ICT-FaceKit's one mesh into the rig's parts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from core.blendshapes import INDEX
from core.errors import InputError
from core.head_model import ict_layout as layout
from core.head_model.builtin import EYE_TEXTURE_ANGLE
from core.head_model.eyes import EYE_RADIUS_M
from core.head_model.ict_model import IctModel
from core.structures import BoolArray, FloatArray, IntArray

FACE_ATLAS_HEIGHT = 0.7
"""Share of the skin's atlas, from its top row, that the face's tile takes; skull, neck and sockets take the rest."""
FORWARD = np.array([0.0, 0.0, 1.0])
LEAST_EYE_RADIUS_M, MOST_EYE_RADIUS_M = 0.008, 0.030
OUT_OF_ROUND = 0.2  # the cornea bulges by 6 % of the radius


@dataclass(frozen=True, slots=True, eq=False)
class PartMesh:
    """One part. source: (n,) the model's vertex behind each own vertex; rows: (m,) the model's triangle behind each of
    the own triangles (m, 3); uv: (n, 2), v down."""

    name: str
    source: IntArray
    rows: IntArray
    triangles: IntArray
    uv: FloatArray


def with_anatomical_eyes(model: IctModel) -> tuple[IctModel, FloatArray]:
    """The model with eyeballs of `EYE_RADIUS_M`, and their (2, 3) centres, left and right; metres.

    The file's eyeballs are 31 mm wide. Lids, gaze and photos are made for the human 24 mm (`core.head_model.eyes`):
    with the file's own, a personalised head stares. Each ball shrinks towards the point where its optical axis leaves
    it, so that it stays inside the old one and touches no lid.
    """
    vertices = model.vertices.astype(np.float64)
    centres = []
    for shell in (layout.LEFT_EYE_SHELL, layout.RIGHT_EYE_SHELL):
        centre, radius = _fitted_sphere(vertices[shell])
        scale = EYE_RADIUS_M / radius
        front = centre + radius * FORWARD
        vertices[shell] = front + scale * (vertices[shell] - front)
        centres.append(front - EYE_RADIUS_M * FORWARD)
    return replace(model, vertices=vertices.astype(np.float32)), np.stack(centres)


def _fitted_sphere(points: FloatArray) -> tuple[FloatArray, float]:
    """Centre and median radius of the sphere that fits (n, 3) points best."""
    system = np.concatenate([2 * points, np.ones((len(points), 1))], axis=1)
    centre = np.linalg.lstsq(system, (points**2).sum(axis=1), rcond=None)[0][:3]
    distances = np.linalg.norm(points - centre, axis=1)
    radius = float(np.median(distances))
    round_enough = bool(np.abs(distances - radius).max() <= OUT_OF_ROUND * radius)
    if not (round_enough and LEAST_EYE_RADIUS_M < radius < MOST_EYE_RADIUS_M):
        raise InputError(f"An eyeball should be round, 15 mm in radius, but it has {1000 * radius:.1f} mm.")
    return centre, radius


def cut_parts(model: IctModel, eye_centres: FloatArray) -> list[PartMesh]:
    """The parts in the order of `PART_NAMES`. eye_centres: (2, 3), left and right."""
    last = model.triangles.max(axis=1)
    tongue = _tongue_triangles(model)
    gums = _of(last, layout.GUMS_AND_TONGUE) & ~tongue
    skin = last < layout.HEAD_AND_NECK.stop
    for socket in (layout.LEFT_SOCKET, layout.RIGHT_SOCKET):
        skin |= _of(last, socket)
    left, right = _of(last, layout.LEFT_EYE_SHELL), _of(last, layout.RIGHT_EYE_SHELL)
    return [
        _cut_skin(model, skin),
        _cut_eye(model, "leftEye", left, eye_centres[0]),
        _cut_eye(model, "rightEye", right, eye_centres[1]),
        _cut_plain(model, "mouth", _of(last, layout.MOUTH_SOCKET) | gums),
        _cut_plain(model, "upperTeeth", _of(last, layout.UPPER_TEETH)),
        _cut_plain(model, "lowerTeeth", _of(last, layout.LOWER_TEETH)),
        _cut_plain(model, "tongue", tongue),
    ]


def _of(vertices: IntArray, part: slice) -> BoolArray:
    """(n,) which vertices lie in a range. A triangle belongs where its last vertex lies, so borders go inwards."""
    return np.asarray((vertices >= part.start) & (vertices < part.stop))


def _tongue_triangles(model: IctModel) -> BoolArray:
    """(T,) the texture islands that hold the tongue's seeds; gums and tongue are one piece in space."""
    corners = model.triangles_uv
    links = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]]])
    ones = np.ones(len(links), np.int8)
    graph = coo_matrix((ones, (links[:, 0], links[:, 1])), shape=(len(model.uv), len(model.uv)))
    island = connected_components(graph, directed=False)[1][corners[:, 0]]
    seeds = island[np.isin(model.triangles, layout.TONGUE_SEEDS).any(axis=1)]
    return np.isin(island, seeds)


def _cut_plain(model: IctModel, name: str, chosen: BoolArray) -> PartMesh:
    """A part without texture."""
    source, triangles = np.unique(model.triangles[chosen], return_inverse=True)
    return PartMesh(name, source, np.flatnonzero(chosen), triangles.reshape(-1, 3), np.full((len(source), 2), 0.5))


def _cut_eye(model: IctModel, name: str, chosen: BoolArray, centre: FloatArray) -> PartMesh:
    """An eyeball whose texture is the built-in eye's: polar about the optical axis."""
    plain = _cut_plain(model, name, chosen)
    offset = model.vertices[plain.source] - centre
    angle = np.arctan2(np.hypot(offset[:, 0], offset[:, 1]), offset[:, 2])
    around = np.arctan2(offset[:, 1], offset[:, 0])
    share = 0.5 * np.minimum(angle / EYE_TEXTURE_ANGLE, 1.0)[:, None]
    uv = 0.5 + share * np.stack([np.cos(around), -np.sin(around)], axis=1)
    return replace(plain, uv=uv)


def _cut_skin(model: IctModel, chosen: BoolArray) -> PartMesh:
    """The skin; a vertex on a texture seam is there once for each of its places in the atlas."""
    pairs = np.stack([model.triangles[chosen].ravel(), model.triangles_uv[chosen].ravel()], axis=1)
    own, triangles = np.unique(pairs, axis=0, return_inverse=True)
    source = own[:, 0]
    uv = _skin_uv(model.uv[own[:, 1]], source)
    return PartMesh("skin", source, np.flatnonzero(chosen), triangles.reshape(-1, 3), uv)


def _skin_uv(tiled: FloatArray, source: IntArray) -> FloatArray:
    """(n, 2) places in one atlas that is its own mirror image about u = 0.5, as photos' textures need."""
    tile = np.floor(tiled[:, 0])
    u, down = tiled[:, 0] - tile, 1.0 - tiled[:, 1]
    # Both sockets lie on one side of the head's tile: one of them goes to the mirrored place.
    left, right = _of(source, layout.LEFT_SOCKET), _of(source, layout.RIGHT_SOCKET)
    u[right] = 1.0 - (u[right] - u[right].min(initial=1.0) + u[left].min(initial=1.0))
    v = np.where(tile == 0, down * FACE_ATLAS_HEIGHT, FACE_ATLAS_HEIGHT + down * (1.0 - FACE_ATLAS_HEIGHT))
    return np.clip(np.stack([u, v], axis=1), 0.0, 1.0)


def jaw_share(model: IctModel) -> FloatArray:
    """(26719,) in [0, 1], how much a vertex follows the jaw: its way in jawOpen as a share of the chin's."""
    way = np.linalg.norm(model.shapes[INDEX["jawOpen"]], axis=1)
    chin = way[layout.IBUG_VERTICES[layout.IBUG_CHIN]]
    return np.asarray(np.clip(way / max(float(chin), 1e-6), 0.0, 1.0))


TONGUE_REACH = 0.62
"""How far the tip comes out, as a share of the tongue's length: 36 mm, as on the built-in head."""


def tongue_out(tongue: FloatArray) -> FloatArray:
    """(n, 3) displacement of the tongue's (n, 3) vertices for tongueOut, which ICT-FaceKit does not have.

    The front slides forward, first a little up to clear the lower teeth, then its tip bends down.
    """
    length = max(float(np.ptp(tongue[:, 2])), 1e-6)
    ahead = ((tongue[:, 2] - tongue[:, 2].min()) / length) ** 1.5
    tip = np.clip((ahead - 0.55) / 0.45, 0.0, 1.0)
    moved = np.zeros_like(tongue)
    moved[:, 2] = TONGUE_REACH * length * ahead
    moved[:, 1] = length * (0.10 * ahead - 0.16 * tip)
    return moved
