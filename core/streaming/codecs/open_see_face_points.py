"""The face that OpenSeeFace packets of ours show: 66 points of the built-in head at rest, and its eyeballs.

Rows are the 66 points of OpenSeeFace (those of iBUG 68 without the inner corners of the mouth), taken from the 478
FaceMesh points of the built-in head; head frame, metres, from the tip of the nose.
"""

from __future__ import annotations

import numpy as np

FACE_POINTS_M = 0.001 * np.array(
    [
        # jaw, from the subject's right ear to the left
        (-69, 18, -93), (-69, 4, -96), (-69, -11, -96), (-67, -26, -93), (-62, -42, -85), (-46, -62, -63),
        (-36, -70, -54), (-21, -79, -39), (0, -83, -33), (21, -79, -39), (36, -70, -54), (46, -62, -63),
        (62, -42, -85), (67, -26, -93), (69, -11, -96), (69, 4, -96), (69, 18, -93),
        # brows, right and left
        (-57, 42, -48), (-50, 48, -41), (-41, 52, -35), (-28, 52, -29), (-15, 50, -26),
        (15, 50, -26), (28, 52, -29), (41, 52, -35), (50, 48, -41), (57, 42, -48),
        # nose: bridge, tip, wings
        (0, 35, -25), (0, 28, -20), (0, 16, -9), (0, 0, 0),
        (-14, -13, -24), (-6, -16, -19), (0, -18, -17), (6, -16, -19), (14, -13, -24),
        # eyes, right and left
        (-45, 29, -47), (-39, 34, -40), (-28, 34, -38), (-21, 28, -44), (-27, 26, -39), (-38, 25, -39),
        (21, 28, -44), (28, 34, -38), (39, 34, -40), (45, 29, -47), (38, 25, -39), (27, 26, -39),
        # mouth: outer edge, inner edge
        (-25, -37, -35), (-11, -29, -22), (-5, -28, -20), (0, -29, -20), (5, -28, -20), (11, -29, -22),
        (25, -37, -35), (11, -43, -23), (5, -44, -22), (0, -44, -21), (-5, -44, -22), (-11, -43, -23),
        (-5, -35, -22), (0, -35, -22), (5, -35, -22), (5, -35, -23), (0, -35, -23), (-5, -35, -23),
    ],
    np.float64,
)  # fmt: skip
"""(66, 3)."""

EYEBALLS_M = np.array([(-0.032, 0.03, -0.05), (0.032, 0.03, -0.05)])
"""(2, 3) centres, right and left eye: OpenSeeFace's order."""

PUPIL_DISTANCE_M = 0.012  # from an eyeball's centre
