"""The records that travel through the engine: immutable, checked once when built.

Head frame: +Y up, +Z out of the face, +X to the subject's left. Camera frame: +X to the right of the
picture, +Y up, +Z from the scene towards the camera, so a head that looks into the camera has the identity
rotation and a negative z. Picture: origin top left, pixels, never mirrored. Metres, radians, seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from core.blendshapes import COUNT, EMOTIONS
from core.errors import InputError

FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]
IntArray: TypeAlias = npt.NDArray[np.integer[Any]]
ImageArray: TypeAlias = npt.NDArray[np.uint8]
BoolArray: TypeAlias = npt.NDArray[np.bool_]

LANDMARK_COUNT = 478  # 468 face points and two irises of 5


def _require_shape(name: str, value: npt.NDArray[np.generic], shape: tuple[int | None, ...]) -> None:
    fits = value.ndim == len(shape) and all(
        want is None or want == got for want, got in zip(shape, value.shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("n" if n is None else str(n) for n in shape)
        raise InputError(f"{name} must be an array of shape ({wanted}), but its shape is {value.shape}.")


def _require_finite(name: str, value: npt.NDArray[np.generic]) -> None:
    if not np.isfinite(value).all():
        raise InputError(f"{name} must be finite, but it holds NaN or infinity.")


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture. image: (H, W, 3) uint8 RGB; timestamp_s: time of capture; index: count from 0."""

    image: ImageArray
    timestamp_s: float
    index: int = 0

    def __post_init__(self) -> None:
        _require_shape("image", self.image, (None, None, 3))
        if self.image.dtype != np.uint8:
            raise InputError(f"image must be uint8 RGB, but its type is {self.image.dtype}.")

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.image.shape[1], self.image.shape[0]


@dataclass(frozen=True, slots=True, eq=False)
class AudioChunk:
    """A run of sound. samples: (N,) float32 mono in [-1, 1]; rate_hz; timestamp_s of the first sample."""

    samples: FloatArray
    rate_hz: int
    timestamp_s: float

    def __post_init__(self) -> None:
        _require_shape("samples", self.samples, (None,))


@dataclass(frozen=True, slots=True, eq=False)
class FaceLandmarks:
    """The 478 FaceMesh points of one face.

    points: (478, 3) float32, pixels; x right, y down, z away from the camera in the same scale, zero near the
    centre of the head. image_size: (width, height). face_id: steady while the face is followed. confidence in [0, 1].
    """

    points: FloatArray
    image_size: tuple[int, int]
    face_id: int = 0
    confidence: float = 1.0

    def __post_init__(self) -> None:
        _require_shape("points", self.points, (LANDMARK_COUNT, 3))
        _require_finite("points", self.points)


@dataclass(frozen=True, slots=True, eq=False)
class HeadPose:
    """Head frame to camera frame. rotation: (3, 3) proper orthogonal; translation: (3,) metres."""

    rotation: FloatArray
    translation: FloatArray

    def __post_init__(self) -> None:
        _require_shape("rotation", self.rotation, (3, 3))
        _require_shape("translation", self.translation, (3,))


@dataclass(frozen=True, slots=True)
class Camera:
    """Pinhole camera without distortion: focal length and principal point in pixels."""

    focal_px: float
    center_px: tuple[float, float]
    image_size: tuple[int, int]

    def __post_init__(self) -> None:
        if not (math.isfinite(self.focal_px) and self.focal_px > 0):
            raise InputError(f"focal_px must be positive, but it is {self.focal_px}.")

    @classmethod
    def from_field_of_view(cls, image_size: tuple[int, int], vertical_fov_rad: float) -> Camera:
        """Camera that looks through the middle of a picture with this vertical opening."""
        width, height = image_size
        return cls(0.5 * height / math.tan(0.5 * vertical_fov_rad), (0.5 * width, 0.5 * height), image_size)


def _zeros(n: int) -> FloatArray:
    return np.zeros(n, np.float32)


def _neutral_emotion() -> FloatArray:
    emotion = _zeros(len(EMOTIONS))
    emotion[0] = 1.0
    return emotion


def _identity() -> FloatArray:
    return np.eye(3, dtype=np.float32)


def _no_gaze() -> FloatArray:
    return np.zeros((2, 2), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class FaceState:
    """Everything known of one face at one moment: the waist between estimating and showing.

    blendshapes: (52,) float32 in [0, 1], order of `core.blendshapes.ARKIT_NAMES`.
    head_rotation: (3, 3), head to camera frame; head_translation: (3,) metres, camera frame.
    gaze: (2, 2) radians, rows left and right eye, columns yaw (positive to the subject's left) and pitch
    (positive up), relative to the head. valence, arousal in [-1, 1]. emotion: (8,) probabilities, order of
    `core.blendshapes.EMOTIONS`. confidence in [0, 1]; 0 means that no face was found.
    """

    timestamp_s: float
    face_id: int = 0
    blendshapes: FloatArray = field(default_factory=lambda: _zeros(COUNT))
    head_rotation: FloatArray = field(default_factory=_identity)
    head_translation: FloatArray = field(default_factory=lambda: _zeros(3))
    gaze: FloatArray = field(default_factory=_no_gaze)
    valence: float = 0.0
    arousal: float = 0.0
    emotion: FloatArray = field(default_factory=_neutral_emotion)
    confidence: float = 1.0

    def __post_init__(self) -> None:
        _require_shape("blendshapes", self.blendshapes, (COUNT,))
        _require_shape("head_rotation", self.head_rotation, (3, 3))
        _require_shape("head_translation", self.head_translation, (3,))
        _require_shape("gaze", self.gaze, (2, 2))
        _require_shape("emotion", self.emotion, (len(EMOTIONS),))
        for name in ("blendshapes", "head_rotation", "head_translation", "gaze"):
            _require_finite(name, getattr(self, name))
        if self.blendshapes.min() < 0.0 or self.blendshapes.max() > 1.0:
            raise InputError(
                "blendshapes must lie in [0, 1], but they span "
                f"[{self.blendshapes.min():.3f}, {self.blendshapes.max():.3f}]. Clip them before."
            )

    @classmethod
    def no_face(cls, timestamp_s: float) -> FaceState:
        """The value that says "no face here"."""
        return cls(timestamp_s=timestamp_s, confidence=0.0)

    @property
    def has_face(self) -> bool:
        return self.confidence > 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """A posed surface. vertices: (V, 3) float32 metres; faces: (F, 3) int32, counter-clockwise seen from outside;
    normals: (V, 3) float32 unit length."""

    vertices: FloatArray
    faces: IntArray
    normals: FloatArray

    def __post_init__(self) -> None:
        _require_shape("vertices", self.vertices, (None, 3))
        _require_shape("faces", self.faces, (None, 3))
        _require_shape("normals", self.normals, self.vertices.shape)
