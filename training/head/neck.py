"""What skinning loses of the neck when the head turns, and correctives that give it back.

Linear blend skinning takes a vertex that follows the neck joint by the share w to the point w of the way along the
chord; a neck that bends as necks do takes it along the arc, turned by w of the angle about the same joint. The chord
lies inside the arc: at 40 degrees the middle of the neck would lose 6 % of its width. The difference is of second
order in the angle, as the symmetric part of R - I is, so FLAME's linear correctives can carry nearly all of it.
"""

from __future__ import annotations

import numpy as np

from core.geometry.rotation import rotation_from_vector
from core.head_model.correctives import POSE_FEATURES, PoseCorrectives

ANGLES = np.radians([10.0, 20.0, 30.0, 40.0])
NEGLIGIBLE = 2e-5  # of a direction, metres
NECK_COLUMNS = 9
SHARES = np.linspace(0.0, 1.0, 41)


def sample_turns() -> list[np.ndarray]:
    """Rotation vectors of turned, nodding and tilted heads, radians; symmetric to left and right."""
    axes = [(x, y, z) for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1) if (x, y, z) != (0, 0, 0)]
    return [angle * np.array(axis) / np.linalg.norm(axis) for angle in ANGLES for axis in axes]


def blended(share: float, turn: np.ndarray) -> np.ndarray:
    """(3, 3) what skinning does at a vertex with this share of the neck's turn, seen from the joint."""
    return (1 - share) * np.eye(3) + share * rotation_from_vector(turn)


def bent(share: float, turn: np.ndarray) -> np.ndarray:
    """(3, 3) what a bending neck does there."""
    return rotation_from_vector(share * turn)


def fitted_matrices() -> np.ndarray:
    """(41, 3, 3, 9) for each of `SHARES`: displacement before skinning of the three unit offsets from the joint by the
    nine numbers of R - I, least squares over `sample_turns`."""
    turns = sample_turns()
    features = np.stack([(rotation_from_vector(turn) - np.eye(3)).ravel() for turn in turns])
    made = []
    for share in SHARES:
        missing = [np.linalg.solve(blended(share, t), bent(share, t)) - np.eye(3) for t in turns]
        solution = np.linalg.lstsq(features, np.stack(missing).reshape(len(turns), 9), rcond=1e-9)[0]
        made.append(solution.T.reshape(3, 3, NECK_COLUMNS))
    return np.stack(made)


def neck_correctives(vertices: np.ndarray, shares: np.ndarray, joint: np.ndarray) -> PoseCorrectives:
    """Correctives of a head. vertices: (V, 3) metres; shares: (V,) of the turn that each follows; joint: (3,)."""
    table = fitted_matrices().reshape(len(SHARES), -1)
    at = np.stack([np.interp(shares, SHARES, column) for column in table.T], axis=1)
    matrices = at.reshape(-1, 3, 3, NECK_COLUMNS)
    dense = np.zeros((len(vertices), 3, POSE_FEATURES))
    dense[:, :, :NECK_COLUMNS] = np.einsum("vabk,vb->vak", matrices, vertices - joint)
    return PoseCorrectives.from_dense(dense, NEGLIGIBLE)
