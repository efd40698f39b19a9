"""What may change while faces are tracked."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import InputError

MOST_FACES = 16  # beyond this the detectors of the wheel find nothing more


@dataclass(frozen=True, slots=True)
class TrackerSettings:
    """How many faces to follow, and how sure to be of them.

    max_faces: 1 to 16. detection_confidence, tracking_confidence in [0, 1]: higher is stricter; how sure the
    detector must be that there is a face, and the network that it is still there.
    """

    max_faces: int = 1
    detection_confidence: float = 0.5
    tracking_confidence: float = 0.5

    def __post_init__(self) -> None:
        if not 1 <= self.max_faces <= MOST_FACES:
            raise InputError(f"max_faces must lie in 1 to {MOST_FACES}, but it is {self.max_faces}.")
        for name in ("detection_confidence", "tracking_confidence"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise InputError(f"{name} must lie in 0 to 1, but it is {getattr(self, name)}.")
