"""iFacialMocap's text over UDP (port 49983), versions 1 and 2.

    mouthSmile_R-12|...|=head#rx,ry,rz,px,py,pz|rightEye#rx,ry,rz|leftEye#rx,ry,rz|

Whole percents after `-` (version 1) or `&` (version 2), names with _L and _R but for jawLeft, jawRight, mouthLeft
and mouthRight; degrees and metres. Source: the developers' page, ifacialmocap.com/for-developer. Signs as its sample
frame has them: both eyes look down 17 % and turn in 6 % and 4 %, with rx = +6.0 and ry = +2.4 right, -1.7 left. So rx
is positive downwards and ry to the subject's left: right-handed turns in our head frame. The place is the camera's
frame as ours (the sample's z is -0.66). Order of the turns and the roll's sign are taken as ours; no source says them.

The phone sends to whoever sent it `HELLO_V1` or `HELLO_V2`. There is no word for "no face": nothing is sent then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.blendshapes import ARKIT_NAMES, COUNT, INDEX
from core.errors import InputError, StreamError
from core.geometry.gaze_shapes import gaze_from_blendshapes
from core.geometry.rotation import rotation_from_yaw_pitch_roll, yaw_pitch_roll
from core.streaming.codecs.common import (
    checked_angles,
    checked_coefficients,
    checked_place,
    mirrored,
    require_packet,
)
from core.structures import FaceState, FloatArray

DEFAULT_PORT = 49983
HELLO_V1 = b"iFacialMocap_sahuasouryya9218sauhuiayeta91555dy3719"
HELLO_V2 = HELLO_V1 + b"|sendDataVersion=v2"
_WHOLE_NAMES = ("jawLeft", "jawRight", "mouthLeft", "mouthRight")
MOST_PARTS = 500  # Facemotion3d adds names of its own to the 55 parts


@dataclass(frozen=True, slots=True)
class IFacialMocapOptions:
    """version: 1 (every reader) or 2; mirrored: swap the sides."""

    version: Literal[1, 2] = 1
    mirrored: bool = False

    def __post_init__(self) -> None:
        if self.version not in (1, 2):
            raise InputError(f"iFacialMocap's text has version 1 or 2, but version is {self.version}.")


def short_name(name: str) -> str:
    """The app's spelling of an ARKit name: `mouthSmileLeft` is `mouthSmile_L` there, `jawLeft` stays."""
    if name in _WHOLE_NAMES:
        return name
    for side in ("Left", "Right"):
        if name.endswith(side):
            return f"{name.removesuffix(side)}_{side[0]}"
    return name


SHORT_NAMES = tuple(map(short_name, ARKIT_NAMES))
# Facemotion3d writes the sides in full.
_INDICES = {**INDEX, **{name: index for index, name in enumerate(SHORT_NAMES)}}


class IFacialMocapEncoder:
    """One datagram a frame."""

    def __init__(self, options: IFacialMocapOptions | None = None) -> None:
        self._options = options or IFacialMocapOptions()

    def encode(self, state: FaceState) -> tuple[bytes, ...]:
        """The text of this face in UTF-8; nothing without a face."""
        if not state.has_face:
            return ()
        seen = mirrored(state) if self._options.mirrored else state
        mark = "-" if self._options.version == 1 else "&"
        percents = np.rint(100.0 * seen.blendshapes).astype(int)
        parts = [f"{name}{mark}{percent}" for name, percent in zip(SHORT_NAMES, percents, strict=True)]
        head = (*_turns(yaw_pitch_roll(seen.head_rotation)), *seen.head_translation)
        for name, numbers in (
            ("=head", head),
            ("rightEye", _turns((*seen.gaze[1], 0.0))),
            ("leftEye", _turns((*seen.gaze[0], 0.0))),
        ):
            parts.append(f"{name}#{','.join(f'{number:.6f}' for number in numbers)}")
        return ("".join(f"{part}|" for part in parts).encode(),)


def _turns(angles: tuple[float, float, float]) -> tuple[float, float, float]:
    """rx, ry, rz in degrees of yaw, pitch, roll in radians."""
    yaw, pitch, roll = np.degrees(angles)
    return -pitch, yaw, roll


class IFacialMocapDecoder:
    """Reads both versions, and Facemotion3d's names."""

    def __init__(self, options: IFacialMocapOptions | None = None) -> None:
        self._options = options or IFacialMocapOptions()

    def decode(self, packet: bytes, received_s: float) -> FaceState | None:
        """The face at `received_s`; names that are not known are passed over. StreamError: not such a text."""
        require_packet(packet, "iFacialMocap")
        try:
            parts = packet.decode().split("|")
        except UnicodeDecodeError:
            raise StreamError("iFacialMocap sends text, but this packet is none. Check the port.") from None
        if len(parts) > MOST_PARTS:
            raise StreamError(f"A frame of iFacialMocap has some 55 parts, but this packet has {len(parts)}.")
        state = _state(parts, received_s)
        return mirrored(state) if self._options.mirrored else state


def _state(parts: list[str], received_s: float) -> FaceState:
    percents = np.zeros(COUNT)
    turns: dict[str, FloatArray] = {}
    known = 0
    for part in parts:
        if "#" in part:
            name, _, numbers = part.lstrip("=").partition("#")
            turns[name] = _numbers(numbers, name)
            continue
        name, _, number = part.partition("&" if "&" in part else "-")
        if name in _INDICES:
            percents[_INDICES[name]] = _numbers(number, name)[0]
            known += 1
    if known == 0 or "head" not in turns:
        raise StreamError("A frame of iFacialMocap holds blendshapes and '=head#', but this packet does not.")
    blendshapes = checked_coefficients(percents / 100.0)
    head, place = turns["head"], turns["head"][3:6]
    gaze = gaze_from_blendshapes(blendshapes)
    if "leftEye" in turns and "rightEye" in turns:
        gaze = np.stack([_angles(turns[name], name)[:2] for name in ("leftEye", "rightEye")]).astype(np.float32)
    return FaceState(
        timestamp_s=received_s,
        blendshapes=blendshapes,
        head_rotation=rotation_from_yaw_pitch_roll(*_angles(head, "head")).astype(np.float32),
        head_translation=checked_place(place) if len(place) == 3 else np.zeros(3, np.float32),
        gaze=gaze,
    )


def _angles(turns: FloatArray, name: str) -> FloatArray:
    """Yaw, pitch, roll in radians of rx, ry, rz in degrees."""
    if len(turns) < 3:
        raise StreamError(f"iFacialMocap's '{name}#' has three angles, but here it has {len(turns)} numbers.")
    return checked_angles(np.radians([turns[1], -turns[0], turns[2]]))


def _numbers(text: str, name: str) -> FloatArray:
    try:
        numbers = np.array([float(number) for number in text.rstrip(",").split(",")])
    except ValueError:
        raise StreamError(f"iFacialMocap's '{name[:40]}' carries numbers, but here it does not.") from None
    if not np.isfinite(numbers).all():
        raise StreamError(f"iFacialMocap's '{name[:40]}' carries finite numbers, but here it does not.")
    return numbers
