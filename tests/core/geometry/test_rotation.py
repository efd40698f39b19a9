from __future__ import annotations

import numpy as np
import pytest

from core.geometry.rotation import (
    nearest_rotation,
    rotation_angle,
    rotation_from_vector,
    rotation_from_yaw_pitch_roll,
    yaw_pitch_roll,
)


@pytest.mark.parametrize(
    "angles", [(0, 0, 0), (0.3, 0, 0), (0, -0.4, 0), (0, 0, 0.5), (1.2, -0.7, 0.4), (-2.9, 1.5, -3)]
)
def test_angles_come_back(angles):
    rotation = rotation_from_yaw_pitch_roll(*angles)
    assert np.allclose(rotation @ rotation.T, np.eye(3)) and np.linalg.det(rotation) == pytest.approx(1)
    assert yaw_pitch_roll(rotation) == pytest.approx(angles)


def test_meaning_of_the_signs():
    forward, up = np.array([0, 0, 1.0]), np.array([0, 1.0, 0])
    assert (rotation_from_yaw_pitch_roll(0.3, 0, 0) @ forward)[0] > 0  # to the subject's left
    assert (rotation_from_yaw_pitch_roll(0, 0.3, 0) @ forward)[1] > 0  # looks up
    assert (rotation_from_yaw_pitch_roll(0, 0, 0.3) @ up)[0] < 0  # crown to the right shoulder


def test_vector_form_agrees_and_zero_is_identity():
    assert np.array_equal(rotation_from_vector(np.zeros(3)), np.eye(3))
    assert np.allclose(rotation_from_vector(np.array([0, 0.4, 0])), rotation_from_yaw_pitch_roll(0.4, 0, 0))
    for angle in (1e-9, 1e-3, 1.0, np.pi - 1e-6):
        rotation = rotation_from_vector(angle * np.array([1, 2, -2]) / 3)
        assert rotation_angle(rotation) == pytest.approx(angle, abs=2e-8 if angle < 1e-6 else 1e-6)


def test_nearest_rotation_undoes_noise_and_reflections():
    rotation = rotation_from_yaw_pitch_roll(0.5, -0.2, 0.1)
    noisy = rotation + np.random.default_rng(0).normal(0, 0.01, (3, 3))
    assert rotation_angle(nearest_rotation(noisy) @ rotation.T) < 0.02
    assert np.linalg.det(nearest_rotation(np.diag([1.0, 1, -1]))) == pytest.approx(1)
