"""FaceMesh with iris, from the mediapipe wheel: the landmarker that needs no download."""

from __future__ import annotations

from typing import Any

from core.structures import FloatArray, ImageArray
from core.tracking.mediapipe_loading import load_face_mesh
from core.tracking.network_landmarker import NetworkLandmarker, pixels
from core.tracking.settings import TrackerSettings


class FaceMeshLandmarker(NetworkLandmarker):
    """478 points a face with the wheel's short-range detector; about 2 ms a frame for a face that is followed.

    still_images: run the detector on every frame and carry nothing over.
    """

    _network: Any = None

    def _build(self, settings: TrackerSettings) -> None:
        self._network = load_face_mesh().FaceMesh(
            static_image_mode=self._still_images,
            max_num_faces=settings.max_faces,
            refine_landmarks=True,
            min_detection_confidence=settings.detection_confidence,
            min_tracking_confidence=settings.tracking_confidence,
        )

    def _take_down(self) -> None:
        if self._network is not None:
            self._network.close()
            self._network = None

    def _find(self, image: ImageArray, timestamp_s: float) -> list[FloatArray]:
        faces = self._network.process(image).multi_face_landmarks or ()
        return [pixels(face.landmark, image) for face in faces]
