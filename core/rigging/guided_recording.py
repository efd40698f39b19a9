"""A guided recording as it is made: one prompt at a time, faces in, held poses out. Knows no camera and no clock."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from core.rigging.guided_poses import GUIDED_POSES, LEAD_IN_S, GuidedPose
from core.structures import FaceLandmarks

MOST_FACES = 240  # of one pose; more would only take memory


@dataclass(frozen=True, slots=True)
class RecordingState:
    """pose: asked for now, None when all are over; number: of it, from 1; fraction: of the pose, in [0, 1], lead-in
    included; holds: whether frames count already; sees_face: whether the last frame showed one."""

    pose: GuidedPose | None
    number: int
    fraction: float
    holds: bool
    sees_face: bool


class GuidedRecording:
    """Collects the faces of each pose in `GUIDED_POSES`. Every method may be called from any thread.

    Time is that of the frames: a pose begins with the first frame that shows a face after its prompt, its lead-in
    passes, then it is held. Moments without a face do not count.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faces: dict[str, list[FaceLandmarks]] = {}
        self._number = 0
        self._sees_face = False
        self._begin()

    def _begin(self) -> None:
        self._last_s: float | None = None
        self._passed_s = 0.0

    def offer(self, face: FaceLandmarks | None, timestamp_s: float) -> None:
        """The face of the newest frame, None where it shows none."""
        with self._lock:
            self._sees_face = face is not None
            if face is None or self._number >= len(GUIDED_POSES):
                self._last_s = None
                return
            if self._last_s is not None:
                self._passed_s += min(max(0.0, timestamp_s - self._last_s), 0.5)
            self._last_s = timestamp_s
            pose = GUIDED_POSES[self._number]
            if self._passed_s >= LEAD_IN_S:
                kept = self._faces.setdefault(pose.name, [])
                kept.append(face)
                del kept[:-MOST_FACES]
            if self._passed_s >= LEAD_IN_S + pose.hold_s:
                self._number += 1
                self._begin()

    def state(self) -> RecordingState:
        """Where the recording stands."""
        with self._lock:
            if self._number >= len(GUIDED_POSES):
                return RecordingState(None, len(GUIDED_POSES), 1.0, False, self._sees_face)
            pose = GUIDED_POSES[self._number]
            fraction = min(1.0, self._passed_s / (LEAD_IN_S + pose.hold_s))
            return RecordingState(pose, self._number + 1, fraction, self._passed_s >= LEAD_IN_S, self._sees_face)

    def skip(self) -> None:
        """Goes on without this pose. The calm face cannot be skipped: everything is measured from it."""
        with self._lock:
            if 0 < self._number < len(GUIDED_POSES):
                self._faces.pop(GUIDED_POSES[self._number].name, None)
                self._number += 1
                self._begin()

    def redo(self) -> None:
        """Begins this pose anew, or the one before when this one has hardly begun."""
        with self._lock:
            hardly_begun = self._passed_s < LEAD_IN_S or self._number >= len(GUIDED_POSES)
            if hardly_begun and self._number > 0:
                self._number -= 1
            self._faces.pop(GUIDED_POSES[self._number].name, None)
            self._begin()

    def held(self) -> dict[str, tuple[FaceLandmarks, ...]]:
        """The faces of each pose that was held to its end, by its name."""
        with self._lock:
            done = {pose.name for pose in GUIDED_POSES[: self._number]}
            return {name: tuple(faces) for name, faces in self._faces.items() if name in done}
