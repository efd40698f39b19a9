"""What FaceMesh reports of a head whose true points are known.

The network turns every face down by about seven degrees: seen frontally, its forehead comes out too near and its chin
too far. Measured on the built-in head, drawn in known poses, by `python -m training.measure_landmark_bias`. With it,
three of four portraits came out within one degree of level, without it six to eight below (docs/expression.md). How
much it turns a face depends on the face, the fourth stayed seven below, so a rig made from photos carries its own.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from core.structures import LANDMARK_COUNT, FloatArray

BIAS_FILE = Path(__file__).parent / "data" / "landmark_bias.csv"


@cache
def landmark_bias() -> FloatArray:
    """(478, 3) metres, head frame: seen minus true point, mirror symmetric; zero for the irises."""
    bias = np.loadtxt(BIAS_FILE, delimiter=",").reshape(LANDMARK_COUNT, 3) / 1000
    bias.flags.writeable = False
    return bias


def as_seen(points: FloatArray, bias: FloatArray | None = None) -> FloatArray:
    """(478, 3) points that FaceMesh reports for a head with these true points (478, 3); metres, head frame.

    bias: (478, 3), the head's own where it was measured; the built-in head's otherwise.
    """
    return points + (landmark_bias() if bias is None else bias)


def as_true(points: FloatArray, bias: FloatArray | None = None) -> FloatArray:
    """(478, 3) true points of a head whose reported points are these; undoes `as_seen`."""
    return points - (landmark_bias() if bias is None else bias)
