"""Takes as CSV, as the Live Link Face app writes them. Read by column name, so two other dialects are read too:
Unreal's own writer (`Timecode, FrameRate, EyeBlinkLeft, ...`) and `Timecode,NumProperties,...`.

Not in this format and lost in it: head translation, emotion, confidence between 0 and 1, face_id.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.animation.live_link_values import LIVE_LINK_COUNT, live_link_values, state_from_live_link
from core.animation.take import Take, rate_of
from core.animation.text_lines import RowCheck, text_lines
from core.animation.timecode import APP_FRAMES_PER_SECOND, DAY_S, format_timecode, parse_timecode
from core.blendshapes import COUNT, LIVE_LINK_NAMES
from core.errors import TakeError
from core.geometry.gaze_shapes import gaze_from_blendshapes
from core.structures import FaceState, FloatArray

# The app's file has these two pairs the other way round than its packet.
_SWAPPED = {"JawLeft": "JawRight", "JawRight": "JawLeft", "MouthLeft": "MouthRight", "MouthRight": "MouthLeft"}
CSV_NAMES: tuple[str, ...] = tuple(_SWAPPED.get(name, name) for name in LIVE_LINK_NAMES)
CSV_ORDER = [LIVE_LINK_NAMES.index(name) for name in CSV_NAMES]
EYE_COLUMNS = slice(COUNT + 3, LIVE_LINK_COUNT)
LARGEST_VALUE = 10.0  # coefficients go to 1, angles to pi: beyond this a row is damaged or in percent


def csv_text(take: Take) -> Iterator[str]:
    """The file's lines with their ends: the header, then one row a state.

    A state without a face is a row with BlendShapeCount 0, as in the app, but with all its columns, zero, so that
    every row has 63.
    """
    yield ",".join(("Timecode", "BlendShapeCount", *CSV_NAMES)) + "\n"
    for state in take.states:
        values = live_link_values(state) if state.has_face else np.zeros(LIVE_LINK_COUNT)
        cells = ",".join(f"{value:.10f}" for value in values[CSV_ORDER] + 0.0)  # + 0.0: no "-0.0000000000"
        timecode = format_timecode(take.timecode_start_s + state.timestamp_s)
        yield f"{timecode},{LIVE_LINK_COUNT if state.has_face else 0},{cells}\n"


def read_csv(path: Path) -> Take:
    """The take in a Live Link Face CSV; its times start at 0 and its `timecode_start_s` is the first timecode.

    Rows that cannot be read, or whose time does not grow, are left out and counted. Where the file has eyeLook
    coefficients but no eye angles, the eyes turn by the coefficients. TakeError: no such file, or mostly damaged.
    """
    lines = text_lines(path)
    columns = _Columns(path.name, next(lines, (1, ""))[1])
    check = RowCheck(path.name)
    times_s: list[float] = []
    rows: list[FloatArray | None] = []
    for number, line in lines:
        try:
            time_s, values = columns.parse(line)
            if times_s and time_s < times_s[-1]:
                time_s += DAY_S * math.floor((times_s[-1] - time_s) / DAY_S + 0.5)  # over midnight
            if times_s and time_s <= times_s[-1]:
                raise TakeError("its time is not after the row before.")
        except (TakeError, ValueError) as error:
            check.skip(number, error)
            continue
        times_s.append(time_s)
        rows.append(values)
        check.good += 1
    check.require_enough()
    relative_s = np.array(times_s) - times_s[0]
    return Take(path.stem, _states(rows, relative_s), rate_of(relative_s), times_s[0], check.skipped)


class _Columns:
    """Where the names lie in this file."""

    def __init__(self, file_name: str, header: str) -> None:
        names = [cell.strip().lower() for cell in header.split(",")]
        if names[0] != "timecode":
            raise TakeError(f"'{file_name}' is no Live Link Face CSV: its first column must be Timecode.")
        absent = [name for name in LIVE_LINK_NAMES[:COUNT] if name.lower() not in names]
        if absent:
            raise TakeError(
                f"'{file_name}' is no Live Link Face CSV: {len(absent)} of {COUNT} columns are absent, "
                f"the first is {absent[0]}."
            )
        self._width = len(names)
        self._indices = [names.index(n.lower()) if n.lower() in names else None for n in LIVE_LINK_NAMES]
        self._count = names.index("blendshapecount") if "blendshapecount" in names else None
        self._rate = names.index("framerate") if "framerate" in names else None

    def parse(self, line: str) -> tuple[float, FloatArray | None]:
        """(seconds since midnight, the 61 values or None where the row says that there was no face)."""
        cells = line.split(",")
        rate = APP_FRAMES_PER_SECOND
        if self._rate is not None and self._rate < len(cells):
            rate = float(cells[self._rate])
            if not 1 <= rate <= 1000:
                raise TakeError(f"a frame rate lies between 1 and 1000, but it is '{cells[self._rate].strip()[:20]}'.")
        time_s = parse_timecode(cells[0], rate)
        if self._count is not None and self._count < len(cells) and cells[self._count].strip() == "0":
            return time_s, None
        if len(cells) != self._width:
            raise TakeError(f"it has {len(cells)} columns where the header has {self._width}.")
        values = np.array([0.0 if i is None else float(cells[i]) for i in self._indices])
        if not (np.abs(values) <= LARGEST_VALUE).all():
            raise TakeError("a value is no number, or far beyond 1.")
        return time_s, values


def _states(rows: list[FloatArray | None], times_s: FloatArray) -> tuple[FaceState, ...]:
    has_eye_angles = any(values is not None and values[EYE_COLUMNS].any() for values in rows)
    return tuple(
        FaceState.no_face(float(time_s)) if values is None else _state(values, float(time_s), has_eye_angles)
        for time_s, values in zip(times_s, rows, strict=True)
    )


def _state(values: FloatArray, time_s: float, has_eye_angles: bool) -> FaceState:
    state = state_from_live_link(values, time_s)
    return state if has_eye_angles else replace(state, gaze=gaze_from_blendshapes(state.blendshapes))
