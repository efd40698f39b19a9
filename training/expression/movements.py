"""How FaceMesh's points move with each coefficient, in the mean over all heads: what a take's neutral is read with."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.blendshapes import ARKIT_NAMES, COUNT, MIRROR
from core.head_model.builtin import load_builtin_rig
from core.head_model.identity import mirrored_landmarks
from training.expression.lessons import NEUTRALS, Lessons

RIDGE = 20.0  # in pictures that show a coefficient of 1; hardly more than nothing beside thousands
MICROMETRES = 3


def learned_movements(lessons: Lessons) -> np.ndarray:
    """(52, 478, 3) metres at coefficient 1, alike on both sides: least squares of the points' displacements from the
    true rest over the true coefficients, each picture and its mirror image."""
    rests = np.stack([lessons.neutrals[int(clip)][NEUTRALS - 1] for clip in lessons.clip])
    moved = lessons.points - rests
    other = mirrored_landmarks(load_builtin_rig().landmarks().astype(np.float64))
    gram, target = RIDGE * np.eye(COUNT), np.zeros((COUNT, moved[0].size))
    for coefficients, movement in (
        (lessons.coefficients, moved),
        (lessons.coefficients[:, list(MIRROR)], moved[:, other] * np.array([-1, 1, 1], np.float32)),
    ):
        gram += coefficients.T.astype(np.float64) @ coefficients
        target += coefficients.T @ movement.reshape(len(movement), -1)
    return np.linalg.solve(gram, target).reshape(COUNT, *moved.shape[1:])


def write_movements(movements: np.ndarray, output: Path) -> None:
    """The movements in millimetres, half precision, with the names of their coefficients."""
    rounded = np.round(1000.0 * movements, MICROMETRES).astype(np.float16)
    np.savez_compressed(output, movements=rounded, names=np.array(ARKIT_NAMES))
