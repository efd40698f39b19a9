"""A person's own mapping of channels: how strong each coefficient goes out, saved as a small JSON file.

    {"version": 1, "mutes_head": false, "mutes_gaze": false,
     "channels": {"jawOpen": {"gain": 1.3, "offset": 0.0, "least": 0.0, "most": 0.9, "mute": false}, ...}}

Channels and keys that are absent stay as they are: gain 1, offset 0, from 0 to 1, not muted.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from core.blendshapes import ARKIT_NAMES, COUNT, INDEX
from core.errors import InputError
from core.geometry.gaze_shapes import EYE_LOOK
from core.media.atomic_file import written_whole
from core.structures import FaceState, FloatArray

VERSION = 1
MAX_BYTES = 100_000
LARGEST_GAIN = 10.0


@dataclass(frozen=True, slots=True)
class Channel:
    """value * gain + offset, held between least and most; nothing where it is muted. InputError: out of range."""

    gain: float = 1.0
    offset: float = 0.0
    least: float = 0.0
    most: float = 1.0
    mute: bool = False

    def __post_init__(self) -> None:
        numbers = (self.gain, self.offset, self.least, self.most)
        if not all(isinstance(n, int | float) and not isinstance(n, bool) and math.isfinite(n) for n in numbers):
            raise InputError("gain, offset, least and most are finite numbers, but one is not.")
        if not isinstance(self.mute, bool):
            raise InputError(f"mute is true or false, but it is {self.mute!r}.")
        if abs(self.gain) > LARGEST_GAIN or abs(self.offset) > 1.0:
            raise InputError(
                f"gain lies between -{LARGEST_GAIN:g} and {LARGEST_GAIN:g} and offset between -1 and 1, "
                f"but they are {self.gain:g} and {self.offset:g}."
            )
        if not 0.0 <= self.least <= self.most <= 1.0:
            raise InputError(f"least and most lie in 0 to 1 in this order, but are {self.least:g} and {self.most:g}.")


@dataclass(frozen=True)
class FaceMapping:
    """channels: by ARKit name, the absent ones stay. mutes_head: the head looks straight and stays at its place;
    mutes_gaze: the eyes look straight, in angles and in the eight eyeLook coefficients. InputError: a foreign name."""

    channels: Mapping[str, Channel] = field(default_factory=dict)
    mutes_head: bool = False
    mutes_gaze: bool = False

    def __post_init__(self) -> None:
        strange = [name for name in self.channels if name not in INDEX]
        if strange:
            raise InputError(f"A mapping names ARKit's 52 channels, but '{strange[0][:40]}' is none of them.")
        object.__setattr__(self, "channels", MappingProxyType(dict(self.channels)))

    @property
    def is_plain(self) -> bool:
        """Whether it changes nothing."""
        return not (self.mutes_head or self.mutes_gaze) and all(c == Channel() for c in self.channels.values())

    def apply(self, state: FaceState) -> FaceState:
        """The state as it goes out; the same object where nothing changes."""
        if self.is_plain or not state.has_face:
            return state
        gain, offset, least, most = self._arrays
        values = np.clip(gain * state.blendshapes + offset, least, most)
        changed: dict[str, Any] = {}
        if self.mutes_gaze:
            values[EYE_LOOK] = 0.0
            changed["gaze"] = np.zeros((2, 2), np.float32)
        if self.mutes_head:
            changed["head_rotation"] = np.eye(3, dtype=np.float32)
            changed["head_translation"] = np.zeros(3, np.float32)
        return replace(state, blendshapes=values.astype(np.float32), **changed)

    @cached_property
    def _arrays(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        used = [self.channels.get(name, Channel()) for name in ARKIT_NAMES]
        table = np.array([(0, 0, 0, 0) if c.mute else (c.gain, c.offset, c.least, c.most) for c in used], np.float64)
        assert table.shape == (COUNT, 4)
        return table[:, 0], table[:, 1], table[:, 2], table[:, 3]


def load_mapping(path: Path) -> FaceMapping:
    """The mapping in this file. InputError: absent, no such file, or a value out of range; names the channel."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no mapping {path}. Check the name and the folder.")
    data = path.read_bytes()[: MAX_BYTES + 1]
    if len(data) > MAX_BYTES:
        raise InputError(f"{path.name} is larger than {MAX_BYTES // 1000} kB and so no mapping.")
    try:
        return mapping_of(json.loads(data))
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, InputError) else "It is not JSON."
        raise InputError(f"{path.name} is no mapping. {reason}") from None


def save_mapping(mapping: FaceMapping, path: Path) -> None:
    """Writes the mapping, whole or not at all; channels that change nothing are left out."""
    channels = {name: asdict(channel) for name, channel in mapping.channels.items() if channel != Channel()}
    plain = {
        "version": VERSION,
        "mutes_head": mapping.mutes_head,
        "mutes_gaze": mapping.mutes_gaze,
        "channels": channels,
    }
    with written_whole(Path(path)) as temporary:
        temporary.write_text(json.dumps(plain, indent=2) + "\n", encoding="utf-8")


def mapping_of(plain: Any) -> FaceMapping:
    """The mapping of such a JSON object. InputError: something in it is not what it should be."""
    known = {"version", "mutes_head", "mutes_gaze", "channels"}
    if not isinstance(plain, dict) or plain.get("version") != VERSION:
        raise InputError(f'It is a JSON object with "version": {VERSION}, but this is not.')
    _refuse_strange(plain, known, "A mapping")
    switches = {name: plain.get(name, False) for name in ("mutes_head", "mutes_gaze")}
    if not all(isinstance(value, bool) for value in switches.values()):
        raise InputError("mutes_head and mutes_gaze are true or false.")
    given = plain.get("channels", {})
    if not isinstance(given, dict):
        raise InputError('"channels" is an object of channels by name.')
    channels = {}
    for name, values in given.items():
        if not isinstance(values, dict):
            raise InputError(f"'{name[:40]}' is an object with gain, offset, least, most and mute.")
        _refuse_strange(values, set(Channel.__slots__), f"'{name[:40]}'")
        try:
            channels[name] = Channel(**values)
        except InputError as error:
            raise InputError(f"'{name[:40]}': {error}") from None
    return FaceMapping(channels, **switches)


def _refuse_strange(plain: Mapping[str, Any], known: set[str], whose: str) -> None:
    strange = sorted(set(plain) - known)
    if strange:
        raise InputError(f"{whose} has {', '.join(sorted(known))}, but not '{strange[0][:40]}'.")
