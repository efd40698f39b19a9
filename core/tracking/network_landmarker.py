"""What the kinds of landmarkers share: settings that change on the way, steady numbers, pixels."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np

from core.errors import InputError
from core.structures import LANDMARK_COUNT, FaceLandmarks, FloatArray, Frame, ImageArray
from core.tracking.framing import visible_fraction
from core.tracking.identities import FaceIdentities
from core.tracking.landmark_ids import FACE_POINT_COUNT
from core.tracking.settings import TrackerSettings


class NetworkLandmarker(ABC):
    """A landmarker whose network is built on the first frame and again when a setting really changed.

    The network is made and used only in the thread that calls `detect`: mediapipe's graphs belong to one thread.
    """

    def __init__(self, settings: TrackerSettings | None = None, still_images: bool = False) -> None:
        self._still_images = still_images
        self._lock = threading.Lock()
        self._wanted = settings or TrackerSettings()
        self._built: TrackerSettings | None = None
        self._identities = FaceIdentities(self._wanted.max_faces)
        self._closed = False

    @property
    def settings(self) -> TrackerSettings:
        with self._lock:
            return self._wanted

    @settings.setter
    def settings(self, value: TrackerSettings) -> None:
        with self._lock:
            self._wanted = value

    def detect(self, frame: Frame) -> tuple[FaceLandmarks, ...]:
        """The faces of this frame, by rising face_id; empty when there is none.

        Points outside the picture are the network's guess; `confidence` is the visible part of the face.
        """
        if self._closed:
            raise InputError("This landmarker was closed. Make a new one.")
        if min(frame.size) == 0:
            return ()
        self._follow_settings()
        found = self._find(np.ascontiguousarray(frame.image), frame.timestamp_s)
        return self._named([points for points in found if np.isfinite(points).all()], frame)

    def reset(self) -> None:
        """Forget the stream: the next frame is looked at as if it were the first."""
        self._take_down()
        self._built = None
        self._identities.reset()

    def close(self) -> None:
        """Give the network back; calling it twice is fine."""
        self.reset()
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _follow_settings(self) -> None:
        wanted = self.settings
        if wanted == self._built:
            return
        self._take_down()
        self._build(wanted)
        if self._built is not None and self._built.max_faces != wanted.max_faces:
            self._identities = FaceIdentities(wanted.max_faces)
        self._built = wanted

    def _named(self, found: Sequence[FloatArray], frame: Frame) -> tuple[FaceLandmarks, ...]:
        size = frame.size
        whole = [(points, visible_fraction(points, size)) for points in found]
        seen = [(points, visible) for points, visible in whole if visible > 0.0]
        if self._still_images:
            self._identities.reset()
        low = np.array([points[:FACE_POINT_COUNT, :2].min(0) for points, _ in seen]).reshape(-1, 2)
        high = np.array([points[:FACE_POINT_COUNT, :2].max(0) for points, _ in seen]).reshape(-1, 2)
        numbers = self._identities.assign((low + high) / 2, (high - low).max(1, initial=0.0), frame.timestamp_s)
        faces = [
            FaceLandmarks(points, size, number, visible)
            for (points, visible), number in zip(seen, numbers, strict=True)
        ]
        return tuple(sorted(faces, key=lambda face: face.face_id))

    @abstractmethod
    def _build(self, settings: TrackerSettings) -> None:
        """Make the network."""

    @abstractmethod
    def _take_down(self) -> None:
        """Give the network back, if there is one."""

    @abstractmethod
    def _find(self, image: ImageArray, timestamp_s: float) -> list[FloatArray]:
        """(478, 3) float32 pixels of each face in `image`, in any order."""


def pixels(landmarks: Sequence[Any], image: ImageArray) -> FloatArray:
    """(478, 3) float32 pixels of mediapipe's points, which are parts of width, height and width."""
    height, width = image.shape[:2]
    flat = np.fromiter((value for p in landmarks for value in (p.x, p.y, p.z)), np.float32, 3 * LANDMARK_COUNT)
    return flat.reshape(LANDMARK_COUNT, 3) * np.array([width, height, width], np.float32)
