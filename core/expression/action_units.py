"""Facial action units (FACS) read from ARKit coefficients.

The correspondence is approximate and follows the table of the py-feat documentation (docs/pages/au_reference.md, 2026),
itself after Melinda Ozel's ARKit to FACS sheet. What shapes alone cannot tell apart is left out or shared: AU23 and
AU24 are one shape here, AU26 and AU27 one channel, AU11, 13, 21, 38 and 39 have no shape. FACS scores the higher side
where the two differ.
"""

from __future__ import annotations

import numpy as np

from core.blendshapes import COUNT, INDEX
from core.errors import InputError
from core.structures import FloatArray

ACTION_UNITS: dict[str, tuple[str, tuple[str, ...]]] = {
    "AU1": ("inner brow raiser", ("browInnerUp",)),
    "AU2": ("outer brow raiser", ("browOuterUpLeft", "browOuterUpRight")),
    "AU4": ("brow lowerer", ("browDownLeft", "browDownRight")),
    "AU5": ("upper lid raiser", ("eyeWideLeft", "eyeWideRight")),
    "AU6": ("cheek raiser", ("cheekSquintLeft", "cheekSquintRight")),
    "AU7": ("lid tightener", ("eyeSquintLeft", "eyeSquintRight")),
    "AU9": ("nose wrinkler", ("noseSneerLeft", "noseSneerRight")),
    "AU10": ("upper lip raiser", ("mouthUpperUpLeft", "mouthUpperUpRight")),
    "AU12": ("lip corner puller", ("mouthSmileLeft", "mouthSmileRight")),
    "AU14": ("dimpler", ("mouthDimpleLeft", "mouthDimpleRight")),
    "AU15": ("lip corner depressor", ("mouthFrownLeft", "mouthFrownRight")),
    "AU16": ("lower lip depressor", ("mouthLowerDownLeft", "mouthLowerDownRight")),
    "AU17": ("chin raiser", ("mouthShrugLower",)),
    "AU18": ("lip pucker", ("mouthPucker",)),
    "AU19": ("tongue show", ("tongueOut",)),
    "AU20": ("lip stretcher", ("mouthStretchLeft", "mouthStretchRight")),
    "AU22": ("lip funneler", ("mouthFunnel",)),
    "AU24": ("lip pressor", ("mouthPressLeft", "mouthPressRight")),
    "AU25": ("lips part", ("jawOpen", "mouthUpperUpLeft", "mouthUpperUpRight",
                           "mouthLowerDownLeft", "mouthLowerDownRight")),
    "AU26": ("jaw drop", ("jawOpen",)),
    "AU28": ("lip suck", ("mouthRollUpper", "mouthRollLower")),
    "AU29": ("jaw thrust", ("jawForward",)),
    "AU34": ("cheek puff", ("cheekPuff",)),
    "AU43": ("eye closure", ("eyeBlinkLeft", "eyeBlinkRight")),
}  # fmt: skip
"""By name: what the muscle does, and the coefficients of which the strongest counts."""

GRADES = 5.0  # FACS grades A to E as DISFA and OpenFace number them, 0 where the unit is absent
_CHANNELS = [[INDEX[name] for name in names] for _, names in ACTION_UNITS.values()]
_LIPS_PART = list(ACTION_UNITS).index("AU25")


def action_units(blendshapes: FloatArray) -> FloatArray:
    """(24,) intensities in [0, 5], order of `ACTION_UNITS`, from (52,) coefficients. InputError for another shape."""
    values = np.asarray(blendshapes, np.float64)
    if values.shape != (COUNT,):
        raise InputError(f"Action units are read from {COUNT} coefficients, but got an array of shape {values.shape}.")
    strongest = np.array([values[channels].max() for channels in _CHANNELS])
    # A jaw that hangs behind closed lips parts nothing.
    lips = [channel for channel in _CHANNELS[_LIPS_PART] if channel != INDEX["jawOpen"]]
    strongest[_LIPS_PART] = max(values[INDEX["jawOpen"]] - values[INDEX["mouthClose"]], values[lips].max())
    return GRADES * np.clip(strongest, 0.0, 1.0)
