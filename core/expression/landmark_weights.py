"""How much each FaceMesh point says about the expression."""

from __future__ import annotations

import numpy as np

from core.structures import LANDMARK_COUNT, FloatArray
from core.tracking.landmark_ids import (
    FACE_OVAL,
    INNER_LIPS,
    LEFT_BROW,
    LEFT_EYE,
    LEFT_IRIS,
    OUTER_LIPS,
    RIGHT_BROW,
    RIGHT_EYE,
    RIGHT_IRIS,
)

REST_WEIGHT = 1.0
LID_WEIGHT = 2.0  # small, fast, sharply seen by the attention network
LIP_WEIGHT = 2.0  # likewise, and most of the channels live there
BROW_WEIGHT = 1.5
OVAL_WEIGHT = 0.4  # the outline slides over the skin when the head turns
IRIS_WEIGHT = 0.0  # irises turn with the gaze; no shape moves them


def landmark_weights() -> FloatArray:
    """(478,) float64 weights, at least 0, the same on both sides of the face."""
    weights = np.full(LANDMARK_COUNT, REST_WEIGHT)
    weights[list(FACE_OVAL)] = OVAL_WEIGHT
    weights[[*LEFT_BROW, *RIGHT_BROW]] = BROW_WEIGHT
    weights[[*LEFT_EYE, *RIGHT_EYE]] = LID_WEIGHT
    weights[[*OUTER_LIPS, *INNER_LIPS]] = LIP_WEIGHT
    weights[[*LEFT_IRIS, *RIGHT_IRIS]] = IRIS_WEIGHT
    return weights
