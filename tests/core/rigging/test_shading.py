"""Shading tells the form: known people are found again in drawings under known light."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import Cancelled
from core.head_model.builtin import load_builtin_rig
from core.rigging.build import build_rig, observe_all, texture_pictures
from core.rigging.differentiable_raster import BuiltinRaster
from core.rigging.face_gaussian import load_face_gaussian
from core.rigging.face_shape import estimate_shape
from core.rigging.lighting import harmonics
from core.rigging.shading import moved_mm, refined_by_shading
from core.rigging.shading_fit import ShadingFit, ShadingParameters
from core.rigging.shading_gradients import Camera, lit, project, vertex_normals
from core.rigging.shading_surface import ShadingView, make_surface, make_view

LIGHT = np.array([0.5, 0.15, 0.12, 0.25, 0.03, -0.05, 0.04, 0.02, 0.03])


@pytest.fixture(scope="module")
def seen(astronaut):
    return observe_all([astronaut.image])[0]


@pytest.fixture(scope="module")
def shape(seen):
    return estimate_shape([seen])


@pytest.fixture(scope="module")
def surface(shape):
    return make_surface(load_builtin_rig(), shape.estimate, load_face_gaussian())


def drawn(surface, form, light=LIGHT, size=(128, 150), expression=None):
    """The surface in this form (K,), lit by nine harmonics, and the camera it was seen with."""
    camera = Camera(np.eye(3), 700.0, np.array([64.0, 70.0]), 0.6)
    expression = np.zeros(len(surface.shapes)) if expression is None else expression
    points = surface.points + np.tensordot(form, surface.motion, 1) + np.tensordot(expression, surface.shapes, 1)
    turned, pixels = project(points, camera)
    shown = BuiltinRaster()(np.column_stack([pixels, camera.scale * turned[:, 2]]), surface.triangles, size)
    normals = shown.interpolate(vertex_normals(points, surface.triangles)[0])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    picture = np.zeros(size[::-1], np.float32)
    picture[shown.rows, shown.columns] = harmonics(normals) @ light
    return ShadingView(picture, np.ones_like(picture), camera, expression)


def fit_of(surface, view, **options):
    return ShadingFit(surface, [view], BuiltinRaster(), **options)


def test_a_known_form_is_found_again_under_a_known_light(surface):
    true = np.random.default_rng(3).normal(0, 1, len(surface.motion))
    even = ShadingParameters(independent_pixels=1000)  # nothing but shading is in this picture
    found = fit_of(surface, drawn(surface, true), parameters=even).solve()
    facing = surface.points[:, 2] > np.percentile(surface.points[:, 2], 40)
    centred = [np.tensordot(f, surface.motion, 1)[facing] for f in (true, true - found)]
    before, after = (np.sqrt(((d - d.mean(axis=0)) ** 2).sum(axis=1).mean()) for d in centred)
    assert after < 0.6 * before, (before, after)


def test_the_most_likely_form_stays_where_shading_agrees(surface):
    found = fit_of(surface, drawn(surface, np.zeros(len(surface.motion)))).solve()
    assert np.abs(found).max() < 0.3


def test_gradient_is_that_of_finite_differences(surface):
    rng = np.random.default_rng(5)
    expression = rng.uniform(0, 0.2, len(surface.shapes))
    fit = fit_of(surface, drawn(surface, rng.normal(0, 1, len(surface.motion)), expression=expression))
    at = 0.3 * rng.normal(size=fit.unknowns)
    _, gradient = fit.energy(at)
    step = 1e-4
    for _ in range(4):
        way = rng.normal(size=fit.unknowns)
        way /= np.linalg.norm(way)
        expected = (fit.energy(at + step * way)[0] - fit.energy(at - step * way)[0]) / (2 * step)
        # pixels that change their triangle at an outline have no gradient; the light was not solved to the last digit
        assert gradient @ way == pytest.approx(expected, rel=0.15, abs=0.05 * np.linalg.norm(gradient))


def test_what_an_expression_moved_says_less(surface):
    form = np.random.default_rng(3).normal(0, 1, len(surface.motion))
    smile = 0.7 * (np.arange(len(surface.shapes)) < 4)

    def moved_by_shading(expression, **options):
        return np.linalg.norm(fit_of(surface, drawn(surface, form, expression=expression), **options).solve())

    heeding = ShadingParameters(moved_m=1e3)  # moved skin says as much as any
    assert moved_by_shading(smile) < 0.8 * moved_by_shading(smile, parameters=heeding)
    assert moved_by_shading(0 * smile) == pytest.approx(moved_by_shading(0 * smile, parameters=heeding))


def test_brightness_is_that_of_the_harmonics(surface):
    normals = np.random.default_rng(0).normal(size=(50, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    value, pull = lit(normals, LIGHT)
    assert np.allclose(value, harmonics(normals) @ LIGHT)
    step = 1e-6 * np.random.default_rng(1).normal(size=normals.shape)
    moved = (lit(normals + step, LIGHT)[0] - lit(normals - step, LIGHT)[0]) / 2
    assert np.allclose((pull(np.ones(50)) * step).sum(axis=1), moved, atol=1e-12)


def test_a_photo_moves_the_form_within_what_was_left_open(seen, shape):
    found = refined_by_shading(load_builtin_rig(), [seen], shape)
    assert 0.1 < moved_mm(shape, found) < 3 * 1000 * shape.estimate.deviation_m
    assert found.landmarks[13, 1] - found.landmarks[14, 1] == pytest.approx(0.00024, abs=1e-6)
    assert found.estimate.size == shape.estimate.size


def test_views_are_dressed_for_comparison(seen, shape, surface):
    view = make_view(surface, seen, shape.estimate)
    assert view.brightness.shape == view.skin.shape and view.brightness.shape[1] == 128
    assert 0.3 < view.skin.mean() <= 1
    assert np.allclose(view.camera.rotation @ view.camera.rotation.T, np.eye(3), atol=1e-9)


def test_a_rig_is_refined_unless_that_is_declined(astronaut, seen, shape):
    plain = build_rig([astronaut.image], "plain", refine=False)
    refined = build_rig([astronaut.image], "refined")
    assert "shading_moved_mm" not in plain.details
    expected = moved_mm(shape, refined_by_shading(load_builtin_rig(), [seen], shape))
    assert refined.details["shading_moved_mm"] == pytest.approx(expected, abs=0.006)
    assert not np.array_equal(plain.landmarks(), refined.landmarks())


def test_it_can_be_stopped(astronaut):
    phases = []
    with pytest.raises(Cancelled):
        build_rig(
            [astronaut.image], "x", progress=lambda phase, share: phases.append(phase),
            is_cancelled=lambda: "Refining by shading" in phases,
        )  # fmt: skip
    assert "Painting the skin" not in phases


def test_several_pictures_share_one_form(seen, shape):
    pictures = texture_pictures([seen], shape)
    assert refined_by_shading(load_builtin_rig(), [*pictures, *pictures], shape).landmarks.shape == (478, 3)
