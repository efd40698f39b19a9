from __future__ import annotations

import numpy as np
import pytest

from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.head_model.builtin import load_builtin_rig
from core.head_model.skinning import JAW, JOINT_PARENTS, NECK, ROOT, joint_transforms, linear_blend_skinning


@pytest.fixture
def rest():
    return np.tile(np.eye(3), (5, 1, 1))


def slow_skinning(vertices, weights, rotations, joints):
    """Equations 2-4 of the paper, joint by joint and vertex by vertex."""
    moved = np.zeros_like(vertices)
    for v, vertex in enumerate(vertices):
        for j in range(len(joints)):
            point, k = vertex.astype(float), j
            while k >= 0:
                point = rotations[k] @ (point - joints[k]) + joints[k]
                k = JOINT_PARENTS[k]
            moved[v] += weights[v, j] * point
    return moved


def test_rest_pose_moves_nothing(rest):
    rig = load_builtin_rig()
    posed = linear_blend_skinning(rig.vertices, rig.skin_weights, rest, rig.joints)
    assert np.abs(posed - rig.vertices).max() < 1e-6


def test_equals_the_published_equations(rest):
    rig = load_builtin_rig()
    some = np.random.default_rng(0).choice(len(rig.vertices), 60, replace=False)
    rotations = np.stack([rotation_from_yaw_pitch_roll(*a) for a in np.random.default_rng(1).normal(0, 0.4, (5, 3))])
    fast = linear_blend_skinning(rig.vertices[some], rig.skin_weights[some], rotations, rig.joints)
    slow = slow_skinning(rig.vertices[some], rig.skin_weights[some], rotations, rig.joints)
    assert np.abs(fast - slow).max() < 1e-6


def test_root_turns_everything_rigidly(rest):
    rig = load_builtin_rig()
    rest[ROOT] = rotation_from_yaw_pitch_roll(0.5, 0.2, -0.1)
    posed = linear_blend_skinning(rig.vertices, rig.skin_weights, rest, rig.joints)
    expected = (rig.vertices - rig.joints[ROOT]) @ rest[ROOT].T + rig.joints[ROOT]
    assert np.abs(posed - expected).max() < 1e-6


def test_child_follows_its_parent(rest):
    joints = load_builtin_rig().joints.astype(float)
    rest[NECK] = rotation_from_yaw_pitch_roll(0.3, 0, 0)
    transforms = joint_transforms(rest, joints)
    assert np.allclose(transforms[JAW], transforms[NECK])
