"""Every step's gradient is that of central differences, to seven digits: these steps know no outline and no light."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from core.rigging.shading_gradients import (
    Camera,
    moved_camera,
    normalised,
    project,
    projection_pulled_back,
    vertex_normals,
)

STEP = 1e-5
COUNT = 7
TRIANGLES = np.array([[0, 1, 2], [2, 1, 3], [3, 4, 2], [4, 5, 6], [6, 0, 2]])
CAMERA = Camera(Rotation.from_rotvec([0.2, -0.4, 0.1]).as_matrix(), 700.0, np.array([64.0, 70.0]), 0.6)
DEVIATIONS = np.array([0.05, 0.04, 0.06, 0.02, 0.002, 0.003, 0.2])


def central(function, at, way):
    return (function(at + STEP * way) - function(at - STEP * way)) / (2 * STEP)


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def points(rng):
    return rng.uniform(-0.1, 0.1, (COUNT, 3))


@pytest.mark.parametrize("step", [normalised, lambda points: vertex_normals(points, TRIANGLES)])
def test_directions(step, rng, points):
    weigh, way = rng.normal(size=points.shape), 0.1 * rng.normal(size=points.shape)
    _, pull = step(points)
    assert (pull(weigh) * way).sum() == pytest.approx(
        central(lambda p: (weigh * step(p)[0]).sum(), points, way), rel=1e-6
    )


@pytest.mark.parametrize("turn", [0.0, 1.0, 20.0], ids=["not turned", "turned", "turned far"])
@pytest.mark.parametrize("only", [*range(COUNT), "points"])
def test_projection(rng, points, turn, only):
    by_turned, by_pixels = rng.normal(size=(COUNT, 3)), 0.01 * rng.normal(size=(COUNT, 2))
    change = rng.normal(size=7)
    change[:3] *= turn

    def weighed(unknowns):
        here, camera_change = unknowns[7:].reshape(-1, 3), unknowns[:7]
        turned, pixels = project(here, moved_camera(CAMERA, camera_change, DEVIATIONS))
        return (by_turned * turned).sum() + (by_pixels * pixels).sum()

    by_points, by_change = projection_pulled_back(points, CAMERA, change, DEVIATIONS, by_turned, by_pixels)
    gradient, at = np.concatenate([by_change, by_points.ravel()]), np.concatenate([change, points.ravel()])
    way = np.zeros_like(at)
    if only == "points":
        way[7:] = 0.1 * rng.normal(size=3 * COUNT)
    else:
        way[only] = 1.0
    assert gradient @ way == pytest.approx(central(weighed, at, way), rel=1e-6, abs=1e-8)
