"""Names for the numbers of the 478 FaceMesh points. Left and right are the subject's.

Source: MediaPipe's `face_mesh_connections.py` (lips, eyes, irises, oval) and its picture of the canonical face; the
two irises follow the 468 face points, the subject's right eye first. Every left list is the mirror of its right
one, entry by entry.
"""

from __future__ import annotations

FACE_POINT_COUNT = 468  # the irises come after these

NASION = 168
NOSE_TIP = 1
FOREHEAD_TOP = 10
CHIN = 152

RIGHT_IRIS: tuple[int, ...] = (468, 469, 470, 471, 472)
LEFT_IRIS: tuple[int, ...] = (473, 474, 475, 476, 477)
"""The centre, then four points of the rim: 469 and 474 towards the picture's right, then counter-clockwise."""

RIGHT_EYE_OUTER, RIGHT_EYE_INNER = 33, 133
LEFT_EYE_OUTER, LEFT_EYE_INNER = 263, 362
RIGHT_UPPER_LID: tuple[int, ...] = (246, 161, 160, 159, 158, 157, 173)
RIGHT_LOWER_LID: tuple[int, ...] = (7, 163, 144, 145, 153, 154, 155)
LEFT_UPPER_LID: tuple[int, ...] = (466, 388, 387, 386, 385, 384, 398)
LEFT_LOWER_LID: tuple[int, ...] = (249, 390, 373, 374, 380, 381, 382)
"""Lid edges from the outer to the inner corner, without the corners."""

RIGHT_EYE: tuple[int, ...] = (RIGHT_EYE_OUTER, *RIGHT_UPPER_LID, RIGHT_EYE_INNER, *RIGHT_LOWER_LID[::-1])
LEFT_EYE: tuple[int, ...] = (LEFT_EYE_OUTER, *LEFT_UPPER_LID, LEFT_EYE_INNER, *LEFT_LOWER_LID[::-1])
"""Closed contours of the eye openings."""

RIGHT_BROW: tuple[int, ...] = (70, 63, 105, 66, 107, 46, 53, 52, 65, 55)
LEFT_BROW: tuple[int, ...] = (300, 293, 334, 296, 336, 276, 283, 282, 295, 285)
"""Upper edge, then lower edge, each from the temple to the nose."""

OUTER_LIPS: tuple[int, ...] = (
    61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146,
)  # fmt: skip
INNER_LIPS: tuple[int, ...] = (
    78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95,
)  # fmt: skip
"""Closed contours: from the subject's right corner over the upper lip to the left corner and back below."""

FACE_OVAL: tuple[int, ...] = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
"""Closed contour: from the forehead down the subject's left side, round the chin and up the right side."""

RIGID_LANDMARKS: tuple[int, ...] = (
    # the middle: forehead, glabella, nasion, bridge of the nose
    151, 9, 8, 168, 6, 197, 195, 5,
    # the subject's right: side of the bridge, eye corners
    193, 122, 196, 3, 245, 33, 133,
    # the subject's left, in the same order
    417, 351, 419, 248, 465, 263, 362,
)  # fmt: skip
"""Points that the skull carries and no expression moves much: no lids, brows, cheeks, lips or jaw. No temples either:
FaceMesh lets the outline slide when the head turns, and with them the pitch error on rendered heads with known pose
grew from 1.3 to 1.9 degrees."""
