"""What tests of a head's movements share: shapes that go together, and measures of folds, lids and lips."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.blendshapes import ARKIT_NAMES, INDEX
from core.geometry.mesh import face_normals
from core.head_model.eyes import EYE_RADIUS_M
from core.head_model.rig import HeadRig
from core.head_model.skinning import LEFT_EYE, RIGHT_EYE

INNER_LIP_PAIRS = ((191, 95), (80, 88), (81, 178), (82, 87), (13, 14), (312, 317), (311, 402), (310, 318), (415, 324))
LID_PAIRS = ((384, 381), (385, 380), (386, 374), (387, 373), (388, 390))
WEIGHTS = (0.5, 1.0)

# What people show together, without sides: in recorded takes (ARKit on a telephone, 7900 frames) the strongest
# co-activations above 0.25, and what smiles, kisses, cries and sneers are made of.
TOGETHER = (
    ("eyeBlink",), ("eyeSquint",), ("eyeWide", "browInnerUp"), ("eyeWide", "eyeSquint"), ("eyeWide", "eyeLookUp"),
    ("eyeBlink", "eyeLookDown"), ("eyeBlink", "eyeLookUp"), ("eyeBlink", "eyeSquint"), ("eyeBlink", "cheekSquint"),
    ("eyeBlink", "mouthSmile"), ("eyeSquint", "cheekSquint"), ("eyeSquint", "eyeLookDown"),
    ("browInnerUp", "browOuterUp"), ("browDown",), ("browDown", "noseSneer"), ("browDown", "mouthFrown"),
    ("mouthSmile",), ("mouthSmile", "cheekSquint"), ("mouthSmile", "jawOpen"), ("mouthSmile", "mouthDimple"),
    ("mouthSmile", "mouthPress"), ("mouthSmile", "mouthUpperUp"), ("mouthSmile", "mouthLowerDown"),
    ("mouthFrown",), ("mouthFrown", "eyeSquint"), ("mouthStretch",), ("mouthStretch", "mouthLowerDown"),
    ("mouthLowerDown",), ("mouthLowerDown", "jawOpen"), ("mouthStretch", "jawOpen"), ("mouthUpperUp",),
    ("mouthUpperUp", "mouthLowerDown"), ("mouthPress",), ("mouthPress", "mouthShrugLower"),
    ("mouthPucker", "mouthFunnel"), ("mouthFunnel", "jawOpen"), ("mouthPucker", "jawOpen"),
    ("mouthPucker", "mouthShrugLower"), ("mouthPucker", "cheekPuff"), ("mouthClose", "jawOpen"),
    ("mouthRollUpper", "mouthRollLower"), ("mouthShrugUpper", "mouthShrugLower"), ("tongueOut", "jawOpen"),
    ("jawLeft", "mouthLeft"), ("jawRight", "mouthRight"), ("noseSneer",),
)  # fmt: skip


def both_sides(name: str) -> tuple[str, ...]:
    """ARKit's names for a shape whose side is left out."""
    return (name,) if name in INDEX else (f"{name}Left", f"{name}Right")


def shaped(rig: HeadRig, **weights: float) -> np.ndarray:
    """(V, 3) float64 vertices with the named coefficients."""
    coefficients = np.zeros(len(ARKIT_NAMES), np.float32)
    for name, value in weights.items():
        coefficients[INDEX[name]] = value
    return rig.shaped_vertices(coefficients).astype(np.float64)


def shown_together(rig: HeadRig, names: Sequence[str], weight: float) -> np.ndarray:
    """(V, 3) vertices with all of these shapes, both sides of each, at one weight."""
    return shaped(rig, **{side: weight for name in names for side in both_sides(name)})


def turned_over(rig: HeadRig, vertices: np.ndarray) -> np.ndarray:
    """(n, 3) middles, at rest, of the skin's triangles that turned by more than 90 degrees."""
    faces = rig.faces[rig.part("skin").faces]
    rest = rig.vertices.astype(np.float64)
    over = (face_normals(rest, faces) * face_normals(vertices, faces)).sum(axis=1) <= 0
    return rest[faces[over]].mean(axis=1)


def lid_clearance(rig: HeadRig, vertices: np.ndarray) -> float:
    """Smallest distance of the lids' triangles, sampled, to the two eyeballs; metres. The rims belong to the ball."""
    faces = rig.faces[rig.part("skin").faces]
    smallest = np.inf
    barycentric = np.array([(i, j, 6 - i - j) for i in range(7) for j in range(7 - i)]) / 6
    for joint in (LEFT_EYE, RIGHT_EYE):
        centre = rig.joints[joint].astype(np.float64)
        corners = rig.vertices[faces].astype(np.float64) - centre
        distance = np.linalg.norm(corners, axis=2)
        near = (distance.min(axis=1) > EYE_RADIUS_M) & (distance.max(axis=1) < EYE_RADIUS_M + 0.012)
        near &= corners[:, :, 2].min(axis=1) > -0.002
        samples = np.einsum("kc,fcd->fkd", barycentric, vertices[faces[near]])
        smallest = min(smallest, np.linalg.norm(samples - centre, axis=2).min() - EYE_RADIUS_M)
    return float(smallest)


def gaps(vertices: np.ndarray, pairs: Sequence[tuple[int, int]]) -> np.ndarray:
    """(n,) heights of the upper points over the lower ones, metres."""
    return np.array([vertices[upper, 1] - vertices[lower, 1] for upper, lower in pairs])
