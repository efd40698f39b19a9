"""Between a `FaceState` and the record that goes to WebSocket clients."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from core.blendshapes import ARKIT_NAMES, EMOTIONS
from core.errors import InputError, StreamError
from core.streaming.codecs.common import (
    checked_angles,
    checked_coefficients,
    checked_place,
    quaternion,
    rotation_from_quaternion,
)
from core.streaming.record import FIELDS, LAYOUT, MAGIC, RECORD, SEQUENCES, VALUE_COUNT, is_record, plain_record
from core.structures import FaceState

LARGEST_FACE_ID = 2**31 - 1
ALL_DECIMALS = 9  # of a float32 between -1 and 1


def pack_state(state: FaceState, sequence: int, arrived_s: float, tracked_s: float) -> bytes:
    """The record of this state, not sent yet. arrived_s, tracked_s: seconds of the monotonic clock."""
    values = np.concatenate(
        [
            (state.confidence, state.valence, state.arousal),
            quaternion(state.head_rotation),
            state.head_translation,
            state.gaze.ravel(),
            state.emotion,
            state.blendshapes,
        ]
    )
    face_id = min(max(int(state.face_id), 0), LARGEST_FACE_ID)
    stamps = (float(state.timestamp_s), arrived_s, tracked_s, 0.0)
    return RECORD.pack(MAGIC, LAYOUT, VALUE_COUNT, sequence % SEQUENCES, face_id, *stamps, *values.tolist())


def unpack_state(record: bytes, received_s: float) -> FaceState:
    """The face of this record at `received_s`. StreamError: no such record, or numbers that are none."""
    if not is_record(record):
        raise StreamError(
            f"A frame of liveavatar.f32.v1 is {RECORD.size} bytes from LAF1 on, but this one has {len(record)}."
        )
    return state_of_plain(plain_record(record, ALL_DECIMALS), received_s)


def state_of_plain(message: Mapping[str, Any], received_s: float) -> FaceState:
    """The face of a frame of `liveavatar.json.v1`. StreamError: something in it is not what it should be."""
    try:
        confidence = _bounded(message, "confidence", 0.0)
        if confidence <= 0.0:
            return FaceState.no_face(received_s)
        shapes, emotions = message["blendshapes"], message["emotion"]
        return FaceState(
            timestamp_s=received_s,
            face_id=int(message["face_id"]),
            blendshapes=checked_coefficients(np.array([shapes[name] for name in ARKIT_NAMES], np.float64)),
            head_rotation=rotation_from_quaternion(np.array(message["head_rotation"], np.float64)).astype(np.float32),
            head_translation=checked_place(_numbers(message, "head_translation")),
            gaze=checked_angles(_numbers(message, "gaze")).reshape(2, 2).astype(np.float32),
            valence=_bounded(message, "valence", -1.0),
            arousal=_bounded(message, "arousal", -1.0),
            emotion=checked_coefficients(np.array([emotions[name] for name in EMOTIONS], np.float64)),
            confidence=confidence,
        )
    except StreamError:
        raise
    except (InputError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise StreamError(f"A frame of the stream could not be read: {str(error)[:160]}") from None


def _bounded(message: Mapping[str, Any], name: str, least: float) -> float:
    value = float(message[name])
    if not math.isfinite(value):
        raise StreamError(f"{name} of a frame is a number, but here it is {value}.")
    return min(max(value, least), 1.0)


def _numbers(message: Mapping[str, Any], name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    values = np.array(message[name], np.float64).ravel()
    if values.shape != (FIELDS[name],):
        raise StreamError(f"{name} of a frame has {FIELDS[name]} numbers, but here it has {values.size}.")
    return values
