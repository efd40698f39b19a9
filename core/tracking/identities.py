"""Steady numbers for the faces of a stream."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from core.structures import FloatArray


@dataclass(slots=True)
class _KnownFace:
    center: FloatArray
    size: float
    last_seen_s: float


class FaceIdentities:
    """Gives each face the number of the face that was nearest to it a moment ago.

    Numbers run from 0 to max_faces - 1. A face that was lost keeps its number for `memory_s`; after that, or when
    no other is left, the number goes to the next newcomer. So a single person is always number 0.
    """

    def __init__(self, max_faces: int, memory_s: float = 1.0, reach: float = 1.0) -> None:
        """reach: how far a face may jump between two frames and stay the same, in face sizes."""
        self._max_faces = max_faces
        self._memory_s = memory_s
        self._reach = reach
        self._known: dict[int, _KnownFace] = {}

    def reset(self) -> None:
        """Forget every face."""
        self._known.clear()

    def assign(self, centers: FloatArray, sizes: FloatArray, timestamp_s: float) -> tuple[int, ...]:
        """One number for each face. centers: (n, 2) and sizes: (n,), pixels; n <= max_faces."""
        self._forget(timestamp_s)
        numbers = self._match(centers, sizes)
        for face in range(len(centers)):
            if face not in numbers:
                numbers[face] = self._free_number(set(numbers.values()))
        for face, number in numbers.items():
            self._known[number] = _KnownFace(centers[face], float(sizes[face]), timestamp_s)
        return tuple(numbers[face] for face in range(len(centers)))

    def _forget(self, timestamp_s: float) -> None:
        # Time that runs backwards is a rewound video: what was known says nothing there.
        self._known = {
            number: face
            for number, face in self._known.items()
            if 0.0 <= timestamp_s - face.last_seen_s <= self._memory_s
        }

    def _match(self, centers: FloatArray, sizes: FloatArray) -> dict[int, int]:
        """Faces matched to known numbers by the least sum of distances, so that two who cross do not swap twice."""
        if not self._known or len(centers) == 0:
            return {}
        numbers = list(self._known)
        distance = np.array(
            [
                [np.linalg.norm(c - self._known[n].center) / max(s, self._known[n].size, 1e-9) for n in numbers]
                for c, s in zip(centers, sizes, strict=True)
            ]
        )
        # Far pairs cost alike, so that one new face cannot push another off its own number.
        rows, columns = linear_sum_assignment(np.minimum(distance, self._reach))
        pairs = zip(rows, columns, strict=True)
        return {int(r): numbers[c] for r, c in pairs if distance[r, c] < self._reach}

    def _free_number(self, taken: set[int]) -> int:
        unused = [n for n in range(self._max_faces) if n not in taken and n not in self._known]
        if unused:
            return unused[0]
        lost = [n for n in range(self._max_faces) if n not in taken]
        return min(lost, key=lambda n: self._known[n].last_seen_s)
