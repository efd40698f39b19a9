"""One picture of the person: what was seen in it, and how the head stands in it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from core.errors import NoFaceError
from core.geometry.similarity import Similarity
from core.head_model.eyes import IRIS_DIAMETER_M
from core.rigging.face_gaussian import FACE_POINTS, AlignedFace, RestingFace, load_face_gaussian
from core.structures import FaceLandmarks, FloatArray, Frame, ImageArray
from core.tracking import LEFT_IRIS, RIGHT_IRIS, FaceLandmarker, visible_fraction

WHOLE_FACE = 0.97  # part of the face points that must lie inside the picture
SMALLEST_FACE_PX = 56  # width of the face; below it the iris is a few pixels
RIVAL_SIZE = 0.6  # another face at least this wide beside the largest is worth a word
FINEST_FACE_PX = 1240  # width of the face in the largest texture, with some to spare
MOST_TURN_RAD = 0.75  # beyond it FaceMesh invents half of the face
MIDDLE_OF_PICTURE = 0.12  # nearer to the middle than this, in parts of the width, is neither left nor right


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """image: (H, W, 3) uint8; landmarks in its pixels; aligned: the points laid on the mean face; resting: without the
    expression; sharpness: of the face, in [0, 1]; remark: what the user should know of the picture, or '';
    focal_per_long_side: of the lens, in parts of the picture's longer side, None where nobody tells it."""

    image: ImageArray
    landmarks: FaceLandmarks
    aligned: AlignedFace
    resting: RestingFace
    sharpness: float
    remark: str = ""
    focal_per_long_side: float | None = None

    @property
    def frontality(self) -> float:
        """1 when the face looks into the camera, 0 in profile: the cosine of the angle between."""
        return float(max(0.0, self.aligned.to_mean.rotation[2, 2]))

    @property
    def restfulness(self) -> float:
        """1 at rest, towards 0 the more the face does."""
        return float(np.exp(-1.2 * self.resting.blendshapes.sum()))

    def to_head(self, size: float) -> Similarity:
        """Picture points (x, -y, -z) to the head frame, metres, of a person `size` times the mean face's size."""
        fitted = self.aligned.to_mean
        return Similarity(size * fitted.scale, fitted.rotation, size * fitted.translation)

    def metres_per_long_side(self, size: float) -> float:
        """What the picture's longer side measures where the face is, of a person `size` times the mean face's size; a
        focal length in parts of that side, times this, is the camera's distance."""
        return size * self.aligned.to_mean.scale * max(self.image.shape[:2])


def upright_points(landmarks: FaceLandmarks) -> FloatArray:
    """(478, 3) landmarks with y up and z towards the camera, pixels."""
    return landmarks.points * np.array([1.0, -1.0, -1.0])


def iris_width(landmarks: FaceLandmarks) -> float:
    """Mean width of both irises, pixels."""
    points = landmarks.points[:, :2]
    return float(np.mean([np.linalg.norm(points[iris[1]] - points[iris[3]]) for iris in (LEFT_IRIS, RIGHT_IRIS)]))


def metres_per_pixel(landmarks: FaceLandmarks) -> float:
    """Scale of the picture at the face, if the irises are as wide as most people's."""
    return IRIS_DIAMETER_M / max(iris_width(landmarks), 1e-6)


def face_width(face: FaceLandmarks) -> float:
    """Pixels."""
    return float(np.ptp(face.points[:FACE_POINTS, 0]))


def _at_texture_scale(image: ImageArray, face: FaceLandmarks) -> tuple[ImageArray, FaceLandmarks]:
    """Picture and landmarks reduced so that the face is no finer than the texture: texels then average the grain of a
    large photo instead of picking single pixels of it."""
    factor = FINEST_FACE_PX / face_width(face)
    if factor >= 1.0:
        return image, face
    size = (max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor)))
    reduced = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    ratio = np.array([size[0] / image.shape[1], size[1] / image.shape[0], size[0] / image.shape[1]])
    return reduced, replace(face, points=(face.points * ratio).astype(np.float32), image_size=size)


def sharpness_of(image: ImageArray, face: FaceLandmarks) -> float:
    """How much fine structure the face shows, in [0, 1]: energy of its second differences at 160 pixels of width."""
    low = np.maximum(face.points[:FACE_POINTS, :2].min(axis=0).astype(int), 0)
    high = face.points[:FACE_POINTS, :2].max(axis=0).astype(int) + 1
    crop = image[low[1] : high[1], low[0] : high[0]]
    if min(crop.shape[:2]) < 8:
        return 0.0
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    grey = cv2.resize(grey, (160, max(8, round(160 * crop.shape[0] / crop.shape[1]))), interpolation=cv2.INTER_AREA)
    energy = float(cv2.Laplacian(grey, cv2.CV_32F).std())
    return energy / (energy + 8.0)


def _meant(faces: tuple[FaceLandmarks, ...]) -> tuple[FaceLandmarks, str]:
    """The largest face, and which one that is when there is another of its kind."""
    face, *others = sorted(faces, key=face_width, reverse=True)
    if not others or face_width(others[0]) < RIVAL_SIZE * face_width(face):
        return face, ""
    middles = [float(f.points[:FACE_POINTS, 0].mean()) / f.image_size[0] for f in (face, others[0])]
    apart = middles[0] - middles[1]
    side = "one" if abs(apart) < MIDDLE_OF_PICTURE else "left one" if apart < 0 else "right one"
    return face, f"There is more than one face in the picture; the largest was taken, the {side}."


def observe(image: ImageArray, landmarker: FaceLandmarker) -> Observation:
    """What one picture tells. NoFaceError: no face, cut off, in profile, or too small to use."""
    faces = landmarker.detect(Frame(image, 0.0))
    if not faces:
        raise NoFaceError("No face was found in the picture. Use one that shows the whole face, lit from the front.")
    face, remark = _meant(faces)
    if visible_fraction(face.points, face.image_size) < WHOLE_FACE:
        raise NoFaceError("The face is cut off by the picture's border. Use a picture that shows all of it.")
    if face_width(face) < SMALLEST_FACE_PX:
        raise NoFaceError(
            f"The face is only {face_width(face):.0f} pixels wide; at least {SMALLEST_FACE_PX} are "
            "needed. Use a closer or larger picture."
        )
    gaussian = load_face_gaussian()
    image, face = _at_texture_scale(image, face)
    aligned = gaussian.align(upright_points(face).astype(np.float64), iris_width(face))
    if abs(float(aligned.turn[0])) > MOST_TURN_RAD:
        raise NoFaceError(
            f"The face is turned {np.degrees(abs(aligned.turn[0])):.0f} degrees to the side. Use a picture that shows "
            "it from the front, or at most half turned."
        )
    return Observation(image, face, aligned, gaussian.at_rest(aligned), sharpness_of(image, face), remark)
