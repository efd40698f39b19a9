"""Linear blend skinning over FLAME's five joints (Li et al. 2017, eq. 2-4)."""

from __future__ import annotations

import numpy as np

from core.structures import FloatArray

JOINT_NAMES: tuple[str, ...] = ("root", "neck", "jaw", "leftEye", "rightEye")
JOINT_PARENTS: tuple[int, ...] = (-1, 0, 1, 1, 1)
ROOT, NECK, JAW, LEFT_EYE, RIGHT_EYE = range(5)


def joint_transforms(rotations: FloatArray, joints: FloatArray) -> FloatArray:
    """(J, 4, 4) transforms that move rest-pose points with each joint.

    rotations: (J, 3, 3), each relative to its parent; joints: (J, 3) rest positions, metres.
    """
    world = np.zeros((len(joints), 4, 4))
    for j, parent in enumerate(JOINT_PARENTS):
        local = np.eye(4)
        local[:3, :3] = rotations[j]
        local[:3, 3] = joints[j] - (joints[parent] if parent >= 0 else 0.0)
        world[j] = local if parent < 0 else world[parent] @ local
    world[:, :3, 3] -= np.einsum("jab,jb->ja", world[:, :3, :3], np.asarray(joints, np.float64))
    return world


def linear_blend_skinning(
    vertices: FloatArray, weights: FloatArray, rotations: FloatArray, joints: FloatArray
) -> FloatArray:
    """(V, 3) vertices after each joint turned.

    vertices: (V, 3) rest pose with shapes already added, metres; weights: (V, J), rows sum to 1;
    rotations: (J, 3, 3) relative to the parent joint; joints: (J, 3), metres.
    """
    transforms = joint_transforms(rotations, joints)[:, :3].astype(vertices.dtype)
    blended = (weights @ transforms.reshape(len(joints), 12)).reshape(-1, 3, 4)
    return np.einsum("vab,vb->va", blended[:, :, :3], vertices) + blended[:, :, 3]
