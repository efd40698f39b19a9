"""A light that is known comes out of the skin it was put on."""

from __future__ import annotations

import numpy as np
import pytest

from core.rigging.lighting import estimate_lighting, harmonics, to_linear, to_srgb


@pytest.fixture
def ball():
    """(n, 3) normals of the half of a ball that is turned to the camera."""
    rng = np.random.default_rng(0)
    normals = rng.normal(size=(4000, 3))
    normals[:, 2] = np.abs(normals[:, 2])
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)


def lit(normals, albedo):
    """sRGB colours of matt skin under a coloured light from the left above."""
    light = np.array([[0.6, 0.55, 0.5], [0.25, 0.2, 0.1], [0.15, 0.15, 0.1], [0.25, 0.25, 0.25]])
    shading = harmonics(normals)[:, :4] @ light
    return to_srgb(albedo * shading)


def test_srgb_there_and_back():
    values = np.linspace(0, 1, 256)
    assert np.allclose(to_srgb(to_linear(values)), values, atol=1e-5)
    assert to_linear(np.array([0.5]))[0] == pytest.approx(0.21404, abs=1e-4)  # IEC 61966-2-1


def test_even_skin_becomes_even_again(ball):
    albedo = np.array([0.55, 0.35, 0.25])
    colours = lit(ball, albedo)
    lighting = estimate_lighting(colours, ball, np.ones(len(ball)))
    before, after = to_linear(colours), to_linear(lighting.removed(colours, ball))
    uneven = [image.std(axis=0) / image.mean(axis=0) for image in (before, after)]
    assert (uneven[1] / uneven[0]).max() < 0.4  # 15 % are left on purpose


def test_light_put_back_gives_the_photo(ball):
    colours = lit(ball, np.array([0.4, 0.3, 0.2]))
    lighting = estimate_lighting(colours, ball, np.ones(len(ball)))
    assert np.allclose(lighting.applied(lighting.removed(colours, ball), ball), colours, atol=2e-3)


def test_highlights_do_not_count_as_light(ball):
    albedo = np.array([0.45, 0.33, 0.25])
    clean = lit(ball, albedo)
    order = np.argsort(ball[:, 0])  # strangers on one side, where they would tilt the light
    spoilt = clean.copy()
    spoilt[order[:300]] = 1.0
    one, other = (estimate_lighting(c, ball, np.ones(len(ball))).shading(ball) for c in (clean, spoilt))
    assert np.median(np.abs(one / other - 1)) < 0.06


def test_hardly_any_skin_means_even_light(ball):
    colours = lit(ball, np.array([0.4, 0.3, 0.2]))
    shading = estimate_lighting(colours, ball, np.zeros(len(ball))).shading(ball)
    assert np.allclose(shading, 1.0, atol=1e-6)
