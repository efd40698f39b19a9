from __future__ import annotations

import numpy as np
import pytest

from core.errors import InputError
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.geometry.similarity import Similarity, fit_similarity


@pytest.fixture
def points():
    return np.random.default_rng(1).normal(0, 0.1, (40, 3))


@pytest.mark.parametrize("scale", [0.01, 1.0, 250.0])
def test_a_known_similarity_is_found(points, scale):
    truth = Similarity(scale, rotation_from_yaw_pitch_roll(2.0, -0.6, 0.3), np.array([1.0, -2, 0.5]))
    found = fit_similarity(points, truth.apply(points))
    assert found.scale == pytest.approx(scale)
    assert np.allclose(found.rotation, truth.rotation) and np.allclose(found.translation, truth.translation)
    assert np.allclose(truth.inverse().apply(truth.apply(points)), points)


def test_a_mirror_image_is_not_taken_for_a_rotation(points):
    found = fit_similarity(points, points * (-1, 1, 1))
    assert np.linalg.det(found.rotation) == pytest.approx(1)


def test_weights_silence_an_outlier(points):
    target = points.copy()
    target[0] += 5
    weights = np.ones(len(points))
    weights[0] = 0
    found = fit_similarity(points, target, weights)
    assert np.allclose(found.apply(points)[1:], points[1:])


def test_points_in_one_plane_suffice(points):
    flat = points * (1, 1, 0)
    truth = Similarity(2.0, rotation_from_yaw_pitch_roll(0.4, 0.2, 0.1), np.zeros(3))
    assert np.allclose(fit_similarity(flat, truth.apply(flat)).rotation, truth.rotation)


@pytest.mark.parametrize("source, target", [((2, 3), (2, 3)), ((5, 3), (4, 3)), ((5, 2), (5, 2))])
def test_wrong_shapes_are_refused(source, target):
    with pytest.raises(InputError, match="similarity needs"):
        fit_similarity(np.ones(source), np.ones(target))


def test_one_point_repeated_is_refused():
    with pytest.raises(InputError, match="all source points are the same"):
        fit_similarity(np.ones((5, 3)), np.ones((5, 3)))
