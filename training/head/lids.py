"""Lids over the eyeball: paths that stay outside it, and the rim that joins a lid's margin to it."""

from __future__ import annotations

import numpy as np

from core.head_model.eyes import EYE_RADIUS_M

CLEARANCE_M = 0.0006  # between the eyeball and a lid on its straight way from open to closed
RIM_DEPTH_M = 0.0003  # how far the rim's inner edge lies inside the eyeball
RIM_UV_SHARE = 0.22  # of the way from the margin to the middle of the eye's opening in the atlas


def cleared_goals(rest: np.ndarray, goal: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """(n, 3) goals moved outwards until the straight way from `rest` (n, 3) keeps `CLEARANCE_M` to the eyeball.

    A shape moves each vertex on a straight line, a lid turns about the eye: the chord sinks by r (1 - cos(a/2)),
    almost a millimetre for a blink. A closed lid bulges as far as the middle of its way needs.
    """
    radius = EYE_RADIUS_M + CLEARANCE_M
    cleared = goal.copy()
    for _ in range(40):
        way = cleared - rest
        share = -((rest - centre) * way).sum(1) / np.maximum((way**2).sum(1), 1e-16)
        share = np.clip(share, 0.0, 1.0)[:, None]
        nearest = rest + share * way - centre
        distance = np.linalg.norm(nearest, axis=1, keepdims=True)
        missing = np.maximum(radius - distance, 0.0) / np.maximum(share, 0.3) * (share > 0)
        cleared += missing * nearest / distance
    return cleared


def rim(margin: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """(n, 3) inner edge of the rim behind the (n, 3) margin, just inside the eyeball."""
    offset = margin - centre
    return centre + offset * ((EYE_RADIUS_M - RIM_DEPTH_M) / np.linalg.norm(offset, axis=1, keepdims=True))


def rim_shapes(margin: np.ndarray, shapes: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """(52, n, 3) motion of the rim that follows the margin's (52, n, 3)."""
    rest = rim(margin, centre)
    return np.stack([rim(margin + shape, centre) - rest for shape in shapes])


def rim_uv(margin_uv: np.ndarray) -> np.ndarray:
    """(n, 2) atlas positions of the rim, in the hole that the eye leaves in the face."""
    return margin_uv + RIM_UV_SHARE * (margin_uv.mean(axis=0) - margin_uv)


def rim_triangles(margin: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """(2n, 3) triangles between the margin's vertex numbers, in the order of its border, and the rim's."""
    following, inner_following = np.roll(margin, -1), np.roll(inner, -1)
    first = np.stack([following, margin, inner], axis=1)
    return np.concatenate([first, np.stack([following, inner, inner_following], axis=1)])
