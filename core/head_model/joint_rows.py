"""Joints as weighted means of vertices, so that they follow whatever reshapes a head."""

from __future__ import annotations

import numpy as np

from core.head_model.rig import HeadRig
from core.head_model.skinning import JOINT_NAMES, LEFT_EYE, RIGHT_EYE
from core.structures import FloatArray, IntArray

NEAREST = 40  # skin vertices on each side that carry a joint


def joint_regressor(rig: HeadRig) -> FloatArray:
    """(5, V): rows sum to 1 and give the rig's joints. Eyes hang on their eyeballs, the others on the nearest skin of
    both sides at their height, all with the least weights that do so."""
    points = rig.vertices.astype(np.float64)
    rows = np.zeros((len(JOINT_NAMES), len(points)))
    for joint, place in enumerate(rig.joints.astype(np.float64)):
        if joint in (LEFT_EYE, RIGHT_EYE):
            part = rig.part("leftEye" if joint == LEFT_EYE else "rightEye").vertices
            chosen = np.arange(part.start, part.stop)
        else:
            chosen = _around(points[rig.part("skin").vertices], place)
        rows[joint, chosen] = _least_weights(points[chosen], place)
    return rows


def _around(skin: FloatArray, place: FloatArray) -> IntArray:
    """Numbers of the skin vertices near a place inside the head, as many on the left as on the right."""
    distance = np.linalg.norm((skin - place) * (1.0, 3.0, 1.0), axis=1)
    sides = [np.where(sign * skin[:, 0] > 1e-5, distance, np.inf) for sign in (1, -1)]
    return np.sort(np.concatenate([np.argsort(side, kind="stable")[:NEAREST] for side in sides]))


def _least_weights(points: FloatArray, place: FloatArray) -> FloatArray:
    """(n,) weights with sum 1 that give `place` (3,) from points (n, 3), of least squares."""
    system = np.concatenate([(points - place).T, np.ones((1, len(points)))])
    return np.asarray(np.linalg.lstsq(system, np.array([0.0, 0.0, 0.0, 1.0]), rcond=None)[0])
