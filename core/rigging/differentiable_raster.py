"""Which triangle covers each pixel and where inside it, as a function that gradients pass through.

What is found (the nearest triangle of each pixel) has no gradient; where inside it the pixel lies has one, by way of
the barycentric weights, and through them so has everything that is interpolated over the surface. Outlines, where one
triangle gives way to another, have none (Kato et al. 2020, arXiv 2006.12057, section 2).

Two backends of one interface: pytorch3d's where it is installed, else the one below. Torch is imported when a function
is called: nothing else in the engine needs it.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol

import numpy as np

from core.errors import InputError
from core.structures import FloatArray, IntArray

if TYPE_CHECKING:
    import torch

NEGLIGIBLE_AREA = 1e-3  # square pixels, twice the area of a triangle that is seen edge on
MOST_CANDIDATES = 20_000_000  # pixels of all triangles' boxes: a mesh blown up beyond the picture is refused


@dataclass(frozen=True, slots=True, eq=False)
class Fragments:
    """What n covered pixels show. rows, columns: (n,) int64; faces: (n,) int64 triangle numbers; weights: (n, 3)
    barycentric weights of the triangles' corners, which gradients pass through."""

    rows: torch.Tensor
    columns: torch.Tensor
    faces: torch.Tensor
    weights: torch.Tensor

    def interpolate(self, values: torch.Tensor, triangles: torch.Tensor) -> torch.Tensor:
        """(n, d) values (V, d) of the vertices, at the pixels. triangles: (F, 3) int64."""
        return (self.weights[..., None] * values[triangles[self.faces]]).sum(dim=1)


class DifferentiableRaster(Protocol):
    """Draws triangles whose outside faces the viewer."""

    def __call__(self, positions: torch.Tensor, triangles: torch.Tensor, size: tuple[int, int]) -> Fragments:
        """positions: (V, 3) x right and y down in pixels, pixel centres at whole numbers, z towards the viewer;
        triangles: (F, 3) int64, counter-clockwise as seen from outside; size: (width, height).

        Weights are those in the picture's plane, not corrected for perspective: for triangles of few pixels they
        are the same. InputError when the arrays do not fit.
        """
        ...


def _checked(positions: torch.Tensor, triangles: torch.Tensor) -> None:
    if positions.ndim != 2 or positions.shape[1] != 3 or triangles.ndim != 2 or triangles.shape[1] != 3:
        raise InputError(
            "Expected positions (V, 3) and triangles (F, 3), "
            f"but got {tuple(positions.shape)} and {tuple(triangles.shape)}."
        )
    if not bool(positions.isfinite().all()):
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
    """`DifferentiableRaster` in numpy and torch, on the CPU."""

    def __call__(self, positions: torch.Tensor, triangles: torch.Tensor, size: tuple[int, int]) -> Fragments:
        """As the interface says."""
        import torch

        _checked(positions, triangles)
        shown = torch.from_numpy(
            nearest_triangles(positions.detach().cpu().double().numpy(), triangles.cpu().numpy(), size)
        ).to(positions.device)
        rows, columns = torch.nonzero(shown >= 0, as_tuple=True)
        faces = shown[rows, columns]
        a, b, c = positions[triangles[faces]][..., :2].unbind(dim=1)
        at = torch.stack([columns, rows], dim=1).to(positions)

        def twice_area(u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
            return u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]

        whole = twice_area(b - a, c - a)
        second, third = twice_area(at - a, c - a) / whole, twice_area(b - a, at - a) / whole
        return Fragments(rows, columns, faces, torch.stack([1 - second - third, second, third], dim=1))


class Pytorch3dRaster:
    """`DifferentiableRaster` by pytorch3d (Ravi et al. 2020, arXiv 2007.08501)."""

    def __call__(self, positions: torch.Tensor, triangles: torch.Tensor, size: tuple[int, int]) -> Fragments:
        """As the interface says."""
        import torch
        from pytorch3d.renderer.mesh.rasterize_meshes import rasterize_meshes
        from pytorch3d.structures import Meshes

        _checked(positions, triangles)
        width, height = size
        half = 0.5 * min(width, height)  # its shorter side runs from -1 to 1, x to the left, y up, z away
        x = (0.5 * (width - 1) - positions[:, 0]) / half
        y = (0.5 * (height - 1) - positions[:, 1]) / half
        z = 1 + positions[:, 2].max().detach() - positions[:, 2]
        shown, _, weights, _ = rasterize_meshes(
            Meshes([torch.stack([x, y, z], dim=1)], [triangles]),
            image_size=(height, width), blur_radius=0.0, faces_per_pixel=1, bin_size=0,
            perspective_correct=False, cull_backfaces=True,
        )  # fmt: skip
        rows, columns = torch.nonzero(shown[0, :, :, 0] >= 0, as_tuple=True)
        return Fragments(rows, columns, shown[0, rows, columns, 0], weights[0, rows, columns, 0])


def best_raster() -> DifferentiableRaster | None:
    """pytorch3d's where it is installed, else the built-in one; None without torch."""
    if find_spec("torch") is None:
        return None
    return BuiltinRaster() if find_spec("pytorch3d") is None else Pytorch3dRaster()
