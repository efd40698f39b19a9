"""The optional pack `face_landmarker.task`: MediaPipe's newer face network behind the same interface."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from core.errors import ModelPackError
from core.structures import FloatArray, ImageArray
from core.tracking.mediapipe_loading import load_mediapipe
from core.tracking.network_landmarker import NetworkLandmarker, pixels
from core.tracking.settings import TrackerSettings

TASK_FILE_NAME = "face_landmarker.task"
_NEEDED_PARTS = ("face_detector.tflite", "face_landmarks_detector.tflite")
_MOST_BYTES = 64_000_000  # the official file has 3.8 MB


def _read_pack(path: Path) -> bytes:
    """The bytes of a pack that looks whole; mediapipe's own reader ends the process on some broken files."""
    advice = f"Fetch it again with `python -m core models fetch {TASK_FILE_NAME.removesuffix('.task')}`."
    if not path.is_file():
        raise ModelPackError(f"The model pack {path} is not there. {advice}")
    if path.stat().st_size > _MOST_BYTES:
        raise ModelPackError(f"{path} should be a face landmarker of some megabytes, but it is far larger. {advice}")
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
            missing = [part for part in _NEEDED_PARTS if part not in archive.namelist()]
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        raise ModelPackError(f"{path} should be a MediaPipe task file, but it is not one: {error}. {advice}") from error
    if damaged or missing:
        wrong = f"its part {damaged} is damaged" if damaged else f"it lacks {', '.join(missing)}"
        raise ModelPackError(f"{path} should be a MediaPipe face landmarker, but {wrong}. {advice}")
    return path.read_bytes()


class FaceTaskLandmarker(NetworkLandmarker):
    """478 points a face with `face_landmarker.task`. ModelPackError when the file is absent or another one.

    Frames of a stream go in with rising milliseconds, as VIDEO mode demands; a frame that comes twice or from
    before is taken for the next one.
    """

    _network: Any = None

    def __init__(self, model_path: Path, settings: TrackerSettings | None = None, still_images: bool = False) -> None:
        super().__init__(settings, still_images)
        self._model_path = model_path
        self._model = _read_pack(model_path)
        self._last_ms = -1

    def _build(self, settings: TrackerSettings) -> None:
        mediapipe = load_mediapipe()
        vision = mediapipe.tasks.vision
        mode = vision.RunningMode.IMAGE if self._still_images else vision.RunningMode.VIDEO
        options = vision.FaceLandmarkerOptions(
            base_options=mediapipe.tasks.BaseOptions(model_asset_buffer=self._model),
            running_mode=mode,
            num_faces=settings.max_faces,
            min_face_detection_confidence=settings.detection_confidence,
            min_face_presence_confidence=settings.tracking_confidence,
            min_tracking_confidence=settings.tracking_confidence,
        )
        try:
            self._network = vision.FaceLandmarker.create_from_options(options)
        except (RuntimeError, ValueError) as error:
            raise ModelPackError(f"{self._model_path} could not be loaded as a face landmarker: {error}") from error
        self._last_ms = -1

    def _take_down(self) -> None:
        if self._network is not None:
            self._network.close()
            self._network = None

    def _find(self, image: ImageArray, timestamp_s: float) -> list[FloatArray]:
        mediapipe = load_mediapipe()
        picture = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=image)
        if self._still_images:
            result = self._network.detect(picture)
        else:
            self._last_ms = max(self._last_ms + 1, round(timestamp_s * 1000))
            result = self._network.detect_for_video(picture, self._last_ms)
        return [pixels(face, image) for face in result.face_landmarks]
