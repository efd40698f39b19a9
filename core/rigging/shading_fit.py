"""A face's form refined by its shading: the most likely form, given what the face's points told, the light and the
brightness of the skin.

The unknowns are what the points left open of the form (independent standard normals), and of each picture the camera,
the expression, nine spherical harmonics of light and the skin's evenness. Light is a linear least-squares problem and
is solved in every step, so the energy depends on form and camera alone (variable projection, Golub & Pereyra 1973); its
gradient comes through the rasteriser. Lashes, folds, beards and highlights stand apart and fade by a Cauchy loss. How
well shading explains a face at all is told by the picture itself: its variance is another unknown, so that a picture
full of folds and shadows says less than a plain one.

Imports torch: it is imported only when somebody refines.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import minimize

from core.head_model.torch_skinning import rotations_of
from core.rigging.differentiable_raster import DifferentiableRaster
from core.rigging.lighting import ROUNDS
from core.rigging.shading_surface import ShadingView, Surface
from core.structures import FloatArray

RIDGE = 1e-3  # of the harmonics, in parts of their squares
MOST_DEVIATIONS = 4.0
CAMERA = 7  # turn, size, place and distance, before the expression


@dataclass(frozen=True, slots=True)
class ShadingParameters:
    """How shading is weighed. Chosen on drawn people (seeds 700 to 707), none of whom a benchmark measures,
    but for what a picture is worth: that was lowered by eye on photos of people."""

    facing_low: float = 0.3  # cosine between surface and view below which a pixel says nothing
    facing_high: float = 0.5
    slack: float = 0.15  # brightness, in parts of the face's, by which skin departs from even skin by right
    independent_pixels: float = 300.0  # that a picture is worth; several share what is uneven in a skin, see below
    least_noise: float = 0.03
    stray_m: float = 0.0015  # by which the face points may leave their places in the picture
    independent_points: float = 30.0
    turn_rad: float = 0.05  # one standard deviation of each unknown of the camera
    size: float = 0.02
    place_m: float = 0.002
    nearness: float = 0.2
    expression: float = 0.1
    steps: int = 25


@dataclass(frozen=True, slots=True, eq=False)
class _Tensors:
    """A view, ready to be compared."""

    brightness: torch.Tensor
    skin: torch.Tensor
    rotation: torch.Tensor
    posed: torch.Tensor
    posed_anchors: torch.Tensor
    view: ShadingView


class ShadingFit:
    """The energy of a form, and its minimum. dtype: of the arithmetic."""

    def __init__(
        self,
        surface: Surface,
        views: Sequence[ShadingView],
        raster: DifferentiableRaster,
        parameters: ShadingParameters | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self._parameters = parameters or ShadingParameters()
        self._raster, self._dtype = raster, dtype
        self._triangles = torch.from_numpy(surface.triangles)
        self._motion, self._shapes = self._tensor(surface.motion), self._tensor(surface.shapes)
        self._anchor_motion = self._tensor(surface.anchor_motion)
        self._anchor_shapes = self._tensor(surface.anchor_shapes)
        self._plain, self._stillness = self._tensor(surface.plain), self._tensor(surface.stillness)
        self._views = [self._prepared(surface, view) for view in views]
        self.form_count = len(surface.motion)
        self._own = CAMERA + len(surface.shapes)

    @property
    def unknowns(self) -> int:
        """How many numbers `energy` takes: those of the form, then for each view camera and expression."""
        return self.form_count + self._own * len(self._views)

    def _tensor(self, values: FloatArray) -> torch.Tensor:
        return torch.tensor(np.asarray(values), dtype=self._dtype)

    def _prepared(self, surface: Surface, view: ShadingView) -> _Tensors:
        expression = view.expression
        return _Tensors(
            self._tensor(view.brightness), self._tensor(view.skin), self._tensor(view.rotation),
            self._tensor(surface.points + np.tensordot(expression, surface.shapes, 1)),
            self._tensor(surface.anchors + np.tensordot(expression, surface.anchor_shapes, 1)), view,
        )  # fmt: skip

    def energy(self, unknowns: torch.Tensor) -> torch.Tensor:
        """Negative logarithm of the posterior, up to a constant. unknowns: (`unknowns`,), standard normal a priori."""
        form, own = unknowns[: self.form_count], unknowns[self.form_count :].reshape(len(self._views), self._own)
        total = 0.5 * (form**2).sum()
        for view, mine in zip(self._views, own, strict=True):
            total = total + self._view_energy(view, form, mine)
        return total

    def solve(self, is_cancelled: Callable[[], None] | None = None) -> FloatArray:
        """(K,) the likeliest form in standard deviations. is_cancelled: called in every step, raises to end it."""

        def value(x: FloatArray) -> tuple[float, FloatArray]:
            if is_cancelled is not None:
                is_cancelled()
            unknowns = torch.tensor(x, dtype=self._dtype, requires_grad=True)
            energy = self.energy(unknowns)
            (gradient,) = torch.autograd.grad(energy, unknowns)
            return float(energy.detach()), gradient.double().numpy()

        options = {"maxiter": self._parameters.steps, "maxcor": 20, "ftol": 1e-4}
        bounds = [(-MOST_DEVIATIONS, MOST_DEVIATIONS)] * self.unknowns
        found = minimize(value, np.zeros(self.unknowns), jac=True, method="L-BFGS-B", bounds=bounds, options=options)
        return np.asarray(found.x[: self.form_count])

    def _placed(
        self, view: ShadingView, rotation: torch.Tensor, points: torch.Tensor, own: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """((n, 3) camera frame about the head's origin, metres; (n, 2) pixels) of points (n, 3) at rest."""
        p = self._parameters
        turned = points @ (rotations_of(p.turn_rad * own[:3]) @ rotation).T
        distance = view.distance_m * torch.exp(p.nearness * own[6])
        enlarged = view.scale * torch.exp(p.size * own[3]) * distance / (distance - turned[:, 2])
        shift = p.place_m * view.scale * own[4:6]
        x = view.at[0] + shift[0] + enlarged * turned[:, 0]
        y = view.at[1] + shift[1] - enlarged * turned[:, 1]
        return turned, torch.stack([x, y], dim=1)

    def _moved(
        self, points: torch.Tensor, form: torch.Tensor, own: torch.Tensor, motion: torch.Tensor, shapes: torch.Tensor
    ) -> torch.Tensor:
        amount = self._parameters.expression * own[CAMERA:]
        return points + torch.tensordot(form, motion, 1) + torch.tensordot(amount, shapes, 1)

    def _view_energy(self, view: _Tensors, form: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
        p = self._parameters
        points = self._moved(view.posed, form, own, self._motion, self._shapes)
        turned, pixels = self._placed(view.view, view.rotation, points, own)
        seen, normals, weights = self._drawn(view, turned, pixels)
        residual = _unexplained(seen, normals, weights, p.slack)
        loss = p.slack**2 * torch.log1p((residual / p.slack) ** 2)
        variance = (weights * loss).sum() / weights.sum().clamp_min(1e-6) + p.least_noise**2
        # What is no shading (beards, blotches) is the same in all pictures: n of them are worth the root of n.
        worth = p.independent_pixels / len(self._views) ** 0.5
        shading = 0.5 * worth * torch.log(variance / p.least_noise**2)
        anchors = self._moved(view.posed_anchors, form, own, self._anchor_motion, self._anchor_shapes)
        now = self._placed(view.view, view.rotation, anchors, own)[1]
        before = self._placed(view.view, view.rotation, view.posed_anchors, torch.zeros_like(own))[1].detach()
        strayed = (self._stillness * ((now - before) ** 2).sum(dim=1)).sum() / (view.view.scale * p.stray_m) ** 2
        return shading + 0.5 * p.independent_points * strayed + 0.5 * (own[CAMERA - 1 :] ** 2).sum()

    def _drawn(
        self, view: _Tensors, turned: torch.Tensor, pixels: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """(brightness (n,), normals (n, 3), weights (n,)) of the covered pixels."""
        p = self._parameters
        height, width = view.brightness.shape
        depth = view.view.scale * turned[:, 2:]
        shown = self._raster(torch.cat([pixels, depth], dim=1), self._triangles, (width, height))
        vertices = torch.cat([_vertex_normals(turned, self._triangles), self._plain[:, None]], dim=1)
        found = shown.interpolate(vertices, self._triangles)
        normals = torch.nn.functional.normalize(found[:, :3], dim=1)
        facing = ((normals[:, 2] - p.facing_low) / (p.facing_high - p.facing_low)).clamp(0, 1)
        weights = (view.skin[shown.rows, shown.columns] * found[:, 3].clamp(0, 1) * facing).detach()
        return view.brightness[shown.rows, shown.columns], normals, weights


def _vertex_normals(points: torch.Tensor, triangles: torch.Tensor) -> torch.Tensor:
    """(n, 3) unit, weighted by area."""
    a, b, c = points[triangles].unbind(dim=1)
    flat = torch.linalg.cross(b - a, c - a)
    total = torch.zeros_like(points).index_add(0, triangles.reshape(-1), flat.repeat_interleave(3, dim=0))
    return torch.nn.functional.normalize(total, dim=1)


def _harmonics(normals: torch.Tensor) -> torch.Tensor:
    """(n, 9) as `core.rigging.lighting.harmonics`, with gradients."""
    x, y, z = normals.unbind(dim=1)
    parts = [torch.ones_like(x), x, y, z, x * y, x * z, y * z, x * x - y * y, 3 * z * z - 1]
    return torch.stack(parts, dim=1)


def _unexplained(seen: torch.Tensor, normals: torch.Tensor, weights: torch.Tensor, slack: float) -> torch.Tensor:
    """(n,) what the best light on even skin leaves of the brightness, in parts of a typical pixel's. No gradient goes
    through the light: at its best, the energy does not change with it."""
    basis = _harmonics(normals)
    with torch.no_grad():
        sure = seen[weights > 0.5 * weights.max()] if len(seen) else seen
        typical = sure.median().clamp_min(1e-4) if len(sure) else seen.new_ones(())
        ridge = RIDGE * torch.eye(basis.shape[1], dtype=basis.dtype)
        trust = weights
        for _ in range(ROUNDS):
            weighted = basis.T * (trust / trust.sum().clamp_min(1e-6))
            light = torch.linalg.solve(weighted @ basis + ridge, weighted @ (seen / typical))
            trust = weights / (1 + ((basis @ light - seen / typical) / slack) ** 2)
    return basis @ light - seen / typical
