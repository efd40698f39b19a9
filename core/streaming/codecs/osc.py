"""Our own addresses over OSC, for TouchDesigner, Max, Pure Data and the like (port 9000).

/liveavatar/frame          d i f   time in seconds, face number, confidence (0: no face, then only end follows)
/liveavatar/blendshapes    52 f    0 to 1, order of `ARKIT_NAMES`; with `named` instead 52 messages
/liveavatar/shape/jawOpen  f       0 to 1
/liveavatar/head/rotation  f f f f quaternion x y z w, right-handed, head frame
/liveavatar/head/angles    f f f   yaw to the subject's left, pitch up, roll, degrees
/liveavatar/head/place     f f f   metres, camera frame
/liveavatar/gaze/left      f f     yaw to the subject's left, pitch up, degrees; the same for /right
/liveavatar/feeling        f f     valence and arousal, -1 to 1
/liveavatar/emotion        8 f     probabilities, order of `EMOTIONS`
/liveavatar/end                    the frame is whole
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.blendshapes import ARKIT_NAMES, COUNT, EMOTIONS, INDEX
from core.errors import InputError, StreamError
from core.geometry.gaze_shapes import gaze_from_blendshapes
from core.geometry.rotation import yaw_pitch_roll
from core.streaming.codecs.common import (
    MAX_DATAGRAM_BYTES,
    checked_angles,
    checked_coefficients,
    checked_place,
    mirrored,
    quaternion,
    require_packet,
    rotation_from_quaternion,
)
from core.streaming.codecs.osc_bytes import OscValue, osc_bundles, osc_message, osc_messages
from core.structures import FaceState, FloatArray

DEFAULT_PORT = 9000
DEFAULT_ROOT = "/liveavatar"
_WIDTHS = {
    "blendshapes": COUNT,
    "head/rotation": 4,
    "head/place": 3,
    "gaze/left": 2,
    "gaze/right": 2,
    "feeling": 2,
    "emotion": len(EMOTIONS),
}


@dataclass(frozen=True, slots=True)
class OscOptions:
    """root: what every address begins with; named: one message a shape instead of one list; mirrored: swap sides."""

    root: str = DEFAULT_ROOT
    named: bool = False
    mirrored: bool = False

    def __post_init__(self) -> None:
        if not (self.root.startswith("/") and len(self.root) > 1 and len(self.root) <= 100 and "\0" not in self.root):
            raise InputError(f"The root of OSC addresses looks like /liveavatar, but it is '{self.root[:40]}'.")


class OscEncoder:
    """One bundle a frame, three with names."""

    def __init__(self, options: OscOptions | None = None) -> None:
        self._options = options or OscOptions()

    def encode(self, state: FaceState) -> tuple[bytes, ...]:
        """The bundles of this frame; the last one ends with /liveavatar/end."""
        root = self._options.root
        start = (state.timestamp_s, int(state.face_id), float(state.confidence))
        messages = [osc_message(f"{root}/frame", "dif", *start)]
        if state.has_face:
            messages += self._face(mirrored(state) if self._options.mirrored else state)
        return osc_bundles([*messages, osc_message(f"{root}/end")], MAX_DATAGRAM_BYTES)

    def _face(self, state: FaceState) -> list[bytes]:
        def floats(name: str, values: Any) -> bytes:
            return osc_message(f"{self._options.root}/{name}", "f" * len(values), *values)

        if self._options.named:
            shapes = [floats(f"shape/{n}", (v,)) for n, v in zip(ARKIT_NAMES, state.blendshapes, strict=True)]
        else:
            shapes = [floats("blendshapes", state.blendshapes)]
        return [
            *shapes,
            floats("head/rotation", quaternion(state.head_rotation)),
            floats("head/angles", np.degrees(yaw_pitch_roll(state.head_rotation))),
            floats("head/place", state.head_translation),
            floats("gaze/left", np.degrees(state.gaze[0])),
            floats("gaze/right", np.degrees(state.gaze[1])),
            floats("feeling", (state.valence, state.arousal)),
            floats("emotion", state.emotion),
        ]


class OscDecoder:
    """Gathers messages until /liveavatar/end. Addresses that are not ours are passed over."""

    def __init__(self, options: OscOptions | None = None) -> None:
        self._options = options or OscOptions()
        self._fields: dict[str, FloatArray] = {}
        self._shapes: dict[int, float] = {}

    def decode(self, packet: bytes, received_s: float) -> FaceState | None:
        """The face, where this packet completes one. StreamError: not OSC, not ours, or numbers that are none."""
        require_packet(packet, "OSC")
        root = f"{self._options.root}/"
        ours = [(a.removeprefix(root), v) for a, v in osc_messages(packet) if a.startswith(root)]
        if not ours:
            raise StreamError(f"Our OSC addresses begin with {root}, but none here does. Check port and root.")
        whole = None
        for name, values in ours:
            if name == "end":
                whole = self._whole(received_s)
            else:
                self._hear(name, values)
        return mirrored(whole) if whole is not None and self._options.mirrored else whole

    def _hear(self, name: str, values: tuple[OscValue, ...]) -> None:
        numbers = np.array([float(v) if isinstance(v, int | float) else np.nan for v in values])
        if name == "frame":
            self._fields, self._shapes = {}, {}
        if name.startswith("shape/"):
            index = INDEX.get(name.removeprefix("shape/"))
            if index is not None and len(numbers):
                self._shapes[index] = float(checked_coefficients(numbers[:1])[0])
            return
        width = 3 if name == "frame" else _WIDTHS.get(name)
        if width is None:
            return
        if len(numbers) != width or not np.isfinite(numbers).all():
            raise StreamError(f"{self._options.root}/{name} carries {width} numbers, but here it does not.")
        self._fields[name] = numbers

    def _whole(self, received_s: float) -> FaceState | None:
        fields, shapes = self._fields, self._shapes
        self._fields, self._shapes = {}, {}
        if "frame" not in fields:
            return None  # its first datagram was lost
        _, face_id, confidence = fields["frame"]
        if confidence <= 0.0:
            return FaceState.no_face(received_s)
        blendshapes = checked_coefficients(fields.get("blendshapes", np.zeros(COUNT)))
        for index, value in shapes.items():
            blendshapes[index] = value
        return FaceState(
            timestamp_s=received_s,
            face_id=int(face_id),
            blendshapes=blendshapes,
            confidence=float(min(confidence, 1.0)),
            **_pose(fields, blendshapes),
        )


def _pose(fields: Mapping[str, FloatArray], blendshapes: FloatArray) -> dict[str, Any]:
    pose: dict[str, Any] = {"gaze": gaze_from_blendshapes(blendshapes)}
    if "head/rotation" in fields:
        pose["head_rotation"] = rotation_from_quaternion(fields["head/rotation"]).astype(np.float32)
    if "head/place" in fields:
        pose["head_translation"] = checked_place(fields["head/place"])
    if "gaze/left" in fields and "gaze/right" in fields:
        degrees = np.stack([fields["gaze/left"], fields["gaze/right"]])
        pose["gaze"] = checked_angles(np.radians(degrees)).astype(np.float32)
    if "feeling" in fields:
        pose["valence"], pose["arousal"] = (float(value) for value in np.clip(fields["feeling"], -1.0, 1.0))
    if "emotion" in fields:
        pose["emotion"] = checked_coefficients(fields["emotion"])
    return pose
