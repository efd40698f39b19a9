"""Where things lie in the vertex list of ICT-FaceKit's light model, and what its shapes are called.

Source: https://github.com/USC-ICT/ICT-FaceKit, readme and `vertex_indices.json` (MIT licence): the ranges, the
expression names and the 68 landmark vertices. Units of the model are centimetres, +Y up, +Z out of the face, +X to
the subject's left.
"""

from __future__ import annotations

from core.blendshapes import ARKIT_NAMES

VERTEX_COUNT = 26_719
FACE = slice(0, 9_409)
HEAD_AND_NECK = slice(9_409, 11_248)
MOUTH_SOCKET = slice(11_248, 13_294)
LEFT_SOCKET = slice(13_294, 13_678)
RIGHT_SOCKET = slice(13_678, 14_062)
GUMS_AND_TONGUE = slice(14_062, 17_039)
UPPER_TEETH = slice(17_039, 19_247)
LOWER_TEETH = slice(19_247, 21_451)
LEFT_EYE_SHELL = slice(21_451, 22_221)
RIGHT_EYE_SHELL = slice(23_021, 23_791)
"""The outer of each eyeball's two shells. What follows (inner shells, lacrimal fluid, occlusion, lashes) has no place
in a rig: it needs transparency."""

TONGUE_SEEDS = (17_038, 16_500)
"""A vertex inside each of the two texture islands of the tongue, upper side and lower side."""

IBUG_VERTICES = (
    1225, 1888, 1052, 367, 1719, 1722, 2199, 1447, 966, 3661, 4390, 3927, 3924, 2608, 3272, 4088, 3443,
    268, 493, 1914, 2044, 1401, 3615, 4240, 4114, 2734, 2509,
    978, 4527, 4942, 4857, 1140, 2075, 1147, 4269, 3360,
    1507, 1542, 1537, 1528, 1518, 1511, 3742, 3751, 3756, 3721, 3725, 3732,
    5708, 5695, 2081, 0, 4275, 6200, 6213, 6346, 6461, 5518, 5957, 5841,
    5702, 5711, 5533, 6216, 6207, 6470, 5517, 5966,
)  # fmt: skip
"""(68,) vertices of the iBUG / Multi-PIE points: `idx_to_landmark_verts` of `vertex_indices.json`."""

IBUG_FACE_MESH = (
    162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389,
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300,
    168, 197, 5, 4, 75, 97, 2, 326, 305,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 40, 37, 0, 267, 270, 291, 321, 405, 17, 181, 91,
    78, 81, 13, 311, 308, 402, 14, 178,
)  # fmt: skip
"""(68,) the FaceMesh point that means the same as each iBUG point. Of the lips' points that widespread tables name, 39,
82 and their like lie 5 to 7 mm further in than iBUG's; these lie within 2 mm of where ICT-FaceKit has them."""
IBUG_CONTOUR_COUNT = 17
IBUG_CHIN = 8


def ict_names(name: str) -> tuple[str, ...]:
    """The ICT shapes whose sum is the ARKit shape `name`; none for tongueOut."""
    if name == "tongueOut":
        return ()
    if name in ("browInnerUp", "cheekPuff"):
        return f"{name}_L", f"{name}_R"
    for side in ("Left", "Right"):
        if name.endswith(side) and name.removesuffix(side) not in ("jaw", "mouth"):
            return (f"{name.removesuffix(side)}_{side[0]}",)
    return (name,)


REQUIRED_NAMES: tuple[str, ...] = tuple(part for name in ARKIT_NAMES for part in ict_names(name))
