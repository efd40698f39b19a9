"""`HeadModel`: a parametric head in FLAME's layout, whatever pack it comes from. A `HeadRig` is one person of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from core.blendshapes import ARKIT_NAMES, COUNT
from core.errors import InputError, ModelPackError
from core.head_model.carried import CarriedShapes
from core.head_model.correctives import PairCorrective, PoseCorrectives
from core.head_model.rig import HeadRig, Part
from core.head_model.skinning import JOINT_NAMES, JOINT_PARENTS, LEFT_EYE, RIGHT_EYE
from core.structures import LANDMARK_COUNT, FloatArray, IntArray

IBUG_COUNT = 68
POSE_FEATURES = 9 * (len(JOINT_NAMES) - 1)


@dataclass(frozen=True, slots=True, eq=False)
class HeadModel:
    """A head that can become many people. Metres, +Y up, +Z out of the face, +X to the subject's left; the origin is
    the pack's own.

    template: (V, 3). faces: (F, 3). uv: (V, 2), v = 0 at the top row. shape_basis: (V, 3, S).
    expression_basis: (V, 3, E). pose_correctives: (V, 3, 36), for (R - I) of neck, jaw, left and right eye.
    joint_regressor: (5, V), rows sum to 1. skin_weights: (V, 5). parents: of the joints in `JOINT_NAMES`.
    parts: runs of vertices and faces. arkit_shapes: (52, V, 3), displacement at coefficient 1.
    landmark_faces: (478,) and landmark_weights: (478, 3): FaceMesh points. ibug_faces: (68,) and ibug_weights: (68, 3).
    seam_groups: (V,), doubles along texture seams share a number. unreachable: ARKit names that the pack's own
    directions cannot make. details: go into every rig. named: directions of form that have a name, as codes (S,).
    correctives: of the mean head, beside the sum of two shapes. carried: how shapes and correctives follow a code; a
    person has the mean head's when None.
    """

    name: str
    template: FloatArray
    faces: IntArray
    uv: FloatArray
    shape_basis: FloatArray
    expression_basis: FloatArray
    pose_correctives: FloatArray
    joint_regressor: FloatArray
    skin_weights: FloatArray
    parts: tuple[Part, ...]
    arkit_shapes: FloatArray
    landmark_faces: IntArray
    landmark_weights: FloatArray
    ibug_faces: IntArray
    ibug_weights: FloatArray
    seam_groups: IntArray
    parents: tuple[int, ...] = JOINT_PARENTS
    unreachable: tuple[str, ...] = ()
    details: Mapping[str, object] = field(default_factory=dict)
    named: Mapping[str, FloatArray] = field(default_factory=dict)
    correctives: tuple[PairCorrective, ...] = ()
    carried: CarriedShapes | None = None

    def __post_init__(self) -> None:
        count, joints = len(self.template), len(JOINT_NAMES)
        expected = {
            "template": (count, 3),
            "faces": (len(self.faces), 3),
            "uv": (count, 2),
            "shape_basis": (count, 3, self.shape_count),
            "expression_basis": (count, 3, self.expression_count),
            "pose_correctives": (count, 3, POSE_FEATURES),
            "joint_regressor": (joints, count),
            "skin_weights": (count, joints),
            "arkit_shapes": (COUNT, count, 3),
            "landmark_faces": (LANDMARK_COUNT,),
            "landmark_weights": (LANDMARK_COUNT, 3),
            "ibug_faces": (IBUG_COUNT,),
            "ibug_weights": (IBUG_COUNT, 3),
            "seam_groups": (count,),
        }
        for name, shape in expected.items():
            value = getattr(self, name)
            if value.shape != shape:
                raise ModelPackError(f"A head model's {name} must have shape {shape}, but it has {value.shape}.")
            if not np.isfinite(value).all():
                raise ModelPackError(f"A head model's {name} must be finite, but it holds NaN or infinity.")
        for name, bound in (("faces", count), ("landmark_faces", len(self.faces)), ("ibug_faces", len(self.faces))):
            value = getattr(self, name)
            if len(value) and (value.min() < 0 or value.max() >= bound):
                raise ModelPackError(f"A head model's {name} must lie below {bound}, but some do not.")
        if self.parents != JOINT_PARENTS or not set(self.unreachable) <= set(ARKIT_NAMES):
            raise ModelPackError("A head model must have FLAME's five joints and ARKit's names, but it has others.")

    @property
    def shape_count(self) -> int:
        """S, how many directions a person's form has."""
        return self.shape_basis.shape[-1]

    @property
    def expression_count(self) -> int:
        """E, how many directions an expression has."""
        return self.expression_basis.shape[-1]

    def code(
        self, shape_coefficients: FloatArray | None = None, named: Mapping[str, float] | None = None
    ) -> FloatArray:
        """(n,) the code of a person given by coefficients (n at most S; the rest are zero) and named directions, each
        by how far they go; n is S when any is named. InputError when a name is unknown or a number is not finite."""
        code = np.zeros(0) if shape_coefficients is None else np.asarray(shape_coefficients, np.float64)
        if code.ndim != 1 or len(code) > self.shape_count or not np.isfinite(code).all():
            raise InputError(
                f"A shape must be at most {self.shape_count} finite numbers, but it is an array of shape {code.shape}."
            )
        if not named:
            return code
        whole = np.zeros(self.shape_count)
        whole[: len(code)] = code
        for name, amount in named.items():
            if name not in self.named:
                known = ", ".join(self.named) or "none"
                raise InputError(f"The head {self.name} has no direction '{name}'. It has: {known}.")
            if not np.isfinite(amount):
                raise InputError(f"How far '{name}' goes must be a finite number, but it is {amount}.")
            whole += amount * self.named[name]
        return whole

    def shaped(self, shape_coefficients: FloatArray | None = None) -> FloatArray:
        """(V, 3) the rest form of a person. shape_coefficients: (n,), n at most S; the rest are zero."""
        code = self.code(shape_coefficients)
        return self.template + self.shape_basis[:, :, : len(code)] @ code

    def rig(
        self,
        shape_coefficients: FloatArray | None = None,
        name: str | None = None,
        named: Mapping[str, float] | None = None,
    ) -> HeadRig:
        """The person of these shape coefficients and named directions, the mean when left out; the origin moves between
        the eyeballs."""
        code = self.code(shape_coefficients, named)
        vertices = self.shaped(code)
        joints = self.joint_regressor @ vertices
        origin = 0.5 * (joints[LEFT_EYE] + joints[RIGHT_EYE])
        shapes, correctives = self.arkit_shapes.astype(np.float32), self.correctives
        if self.carried is not None and code.any():
            shapes = self.carried.shapes(self.arkit_shapes, code)
            correctives = self.carried.correctives(self.correctives, code)
        return HeadRig(
            name=name or self.name,
            vertices=(vertices - origin).astype(np.float32),
            faces=self.faces.astype(np.int32),
            uv=self.uv.astype(np.float32),
            shapes=shapes,
            joints=(joints - origin).astype(np.float32),
            skin_weights=self.skin_weights.astype(np.float32),
            parts=self.parts,
            landmark_faces=self.landmark_faces.astype(np.int32),
            landmark_weights=self.landmark_weights.astype(np.float32),
            seam_groups=self.seam_groups.astype(np.int32),
            details={**self.details, "unreachable": list(self.unreachable)},
            correctives=correctives,
            pose_correctives=PoseCorrectives.from_dense(self.pose_correctives) if self.pose_correctives.any() else None,
        )


def dense_pose_correctives(rig: HeadRig) -> FloatArray:
    """(V, 3, 36) float32 a rig's pose correctives as a model has them; zeros where it has none."""
    dense = np.zeros((len(rig.vertices), 3, POSE_FEATURES), np.float32)
    own = rig.pose_correctives
    if own is not None:
        dense[np.ix_(own.rows, np.arange(3), own.columns)] = own.directions
    return dense
