"""Takes as JSON lines: one object a frame, nothing lost.

    {"timestamp": 0.033, "blendshapes": [52 values], "head_rotation": [[3x3]], "head_translation": [3],
     "gaze": [[yaw, pitch], [yaw, pitch]], "valence": 0, "arousal": 0, "emotion": [8], "confidence": 1, "face_id": 0}

All but the first two may be absent. The first object also carries `names`, the order of the values, and `take` with
name, rate_hz and timecode_start_s, so that every line is a frame. A first line that holds only these, or only a list
of names, is read too. Units and frames are those of `FaceState`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core.animation.take import Take, rate_of
from core.animation.text_lines import RowCheck, text_lines
from core.blendshapes import ARKIT_NAMES, COUNT, EMOTIONS, INDEX, MEDIAPIPE_NAMES
from core.errors import InputError, TakeError
from core.geometry.gaze_shapes import gaze_from_blendshapes
from core.geometry.rotation import nearest_rotation
from core.structures import FaceState, FloatArray

VERSION = 1
DECIMALS = 7  # float32 has no more in [0, 1]
SLACK = 0.5  # how far outside [0, 1] a coefficient is still clipped instead of refused


def json_text(take: Take) -> Iterator[str]:
    """The file's lines with their ends, one a state."""
    details = {
        "version": VERSION,
        "name": take.name,
        "rate_hz": take.rate_hz,
        "timecode_start_s": take.timecode_start_s,
    }
    extra: dict[str, Any] = {"take": details, "names": ARKIT_NAMES}
    for state in take.states:
        yield json.dumps({**state_record(state), **extra}, allow_nan=False) + "\n"
        extra = {}


def state_record(state: FaceState, decimals: int = DECIMALS) -> dict[str, Any]:
    """The state as plain JSON values, one line of a file without its end; arrays rounded to `decimals`."""

    def plain(values: FloatArray) -> Any:
        return np.round(np.asarray(values, np.float64), decimals).tolist()

    return {
        "timestamp": float(state.timestamp_s),
        "blendshapes": plain(state.blendshapes),
        "head_rotation": plain(state.head_rotation),
        "head_translation": plain(state.head_translation),
        "gaze": plain(state.gaze),
        "valence": float(state.valence),
        "arousal": float(state.arousal),
        "emotion": plain(state.emotion),
        "confidence": float(state.confidence),
        "face_id": int(state.face_id),
    }


def read_json_lines(path: Path) -> Take:
    """The take in a file of JSON lines.

    Lines that cannot be read, or whose time does not grow, are left out and counted. Where no line has a gaze, the
    eyes turn by the eyeLook coefficients. TakeError: no such file, foreign names, or mostly damaged.
    """
    reader = _Reader(path)
    check = RowCheck(path.name)
    for number, line in text_lines(path):
        try:
            reader.read(json.loads(line, parse_constant=_refuse_constant))
        except _NamesError as error:
            raise TakeError(f"'{path.name}' {error}") from None
        except (InputError, TakeError, ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            check.skip(number, _reason(error))
    check.good = len(reader.states)
    check.require_enough()
    return reader.take(check.skipped)


class _NamesError(TakeError):
    """The file's values are others than ours: nothing in it can be trusted."""


def _refuse_constant(name: str) -> None:
    raise TakeError(f"{name} is no number of a take.")


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"{error} is absent."
    return str(error).splitlines()[0][:200] if str(error) else "it cannot be read."


class _Reader:
    """Takes the lines in one by one."""

    def __init__(self, path: Path) -> None:
        self._name = path.stem
        self._rate_hz: float | None = None
        self._timecode_start_s = 0.0
        self._order: list[int | None] = list(range(COUNT))
        self._length = COUNT
        self._has_gaze = False
        self.states: list[FaceState] = []

    def read(self, record: Any) -> None:
        """One line: a frame, or what goes before the frames."""
        if isinstance(record, list):
            record = {"names": record}
        if not isinstance(record, dict):
            raise TakeError("it is no JSON object.")
        if "names" in record:
            self._use_names(record["names"])
        if "take" in record:
            self._use_details(record["take"])
        if "blendshapes" in record or "timestamp" in record:
            self._add(record)

    def take(self, skipped_rows: int) -> Take:
        """All that was read."""
        states = tuple(self.states)
        if not self._has_gaze:
            states = tuple(replace(state, gaze=gaze_from_blendshapes(state.blendshapes)) for state in states)
        rate_hz = self._rate_hz or rate_of(np.array([state.timestamp_s for state in states]))
        return Take(self._name, states, rate_hz, self._timecode_start_s, skipped_rows)

    def _use_names(self, names: Any) -> None:
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise _NamesError("has a list of names that is no list of texts.")
        lower = [name.lower() for name in names]
        known = ({name.lower() for name in list_} for list_ in (ARKIT_NAMES, MEDIAPIPE_NAMES))
        if len(set(lower)) != len(lower) or set(lower) not in tuple(known):
            strange = sorted(set(lower) ^ {name.lower() for name in ARKIT_NAMES})
            raise _NamesError(f"names other values than the 52 of ARKit; the first that does not fit is {strange[:1]}.")
        self._order = [lower.index(name.lower()) if name.lower() in lower else None for name in INDEX]
        self._length = len(names)

    def _use_details(self, details: Any) -> None:
        if not isinstance(details, dict) or details.get("version", VERSION) != VERSION:
            raise _NamesError("was written by a newer version of this program, or is damaged at its start.")
        self._name = str(details.get("name", self._name))[:200]
        rate_hz, start_s = details.get("rate_hz"), details.get("timecode_start_s", 0.0)
        if rate_hz is not None and 0 < float(rate_hz) < 1e5:
            self._rate_hz = float(rate_hz)
        self._timecode_start_s = _finite_number(start_s)

    def _add(self, record: dict[str, Any]) -> None:
        timestamp_s = _finite_number(record["timestamp"])
        if self.states and timestamp_s <= self.states[-1].timestamp_s:
            raise TakeError("its time is not after the line before.")
        values = _numbers(record["blendshapes"], (self._length,), "blendshapes")
        ordered = np.array([0.0 if i is None else values[i] for i in self._order])
        self._has_gaze = self._has_gaze or "gaze" in record
        self.states.append(state_of_record({**record, "blendshapes": ordered}, timestamp_s))


def state_of_record(record: Mapping[str, Any], timestamp_s: float) -> FaceState:
    """The face of such an object, whose blendshapes are in our order; `gaze` stays zero where it is absent.

    TakeError, KeyError, TypeError, ValueError or OverflowError: something in it is not what it should be.
    """
    values = _numbers(record["blendshapes"], (COUNT,), "blendshapes")
    if values.min() < -SLACK or values.max() > 1 + SLACK:
        raise TakeError("a blendshape lies far outside 0 to 1.")
    optional: dict[str, Any] = {
        name: _numbers(record[name], shape, name)
        for name, shape in (("head_translation", (3,)), ("gaze", (2, 2)), ("emotion", (len(EMOTIONS),)))
        if name in record
    }
    if "head_rotation" in record:
        optional["head_rotation"] = _rotation(record["head_rotation"])
    for name in ("valence", "arousal", "confidence"):
        if name in record:
            optional[name] = _finite_number(record[name])
    blendshapes = np.clip(values, 0.0, 1.0).astype(np.float32)
    return FaceState(timestamp_s, int(record.get("face_id", 0)), blendshapes, **optional)


def _finite_number(value: Any) -> float:
    if not math.isfinite(float(value)):
        raise TakeError("a number must be finite.")
    return float(value)


def _numbers(value: Any, shape: tuple[int, ...], name: str) -> FloatArray:
    array = np.asarray(value, np.float32)
    if array.shape != shape or not np.isfinite(array).all():
        raise TakeError(f"{name} must be finite numbers of shape {shape}, but got shape {array.shape}.")
    return array


def _rotation(value: Any) -> FloatArray:
    matrix = _numbers(value, (3, 3), "head_rotation")
    nearest = nearest_rotation(matrix)
    if np.abs(nearest - matrix).max() > 1e-2:
        raise TakeError("head_rotation is no rotation matrix.")
    return nearest.astype(np.float32)
