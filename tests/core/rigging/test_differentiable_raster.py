"""Both rasterisers keep one contract: the nearest triangle, weights that give the pixel back, true gradients."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from core.errors import InputError
from core.rigging.differentiable_raster import BuiltinRaster, Pytorch3dRaster, best_raster

SIZE = (40, 30)


def without_pytorch3d():
    return find_spec("pytorch3d") is None


@pytest.fixture(
    params=[
        BuiltinRaster,
        pytest.param(
            Pytorch3dRaster, marks=pytest.mark.skipif(without_pytorch3d(), reason="pytorch3d is not installed")
        ),
    ]
)
def raster(request):
    return request.param()


def two_triangles():
    """A near small one before a far large one, both counter-clockwise to the viewer (y is down)."""
    positions = [[5.0, 25, 0], [35, 25, 0], [20, 3, 0], [12, 22, 5], [24, 22, 5], [18, 12, 5]]
    return np.array(positions), np.array([[0, 1, 2], [3, 4, 5]])


def test_the_nearer_triangle_is_shown(raster):
    shown = raster(*two_triangles(), SIZE)
    at = {(int(r), int(c)): int(f) for r, c, f in zip(shown.rows, shown.columns, shown.faces, strict=True)}
    assert at[18, 18] == 1 and at[24, 8] == 0 and (2, 2) not in at


def test_weights_give_the_pixel_back(raster):
    positions, triangles = two_triangles()
    shown = raster(positions, triangles, SIZE)
    assert np.allclose(shown.interpolate(positions)[:, :2], np.stack([shown.columns, shown.rows], axis=1), atol=1e-4)
    assert np.allclose(shown.weights.sum(axis=1), 1.0, atol=1e-5)


def test_what_turns_its_back_is_not_shown(raster):
    positions, triangles = two_triangles()
    assert len(raster(positions, triangles[:, ::-1], SIZE).faces) == 0


def test_gradients_are_those_of_finite_differences(raster):
    positions, triangles = two_triangles()
    values = np.random.default_rng(0).normal(size=(6, 2))
    weigh = np.random.default_rng(1).normal(size=(SIZE[1], SIZE[0], 2))

    shown = raster(positions, triangles, SIZE)
    faces = np.full((SIZE[1], SIZE[0]), -1)
    faces[shown.rows, shown.columns] = shown.faces
    around = np.stack([np.roll(faces, (y, x), (0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1)])
    weigh *= (around == faces).all(axis=0)[..., None]  # a step moves no triangle's edge over these

    def total(at):
        shown = raster(at, triangles, SIZE)
        return (shown.interpolate(values) * weigh[shown.rows, shown.columns]).sum()

    by_values, by_positions = shown.interpolation_pulled_back(values, weigh[shown.rows, shown.columns])
    step = 1e-5
    for vertex, axis in ((0, 0), (1, 1), (2, 0), (3, 1), (4, 0), (5, 1)):
        moved = np.zeros_like(positions)
        moved[vertex, axis] = step
        expected = (total(positions + moved) - total(positions - moved)) / (2 * step)
        assert by_positions[vertex, axis] == pytest.approx(expected, rel=2e-3, abs=1e-4)
    some = np.random.default_rng(2).normal(size=values.shape)  # what is interpolated is linear in the values
    changed = (shown.interpolate(some) * weigh[shown.rows, shown.columns]).sum()
    assert (by_values * some).sum() == pytest.approx(changed, rel=1e-6)


def test_misfits_are_refused(raster):
    positions, triangles = two_triangles()
    with pytest.raises(InputError, match="positions"):
        raster(positions[:, :2], triangles, SIZE)
    with pytest.raises(InputError, match="finite"):
        raster(positions * np.nan, triangles, SIZE)
    with pytest.raises(InputError, match="too large"):
        BuiltinRaster()(100 * np.tile(positions, (500, 1)), np.arange(3000).reshape(-1, 3), (4000, 4000))


def test_the_best_raster_is_the_one_that_is_installed():
    assert type(best_raster()) is (BuiltinRaster if without_pytorch3d() else Pytorch3dRaster)


def test_torch_is_not_imported():
    asked = (
        "import sys, core.rig_maker, core.rigging.shading, core.rigging.differentiable_raster as raster; "
        "raster.best_raster(); assert 'torch' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0
