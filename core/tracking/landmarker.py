"""What finds faces in pictures: the interface, and the choice between the kinds."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from core.structures import FaceLandmarks, Frame
from core.tracking.face_mesh import FaceMeshLandmarker
from core.tracking.face_task import TASK_FILE_NAME, FaceTaskLandmarker
from core.tracking.settings import TrackerSettings


class FaceLandmarker(Protocol):
    """Finds the faces of one picture stream.

    One thread calls `detect` and `close`; any thread may read and set `settings`.
    """

    @property
    def settings(self) -> TrackerSettings: ...

    @settings.setter
    def settings(self, value: TrackerSettings) -> None: ...

    def detect(self, frame: Frame) -> tuple[FaceLandmarks, ...]:
        """The faces of this frame, by rising face_id; empty when there is none."""
        ...

    def reset(self) -> None:
        """Forget the stream: the next frame is looked at as if it were the first."""
        ...

    def close(self) -> None:
        """Give the networks back; calling it twice is fine, `detect` after it is an error."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


def create_landmarker(
    settings: TrackerSettings | None = None, still_images: bool = False, models_dir: Path | None = None
) -> FaceLandmarker:
    """The best landmarker at hand: `face_landmarker.task` when `models_dir` holds it, else the wheel's FaceMesh.

    still_images: every frame is a picture of its own (photos), nothing is carried over from the one before.
    ModelPackError when the pack is there but damaged.
    """
    if models_dir is not None and (models_dir / TASK_FILE_NAME).is_file():
        return FaceTaskLandmarker(models_dir / TASK_FILE_NAME, settings, still_images)
    return FaceMeshLandmarker(settings, still_images)
