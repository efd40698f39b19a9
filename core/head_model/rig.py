"""`HeadRig`: one person's head that moves. Every input ends in it, every picture and file starts from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from core.blendshapes import COUNT
from core.errors import RigError
from core.geometry.mesh import VertexNormals, interpolate
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.head_model.correctives import PairCorrective, PoseCorrectives, require_within
from core.head_model.skinning import (
    JOINT_NAMES,
    LEFT_EYE,
    NECK,
    RIGHT_EYE,
    linear_blend_skinning,
)
from core.structures import LANDMARK_COUNT, FaceState, FloatArray, ImageArray, IntArray, Mesh

PART_NAMES: tuple[str, ...] = (
    "skin", "leftEye", "rightEye", "mouth", "upperTeeth", "lowerTeeth", "tongue",
)  # fmt: skip
"""The parts of every head, in the order in which they lie in the vertex array."""


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """How a part looks. color: linear-free sRGB in [0, 1], multiplied with the texture; texture: (H, W, 3) uint8
    sRGB, first row is the top (uv v = 0), or None; roughness in [0, 1]."""

    color: tuple[float, float, float] = (1.0, 1.0, 1.0)
    texture: ImageArray | None = None
    roughness: float = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A named run of the rig's vertices and faces: `vertices[start:stop]`, `faces[start:stop]`."""

    name: str
    vertices: slice
    faces: slice
    material: Material = field(default_factory=Material)


@dataclass(frozen=True, eq=False)
class HeadRig:
    """A head in rest pose with its 52 shapes, joints and looks.

    vertices: (V, 3) float32, head frame, metres; the middle between the eyeballs' centres is the origin.
    faces: (F, 3) int32, counter-clockwise from outside. uv: (V, 2) float32 in [0, 1], v = 0 at the top row.
    shapes: (52, V, 3) float32, displacement at coefficient 1, order of `ARKIT_NAMES`.
    joints: (5, 3) float32, order of `JOINT_NAMES`. skin_weights: (V, 5) float32, rows sum to 1.
    landmark_faces: (478,) int32 and landmark_weights: (478, 3) float32: the FaceMesh points on the surface.
    seam_groups: (V,) int32; vertices that are one point of the surface share a number.
    details: what the maker wants to keep with the rig (plain JSON values).
    landmark_bias: (478, 3) float32 metres, head frame, what the landmark network reports of this head minus its true
    points; None when nobody measured it.
    correctives: what two shapes need beside their sum. pose_correctives: what turned joints need before skinning.
    """

    name: str
    vertices: FloatArray
    faces: IntArray
    uv: FloatArray
    shapes: FloatArray
    joints: FloatArray
    skin_weights: FloatArray
    parts: tuple[Part, ...]
    landmark_faces: IntArray
    landmark_weights: FloatArray
    seam_groups: IntArray
    details: Mapping[str, object] = field(default_factory=dict)
    landmark_bias: FloatArray | None = None
    correctives: tuple[PairCorrective, ...] = ()
    pose_correctives: PoseCorrectives | None = None

    def __post_init__(self) -> None:
        count = len(self.vertices)
        expected = {
            "vertices": (self.vertices, (count, 3)),
            "faces": (self.faces, (len(self.faces), 3)),
            "uv": (self.uv, (count, 2)),
            "shapes": (self.shapes, (COUNT, count, 3)),
            "joints": (self.joints, (len(JOINT_NAMES), 3)),
            "skin_weights": (self.skin_weights, (count, len(JOINT_NAMES))),
            "landmark_faces": (self.landmark_faces, (LANDMARK_COUNT,)),
            "landmark_weights": (self.landmark_weights, (LANDMARK_COUNT, 3)),
            "seam_groups": (self.seam_groups, (count,)),
        }
        if self.landmark_bias is not None:
            expected["landmark_bias"] = (self.landmark_bias, (LANDMARK_COUNT, 3))
        for field_name, (value, shape) in expected.items():
            if value.shape != shape:
                raise RigError(f"A rig's {field_name} must have shape {shape}, but it has {value.shape}.")
        if len(self.faces) and (self.faces.min() < 0 or self.faces.max() >= count):
            raise RigError(f"A rig's faces must point at its {count} vertices, but some point elsewhere.")
        if not np.isfinite(self.vertices).all() or not np.isfinite(self.shapes).all():
            raise RigError("A rig's vertices and shapes must be finite, but they hold NaN or infinity.")
        require_within(self.correctives, self.pose_correctives, count)

    @cached_property
    def _shape_matrix(self) -> FloatArray:
        return np.ascontiguousarray(self.shapes.reshape(COUNT, -1), np.float32)

    @cached_property
    def _normals(self) -> VertexNormals:
        return VertexNormals(self.faces, len(self.vertices), self.seam_groups)

    def part(self, name: str) -> Part:
        """The part of this name."""
        for part in self.parts:
            if part.name == name:
                return part
        raise RigError(f"The rig has no part '{name}'; it has {', '.join(p.name for p in self.parts)}.")

    def shaped_vertices(self, blendshapes: FloatArray) -> FloatArray:
        """(V, 3) vertices with the 52 coefficients and what their pairs need applied, joints at rest, metres."""
        moved = (blendshapes.astype(np.float32) @ self._shape_matrix).reshape(-1, 3)
        coefficients = blendshapes.tolist()
        for corrective in self.correctives:
            amount = corrective.amount(coefficients)
            if amount:
                moved[corrective.rows] += np.float32(amount) * corrective.displacement
        return self.vertices + moved

    def deform(self, state: FaceState) -> Mesh:
        """The head in the pose and expression of `state`.

        The head turns about the neck joint, so that the neck's base stays; the eyes turn by `state.gaze`; the
        head's translation is left to the viewer.
        """
        rotations = np.tile(np.eye(3), (len(JOINT_NAMES), 1, 1))
        rotations[NECK] = state.head_rotation
        for joint, (yaw, pitch) in zip((LEFT_EYE, RIGHT_EYE), state.gaze, strict=True):
            rotations[joint] = rotation_from_yaw_pitch_roll(float(yaw), float(pitch), 0.0)
        shaped = self.shaped_vertices(state.blendshapes)
        if self.pose_correctives is not None:
            shaped[self.pose_correctives.rows] += self.pose_correctives.displacement(rotations)
        vertices = linear_blend_skinning(shaped, self.skin_weights, rotations, self.joints)
        return Mesh(vertices, self.faces, self._normals(vertices))

    def landmarks(self, vertices: FloatArray | None = None) -> FloatArray:
        """(478, 3) FaceMesh points on `vertices` (V, 3), at rest when left out; metres."""
        surface = self.vertices if vertices is None else vertices
        return interpolate(surface, self.faces, self.landmark_faces, self.landmark_weights)

    def shape_landmarks(self) -> FloatArray:
        """(52, 478, 3) displacement of the FaceMesh points at coefficient 1, metres."""
        corners = self.faces[self.landmark_faces]
        return np.einsum("nk,snkd->snd", self.landmark_weights, self.shapes[:, corners])
