"""What a person may move about a face that follows a voice, and what comes out for each moment."""

from __future__ import annotations

import math
from dataclasses import dataclass

from core.errors import InputError
from core.structures import FaceState

MOST_LOOK_AHEAD_MS = 100.0


@dataclass(frozen=True, slots=True)
class SpeechSettings:
    """look_ahead_ms in [0, 100]: how much sound after a moment is heard before its face is given; the face is late by
    it. strength in [0, 2]: of the movement of mouth and jaw, 1 as learned. valence, arousal in [-1, 1]: the mood shown.
    blinks: whether the eyes blink. brows, head_motion in [0, 2]: how lively they go with the voice, 0 still, 1 as
    learned. InputError: out of range."""

    look_ahead_ms: float = 80.0
    strength: float = 1.0
    valence: float = 0.0
    arousal: float = 0.0
    blinks: bool = True
    brows: float = 1.0
    head_motion: float = 1.0

    def __post_init__(self) -> None:
        _require("look_ahead_ms", self.look_ahead_ms, 0.0, MOST_LOOK_AHEAD_MS)
        for name in ("strength", "brows", "head_motion"):
            _require(name, getattr(self, name), 0.0, 2.0)
        for name in ("valence", "arousal"):
            _require(name, getattr(self, name), -1.0, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class SpeechFrame:
    """The face of one moment of the sound, at `state.timestamp_s` of the sound's own time. speaking in [0, 1]: how sure
    it is that somebody speaks."""

    state: FaceState
    speaking: float


def _require(name: str, value: float, low: float, high: float) -> None:
    if not (math.isfinite(value) and low <= value <= high):
        raise InputError(f"{name} goes from {low:g} to {high:g}, but it is {value:g}.")
