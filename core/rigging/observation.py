"""One picture of the person: what was seen in it, and how the rig lies in it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from core.errors import NoFaceError
from core.geometry.similarity import Similarity, fit_similarity
from core.head_model.eyes import IRIS_DIAMETER_M
from core.head_model.identity import FACE_POINTS, IdentityFit, fit_identity
from core.head_model.rig import HeadRig
from core.structures import FaceLandmarks, FloatArray, Frame, ImageArray
from core.tracking import LEFT_IRIS, RIGHT_IRIS, RIGID_LANDMARKS, FaceLandmarker, visible_fraction
from core.tracking.landmark_bias import as_seen, as_true

WHOLE_FACE = 0.97  # part of the face points that must lie inside the picture
SMALLEST_FACE_PX = 64  # width of the face; below it the iris is a few pixels
RIVAL_SIZE = 0.6  # another face at least this wide beside the largest: nobody can tell who is meant
FINEST_FACE_PX = 620  # width of the face in the 1024 texture, with some to spare
SCALE_TRUST = (0.88, 1.12)  # a measured iris is believed within this ratio of an average face's size


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """image: (H, W, 3) uint8; landmarks in its pixels; to_head: picture points (x, -y, -z) to the head frame, metres,
    FaceMesh's bias still in them; fit: the person's neutral points and the expression in this picture."""

    image: ImageArray
    landmarks: FaceLandmarks
    to_head: Similarity
    fit: IdentityFit

    @property
    def frontality(self) -> float:
        """1 when the face looks into the camera, 0 in profile: the cosine of the angle between."""
        return float(max(0.0, self.to_head.rotation[2, 2]))


def upright_points(landmarks: FaceLandmarks) -> FloatArray:
    """(478, 3) landmarks with y up and z towards the camera, pixels."""
    return landmarks.points * np.array([1.0, -1.0, -1.0])


def metres_per_pixel(landmarks: FaceLandmarks) -> float:
    """Scale of the picture at the face, from the width of both irises."""
    points = landmarks.points[:, :2]
    widths = [np.linalg.norm(points[iris[1]] - points[iris[3]]) for iris in (LEFT_IRIS, RIGHT_IRIS)]
    return IRIS_DIAMETER_M / float(max(np.mean(widths), 1e-6))


def align(landmarks: FaceLandmarks, rig: HeadRig) -> Similarity:
    """Similarity from upright picture points to the head frame; the irises give the size."""
    points, rigid = upright_points(landmarks), list(RIGID_LANDMARKS)
    fitted = fit_similarity(points[rigid], as_seen(rig.landmarks())[rigid])
    by_iris = metres_per_pixel(landmarks)
    scale = fitted.scale * float(np.clip(by_iris / fitted.scale, *SCALE_TRUST))
    translation = fitted.translation + (fitted.scale - scale) * fitted.rotation @ points[rigid].mean(axis=0)
    return Similarity(scale, fitted.rotation, translation)


def _face_width(face: FaceLandmarks) -> float:
    return float(np.ptp(face.points[:FACE_POINTS, 0]))


def _at_texture_scale(image: ImageArray, face: FaceLandmarks) -> tuple[ImageArray, FaceLandmarks]:
    """Picture and landmarks reduced so that the face is no finer than the texture: texels then average the grain of a
    large photo instead of picking single pixels of it."""
    factor = FINEST_FACE_PX / _face_width(face)
    if factor >= 1.0:
        return image, face
    size = (max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor)))
    reduced = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    ratio = np.array([size[0] / image.shape[1], size[1] / image.shape[0], size[0] / image.shape[1]])
    return reduced, replace(face, points=(face.points * ratio).astype(np.float32), image_size=size)


def observe(image: ImageArray, landmarker: FaceLandmarker, rig: HeadRig) -> Observation:
    """What one picture tells. NoFaceError: no face, more than one, cut off, or too small to use."""
    faces = landmarker.detect(Frame(image, 0.0))
    if not faces:
        raise NoFaceError("No face was found in the picture. Use one that shows the whole face, lit from the front.")
    face, *others = sorted(faces, key=_face_width, reverse=True)
    if others and _face_width(others[0]) > RIVAL_SIZE * _face_width(face):
        raise NoFaceError("There is more than one face in the picture. Cut it to the person whose head you want.")
    if visible_fraction(face.points, face.image_size) < WHOLE_FACE:
        raise NoFaceError("The face is cut off by the picture's border. Use a picture that shows all of it.")
    if _face_width(face) < SMALLEST_FACE_PX:
        raise NoFaceError(
            f"The face is only {_face_width(face):.0f} pixels wide; at least {SMALLEST_FACE_PX} are "
            "needed. Use a closer or larger picture."
        )
    image, face = _at_texture_scale(image, face)
    to_head = align(face, rig)
    return Observation(image, face, to_head, fit_identity(as_true(to_head.apply(upright_points(face))), rig))
