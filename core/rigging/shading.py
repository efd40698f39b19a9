"""Refines a form by its shading."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from core.head_model.personalise import at_rest, personal_rest
from core.head_model.rig import HeadRig
from core.rigging.differentiable_raster import best_raster
from core.rigging.face_gaussian import FACE_POINTS, load_face_gaussian
from core.rigging.face_shape import FaceShape, with_closed_lips
from core.rigging.observation import Observation
from core.rigging.shading_fit import ShadingFit
from core.rigging.shading_surface import make_surface, make_view

SHADING_PICTURES = 5


def refined_by_shading(
    base: HeadRig,
    observations: Sequence[Observation],
    shape: FaceShape,
    is_cancelled: Callable[[], None] | None = None,
) -> FaceShape:
    """The form that also explains the skin's brightness. Size and trust stay as they were.

    base: the head that takes the form; observations: pictures of the person, the best first, of which the first
    `SHADING_PICTURES` count; is_cancelled: raises to end the work.
    """
    resting = at_rest(base, personal_rest(base, shape.landmarks))  # to carry the shapes costs more than they differ
    surface = make_surface(resting, shape.estimate, load_face_gaussian())
    views = [make_view(surface, seen, shape.estimate) for seen in observations[:SHADING_PICTURES]]
    deviations = ShadingFit(surface, views, best_raster()).solve(is_cancelled)
    landmarks = shape.landmarks.copy()
    landmarks[:FACE_POINTS] += np.tensordot(deviations, surface.anchor_motion, 1)
    return replace(shape, landmarks=with_closed_lips(landmarks))


def moved_mm(before: FaceShape, after: FaceShape) -> float:
    """Root mean square distance between the face points of two forms, millimetres."""
    apart = (before.landmarks - after.landmarks)[:FACE_POINTS]
    return float(1000 * np.sqrt((apart**2).sum(axis=1).mean()))
