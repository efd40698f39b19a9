"""A face's form refined by its shading: the most likely form, given what the face's points told, the light and the
brightness of the skin.

The unknowns are what the points left open of the form (independent standard normals), and of each picture the camera,
the expression, nine spherical harmonics of light and the skin's evenness. Light is a linear least-squares problem and
is solved in every step, so the energy depends on form and camera alone (variable projection, Golub & Pereyra 1973); its
gradient comes through the rasteriser. Lashes, folds, beards and highlights stand apart and fade by a Cauchy loss. How
well shading explains a face at all is told by the picture itself: its variance is another unknown, so that a picture
full of folds and shadows says less than a plain one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from core.rigging.differentiable_raster import DifferentiableRaster, Fragments
from core.rigging.lighting import ROUNDS, harmonics
from core.rigging.shading_gradients import (
    lit,
    moved_camera,
    normalised,
    project,
    projection_pulled_back,
    vertex_normals,
)
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
    evaluations: int = 32  # most of them; a fit that needs more gains little more
    moved_m: float = 0.002  # skin that the expression moved by this much says half as much

    @property
    def camera(self) -> FloatArray:
        """(7,) the deviations of a camera's unknowns."""
        return np.array([*3 * [self.turn_rad], self.size, *2 * [self.place_m], self.nearness])


@dataclass(frozen=True, slots=True, eq=False)
class _Posed:
    """points: (n + 468, 3) skin, then anchors, in a picture's expression; anchor_pixels: (468, 2) where the latter
    belong; plain: (n,) bare skin that the expression leaves in its place; still_share: how much of the bare skin."""

    view: ShadingView
    points: FloatArray
    anchor_pixels: FloatArray
    plain: FloatArray
    still_share: float


class ShadingFit:
    """The energy of a form, and its minimum."""

    def __init__(
        self,
        surface: Surface,
        views: Sequence[ShadingView],
        raster: DifferentiableRaster,
        parameters: ShadingParameters | None = None,
    ) -> None:
        self._surface, self._raster = surface, raster
        self._parameters = parameters or ShadingParameters()
        self._views = [_posed(surface, view, self._parameters.moved_m) for view in views]
        self.form_count = len(surface.motion)
        self._own = CAMERA + len(surface.shapes)
        motion = np.concatenate([surface.motion, surface.anchor_motion], axis=1)
        shapes = np.concatenate([surface.shapes, surface.anchor_shapes], axis=1)
        ways = np.concatenate([motion, self._parameters.expression * shapes])
        self._ways = ways.reshape(len(ways), -1)

    @property
    def unknowns(self) -> int:
        """How many numbers `energy` takes: those of the form, then for each view camera and expression."""
        return self.form_count + self._own * len(self._views)

    def energy(self, unknowns: FloatArray) -> tuple[float, FloatArray]:
        """Negative logarithm of the posterior, up to a constant, and its gradient (`unknowns`,).

        unknowns: (`unknowns`,), standard normal a priori.
        """
        form, own = unknowns[: self.form_count], unknowns[self.form_count :].reshape(len(self._views), self._own)
        total, gradient = 0.5 * float(form @ form), np.zeros_like(unknowns)
        gradient[: self.form_count] = form
        by_own = gradient[self.form_count :].reshape(own.shape)
        for k, view in enumerate(self._views):
            value, by_form, by_own[k] = self._view_energy(view, form, own[k])
            total += value
            gradient[: self.form_count] += by_form
        return total, gradient

    def solve(self, is_cancelled: Callable[[], None] | None = None) -> FloatArray:
        """(K,) the likeliest form in standard deviations. is_cancelled: called in every step, raises to end it."""

        def value(x: FloatArray) -> tuple[float, FloatArray]:
            if is_cancelled is not None:
                is_cancelled()
            return self.energy(x)

        p = self._parameters
        options = {"maxiter": p.steps, "maxfun": p.evaluations, "maxcor": 20, "ftol": 1e-4}
        bounds = [(-MOST_DEVIATIONS, MOST_DEVIATIONS)] * self.unknowns
        found = minimize(value, np.zeros(self.unknowns), jac=True, method="L-BFGS-B", bounds=bounds, options=options)
        return np.asarray(found.x[: self.form_count])

    def _view_energy(self, posed: _Posed, form: FloatArray, own: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """(energy, (K,) by the form, (7 + E,) by camera and expression)."""
        p, view = self._parameters, posed.view
        points = posed.points + (np.concatenate([form, own[CAMERA:]]) @ self._ways).reshape(-1, 3)
        turned, pixels = project(points, moved_camera(view.camera, own[:CAMERA], p.camera))
        by_turned, by_pixels = np.zeros_like(turned), np.zeros_like(pixels)
        skin = slice(len(self._surface.points))
        shading, by_turned[skin], by_pixels[skin] = self._shading(posed, turned[skin], pixels[skin])

        away = pixels[skin.stop :] - posed.anchor_pixels
        firmness = p.independent_points * self._surface.stillness[:, None] / (view.camera.scale * p.stray_m) ** 2
        strayed = 0.5 * float((firmness * away**2).sum())
        by_pixels[skin.stop :] = firmness * away

        by_points, by_camera = projection_pulled_back(points, view.camera, own[:CAMERA], p.camera, by_turned, by_pixels)
        by_ways = self._ways @ by_points.ravel()
        held = own.copy()
        held[: CAMERA - 1] = 0.0  # turn, size and place are held by the anchors alone
        by_own = held + np.concatenate([by_camera, by_ways[self.form_count :]])
        return shading + strayed + 0.5 * float(held @ held), by_ways[: self.form_count], by_own

    def _shading(self, posed: _Posed, turned: FloatArray, pixels: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """(energy, (V, 3) by the turned points through their normals, (V, 2) by their pixels)."""
        p, view, triangles = self._parameters, posed.view, self._surface.triangles
        height, width = view.brightness.shape
        shown = self._raster(np.column_stack([pixels, view.camera.scale * turned[:, 2]]), triangles, (width, height))
        of_vertices, pull_vertices = vertex_normals(turned, triangles)
        normals, pull_length = normalised(shown.interpolate(of_vertices))
        weights = self._weights(posed, shown, normals)
        seen = view.brightness[shown.rows, shown.columns].astype(np.float64)
        typical, light = best_light(seen, normals, weights, p.slack)
        explained, pull_light = lit(normals, light)
        residual = explained - seen / typical
        outlying = 1 + (residual / p.slack) ** 2
        share = weights / max(float(weights.sum()), 1e-6)
        variance = float(share @ (p.slack**2 * np.log(outlying))) + p.least_noise**2
        # What is no shading (beards, blotches) is the same in all pictures: n of them are worth the root of n.
        worth = p.independent_pixels * posed.still_share / len(self._views) ** 0.5
        by_residual = worth / variance * share * residual / outlying
        by_vertices, by_pixels = shown.interpolation_pulled_back(of_vertices, pull_length(pull_light(by_residual)))
        return 0.5 * worth * float(np.log(variance / p.least_noise**2)), pull_vertices(by_vertices), by_pixels

    def _weights(self, posed: _Posed, shown: Fragments, normals: FloatArray) -> FloatArray:
        """(n,) how much each covered pixel says: bare skin that faces the camera."""
        p = self._parameters
        facing = np.clip((normals[:, 2] - p.facing_low) / (p.facing_high - p.facing_low), 0, 1)
        plain = np.clip(shown.interpolate(posed.plain[:, None])[:, 0], 0, 1)
        return np.asarray(posed.view.skin[shown.rows, shown.columns] * plain * facing)


def _posed(surface: Surface, view: ShadingView, moved_m: float) -> _Posed:
    shift = np.tensordot(view.expression, surface.shapes, 1)
    anchors = surface.anchors + np.tensordot(view.expression, surface.anchor_shapes, 1)
    plain = surface.plain / (1 + (shift**2).sum(axis=1) / moved_m**2)
    share = float(plain.sum() / surface.plain.sum())
    points = np.concatenate([surface.points + shift, anchors])
    return _Posed(view, points, project(anchors, view.camera)[1], plain, share)


def best_light(seen: FloatArray, normals: FloatArray, weights: FloatArray, slack: float) -> tuple[float, FloatArray]:
    """(a typical pixel's brightness, (9,) the light on even skin in parts of it) that explain brightness (n,) best. No
    gradient goes through them: at the best light, the energy does not change with it."""
    basis = harmonics(normals)
    sure = seen[weights > 0.5 * weights.max()] if len(seen) else seen
    typical = max(float(np.median(sure)), 1e-4) if len(sure) else 1.0
    ridge = RIDGE * np.eye(basis.shape[1])
    trust = weights
    light = np.zeros(basis.shape[1])
    for _ in range(ROUNDS):
        weighted = basis.T * (trust / max(float(trust.sum()), 1e-6))
        light = np.linalg.solve(weighted @ basis + ridge, weighted @ (seen / typical))
        trust = weights / (1 + ((basis @ light - seen / typical) / slack) ** 2)
    return typical, light
