"""OpenSeeFace over UDP (port 11573): 1785 bytes a face, little-endian, without padding.

Layout and axes after its facetracker.py and the OpenSee.cs of its Unity part (emilianavt/OpenSeeFace). Its rotation
turns model points (x to the subject's right, y up, z out of the face) into a camera frame with x up and y to the left
in the picture; a face that looks into the camera has the Euler angles 180, 0, 90 degrees (turns about fixed x, y, z
in that order), and its quaternion is the conjugate at length 4. One unit of length is about 0.15 m.

It knows 14 features, not the 52 shapes, so much is lost: see `FEATURES`. The landmarks that we send are those of the
built-in head at rest, turned and placed, with the pupils where the eyes look. Nothing is sent without a face.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from core.blendshapes import COUNT, INDEX
from core.errors import InputError, StreamError
from core.geometry.gaze_shapes import blendshapes_with_gaze
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.streaming.codecs.common import (
    LARGEST_DISTANCE_M,
    checked_place,
    mirrored,
    quaternion,
    require_packet,
    rotation_from_quaternion,
)
from core.streaming.codecs.open_see_face_points import EYEBALLS_M, FACE_POINTS_M, PUPIL_DISTANCE_M
from core.structures import FaceState, FloatArray

DEFAULT_PORT = 11573
UNIT_M = 0.15
PACKET = struct.Struct("<di2f2fBf4f3f3f68f136f210f14f")  # 1785 bytes
_START = struct.Struct("<di2f2fBf4f3f3f")
_FEATURES_AT = 1729
_POINTS_AT = 889
QUATERNION_LENGTH = 4.0
MOST_GAZE_RAD = np.radians(60.0)

_TO_MODEL = np.array([-1.0, -1.0, -1.0]) / UNIT_M  # as sent: (x, -y, -z) of the model
_BEFORE = Rotation.from_euler("z", 90, degrees=True).as_matrix()
_AFTER = Rotation.from_euler("x", 180, degrees=True).as_matrix()

FEATURES: tuple[tuple[str, Mapping[str, float]], ...] = (
    ("eye_l", {"eyeWideLeft": 1.0, "eyeBlinkLeft": -1.0}),
    ("eye_r", {"eyeWideRight": 1.0, "eyeBlinkRight": -1.0}),
    ("eyebrow_steepness_l", {"browInnerUp": 0.5, "browOuterUpLeft": -0.5}),
    ("eyebrow_updown_l", {"browInnerUp": 0.5, "browOuterUpLeft": 0.5, "browDownLeft": -1.0}),
    ("eyebrow_quirk_l", {}),
    ("eyebrow_steepness_r", {"browInnerUp": 0.5, "browOuterUpRight": -0.5}),
    ("eyebrow_updown_r", {"browInnerUp": 0.5, "browOuterUpRight": 0.5, "browDownRight": -1.0}),
    ("eyebrow_quirk_r", {}),
    ("mouth_corner_updown_l", {"mouthSmileLeft": 1.0, "mouthFrownLeft": -1.0}),
    ("mouth_corner_inout_l", {"mouthStretchLeft": 1.0, "mouthPucker": -1.0}),
    ("mouth_corner_updown_r", {"mouthSmileRight": 1.0, "mouthFrownRight": -1.0}),
    ("mouth_corner_inout_r", {"mouthStretchRight": 1.0, "mouthPucker": -1.0}),
    ("mouth_open", {"jawOpen": 1.0}),
    ("mouth_wide", {"mouthStretchLeft": 0.5, "mouthStretchRight": 0.5, "mouthPucker": -1.0}),
)
"""The packet's features in order, each as a sum over our coefficients; own reading of their names."""
FEATURE_INDEX = {name: index for index, (name, _) in enumerate(FEATURES)}
_MATRIX = np.zeros((len(FEATURES), COUNT))
for _row, (_, _weights) in enumerate(FEATURES):
    for _shape, _weight in _weights.items():
        _MATRIX[_row, INDEX[_shape]] = _weight


@dataclass(frozen=True, slots=True)
class OpenSeeFaceOptions:
    """width, height: of the picture that the landmarks lie in; mirrored: swap the sides."""

    width: int = 640
    height: int = 360
    mirrored: bool = False

    def __post_init__(self) -> None:
        if not (16 <= self.width <= 16384 and 16 <= self.height <= 16384):
            raise InputError(f"A picture has 16 to 16384 pixels a side, but it is {self.width}x{self.height}.")


class OpenSeeFaceEncoder:
    """One datagram of 1785 bytes a frame: over a network it is split in two, on one machine it is not."""

    def __init__(self, options: OpenSeeFaceOptions | None = None) -> None:
        self._options = options or OpenSeeFaceOptions()

    def encode(self, state: FaceState) -> tuple[bytes, ...]:
        """The packet of this face; nothing without a face."""
        if not state.has_face:
            return ()
        seen = mirrored(state) if self._options.mirrored else state
        coefficients = seen.blendshapes
        opened = [1.0 - coefficients[INDEX[name]] for name in ("eyeBlinkRight", "eyeBlinkLeft")]
        turn = _BEFORE @ seen.head_rotation @ _AFTER
        euler = Rotation.from_matrix(turn).as_euler("xyz", degrees=True)
        x, y, z = np.asarray(seen.head_translation, np.float64) / UNIT_M
        points = _points(seen.gaze)
        landmarks = self._projected(seen, points[:68])
        packet = PACKET.pack(
            state.timestamp_s,
            int(state.face_id),
            *(self._options.width, self._options.height, *opened, 1, 0.0),
            *(QUATERNION_LENGTH * quaternion(turn) * (-1.0, -1.0, -1.0, 1.0)),
            *(*euler, y, -x, z),
            *np.full(68, seen.confidence),
            *landmarks.ravel(),
            *(points * _TO_MODEL).ravel(),
            *np.clip(_MATRIX @ coefficients, -1.0, 1.0),
        )
        return (packet,)

    def _projected(self, state: FaceState, points: FloatArray) -> FloatArray:
        """(68, 2) pixels; a face without a place is drawn as if it were half a metre away."""
        place = state.head_translation if state.head_translation[2] < -0.05 else np.array([0.0, 0.0, -0.5])
        there = points @ state.head_rotation.T + place
        depth = np.maximum(-there[:, 2], 0.01)
        center = 0.5 * np.array([self._options.width, self._options.height])
        return center + self._options.width * there[:, :2] * (1.0, -1.0) / depth[:, None]


def _points(gaze: FloatArray) -> FloatArray:
    """(70, 3) head frame, metres: 66 face points, two pupils, two eyeballs, the right one first."""
    directions = [rotation_from_yaw_pitch_roll(float(yaw), float(pitch), 0.0)[:, 2] for yaw, pitch in gaze[::-1]]
    pupils = EYEBALLS_M + PUPIL_DISTANCE_M * np.array(directions)
    return np.concatenate([FACE_POINTS_M, pupils, EYEBALLS_M])


class OpenSeeFaceDecoder:
    """Reads what facetracker.py sends. Of several faces in a packet the first counts."""

    def __init__(self, options: OpenSeeFaceOptions | None = None) -> None:
        self._options = options or OpenSeeFaceOptions()

    def decode(self, packet: bytes, received_s: float) -> FaceState | None:
        """The face at `received_s`. StreamError: another length, or numbers that are none."""
        require_packet(packet, "OpenSeeFace")
        if len(packet) % PACKET.size:
            raise StreamError(f"OpenSeeFace sends {PACKET.size} bytes a face, but this packet has {len(packet)}.")
        start = _START.unpack_from(packet)
        opened = np.array(start[4:6])
        features = np.frombuffer(packet, "<f4", len(FEATURES), _FEATURES_AT).astype(np.float64)
        if not (np.isfinite(opened).all() and np.isfinite(features).all()):
            raise StreamError("An OpenSeeFace packet carries finite numbers, but this one does not. It is damaged.")
        blendshapes = _blendshapes(opened, features)
        if start[6] == 0:  # no 3D fit: its pose and points mean nothing
            return self._finish(FaceState(received_s, int(start[1]), blendshapes))
        raw = np.array(start[8:12]) * (-1.0, -1.0, -1.0, 1.0) / QUATERNION_LENGTH
        rotation = _BEFORE.T @ rotation_from_quaternion(raw) @ _AFTER.T
        up, right, toward = np.array(start[15:18]) * (1.0, -1.0, 1.0) * UNIT_M
        gaze = _gaze(np.frombuffer(packet, "<f4", 210, _POINTS_AT).reshape(70, 3).astype(np.float64))
        state = FaceState(
            timestamp_s=received_s,
            face_id=int(start[1]),
            blendshapes=blendshapes_with_gaze(blendshapes, gaze).astype(np.float32),
            head_rotation=rotation.astype(np.float32),
            head_translation=checked_place(np.array([right, up, toward])),
            gaze=gaze,
        )
        return self._finish(state)

    def _finish(self, state: FaceState) -> FaceState:
        return mirrored(state) if self._options.mirrored else state


def _blendshapes(opened: FloatArray, features: FloatArray) -> FloatArray:
    """(52,) float32: what open eyes (right, left) and the features say; the rest is 0."""
    values = dict.fromkeys(INDEX, 0.0)
    values["eyeBlinkRight"], values["eyeBlinkLeft"] = 1.0 - opened
    values["jawOpen"] = features[FEATURE_INDEX["mouth_open"]]
    wide = features[FEATURE_INDEX["mouth_wide"]]
    values["mouthPucker"] = -wide
    brows = []
    for side, letter in (("Left", "l"), ("Right", "r")):
        eye, brow, corner = (
            features[FEATURE_INDEX[f"{name}_{letter}"]] for name in ("eye", "eyebrow_updown", "mouth_corner_updown")
        )
        values[f"eyeWide{side}"] = eye
        values[f"browOuterUp{side}"], values[f"browDown{side}"] = brow, -brow
        values[f"mouthSmile{side}"], values[f"mouthFrown{side}"] = corner, -corner
        values[f"mouthStretch{side}"] = wide
        brows.append(brow)
    values["browInnerUp"] = 0.5 * sum(brows)
    return np.clip(np.array(list(values.values())), 0.0, 1.0).astype(np.float32)


def _gaze(points: FloatArray) -> FloatArray:
    """(2, 2) float32 radians, left eye first, of (70, 3) points as sent; straight ahead where there are none."""
    gaze = np.zeros((2, 2), np.float32)
    for row, (pupil, ball) in enumerate(((67, 69), (66, 68))):
        x, y, z = (points[pupil] - points[ball]) / _TO_MODEL
        if not np.isfinite([x, y, z]).all() or max(abs(x), abs(y), abs(z)) > LARGEST_DISTANCE_M:
            raise StreamError("An OpenSeeFace packet carries finite points, but this one does not. It is damaged.")
        if z > 0.0:
            gaze[row] = np.clip((np.arctan2(x, z), np.arctan2(y, np.hypot(x, z))), -MOST_GAZE_RAD, MOST_GAZE_RAD)
    return gaze
