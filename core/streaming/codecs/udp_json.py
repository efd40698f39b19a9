"""Faces as plain JSON, one object a datagram (port 39600): what a script of a few lines can read.

    {"timestamp": 0.033, "blendshapes": [52 values], "head_rotation": [[3x3]], "head_translation": [3],
     "gaze": [[yaw, pitch], [yaw, pitch]], "valence": 0, "arousal": 0, "emotion": [8], "confidence": 1, "face_id": 0}

The object is one line of a JSON-lines take, in the units and frames of `FaceState`. With `named` the blendshapes are
an object, {"jawOpen": 0.2, ...}: easier to read, but more than the 1500 bytes that pass a network unsplit.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from core.animation.json_lines import state_of_record, state_record
from core.blendshapes import ARKIT_NAMES, INDEX
from core.errors import InputError, StreamError, TakeError
from core.geometry.gaze_shapes import gaze_from_blendshapes
from core.streaming.codecs.common import checked_angles, checked_place, mirrored, require_packet
from core.structures import FaceState

DEFAULT_PORT = 39600


@dataclass(frozen=True, slots=True)
class UdpJsonOptions:
    """named: blendshapes by name; decimals: of every value in an array, 2 to 7; mirrored: swap the sides."""

    named: bool = False
    decimals: int = 5
    mirrored: bool = False

    def __post_init__(self) -> None:
        if not 2 <= self.decimals <= 7:
            raise InputError(f"decimals must lie between 2 and 7, but it is {self.decimals}.")


class UdpJsonEncoder:
    """One datagram a frame, of no more than 1500 bytes with the default options."""

    def __init__(self, options: UdpJsonOptions | None = None) -> None:
        self._options = options or UdpJsonOptions()

    def encode(self, state: FaceState) -> tuple[bytes, ...]:
        """The object of this frame; without a face its confidence is 0."""
        record = state_record(mirrored(state) if self._options.mirrored else state, self._options.decimals)
        if self._options.named:
            record["blendshapes"] = dict(zip(ARKIT_NAMES, record["blendshapes"], strict=True))
        return (json.dumps(record, separators=(",", ":"), allow_nan=False).encode(),)


class UdpJsonDecoder:
    """Reads such objects; all but `blendshapes` may be absent, and names that are absent are 0."""

    def __init__(self, options: UdpJsonOptions | None = None) -> None:
        self._options = options or UdpJsonOptions()

    def decode(self, packet: bytes, received_s: float) -> FaceState | None:
        """The face at `received_s`. StreamError: no such object."""
        require_packet(packet, "JSON")
        try:
            state = _state(json.loads(packet), received_s)
        except StreamError:
            raise
        except (InputError, TakeError, ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            raise StreamError(
                "A packet of faces as JSON is an object with 'blendshapes', 52 values from 0 to 1, but this one is "
                f"not: {str(error)[:160]}"
            ) from None
        return mirrored(state) if self._options.mirrored else state


def _state(record: Any, received_s: float) -> FaceState:
    if not isinstance(record, dict):
        raise StreamError("A packet of faces as JSON is an object, but this one is not.")
    named = record["blendshapes"]
    if isinstance(named, dict):
        strange = sorted(str(name) for name in named if name not in INDEX)
        if strange:
            raise StreamError(f"Blendshapes have the 52 names of ARKit, but '{strange[0][:40]}' is none of them.")
        record = {**record, "blendshapes": [named.get(name, 0.0) for name in ARKIT_NAMES]}
    state = state_of_record(record, received_s)
    checked_place(state.head_translation)
    checked_angles(state.gaze)
    if not 0.0 <= state.confidence <= 1.0:
        raise StreamError("Confidence lies between 0 and 1, but the packet's does not.")
    return state if "gaze" in record else replace(state, gaze=gaze_from_blendshapes(state.blendshapes))
