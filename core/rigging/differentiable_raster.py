"""Which triangle covers each pixel and where inside it, as a function with a gradient.

What is found (the nearest triangle of each pixel) has no gradient; where inside it the pixel lies has one, by way of
the barycentric weights, and through them so has everything that is interpolated over the surface. Outlines, where one
triangle gives way to another, have none (Kato et al. 2020, arXiv 2006.12057, section 2).

Two backends of one interface: pytorch3d's where it is installed, else the one below. What goes in and comes out are
arrays; torch is imported by pytorch3d's backend alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Protocol

import numpy as np

from core.errors import InputError
from core.structures import FloatArray, IntArray

NEGLIGIBLE_AREA = 1e-3  # square pixels, twice the area of a triangle that is seen edge on
MOST_CANDIDATES = 20_000_000  # pixels of all triangles' boxes: a mesh blown up beyond the picture is refused


@dataclass(frozen=True, slots=True, eq=False)
class Fragments:
    """What n covered pixels show. rows, columns: (n,) int64; faces: (n,) int64 triangle numbers; corners: (n, 3) int64
    their vertices; weights: (n, 3) barycentric weights of the corners; pull_back: takes the gradient of something by
    the weights (n, 3) and gives its gradient by the positions (V, 2) in pixels."""

    rows: IntArray
    columns: IntArray
    faces: IntArray
    corners: IntArray
    weights: FloatArray
    pull_back: Callable[[FloatArray], FloatArray]

    def interpolate(self, values: FloatArray) -> FloatArray:
        """(n, d) values (V, d) of the vertices, at the pixels."""
        return np.asarray(np.einsum("nk,nkd->nd", self.weights, values[self.corners]))

    def interpolation_pulled_back(self, values: FloatArray, gradient: FloatArray) -> tuple[FloatArray, FloatArray]:
        """((V, d) by the values, (V, 2) by the positions) of something whose gradient by `interpolate(values)` is
        given, (n, d)."""
        by_weights = np.einsum("nd,nkd->nk", gradient, values[self.corners])
        by_values = summed_at(self.corners, self.weights[..., None] * gradient[:, None], len(values))
        return by_values, self.pull_back(by_weights)


class DifferentiableRaster(Protocol):
    """Draws triangles whose outside faces the viewer."""

    def __call__(self, positions: FloatArray, triangles: IntArray, size: tuple[int, int]) -> Fragments:
        """positions: (V, 3) x right and y down in pixels, pixel centres at whole numbers, z towards the viewer;
        triangles: (F, 3) int64, counter-clockwise as seen from outside; size: (width, height).

        Weights are those in the picture's plane, not corrected for perspective: for triangles of few pixels they
        are the same. InputError when the arrays do not fit.
        """
        ...


def summed_at(places: IntArray, values: FloatArray, count: int) -> FloatArray:
    """(count, d) sums of values (n, 3, d) that belong to places (n, 3)."""
    flat = places.ravel()
    columns = values.reshape(len(flat), -1).T
    return np.stack([np.bincount(flat, column, count) for column in columns], axis=1)


def _checked(positions: FloatArray, triangles: IntArray) -> None:
    if positions.ndim != 2 or positions.shape[1] != 3 or triangles.ndim != 2 or triangles.shape[1] != 3:
        raise InputError(
            f"Expected positions (V, 3) and triangles (F, 3), but got {positions.shape} and {triangles.shape}."
        )
    if not np.isfinite(positions).all():
        raise InputError("Positions to draw must be finite, but they hold NaN or infinity.")


def nearest_triangles(positions: FloatArray, triangles: IntArray, size: tuple[int, int]) -> IntArray:
    """(height, width) int64 number of the nearest triangle that faces the viewer, -1 where there is none.

    Arguments as `DifferentiableRaster` takes them.
    """
    width, height = size
    corners = positions[triangles]
    low = np.maximum(np.ceil(corners[..., :2].min(axis=1)), 0).astype(np.int64)
    high = np.minimum(np.floor(corners[..., :2].max(axis=1)), (width - 1, height - 1)).astype(np.int64)
    extent = np.maximum(high - low + 1, 0)
    counts = extent.prod(axis=1) * (_twice_area(corners) < -NEGLIGIBLE_AREA)
    if counts.sum() > MOST_CANDIDATES:
        raise InputError("The mesh is too large for the picture; move it farther away.")
    owner = np.repeat(np.arange(len(triangles)), counts)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    column = low[owner, 0] + place % extent[owner, 0]
    row = low[owner, 1] + place // extent[owner, 0]
    a, b, c = (corners[owner, k] for k in range(3))
    area = _twice_area(corners)[owner]
    first = ((b[:, 0] - column) * (c[:, 1] - row) - (b[:, 1] - row) * (c[:, 0] - column)) / area
    second = ((c[:, 0] - column) * (a[:, 1] - row) - (c[:, 1] - row) * (a[:, 0] - column)) / area
    third = 1 - first - second
    inside = (first >= 0) & (second >= 0) & (third >= 0)
    pixel, owner = (row * width + column)[inside], owner[inside]
    depth = (first * a[:, 2] + second * b[:, 2] + third * c[:, 2])[inside]
    nearest = np.full(width * height, -np.inf)
    np.maximum.at(nearest, pixel, depth)
    shown = np.full(width * height, -1, np.int64)
    wins = depth >= nearest[pixel]
    shown[pixel[wins]] = owner[wins]
    return shown.reshape(height, width)


def _twice_area(corners: FloatArray) -> FloatArray:
    """(F,) signed, y down: negative for triangles that are counter-clockwise to the viewer."""
    u, v = corners[:, 1, :2] - corners[:, 0, :2], corners[:, 2, :2] - corners[:, 0, :2]
    return np.asarray(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0])


class BuiltinRaster:
    """`DifferentiableRaster` in numpy."""

    def __call__(self, positions: FloatArray, triangles: IntArray, size: tuple[int, int]) -> Fragments:
        """As the interface says."""
        _checked(positions, triangles)
        positions = np.asarray(positions, np.float64)
        shown = nearest_triangles(positions, triangles, size)
        rows, columns = np.nonzero(shown >= 0)
        faces = shown[rows, columns]
        corners = triangles[faces]
        a, b, c = (positions[corners[:, k], :2] for k in range(3))
        at = np.stack([columns, rows], axis=1)
        whole = _cross(b - a, c - a)
        second, third = _cross(at - a, c - a) / whole, _cross(b - a, at - a) / whole
        weights = np.stack([1 - second - third, second, third], axis=1)
        # A weight is linear in the plane, 1 at its corner and 0 at the other two; to move a corner by d moves what the
        # pixel sees as moving the pixel by -d times that corner's weight would.
        slopes = np.stack([_turned(c - b), _turned(a - c), _turned(b - a)], axis=1) / whole[:, None, None]

        def pull_back(gradient: FloatArray) -> FloatArray:
            by_pixel = np.einsum("nk,nkd->nd", gradient, slopes)
            return summed_at(corners, -weights[..., None] * by_pixel[:, None], len(positions))

        return Fragments(rows, columns, faces, corners, weights, pull_back)


def _cross(u: FloatArray, v: FloatArray) -> FloatArray:
    return np.asarray(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0])


def _turned(edge: FloatArray) -> FloatArray:
    """(n, 2) the gradient, by the place p, of the cross product of an edge with p."""
    return np.stack([-edge[:, 1], edge[:, 0]], axis=1)


class Pytorch3dRaster:
    """`DifferentiableRaster` by pytorch3d (Ravi et al. 2020, arXiv 2007.08501)."""

    def __call__(self, positions: FloatArray, triangles: IntArray, size: tuple[int, int]) -> Fragments:
        """As the interface says."""
        import torch
        from pytorch3d.renderer.mesh.rasterize_meshes import rasterize_meshes
        from pytorch3d.structures import Meshes

        _checked(positions, triangles)
        width, height = size
        half = 0.5 * min(width, height)  # its shorter side runs from -1 to 1, x to the left, y up, z away
        placed = torch.tensor(positions, dtype=torch.float32, requires_grad=True)
        x = (0.5 * (width - 1) - placed[:, 0]) / half
        y = (0.5 * (height - 1) - placed[:, 1]) / half
        z = 1 + placed[:, 2].max().detach() - placed[:, 2]
        shown, _, weights, _ = rasterize_meshes(
            Meshes([torch.stack([x, y, z], dim=1)], [torch.from_numpy(triangles)]),
            image_size=(height, width), blur_radius=0.0, faces_per_pixel=1, bin_size=0,
            perspective_correct=False, cull_backfaces=True,
        )  # fmt: skip
        rows, columns = torch.nonzero(shown[0, :, :, 0] >= 0, as_tuple=True)
        faces, inside = shown[0, rows, columns, 0].numpy(), weights[0, rows, columns, 0]

        def pull_back(gradient: FloatArray) -> FloatArray:
            (by_place,) = torch.autograd.grad(inside, placed, torch.from_numpy(gradient).to(inside), retain_graph=True)
            return np.asarray(by_place[:, :2].double().numpy())

        found = np.asarray(inside.detach().double().numpy())
        return Fragments(rows.numpy(), columns.numpy(), faces, triangles[faces], found, pull_back)


def best_raster() -> DifferentiableRaster:
    """pytorch3d's where it is installed, else the built-in one."""
    return BuiltinRaster() if find_spec("pytorch3d") is None else Pytorch3dRaster()
