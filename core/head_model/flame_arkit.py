"""Between ARKit's 52 coefficients and FLAME's expression, jaw and eyes: a linear map fitted for each model.

For each ARKit shape the built-in head says how the face points move. The expression code (and, for the shapes of the
jaw, its turn) that moves FLAME's points alike is found by ridge least squares. What FLAME cannot make is named.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.blendshapes import ARKIT_NAMES, COUNT, INDEX
from core.geometry.least_squares import BoundedLeastSquares
from core.geometry.rotation import rotation_from_vector
from core.head_model.flame_file import EXPRESSION_COUNT, FlameFile
from core.head_model.flame_landmarks import CarriedLandmarks
from core.head_model.flame_lids import CLOSED_SHARE, LidShapes, lid_gap
from core.head_model.identity import FACE_POINTS
from core.head_model.rig import HeadRig
from core.head_model.skinning import JAW, JOINT_NAMES, linear_blend_skinning
from core.structures import FloatArray

BLINKS, SQUINTS = ("eyeBlinkLeft", "eyeBlinkRight"), ("eyeSquintLeft", "eyeSquintRight")
JAW_NAMES = ("jawForward", "jawLeft", "jawRight", "jawOpen")
EYE_YAW_RAD, EYE_PITCH_RAD = float(np.radians(30.0)), float(np.radians(25.0))
"""Turn at coefficient 1, as gaze is written everywhere in this project."""
CARRIED_WEIGHT = 0.4  # of a point that no official file knows, against 1
EXPRESSION_RIDGE_M, JAW_RIDGE_M = 0.0005, 0.001
"""A code of length 1 (a jaw turned by 1 rad) costs as much as one point that is off by this."""
JAW_STEPS = 4  # Gauss-Newton; the jaw's turn is not linear
STEP_RAD = 1e-3
REVERSE_RIDGE_M = 0.002
LEAST_MOTION_M, LEAST_COSINE, LEAST_AMPLITUDE, MOST_AMPLITUDE, MOST_LEAKAGE = 0.0005, 0.7, 0.3, 3.0, 0.6
"""When a shape counts as reached: the points move at all, in the right direction, as far, and on the right side."""
MIDDLE_M = 0.01  # points nearer to the middle of the face belong to both sides


def posed_vertices(
    model: FlameFile, expression: FloatArray, jaw: FloatArray, lids: FloatArray | None = None
) -> FloatArray:
    """(5023, 3) the mean head with an expression (100,) and a jaw turned by an axis-angle vector (3,), radians.

    lids: (5023, 3) what the lids add before the head is posed; its joints are those without lids.
    """
    shaped = model.template + model.expression_basis @ expression
    joints = model.joints(shaped)
    shaped = shaped if lids is None else shaped + lids
    rotations: FloatArray = np.tile(np.eye(3), (len(JOINT_NAMES), 1, 1))
    rotations[JAW] = rotation_from_vector(jaw)
    features: FloatArray = (rotations[1:] - np.eye(3)).reshape(-1)
    corrected = shaped + model.pose_correctives @ features
    return linear_blend_skinning(corrected, model.skin_weights, rotations, joints)


class FacePoints:
    """The 468 face points of one model, and the codes that move them as wanted."""

    def __init__(self, model: FlameFile, landmarks: CarriedLandmarks, lids: LidShapes | None = None) -> None:
        self._model = model
        self._lids = np.zeros((2, *model.template.shape)) if lids is None else lids.displacements
        self.has_lids = lids is not None
        self._corners = model.faces[landmarks.embedding.faces[:FACE_POINTS]]
        self._weights = landmarks.embedding.weights[:FACE_POINTS]
        trust = np.where(landmarks.is_known[:FACE_POINTS], 1.0, CARRIED_WEIGHT)
        self._trust = np.repeat(trust, 3)
        self.rest = self._at_points(model.template)
        basis = np.einsum("nk,nkde->end", self._weights, model.expression_basis[self._corners])
        self._expression_motions = basis.reshape(EXPRESSION_COUNT, -1)
        self._lid_motions = np.stack([self._at_points(lid) for lid in self._lids]).reshape(2, -1)

    def _at_points(self, vertices: FloatArray) -> FloatArray:
        return np.einsum("nk,nkd->nd", self._weights, vertices[self._corners])

    def points(self, expression: FloatArray, jaw: FloatArray, lids: FloatArray | None = None) -> FloatArray:
        """(468, 3) the face points of a code. lids: (2,), left first, in [0, 1]."""
        return self._at_points(self.vertices(expression, jaw, lids))

    def vertices(self, expression: FloatArray, jaw: FloatArray, lids: FloatArray | None = None) -> FloatArray:
        """(5023, 3) likewise."""
        offsets = None if lids is None else np.tensordot(lids, self._lids, 1)
        return posed_vertices(self._model, expression, jaw, offsets)

    def _jaw_motions(self, expression: FloatArray, jaw: FloatArray) -> FloatArray:
        """(3, 1404) motion by radian about each axis, by central differences."""
        steps = STEP_RAD * np.eye(3)
        moved = [self.points(expression, jaw + step) - self.points(expression, jaw - step) for step in steps]
        return np.stack(moved).reshape(3, -1) / (2 * STEP_RAD)

    def solve(self, target: FloatArray, with_jaw: bool) -> tuple[FloatArray, FloatArray]:
        """Expression (100,) and jaw (3,) whose points move as `target` (468, 3)."""
        code = np.zeros(EXPRESSION_COUNT + 3)
        ridge = np.repeat([EXPRESSION_RIDGE_M, JAW_RIDGE_M], [EXPRESSION_COUNT, 3]) ** 2
        for _ in range(JAW_STEPS if with_jaw else 1):
            expression, jaw = code[:EXPRESSION_COUNT], code[EXPRESSION_COUNT:]
            turns = self._jaw_motions(expression, jaw) if with_jaw else np.zeros((3, 3 * FACE_POINTS))
            system = np.concatenate([self._expression_motions, turns]) * self._trust
            missing = (self.rest + target - self.points(expression, jaw)).ravel() * self._trust
            code = code + np.linalg.solve(system @ system.T + np.diag(ridge), system @ missing - ridge * code)
        return code[:EXPRESSION_COUNT], code[EXPRESSION_COUNT:]

    def solve_with_lid(self, target: FloatArray, side: int) -> tuple[FloatArray, float]:
        """Expression (100,) and the lid of one side, in [0, 1], that move the points as `target` (468, 3)."""
        wanted = target.ravel() * self._trust
        lid = self._lid_motions[side] * self._trust
        code = float(np.clip(lid @ wanted / max(float(lid @ lid), 1e-12), 0.0, 1.0))
        return self.solve(target - code * self._lid_motions[side].reshape(-1, 3), False)[0], code


@dataclass(frozen=True, slots=True, eq=False)
class FlameArkitMap:
    """expression: (52, 100), jaw: (52, 3), eyes: (52, 6): FLAME's codes of each ARKit shape at 1; axis-angle, radians,
    left eye first. lids: (52, 2), left first, for the displacements of the lid files; zero without them.
    unreachable: the shapes without a code. motions: (52, 468, 3) metres: how the face points move at 1. face: those
    points."""

    expression: FloatArray
    jaw: FloatArray
    eyes: FloatArray
    lids: FloatArray
    unreachable: tuple[str, ...]
    motions: FloatArray
    face: FacePoints

    def to_flame(self, blendshapes: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Expression (..., 100), jaw (..., 3) and eyes (..., 6) of coefficients (..., 52)."""
        return blendshapes @ self.expression, blendshapes @ self.jaw, blendshapes @ self.eyes

    def to_lids(self, blendshapes: FloatArray) -> FloatArray:
        """(..., 2) codes in [0, 1] of the left and the right lid, of coefficients (..., 52)."""
        return np.clip(blendshapes @ self.lids, 0.0, 1.0)

    def to_arkit(
        self, expression: FloatArray, jaw: FloatArray, eyes: FloatArray, lids: FloatArray | None = None
    ) -> FloatArray:
        """(52,) coefficients in [0, 1] that move the face points as these codes (n <= 100,), (3,), (6,), (2,) do.

        Looks come from the eyes alone; the others explain what is left of the points' motion.
        """
        code = np.concatenate([expression, np.zeros(EXPRESSION_COUNT - len(expression))])
        is_look = np.abs(self.eyes).max(axis=1) > 0
        squared = np.maximum((self.eyes**2).sum(axis=1), 1e-12)
        looks = np.where(is_look, np.clip((self.eyes @ eyes) / squared, 0.0, 1.0), 0.0)
        rows = self.motions.reshape(COUNT, -1)
        gram = rows @ rows.T + REVERSE_RIDGE_M**2 * np.eye(COUNT)
        moved = (self.face.points(code, jaw, lids) - self.face.rest).ravel() - looks @ rows
        return looks + BoundedLeastSquares(gram, 0.0, np.where(is_look, 0.0, 1.0)).solve(rows @ moved)


def fit_arkit_map(
    builtin: HeadRig, model: FlameFile, landmarks: CarriedLandmarks, lids: LidShapes | None = None
) -> FlameArkitMap:
    """The map for one model. landmarks: as `carry_landmarks` found them; lids: of the lid files, where they are."""
    face = FacePoints(model, landmarks, lids)
    targets = landmarks.alignment.scale * builtin.shape_landmarks()[:, :FACE_POINTS] @ landmarks.alignment.rotation.T
    expression, jaw, codes = np.zeros((COUNT, EXPRESSION_COUNT)), np.zeros((COUNT, 3)), np.zeros((COUNT, 2))
    motions, unreachable = np.zeros((COUNT, FACE_POINTS, 3)), []
    sideways = face.rest[:, 0] - np.median(face.rest[:, 0])
    for k, name in enumerate(ARKIT_NAMES):
        code, turn, lid = _solved(face, name, targets[k].astype(np.float64))
        moved = face.points(code, turn, lid) - face.rest
        if _is_reached(name, moved, targets[k], sideways) and _closes(name, face.rest, moved):
            expression[k], jaw[k], codes[k], motions[k] = code, turn, lid, moved
        else:
            unreachable.append(name)
    return FlameArkitMap(expression, jaw, _eye_turns(), codes, tuple(unreachable), motions, face)


def _solved(face: FacePoints, name: str, target: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Expression (100,), jaw (3,) and lids (2,) of one ARKit shape. A blink is the file's lid and nothing else."""
    lids = np.zeros(2)
    if face.has_lids and name in BLINKS:
        lids[BLINKS.index(name)] = 1.0
        return np.zeros(EXPRESSION_COUNT), np.zeros(3), lids
    if face.has_lids and name in SQUINTS:
        side = SQUINTS.index(name)
        expression, lids[side] = face.solve_with_lid(target, side)
        return expression, np.zeros(3), lids
    expression, jaw = face.solve(target, name in JAW_NAMES)
    return expression, jaw, lids


def _closes(name: str, rest: FloatArray, moved: FloatArray) -> bool:
    """Whether a blink closes the eye; a lid that stops half way is none."""
    if name not in BLINKS:
        return True
    side = BLINKS.index(name)
    return lid_gap(rest + moved, side) <= CLOSED_SHARE * lid_gap(rest, side)


def _is_reached(name: str, moved: FloatArray, target: FloatArray, sideways: FloatArray) -> bool:
    """Whether (468, 3) motions are those asked for."""
    length = np.linalg.norm(target, axis=1)
    if (
        length.max() < LEAST_MOTION_M or name == "tongueOut"
    ):  # FLAME has no tongue; the lips that it parts are no tongue
        return False
    wanted, got = float(np.linalg.norm(target)), float(np.linalg.norm(moved))
    cosine = float((moved * target).sum()) / max(wanted * got, 1e-12)
    side = name.endswith("Left") - name.endswith("Right")
    is_sided = side != 0 and not name.startswith(("jaw", "mouthLeft", "mouthRight"))
    away = float(np.linalg.norm(moved[side * sideways < -MIDDLE_M])) if is_sided else 0.0
    return (
        cosine >= LEAST_COSINE
        and LEAST_AMPLITUDE <= got / wanted <= MOST_AMPLITUDE
        and away / max(got, 1e-12) <= MOST_LEAKAGE
    )


def _eye_turns() -> FloatArray:
    """(52, 6) axis-angle of both eyes at coefficient 1: yaw about +Y to the subject's left, pitch up about -X."""
    turns = np.zeros((COUNT, 6))
    for first, side, out in ((0, "Left", 1.0), (3, "Right", -1.0)):
        turns[INDEX[f"eyeLookOut{side}"], first + 1] = out * EYE_YAW_RAD
        turns[INDEX[f"eyeLookIn{side}"], first + 1] = -out * EYE_YAW_RAD
        turns[INDEX[f"eyeLookUp{side}"], first] = -EYE_PITCH_RAD
        turns[INDEX[f"eyeLookDown{side}"], first] = EYE_PITCH_RAD
    return turns
