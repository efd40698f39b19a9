"""How far an estimated face lies from the true one, as the NoW benchmark measures it (Sanyal et al. 2019): laid on each
other rigidly with scale, by landmarks and then by the surface; the distance of every true point to the surface."""

from __future__ import annotations

import numpy as np

from core.geometry.closest_points import Surface
from core.geometry.similarity import Similarity, fit_similarity
from core.head_model.rig import HeadRig
from core.structures import FloatArray, IntArray

# Eye corners, below the nose, corners of the mouth: the seven landmarks of NoW, as FaceMesh numbers.
START_POINTS = (33, 133, 362, 263, 2, 61, 291)
REFINEMENTS = 8
MATCHED_PERCENT = 90  # what lies farthest off, mostly the face's edge, does not turn the rest
MOST_POINTS = 600  # of the true surface, evenly picked


def distances_mm(
    truth: FloatArray, true_landmarks: FloatArray, vertices: FloatArray, faces: IntArray, landmarks: FloatArray
) -> FloatArray:
    """(m,) millimetres of the true points (n, 3) to the surface of vertices (V, 3) and faces (F, 3), in true size.

    true_landmarks, landmarks: (478, 3) of the true and of the estimated head.
    """
    points = truth[:: max(1, len(truth) // MOST_POINTS)]
    start = list(START_POINTS)
    laid = fit_similarity(true_landmarks[start], landmarks[start])
    surface = Surface(vertices, faces)
    for _ in range(REFINEMENTS):
        goal = surface.closest(laid.apply(points))
        usual = goal.distances <= np.percentile(goal.distances, MATCHED_PERCENT)
        laid = fit_similarity(points[usual], goal.points[usual])
    found = surface.closest(laid.apply(points)).distances
    return np.asarray(1000 * found / laid.scale)


def rig_distances_mm(truth: HeadRig, points: FloatArray, estimate: HeadRig) -> FloatArray:
    """(m,) millimetres of the true face's points (n, 3) to the skin of the estimated head."""
    skin = estimate.part("skin")
    return distances_mm(points, truth.landmarks(), estimate.vertices, estimate.faces[skin.faces], estimate.landmarks())


def laid_on(points: FloatArray, reference: FloatArray) -> FloatArray:
    """(n, 3) points laid on (n, 3) reference points by the best similarity."""
    fitted: Similarity = fit_similarity(points, reference)
    return fitted.apply(points)
