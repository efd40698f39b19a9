"""Small, whole test objects: `tiny_rig()` has seven parts, a texture, 52 shapes that all move, and 478 points."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from core.blendshapes import ARKIT_NAMES, COUNT
from core.head_model.rig import HeadRig, Material, Part
from core.head_model.skinning import JAW, JOINT_NAMES, LEFT_EYE, NECK, RIGHT_EYE, ROOT
from core.structures import LANDMARK_COUNT, FloatArray, ImageArray, IntArray

TINY_JOINTS = np.array(
    [[0.0, -0.16, -0.06], [0.0, -0.1, -0.05], [0.0, -0.02, -0.04], [0.032, 0.0, 0.0], [-0.032, 0.0, 0.0]], np.float32
)
# Centre of what a shape moves on the subject's left, by the first word of its name.
SHAPE_CENTERS = {
    "eye": (0.032, 0.0, 0.03),
    "jaw": (0.0, -0.08, 0.02),
    "mouth": (0.018, -0.06, 0.03),
    "brow": (0.03, 0.025, 0.03),
    "cheek": (0.045, -0.03, 0.01),
    "nose": (0.012, -0.02, 0.045),
    "tongue": (0.0, -0.05, 0.01),
}


def ellipsoid(
    center: tuple[float, float, float], radii: tuple[float, float, float], rows: int, columns: int
) -> tuple[FloatArray, IntArray, FloatArray, IntArray]:
    """Vertices (V, 3), faces (F, 3), uv (V, 2), seam groups (V,) of an ellipsoid with a seam at the back."""
    polar, around = np.meshgrid(
        np.linspace(0.05, np.pi - 0.05, rows), np.linspace(-np.pi, np.pi, columns), indexing="ij"
    )
    unit = np.stack([np.sin(polar) * np.sin(around), np.cos(polar), np.sin(polar) * np.cos(around)], axis=-1)
    vertices = (np.asarray(center) + unit * np.asarray(radii)).reshape(-1, 3)
    uv = np.stack([(around + np.pi) / (2 * np.pi), polar / np.pi], axis=-1).reshape(-1, 2)
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = (part.ravel() for part in (index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]))
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    groups = index.copy()
    groups[:, -1] = groups[:, 0]
    vertices.reshape(rows, columns, 3)[:, -1] = vertices.reshape(rows, columns, 3)[:, 0]
    return vertices.astype(np.float32), faces.astype(np.int32), uv.astype(np.float32), groups.ravel().astype(np.int32)


def gradient_texture(size: int = 64) -> ImageArray:
    """(size, size, 3) picture with every corner in its own colour, so that a turned or mirrored texture shows."""
    ramp = np.linspace(0, 255, size)
    return np.stack(
        [np.tile(ramp, (size, 1)), np.tile(ramp[:, None], (1, size)), np.full((size, size), 128.0)], axis=-1
    ).astype(np.uint8)


def _shape(name: str, vertices: FloatArray, moves: FloatArray) -> FloatArray:
    """(V, 3) a smooth bump of up to 8 mm about the named place; it stays on its side of the face."""
    prefix = next(word for word in SHAPE_CENTERS if name.startswith(word))
    center = np.asarray(SHAPE_CENTERS[prefix], np.float64)
    sideways = name in ("jawLeft", "jawRight", "mouthLeft", "mouthRight")
    side = 1.0 if name.endswith("Left") else -1.0 if name.endswith("Right") else 0.0
    center[0] *= 0.0 if sideways else side
    weight = np.exp(-((vertices - center) ** 2).sum(1) / (2 * 0.02**2)) * moves
    if side and not sideways:
        weight = weight * (vertices[:, 0] * side > 0)
    weight[weight < 0.02] = 0.0
    angle = 2.4 * ARKIT_NAMES.index(name)
    direction = (side, 0.0, 0.0) if sideways else (0.0, np.cos(angle), np.sin(angle))
    return (0.008 * weight[:, None] * np.asarray(direction)).astype(np.float32)


def _skin_weights(vertices: FloatArray) -> FloatArray:
    """(V, 5) weights that fade from root to neck, a jaw below the mouth, and some of the eyes' joints everywhere."""
    weights = np.zeros((len(vertices), len(JOINT_NAMES)))
    neck = np.clip((vertices[:, 1] + 0.14) / 0.06, 0.0, 1.0)
    jaw = 0.8 * neck * np.clip((-0.03 - vertices[:, 1]) / 0.03, 0.0, 1.0) * (vertices[:, 2] > 0)
    weights[:, JAW] = jaw
    for joint in (LEFT_EYE, RIGHT_EYE):
        weights[:, joint] = 0.1 * np.exp(-((vertices - TINY_JOINTS[joint]) ** 2).sum(1) / (2 * 0.06**2))
    weights[:, NECK] = neck - jaw
    weights[:, ROOT] = 1.0 - neck
    return weights / weights.sum(1, keepdims=True)


@cache
def tiny_rig() -> HeadRig:
    """About 500 vertices: an egg of a head with a seam, eyes, mouth, teeth and tongue; the same object every time."""
    bodies = {
        "skin": ellipsoid((0.0, -0.03, -0.03), (0.075, 0.11, 0.08), 13, 25),
        "leftEye": ellipsoid((0.032, 0.0, 0.0), (0.012, 0.012, 0.012), 5, 9),
        "rightEye": ellipsoid((-0.032, 0.0, 0.0), (0.012, 0.012, 0.012), 5, 9),
        "mouth": ellipsoid((0.0, -0.06, 0.01), (0.025, 0.015, 0.02), 5, 9),
        "upperTeeth": ellipsoid((0.0, -0.055, 0.02), (0.02, 0.004, 0.01), 4, 9),
        "lowerTeeth": ellipsoid((0.0, -0.065, 0.02), (0.02, 0.004, 0.01), 4, 9),
        "tongue": ellipsoid((0.0, -0.06, 0.015), (0.012, 0.004, 0.018), 5, 9),
    }
    colors = {"skin": (1.0, 1.0, 1.0), "mouth": (0.35, 0.08, 0.07), "tongue": (0.5, 0.15, 0.15)}
    parts, vertices, faces, uv, groups = [], [], [], [], []
    vertex_count = face_count = 0
    for name, (part_vertices, part_faces, part_uv, part_groups) in bodies.items():
        texture = gradient_texture() if name == "skin" else None
        material = Material(color=colors.get(name, (0.9, 0.88, 0.85)), texture=texture, roughness=0.5)
        parts.append(
            Part(
                name,
                slice(vertex_count, vertex_count + len(part_vertices)),
                slice(face_count, face_count + len(part_faces)),
                material,
            )
        )
        vertices.append(part_vertices)
        faces.append(part_faces + vertex_count)
        uv.append(part_uv)
        groups.append(part_groups + vertex_count)
        vertex_count += len(part_vertices)
        face_count += len(part_faces)
    return _finish(tuple(parts), *(np.concatenate(a) for a in (vertices, faces, uv, groups)))


def _finish(
    parts: tuple[Part, ...], vertices: FloatArray, faces: IntArray, uv: FloatArray, groups: IntArray
) -> HeadRig:
    moves = np.ones(len(vertices))
    for part in parts:
        if part.name.endswith("Eye"):
            moves[part.vertices] = 0.0
    shapes = np.stack([_shape(name, vertices, moves) for name in ARKIT_NAMES])
    weights = _skin_weights(vertices)
    for part, joint in zip(parts[1:3], (LEFT_EYE, RIGHT_EYE), strict=True):
        weights[part.vertices] = np.eye(len(JOINT_NAMES))[joint]
    random = np.random.default_rng(7)
    front = np.flatnonzero(vertices[faces[parts[0].faces]][:, :, 2].min(1) > -0.02)
    return HeadRig(
        name="Tiny head",
        vertices=vertices,
        faces=faces,
        uv=uv,
        shapes=shapes.reshape(COUNT, -1, 3),
        joints=TINY_JOINTS.copy(),
        skin_weights=weights.astype(np.float32),
        parts=parts,
        landmark_faces=front[np.arange(LANDMARK_COUNT) % len(front)].astype(np.int32),
        landmark_weights=random.dirichlet((1.0, 1.0, 1.0), LANDMARK_COUNT).astype(np.float32),
        seam_groups=groups,
        details={"source": "tests", "numbers": [1, 2.5, None], "nested": {"is_tiny": True}},
    )


def with_skin_texture(rig: HeadRig, texture: ImageArray | None) -> HeadRig:
    """The rig with another picture on its skin."""
    parts = tuple(
        replace(part, material=replace(part.material, texture=texture)) if part.name == "skin" else part
        for part in rig.parts
    )
    return replace(rig, parts=parts)
