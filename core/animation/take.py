"""A take: one recorded performance of one face."""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.spatial.transform import Rotation

from core.errors import TakeError
from core.structures import FaceState, FloatArray

DEFAULT_RATE_HZ = 30.0


def rate_of(times_s: FloatArray) -> float:
    """Rows a second by the median distance of growing times, seconds; 30 where there are fewer than two."""
    if len(times_s) < 2:
        return DEFAULT_RATE_HZ
    return round(1.0 / float(np.median(np.diff(times_s))), 3)


@dataclass(frozen=True, eq=False)
class Take:
    """One performance. states: at least one, their times growing; rate_hz: nominal rows a second.

    timecode_start_s: time of day, seconds, that belongs to time 0 of the states (Live Link files carry it).
    skipped_rows: how many rows of the file could not be read, 0 for a take that was not read from a file.
    TakeError: no states, times that do not grow, or a rate that is no rate.
    """

    name: str
    states: tuple[FaceState, ...]
    rate_hz: float
    timecode_start_s: float = 0.0
    skipped_rows: int = 0

    def __post_init__(self) -> None:
        if not self.states:
            raise TakeError("A take needs at least one frame, but there is none.")
        if not (np.isfinite(self.rate_hz) and self.rate_hz > 0):
            raise TakeError(f"A take's rate must be positive, but it is {self.rate_hz}.")
        if not (np.isfinite(self.times_s).all() and (np.diff(self.times_s) > 0).all()):
            raise TakeError("A take's times must grow from frame to frame, but some do not.")

    @cached_property
    def times_s(self) -> FloatArray:
        """(n,) float64 times of the states, seconds."""
        return np.array([state.timestamp_s for state in self.states], np.float64)

    @cached_property
    def blendshapes(self) -> FloatArray:
        """(n, 52) float32 coefficients of all states."""
        return np.stack([state.blendshapes for state in self.states]).astype(np.float32)

    @property
    def duration_s(self) -> float:
        """From the first state to the last, seconds."""
        return self.states[-1].timestamp_s - self.states[0].timestamp_s

    def at(self, time_s: float) -> FaceState:
        """The face at this time of the take's own clock, with `timestamp_s` set to it.

        Linear between two states, the head's rotation along the shortest way (spherical); before the first and after
        the last state those are held. Next to a state without a face the nearer of the two counts.
        """
        right = bisect.bisect_right(self.times_s, time_s)
        before, after = self.states[max(right - 1, 0)], self.states[min(right, len(self.states) - 1)]
        if before is after:
            return replace(before, timestamp_s=time_s)
        weight = (time_s - before.timestamp_s) / (after.timestamp_s - before.timestamp_s)
        return between_states(before, after, weight, time_s)

    def resampled(self, rate_hz: float) -> Take:
        """The same performance with evenly spaced frames, from its first time on."""
        if not (np.isfinite(rate_hz) and rate_hz > 0):
            raise TakeError(f"A take is resampled at a positive rate, but got {rate_hz} Hz.")
        count = int(np.floor(self.duration_s * rate_hz + 1e-6)) + 1
        start_s = self.states[0].timestamp_s
        states = tuple(self.at(start_s + k / rate_hz) for k in range(count))
        return replace(self, states=states, rate_hz=rate_hz)

    def trimmed(self, start_s: float, end_s: float) -> Take:
        """The states from `start_s` to `end_s`, both included, with their times unchanged. TakeError: none there."""
        states = tuple(state for state in self.states if start_s <= state.timestamp_s <= end_s)
        if not states:
            raise TakeError(
                f"There is nothing from {start_s:g} s to {end_s:g} s; the take goes from "
                f"{self.states[0].timestamp_s:g} s to {self.states[-1].timestamp_s:g} s."
            )
        return replace(self, states=states)

    def replay(self, repeats: int | None = 1) -> Iterator[FaceState]:
        """Every state in turn, at times that start at 0 and go on growing from one repeat to the next.

        repeats: how often to play it, None for ever. Reads no clock: the caller waits until each state's time.
        """
        start_s, period_s = self.states[0].timestamp_s, self.duration_s + 1.0 / self.rate_hz
        played = 0
        while repeats is None or played < repeats:
            for state in self.states:
                yield replace(state, timestamp_s=state.timestamp_s - start_s + played * period_s)
            played += 1


def between_states(before: FaceState, after: FaceState, weight: float, time_s: float) -> FaceState:
    """The face at `weight` in [0, 1] of the way from one to the other, at `time_s`: linear, the head's rotation along
    the shortest way (spherical). Where only one has a face, the nearer one."""
    nearer = before if weight < 0.5 else after
    if not (before.has_face and after.has_face):
        return replace(nearer, timestamp_s=time_s)

    def mix(name: str) -> FloatArray:
        a, b = getattr(before, name), getattr(after, name)
        return np.asarray((1.0 - weight) * a + weight * b, np.float32)

    return FaceState(
        timestamp_s=time_s,
        face_id=nearer.face_id,
        blendshapes=np.clip(mix("blendshapes"), 0.0, 1.0),
        head_rotation=between_rotations(before.head_rotation, after.head_rotation, weight),
        head_translation=mix("head_translation"),
        gaze=mix("gaze"),
        valence=float(mix("valence")),
        arousal=float(mix("arousal")),
        emotion=mix("emotion"),
        confidence=float(mix("confidence")),
    )


def between_rotations(before: FloatArray, after: FloatArray, weight: float) -> FloatArray:
    """(3, 3) float32 rotation at `weight` in [0, 1] of the shortest way from one to the other."""
    first = Rotation.from_matrix(before)
    step = (first.inv() * Rotation.from_matrix(after)).as_rotvec()
    return np.asarray((first * Rotation.from_rotvec(weight * step)).as_matrix(), np.float32)


class TakeRecorder:
    """Gathers states while they come. max_duration_s bounds the memory of a recording that nobody stops."""

    def __init__(self, max_duration_s: float = 3600.0) -> None:
        self._max_duration_s = max_duration_s
        self._states: list[FaceState] = []

    def __len__(self) -> int:
        return len(self._states)

    @property
    def duration_s(self) -> float:
        """From the first state to the last, seconds; 0 before there are two."""
        return self._states[-1].timestamp_s - self._states[0].timestamp_s if self._states else 0.0

    def add(self, state: FaceState) -> bool:
        """Whether the state was taken: one that is not later than the last, or beyond the longest time, is not."""
        if self._states:
            if state.timestamp_s <= self._states[-1].timestamp_s:
                return False
            if state.timestamp_s - self._states[0].timestamp_s > self._max_duration_s:
                return False
        self._states.append(state)
        return True

    def reset(self) -> None:
        """Forget everything; the next state begins a new take."""
        self._states = []

    def finish(self, name: str) -> Take:
        """The take so far, its times starting at 0. TakeError: nothing was recorded."""
        states = tuple(self._states)
        if not states:
            raise TakeError("Nothing was recorded: no frame came. Start the camera or the video, then record.")
        start_s = states[0].timestamp_s
        moved = tuple(replace(state, timestamp_s=state.timestamp_s - start_s) for state in states)
        return Take(name, moved, rate_of(np.array([state.timestamp_s for state in moved])))
