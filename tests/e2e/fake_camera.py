"""A file that Chromium takes for a camera: the test face, which moves a little."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

SIZE = (640, 480)
FRAME_COUNT = 90


def write_face_camera(path: Path, face: np.ndarray) -> Path:
    """Three seconds of MJPEG at 30 Hz: the face (H, W, 3) RGB sways and turns, so that the loop has no jump."""
    with path.open("wb") as file:
        for i in range(FRAME_COUNT):
            file.write(_jpeg(_moved(face, 2 * np.pi * i / FRAME_COUNT)))
    return path


def write_faceless_camera(path: Path, _face: np.ndarray) -> Path:
    """Three seconds of a wall in daylight."""
    wall = np.tile(np.linspace(90, 160, SIZE[0]), (SIZE[1], 1))[..., None].repeat(3, 2).astype(np.uint8)
    with path.open("wb") as file:
        for i in range(FRAME_COUNT):
            file.write(_jpeg(np.roll(wall, i, axis=1)))
    return path


def write_black_camera(path: Path, _face: np.ndarray) -> Path:
    """What a browser sends while the camera is switched off."""
    with path.open("wb") as file:
        for _ in range(FRAME_COUNT):
            file.write(_jpeg(np.zeros((SIZE[1], SIZE[0], 3), np.uint8)))
    return path


def _moved(portrait: np.ndarray, phase: float) -> np.ndarray:
    width, height = SIZE
    face = portrait[:300, 30:430]  # as near as people sit to a webcam
    scale = height / face.shape[0] * (1.0 + 0.03 * np.sin(2 * phase))
    matrix = cv2.getRotationMatrix2D((face.shape[1] / 2, face.shape[0] / 2), 5.0 * np.sin(phase), scale)
    matrix[:, 2] += (
        width / 2 - face.shape[1] / 2 + 25.0 * np.sin(phase), height / 2 - face.shape[0] / 2 + 10.0 * np.cos(phase)
    )  # fmt: skip
    return cv2.warpAffine(face, matrix, SIZE, borderMode=cv2.BORDER_REPLICATE)


def _jpeg(image: np.ndarray) -> bytes:
    done, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
    assert done
    return data.tobytes()
