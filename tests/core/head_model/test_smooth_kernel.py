from __future__ import annotations

import numpy as np

from core.head_model.smooth_kernel import Level, Region, SmoothKernel

KERNEL = SmoothKernel((Level(0.006, 0.09), Level(0.002, 0.018, is_local=True)), Region(), lopsided_share=0.05)


def points(count: int = 30) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.06, (count, 3)) + np.array([0.0, -0.03, -0.03])


def test_plain_is_the_sum_of_gaussians_pair_by_pair():
    a, b = points(7), points(9)[::-1]
    strength = KERNEL.region.strength
    for i, p in enumerate(a):
        for j, q in enumerate(b):
            d2 = float(((p - q) ** 2).sum())
            fade = float(strength(p[None])[0] * strength(q[None])[0])
            expected = 0.006**2 * np.exp(-d2 / (2 * 0.09**2)) + fade * 0.002**2 * np.exp(-d2 / (2 * 0.018**2))
            assert np.isclose(KERNEL.plain(a, b)[i, j], expected, rtol=1e-9)


def test_even_fields_are_equal_and_odd_ones_opposite_at_mirrored_places():
    a = points()
    even, odd = KERNEL.even_and_odd(a, a)
    mirrored_even, mirrored_odd = KERNEL.even_and_odd(a * (-1, 1, 1), a)
    assert np.allclose(even, mirrored_even) and np.allclose(odd, -mirrored_odd)
    assert np.allclose(even + odd, KERNEL.plain(a, a))


def test_covariances_are_positive_also_for_crooked_points():
    a = points(60)
    for covariance in (*KERNEL.even_and_odd(a, a), *KERNEL.sideways_and_other(a, a)):
        assert np.allclose(covariance, covariance.T)
        assert np.linalg.eigvalsh(covariance).min() > -1e-12


def test_features_fade_outside_their_region():
    region = Region(least=0.2)
    assert region.strength(np.array([region.centre]))[0] == 1.0
    assert np.isclose(region.strength(np.array([[0.0, 0.2, -0.2]]))[0], 0.2)
