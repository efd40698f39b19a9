"""What a guided recording told of a person beside the form: stored with the rig, read by what follows the face."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from core.blendshapes import INDEX
from core.errors import RigError
from core.head_model.rig import HeadRig
from core.structures import LANDMARK_COUNT, FloatArray

KEY = "calibration"
"""Under which a rig's details and a manifest hold it."""
MOST_OPENNESS = 2.0
MOST_COORDINATE_M = 1.0
LEAST_AMPLITUDE, MOST_AMPLITUDE = 0.5, 1.6
DIGITS = 5  # of a metre: a hundredth of a millimetre


@dataclass(frozen=True, slots=True)
class LidRange:
    """Gap of one eye's lids in parts of the eye's width, as `core.tracking.gaze.lid_openness` measures it: shut, at
    rest, and as wide as was seen. shut < rest <= wide."""

    shut: float
    rest: float
    wide: float

    def __post_init__(self) -> None:
        values = (self.shut, self.rest, self.wide)
        if not (all(math.isfinite(v) for v in values) and 0 <= self.shut < self.rest <= self.wide <= MOST_OPENNESS):
            raise RigError(f"Lids must be shut < rest <= wide, but they are {values}.")

    def closed(self, openness: float) -> float:
        """How far the eye is shut at this openness, in [0, 1]: 0 at rest or wider, 1 shut."""
        return min(1.0, max(0.0, (self.rest - openness) / (self.rest - self.shut)))

    def widened(self, openness: float) -> float:
        """How far the eye is opened beyond rest, in [0, 1]; 0 where no wider eye was seen."""
        room = self.wide - self.rest
        return min(1.0, max(0.0, (openness - self.rest) / room)) if room > 0 else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """neutral: (478, 3) metres, the resting face as the landmark network reports it in the rig's head frame, the rig's
    landmark bias taken off. left, right: the subject's lids, None where the blink was not seen. amplitudes: of the
    shapes that were refined, in parts of what they were before; the rig's shapes have it already. confidence: of each
    pose, in [0, 1], 0 where it was not used."""

    neutral: FloatArray
    left: LidRange | None = None
    right: LidRange | None = None
    amplitudes: Mapping[str, float] = field(default_factory=dict)
    confidence: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """Plain JSON values."""
        lids = {
            side: {"shut": round(lid.shut, 4), "rest": round(lid.rest, 4), "wide": round(lid.wide, 4)}
            for side, lid in (("left", self.left), ("right", self.right))
            if lid is not None
        }
        return {
            "neutral": np.round(self.neutral.astype(np.float64), DIGITS).tolist(),
            "lids": lids,
            "amplitudes": {name: round(float(v), 3) for name, v in self.amplitudes.items()},
            "confidence": {name: round(float(v), 3) for name, v in self.confidence.items()},
        }


def calibration_of(rig: HeadRig) -> Calibration | None:
    """What a guided recording left with this rig, None where there was none. RigError when it is damaged."""
    return read_calibration(rig.details.get(KEY))


def read_calibration(content: object) -> Calibration | None:
    """The calibration in JSON values that somebody wrote, None for None. RigError, one line, when it is damaged."""
    if content is None:
        return None
    if not isinstance(content, Mapping):
        raise RigError("A rig's calibration must be a JSON object, but it is not.")
    try:
        neutral = np.asarray(content.get("neutral"), np.float64)
    except (TypeError, ValueError):
        neutral = np.zeros(0)
    if neutral.shape != (LANDMARK_COUNT, 3) or not np.abs(neutral).max() <= MOST_COORDINATE_M:
        raise RigError(f"A calibration's neutral must be {LANDMARK_COUNT} points in metres, but it is not.")
    lids = _object(content, "lids")
    amplitudes = _numbers(content, "amplitudes", LEAST_AMPLITUDE, MOST_AMPLITUDE)
    if not set(amplitudes) <= set(INDEX):
        raise RigError("A calibration's amplitudes must be of ARKit shapes, but some are not.")
    confidence = _numbers(content, "confidence", 0.0, 1.0)
    return Calibration(neutral.astype(np.float32), _lid(lids, "left"), _lid(lids, "right"), amplitudes, confidence)


def _object(content: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = content.get(key, {})
    if not isinstance(value, Mapping):
        raise RigError(f"A calibration must have an object at '{key}', but it has not.")
    return value


def _numbers(content: Mapping[str, object], key: str, least: float, most: float) -> dict[str, float]:
    values = _object(content, key)
    found = {}
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise RigError(f"A calibration's {key} must be numbers in [{least}, {most}], but some are not.")
        found[str(name)] = float(value)
    return found


def _lid(lids: Mapping[str, object], side: str) -> LidRange | None:
    if side not in lids:
        return None
    values = _numbers(lids, side, 0.0, MOST_OPENNESS)
    if set(values) != {"shut", "rest", "wide"}:
        raise RigError(f"A calibration's {side} lids must have shut, rest and wide, but they have not.")
    return LidRange(**values)
