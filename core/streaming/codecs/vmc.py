"""Virtual Motion Capture protocol (VMC) V2.8 over OSC: faces for VRM avatars.

Each frame: /VMC/Ext/OK and /VMC/Ext/T, the local rotations of Neck, Head, LeftEye and RightEye as Unity bones, the
expressions as /VMC/Ext/Blend/Val, and last /VMC/Ext/Blend/Apply; in bundles below 1500 bytes, as the specification
asks (https://protocol.vmc.info/english). Without a face: OK with tracking status 0, and T.

Unity is left-handed with x to the subject's right; y up and z out of the face are ours. Neck times Head is the head's
rotation. Bone positions are places of a common human skeleton, not of the avatar, which a sender does not know:
a receiver that moves bones by them should be told not to. Lost: the head's place, valence, arousal, emotion.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from scipy.spatial.transform import Rotation

from core.blendshapes import ARKIT_NAMES, COUNT, INDEX, VRM_PRESETS, live_link_name
from core.errors import InputError, StreamError
from core.geometry.gaze_shapes import gaze_from_blendshapes
from core.geometry.rotation import rotation_from_yaw_pitch_roll, yaw_pitch_roll
from core.streaming.codecs.common import (
    MAX_DATAGRAM_BYTES,
    SLACK,
    left_handed,
    mirrored,
    quaternion,
    require_packet,
    rotation_from_quaternion,
)
from core.streaming.codecs.osc_bytes import OscValue, osc_bundles, osc_message, osc_messages
from core.structures import FaceState, FloatArray

MARIONETTE_PORT = 39539  # programs that draw
PERFORMER_PORT = 39540  # programs that mix a face into a body they know
EYE_BONES = ("LeftEye", "RightEye")
BONE_PLACES_M: Mapping[str, tuple[float, float, float]] = {
    "Neck": (0.0, 0.12, -0.02),
    "Head": (0.0, 0.08, 0.01),
    "LeftEye": (-0.03, 0.06, 0.02),
    "RightEye": (0.03, 0.06, 0.02),
}
"""Relative to the parent bone, Unity's frame, a common human skeleton."""

VRM0_NAMES: Mapping[str, str] = {
    "happy": "Joy", "angry": "Angry", "sad": "Sorrow", "aa": "A", "ih": "I", "ou": "U", "ee": "E", "oh": "O",
    "blinkLeft": "Blink_L", "blinkRight": "Blink_R",
    "lookUp": "LookUp", "lookDown": "LookDown", "lookLeft": "LookLeft", "lookRight": "LookRight",
}  # fmt: skip
"""VRM 0 preset of a VRM 1 preset; "surprised" is new in VRM 1, and nothing of ours means "relaxed" (Fun)."""

Presets = Literal["vrm0", "vrm1", "none"]
Spelling = Literal["pascal", "camel", "none"]


@dataclass(frozen=True, slots=True)
class VmcOptions:
    """presets: also or instead send VRM expressions, in the names of VRM 0 or 1; perfect_sync: the 52 as
    `EyeBlinkLeft` (pascal) or `eyeBlinkLeft` (camel). An avatar that has both moves twice when both are sent.
    eye_bones: turn the eyes by bones; without, presets carry the gaze. neck_share: part of the head's turn that the
    neck takes, 0 to 1. mirrored: swap the sides."""

    presets: Presets = "none"
    perfect_sync: Spelling = "pascal"
    eye_bones: bool = True
    neck_share: float = 0.4
    mirrored: bool = False

    def __post_init__(self) -> None:
        if self.presets not in ("vrm0", "vrm1", "none") or self.perfect_sync not in ("pascal", "camel", "none"):
            raise InputError("VMC names are presets vrm0, vrm1 or none, and perfect_sync pascal, camel or none.")
        if self.presets == self.perfect_sync == "none":
            raise InputError("VMC without presets and without the 52 shapes has nothing to say. Choose one of them.")
        if not 0.0 <= self.neck_share <= 1.0:
            raise InputError(f"neck_share must lie between 0 and 1, but it is {self.neck_share}.")


def expression_values(blendshapes: FloatArray, options: VmcOptions) -> dict[str, float]:
    """What /VMC/Ext/Blend/Val says: expression names of these options and their values in [0, 1]."""
    values: dict[str, float] = {}
    if options.presets != "none":
        for preset, shapes in VRM_PRESETS.items():
            name = VRM0_NAMES.get(preset) if options.presets == "vrm0" else preset
            if name is None or (preset.startswith("look") and options.eye_bones):
                continue
            total = sum(weight * float(blendshapes[INDEX[shape]]) for shape, weight in shapes.items())
            values[name] = min(max(total, 0.0), 1.0)
    if options.perfect_sync != "none":
        for name, value in zip(ARKIT_NAMES, blendshapes, strict=True):
            values[live_link_name(name) if options.perfect_sync == "pascal" else name] = float(value)
    return values


class VmcEncoder:
    """Datagrams of a frame, in order; the last ends with Apply."""

    def __init__(self, options: VmcOptions | None = None) -> None:
        self._options = options or VmcOptions()
        self._start_s: float | None = None

    def encode(self, state: FaceState) -> tuple[bytes, ...]:
        """Three bundles for the 52 shapes, one for presets alone or without a face."""
        if self._start_s is None:
            self._start_s = state.timestamp_s
        messages = [
            osc_message("/VMC/Ext/OK", "iiii", 1, 3, 0, int(state.has_face)),
            osc_message("/VMC/Ext/T", "f", state.timestamp_s - self._start_s),
        ]
        if state.has_face:
            seen = mirrored(state) if self._options.mirrored else state
            messages += [_bone_message(name, rotation) for name, rotation in self._bones(seen).items()]
            for name, value in expression_values(seen.blendshapes, self._options).items():
                messages.append(osc_message("/VMC/Ext/Blend/Val", "sf", name, value))
            messages.append(osc_message("/VMC/Ext/Blend/Apply"))
        return osc_bundles(messages, MAX_DATAGRAM_BYTES)

    def _bones(self, state: FaceState) -> dict[str, FloatArray]:
        """(3, 3) rotations in the head frame, each relative to its parent."""
        turn = Rotation.from_matrix(state.head_rotation).as_rotvec()
        share = self._options.neck_share
        bones = {
            "Neck": Rotation.from_rotvec(share * turn).as_matrix(),
            "Head": Rotation.from_rotvec((1.0 - share) * turn).as_matrix(),
        }
        if self._options.eye_bones:
            for name, (yaw, pitch) in zip(EYE_BONES, state.gaze, strict=True):
                bones[name] = rotation_from_yaw_pitch_roll(float(yaw), float(pitch), 0.0)
        return bones


def _bone_message(name: str, rotation: FloatArray) -> bytes:
    turn = left_handed(quaternion(rotation))
    return osc_message("/VMC/Ext/Bone/Pos", "sfffffff", name, *BONE_PLACES_M[name], *turn)


def _preset_meanings() -> dict[str, tuple[int, ...]]:
    """Lower-case name of a preset of VRM 0 or 1 to the coefficients it moves."""
    meanings = {}
    for preset, shapes in VRM_PRESETS.items():
        channels = tuple(INDEX[shape] for shape in shapes)
        meanings[preset.lower()] = channels
        if preset in VRM0_NAMES:
            meanings[VRM0_NAMES[preset].lower()] = channels
    meanings["blink"] = (INDEX["eyeBlinkLeft"], INDEX["eyeBlinkRight"])
    return meanings


_PRESETS = _preset_meanings()
_SHAPES = {name.lower(): index for name, index in INDEX.items()}


@dataclass(slots=True)
class _Heard:
    """What has come so far. Values stay until others come, so that a lost datagram costs no face."""

    shapes: dict[int, float] = field(default_factory=dict)
    presets: dict[str, float] = field(default_factory=dict)
    bones: dict[str, FloatArray] = field(default_factory=dict)
    is_tracked: bool = True

    def copy(self) -> _Heard:
        """The same, so that a bad packet can be forgotten whole."""
        return _Heard(dict(self.shapes), dict(self.presets), dict(self.bones), self.is_tracked)

    def hear(self, address: str, values: tuple[OscValue, ...]) -> bool:
        """Takes one message and says whether it makes the frame whole.

        Unknown addresses and wrong types are passed over, as the protocol asks.
        """
        match address, values:
            case "/VMC/Ext/OK", (int(), int(), int(), int(tracking), *_):
                self.is_tracked = tracking != 0
                return not self.is_tracked
            case "/VMC/Ext/Blend/Val", (str(name), float(value), *_):
                self._hear_expression(name.lower(), value)
            case "/VMC/Ext/Bone/Pos", (str(name), _, _, _, float(x), float(y), float(z), float(w), *_):
                if name in BONE_PLACES_M:
                    self.bones[name] = rotation_from_quaternion(left_handed(np.array([x, y, z, w])))
        return address == "/VMC/Ext/Blend/Apply"

    def _hear_expression(self, name: str, value: float) -> None:
        if not -SLACK <= value <= 1.0 + SLACK:
            raise StreamError("VMC expressions lie in 0 to 1, but the packet holds another value. It is damaged.")
        value = min(max(value, 0.0), 1.0)
        if name in _SHAPES:
            self.shapes[_SHAPES[name]] = value
        elif name in _PRESETS:
            self.presets[name] = value

    def state(self, received_s: float) -> FaceState:
        """The face that all this means."""
        if not self.is_tracked:
            return FaceState.no_face(received_s)
        blendshapes = np.zeros(COUNT, np.float32)
        # A sender of the 52 may send presets too; they say the same once more and more coarsely.
        for preset, value in () if self.shapes else self.presets.items():
            channels = list(_PRESETS[preset])
            blendshapes[channels] = np.maximum(blendshapes[channels], value)
        for channel, value in self.shapes.items():
            blendshapes[channel] = value
        gaze = gaze_from_blendshapes(blendshapes)
        for eye, name in enumerate(EYE_BONES):
            if name in self.bones:
                gaze[eye] = yaw_pitch_roll(self.bones[name])[:2]
        head = self.bones.get("Neck", np.eye(3)) @ self.bones.get("Head", np.eye(3))
        return FaceState(received_s, blendshapes=blendshapes, head_rotation=head.astype(np.float32), gaze=gaze)


class VmcDecoder:
    """Gathers messages; a frame is whole with /VMC/Ext/Blend/Apply, or when OK says that tracking is lost."""

    def __init__(self, options: VmcOptions | None = None) -> None:
        self._options = options or VmcOptions()
        self._heard = _Heard()

    def decode(self, packet: bytes, received_s: float) -> FaceState | None:
        """The face, where this packet completes one. StreamError: not OSC, or a number that is none."""
        require_packet(packet, "VMC")
        messages = osc_messages(packet)
        if not any(address.startswith("/VMC/") for address, _ in messages):
            raise StreamError("VMC addresses begin with /VMC/, but none here does. Check the port of the other side.")
        heard = self._heard.copy()
        is_whole = False
        for address, values in messages:
            is_whole = heard.hear(address, values) or is_whole
        self._heard = heard
        if not is_whole:
            return None
        state = heard.state(received_s)
        return mirrored(state) if self._options.mirrored else state
