"""What drives a face from speech, and what comes out."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import InputError
from core.structures import FaceState

MOST_LOOK_AHEAD_MS = 100.0
MOST_STRENGTH = 2.0
RANGES = {
    "look_ahead_ms": (0.0, MOST_LOOK_AHEAD_MS),
    "strength": (0.0, MOST_STRENGTH),
    "valence": (-1.0, 1.0),
    "arousal": (-1.0, 1.0),
}


@dataclass(frozen=True, slots=True)
class SpeechSettings:
    """How a voice moves the face. InputError: a value outside its range.

    look_ahead_ms: how far the network hears ahead of the frame it gives, 0 to 100; it is the larger part of the
    latency. strength: of the mouth's movement, 0 to 2. valence, arousal: -1 to 1, the mood in which it is spoken.
    blinks, brows, head_motion: whether eyes, brows and head move with the voice.
    """

    look_ahead_ms: float = 50.0
    strength: float = 1.0
    valence: float = 0.0
    arousal: float = 0.0
    blinks: bool = True
    brows: bool = True
    head_motion: bool = True

    def __post_init__(self) -> None:
        for name, (least, most) in RANGES.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise InputError(
                    f"{name.replace('_', ' ')} must lie between {least:g} and {most:g}, but it is {value:g}."
                )


@dataclass(frozen=True, slots=True)
class SpeechFrame:
    """The face at one moment of a sound. speaking: 0 nobody speaks, 1 somebody does."""

    state: FaceState
    speaking: float
