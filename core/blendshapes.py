"""The 52 ARKit blendshapes: names, order, sides, regions, and maps to foreign lists, always by name.

Sources: Apple's ARFaceAnchor.BlendShapeLocation for the names; the order is that of Live Link Face
(`EARFaceBlendShape`); MediaPipe Face Landmarker's `kBlendshapeNames` for its list; VRM 1.0's expression
presets; the Oculus LipSync viseme reference for the fifteen visemes.
"""

from __future__ import annotations

ARKIT_NAMES: tuple[str, ...] = (
    "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft",
    "eyeSquintLeft", "eyeWideLeft",
    "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight",
    "eyeSquintRight", "eyeWideRight",
    "jawForward", "jawLeft", "jawRight", "jawOpen",
    "mouthClose", "mouthFunnel", "mouthPucker", "mouthLeft", "mouthRight",
    "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight",
    "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight",
    "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper",
    "mouthPressLeft", "mouthPressRight", "mouthLowerDownLeft", "mouthLowerDownRight",
    "mouthUpperUpLeft", "mouthUpperUpRight",
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight",
    "cheekPuff", "cheekSquintLeft", "cheekSquintRight",
    "noseSneerLeft", "noseSneerRight", "tongueOut",
)  # fmt: skip
COUNT = len(ARKIT_NAMES)  # 52
INDEX: dict[str, int] = {name: i for i, name in enumerate(ARKIT_NAMES)}


def mirror_name(name: str) -> str:
    """Name of the same shape on the other side of the face; a shape without a side is its own mirror."""
    if name.endswith("Left"):
        return name[: -len("Left")] + "Right"
    if name.endswith("Right"):
        return name[: -len("Right")] + "Left"
    return name


MIRROR: tuple[int, ...] = tuple(INDEX[mirror_name(name)] for name in ARKIT_NAMES)
"""`mirrored[i] = values[MIRROR[i]]` swaps the sides of the face."""

REGION_PREFIXES: dict[str, tuple[str, ...]] = {
    "brows": ("brow",),
    "eyes": ("eye",),
    "cheeks": ("cheek",),
    "nose": ("nose",),
    "mouth": ("mouth",),
    "jaw": ("jaw",),
    "tongue": ("tongue",),
}
REGIONS: dict[str, tuple[str, ...]] = {
    region: tuple(name for name in ARKIT_NAMES if name.startswith(prefixes))
    for region, prefixes in REGION_PREFIXES.items()
}

EMOTIONS: tuple[str, ...] = (
    "neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt",
)  # fmt: skip

MEDIAPIPE_NAMES: tuple[str, ...] = (
    "_neutral",
    *sorted(name for name in ARKIT_NAMES if name != "tongueOut"),
)
"""MediaPipe's 52 outputs: alphabetical, `_neutral` first, no tongueOut."""

LIVE_LINK_ROTATIONS: tuple[str, ...] = (
    "HeadYaw", "HeadPitch", "HeadRoll",
    "LeftEyeYaw", "LeftEyePitch", "LeftEyeRoll",
    "RightEyeYaw", "RightEyePitch", "RightEyeRoll",
)  # fmt: skip


def live_link_name(name: str) -> str:
    """Live Link's spelling of an ARKit name: `eyeBlinkLeft` is `EyeBlinkLeft` there."""
    return name[0].upper() + name[1:]


LIVE_LINK_NAMES: tuple[str, ...] = (*map(live_link_name, ARKIT_NAMES), *LIVE_LINK_ROTATIONS)
"""The 61 Live Link values in the order of its UDP packet."""

VRM_PRESETS: dict[str, dict[str, float]] = {
    "blinkLeft": {"eyeBlinkLeft": 1.0},
    "blinkRight": {"eyeBlinkRight": 1.0},
    "lookUp": {"eyeLookUpLeft": 0.5, "eyeLookUpRight": 0.5},
    "lookDown": {"eyeLookDownLeft": 0.5, "eyeLookDownRight": 0.5},
    "lookLeft": {"eyeLookOutLeft": 0.5, "eyeLookInRight": 0.5},
    "lookRight": {"eyeLookInLeft": 0.5, "eyeLookOutRight": 0.5},
    "aa": {"jawOpen": 1.0},
    "ih": {"mouthStretchLeft": 0.5, "mouthStretchRight": 0.5},
    "ou": {"mouthPucker": 1.0},
    "ee": {"mouthSmileLeft": 0.5, "mouthSmileRight": 0.5},
    "oh": {"mouthFunnel": 1.0},
    "happy": {"mouthSmileLeft": 0.5, "mouthSmileRight": 0.5},
    "angry": {"browDownLeft": 0.5, "browDownRight": 0.5},
    "sad": {"mouthFrownLeft": 0.5, "mouthFrownRight": 0.5},
    "surprised": {"browInnerUp": 0.5, "eyeWideLeft": 0.25, "eyeWideRight": 0.25},
}
"""VRM 1.0 expression presets as weighted sums of ARKit coefficients; own reading of the preset names."""

VISEMES: dict[str, dict[str, float]] = {
    "sil": {},
    "PP": {"mouthPressLeft": 0.4, "mouthPressRight": 0.4, "mouthRollLower": 0.3, "mouthRollUpper": 0.3},
    "FF": {"mouthRollLower": 0.7, "mouthUpperUpLeft": 0.2, "mouthUpperUpRight": 0.2, "jawOpen": 0.06},
    "TH": {"tongueOut": 0.35, "jawOpen": 0.15},
    "DD": {"jawOpen": 0.15, "mouthLowerDownLeft": 0.2, "mouthLowerDownRight": 0.2},
    "kk": {"jawOpen": 0.2, "mouthStretchLeft": 0.1, "mouthStretchRight": 0.1},
    "CH": {"mouthFunnel": 0.5, "mouthPucker": 0.2, "jawOpen": 0.08},
    "SS": {"mouthStretchLeft": 0.35, "mouthStretchRight": 0.35, "jawOpen": 0.05},
    "nn": {"jawOpen": 0.1, "mouthShrugUpper": 0.1},
    "RR": {"mouthFunnel": 0.3, "jawOpen": 0.1},
    "aa": {"jawOpen": 0.6},
    "E": {"jawOpen": 0.25, "mouthStretchLeft": 0.4, "mouthStretchRight": 0.4},
    "ih": {"jawOpen": 0.15, "mouthSmileLeft": 0.3, "mouthSmileRight": 0.3},
    "oh": {"jawOpen": 0.35, "mouthFunnel": 0.5},
    "ou": {"jawOpen": 0.1, "mouthPucker": 0.8},
}
"""The fifteen Oculus visemes as ARKit coefficients; own values, tuned by eye on the built-in head."""

EMOTION_PROTOTYPES: dict[str, dict[str, float]] = {
    "happiness": {"mouthSmile": 0.85, "cheekSquint": 0.7, "eyeSquint": 0.35},
    "sadness": {"browInnerUp": 0.8, "browDown": 0.3, "mouthFrown": 0.7, "mouthShrugLower": 0.3, "eyeLookDown": 0.2},
    "surprise": {"browInnerUp": 0.8, "browOuterUp": 0.8, "eyeWide": 0.7, "jawOpen": 0.45},
    "fear": {
        "browInnerUp": 0.9,
        "browDown": 0.4,
        "browOuterUp": 0.4,
        "eyeWide": 0.8,
        "mouthStretch": 0.6,
        "jawOpen": 0.2,
    },
    "disgust": {"noseSneer": 0.9, "mouthUpperUp": 0.5, "mouthFrown": 0.4, "browDown": 0.5, "eyeSquint": 0.4},
    "anger": {"browDown": 1.0, "eyeSquint": 0.4, "noseSneer": 0.4, "mouthPress": 0.7, "jawForward": 0.2},
}  # fmt: skip
"""Six emotions as ARKit coefficients of both sides, after the action units of EMFACS (Friesen & Ekman 1983); own
strengths, tuned by eye on the built-in head. A name without a side stands for both."""
