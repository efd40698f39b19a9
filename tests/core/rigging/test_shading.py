"""Shading tells the form: known people are found again in drawings under known light."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import Cancelled
from core.head_model.builtin import load_builtin_rig
from core.rigging import build, shading
from core.rigging.build import build_rig, observe_all, texture_pictures
from core.rigging.face_gaussian import load_face_gaussian
from core.rigging.face_shape import estimate_shape
from core.rigging.lighting import harmonics
from core.rigging.shading import WITHOUT_TORCH, moved_mm, refined_by_shading
from core.rigging.shading_surface import ShadingView, make_surface, make_view

torch = pytest.importorskip("torch", reason="torch is not installed")

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


def drawn(surface, form, light=LIGHT, size=(128, 150)):
    """The surface in this form (K,), lit by nine harmonics, and the camera it was seen with."""
    from core.rigging.differentiable_raster import BuiltinRaster
    from core.rigging.shading_fit import _vertex_normals

    scale, at, distance = 700.0, np.array([64.0, 70.0]), 0.6
    points = surface.points + np.tensordot(form, surface.motion, 1)
    enlarged = scale * distance / (distance - points[:, 2])
    pixels = np.stack([at[0] + enlarged * points[:, 0], at[1] - enlarged * points[:, 1], scale * points[:, 2]], axis=1)
    triangles = torch.from_numpy(surface.triangles)
    shown = BuiltinRaster()(torch.from_numpy(pixels), triangles, size)
    normals = shown.interpolate(_vertex_normals(torch.from_numpy(points), triangles), triangles).numpy()
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    picture = np.zeros(size[::-1], np.float32)
    picture[shown.rows.numpy(), shown.columns.numpy()] = harmonics(normals) @ light
    skin = np.ones_like(picture)
    return ShadingView(picture, skin, np.eye(3), scale, at, distance, np.zeros(len(surface.shapes)))


def fit_of(surface, view, **options):
    from core.rigging.differentiable_raster import BuiltinRaster
    from core.rigging.shading_fit import ShadingFit

    return ShadingFit(surface, [view], BuiltinRaster(), **options)


def test_a_known_form_is_found_again_under_a_known_light(surface):
    from core.rigging.shading_fit import ShadingParameters

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
    view = drawn(surface, np.random.default_rng(4).normal(0, 1, len(surface.motion)))
    fit = fit_of(surface, view, dtype=torch.float64)
    rng = np.random.default_rng(5)
    at = torch.tensor(0.3 * rng.normal(size=fit.unknowns), requires_grad=True)
    (gradient,) = torch.autograd.grad(fit.energy(at), at)
    for _ in range(3):
        way = torch.tensor(rng.normal(size=fit.unknowns))
        step = 1e-4 * way / way.norm()
        with torch.no_grad():
            expected = float((fit.energy(at + step) - fit.energy(at - step)) / (2e-4))
        # pixels that change their triangle at an outline have no gradient; the light was not solved to the last digit
        along = float(gradient @ way / way.norm())
        assert along == pytest.approx(expected, rel=0.15, abs=0.05 * float(gradient.norm()))


def test_a_photo_moves_the_form_within_what_was_left_open(seen, shape):
    found = refined_by_shading(load_builtin_rig(), [seen], shape)
    assert 0.1 < moved_mm(shape, found) < 3 * 1000 * shape.estimate.deviation_m
    assert found.landmarks[13, 1] - found.landmarks[14, 1] == pytest.approx(0.00024, abs=1e-6)
    assert found.estimate.size == shape.estimate.size


def test_views_are_dressed_for_comparison(seen, shape, surface):
    view = make_view(surface, seen, shape.estimate)
    assert view.brightness.shape == view.skin.shape and view.brightness.shape[1] == 128
    assert 0.3 < view.skin.mean() <= 1
    assert np.allclose(view.rotation @ view.rotation.T, np.eye(3), atol=1e-9)


def test_without_torch_the_rig_is_made_and_says_so(astronaut, monkeypatch):
    monkeypatch.setattr(shading, "best_raster", lambda: None)
    rig = build_rig([astronaut.image], "plain", refine=True)
    assert rig.details["shading"] == WITHOUT_TORCH and "shading_moved_mm" not in rig.details
    monkeypatch.setattr(build, "_refined", None)
    unasked = build_rig([astronaut.image], "plain")
    assert "shading" not in unasked.details
    assert np.array_equal(unasked.landmarks(), rig.landmarks())


def test_it_can_be_stopped(astronaut):
    phases = []
    with pytest.raises(Cancelled):
        build_rig(
            [astronaut.image], "x", refine=True, progress=lambda phase, share: phases.append(phase),
            is_cancelled=lambda: "Refining by shading" in phases,
        )  # fmt: skip
    assert "Painting the skin" not in phases


def test_several_pictures_share_one_form(seen, shape):
    pictures = texture_pictures([seen], shape)
    assert refined_by_shading(load_builtin_rig(), [*pictures, *pictures], shape).landmarks.shape == (478, 3)
