"""Where the eyeballs lie behind the lids."""

from __future__ import annotations

import numpy as np

from core.structures import FloatArray

LEFT_LID_MARGIN = (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249)
RIGHT_LID_MARGIN = (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7)
EYE_RADIUS_M = 0.0120  # half of the adult eye's 24 mm (Bekerman et al. 2014)
IRIS_DIAMETER_M = 0.0117  # visible iris, 11.7 mm +- 0.5 in adults
LID_THICKNESS_M = 0.0010
EYE_ABOVE_MIDDLE_M = 0.0010  # at rest the upper lid covers more of the iris than the lower one


def eye_centre(lid_margin: FloatArray) -> FloatArray:
    """(3,) centre of the eyeball whose surface, with a lid on it, passes through the (n, 3) lid margin; metres.

    Only the depth is searched: sideways the eye sits in the middle of its opening, in height a little above.
    """
    radius = EYE_RADIUS_M + LID_THICKNESS_M
    centre = lid_margin.mean(axis=0) - np.array([0.0, -EYE_ABOVE_MIDDLE_M, 0.8 * radius])
    for _ in range(50):
        offset = lid_margin - centre
        distance = np.linalg.norm(offset, axis=1, keepdims=True)
        centre[2] += 1.5 * float(((distance - radius) * offset / distance)[:, 2].mean())
    return centre


def on_lid_sphere(points: FloatArray, centre: FloatArray) -> FloatArray:
    """(n, 3) points moved straight out from or in to the eyeball until a lid's thickness lies between."""
    offset = points - centre
    radius = EYE_RADIUS_M + LID_THICKNESS_M
    return centre + offset * (radius / np.linalg.norm(offset, axis=1, keepdims=True))
