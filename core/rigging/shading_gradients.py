"""Steps from a form to its brightness, each with its gradient taken back.

A function here gives its value, and a function that takes the gradient of something by that value and gives its
gradient by the arguments: the chain rule from the end to the beginning, without a library for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from core.rigging.differentiable_raster import summed_at
from core.structures import FloatArray, IntArray

LEAST_LENGTH = 1e-12
Pull = Callable[[FloatArray], FloatArray]


def normalised(vectors: FloatArray) -> tuple[FloatArray, Pull]:
    """(n, 3) of length 1."""
    length = np.maximum(np.sqrt(np.einsum("nd,nd->n", vectors, vectors)), LEAST_LENGTH)[:, None]
    unit = vectors / length

    def pull(gradient: FloatArray) -> FloatArray:
        return np.asarray((gradient - unit * np.einsum("nd,nd->n", gradient, unit)[:, None]) / length)

    return unit, pull


def vertex_normals(points: FloatArray, triangles: IntArray) -> tuple[FloatArray, Pull]:
    """(V, 3) unit, weighted by the triangles' areas. points: (V, 3); triangles: (F, 3)."""
    a, b, c = (points[triangles[:, k]] for k in range(3))
    ab, ac = b - a, c - a
    flat = np.cross(ab, ac)
    unit, pull_length = normalised(summed_at(triangles, np.repeat(flat[:, None], 3, axis=1), len(points)))

    def pull(gradient: FloatArray) -> FloatArray:
        by_flat = pull_length(gradient)[triangles].sum(axis=1)
        by_b, by_c = np.cross(ac, by_flat), np.cross(by_flat, ab)
        return summed_at(triangles, np.stack([-by_b - by_c, by_b, by_c], axis=1), len(points))

    return unit, pull


def lit(normals: FloatArray, light: FloatArray) -> tuple[FloatArray, Pull]:
    """(n,) brightness of normals (n, 3) under light (9,), in the order of `core.rigging.lighting.harmonics`."""
    slopes = np.array([
        [0, 2 * light[7], light[4], light[5]],
        [0, light[4], -2 * light[7], light[6]],
        [0, light[5], light[6], 6 * light[8]],
    ])[:, 1:]  # fmt: skip
    straight = light[1:4]
    by_normal = normals @ slopes + straight
    value = light[0] - light[8] + normals @ straight + 0.5 * np.einsum("nd,nd->n", normals, normals @ slopes)

    def pull(gradient: FloatArray) -> FloatArray:
        return np.asarray(gradient[:, None] * by_normal)

    return value, pull


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """Where a head stands in a picture. rotation: (3, 3) head to camera; scale: pixels a metre at the head's origin;
    at: (2,) pixel of the origin; distance_m: of the camera from it."""

    rotation: FloatArray
    scale: float
    at: FloatArray
    distance_m: float


def moved_camera(camera: Camera, change: FloatArray, deviations: FloatArray) -> Camera:
    """change: (7,) turn, size, place and nearness in parts of `deviations`: radians, 1, metres, 1."""
    turn, size, place, near = np.split(np.asarray(change * deviations), [3, 4, 6])
    return Camera(
        Rotation.from_rotvec(turn).as_matrix() @ camera.rotation, camera.scale * float(np.exp(size[0])),
        camera.at + camera.scale * place, camera.distance_m * float(np.exp(near[0])),
    )  # fmt: skip


def project(points: FloatArray, camera: Camera) -> tuple[FloatArray, FloatArray]:
    """((n, 3) camera frame about the head's origin, metres; (n, 2) pixels) of points (n, 3) of the head."""
    turned = points @ camera.rotation.T
    enlarged = (camera.scale * camera.distance_m / (camera.distance_m - turned[:, 2]))[:, None]
    return turned, np.asarray(camera.at + enlarged * turned[:, :2] * (1, -1))


def projection_pulled_back(
    points: FloatArray, start: Camera, change: FloatArray, deviations: FloatArray, by_turned: FloatArray,
    by_pixels: FloatArray,
) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    """((n, 3) by the points, (7,) by the change) of something whose gradients by what `project` gives with
    `moved_camera(start, change, deviations)` are (n, 3) and (n, 2)."""
    camera = moved_camera(start, change, deviations)
    turned = points @ camera.rotation.T
    depth = camera.distance_m - turned[:, 2]
    enlarged = camera.scale * camera.distance_m / depth
    by_size = (by_pixels * turned[:, :2] * (1, -1)).sum(axis=1) * enlarged
    by_all = by_turned.copy()
    by_all[:, :2] += enlarged[:, None] * by_pixels * (1, -1)
    by_all[:, 2] += by_size / depth
    axial = by_all.T @ turned  # of the rotation's matrix, taken back through it
    spin = np.array([axial[2, 1] - axial[1, 2], axial[0, 2] - axial[2, 0], axial[1, 0] - axial[0, 1]])
    by_change = np.concatenate([
        _left_jacobian(change[:3] * deviations[:3]).T @ spin, [by_size.sum()], start.scale * by_pixels.sum(axis=0),
        [(by_size * (1 - camera.distance_m / depth)).sum()],
    ])  # fmt: skip
    return by_all @ camera.rotation, by_change * deviations


def _left_jacobian(vector: FloatArray) -> FloatArray:
    """(3, 3) turn of the result, in space, for a small change of an axis-angle vector (3,) (Barfoot 2017, 7.77)."""
    angle = float(np.linalg.norm(vector))
    x, y, z = vector
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    if angle < 1e-4:
        return np.asarray(np.eye(3) + 0.5 * cross)
    first, second = (1 - np.cos(angle)) / angle**2, (angle - np.sin(angle)) / angle**3
    return np.asarray(np.eye(3) + first * cross + second * cross @ cross)
