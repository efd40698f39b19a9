"""Timecode as Live Link Face writes it, `HH:MM:SS:FF.mmm`: frames of a 60th second with thousandths of a frame."""

from __future__ import annotations

import math
import re

from core.errors import TakeError

APP_FRAMES_PER_SECOND = 60.0  # of the app, whatever the rate of its rows
DAY_S = 86_400

_PATTERN = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})[:;](\d{1,3}(?:\.\d{1,6})?)", re.ASCII)


def parse_timecode(text: str, frames_per_second: float = APP_FRAMES_PER_SECOND) -> float:
    """Seconds since midnight. TakeError: not of the form, or a part is too large for a clock."""
    match = _PATTERN.fullmatch(text.strip())
    if match is None:
        raise TakeError(f"A timecode looks like 13:05:59:29.500, but got '{text[:40]}'.")
    hours, minutes, seconds = (int(part) for part in match.groups()[:3])
    frames = float(match[4])
    if hours > 23 or minutes > 59 or seconds > 59 or frames >= math.ceil(frames_per_second):
        raise TakeError(f"A timecode counts to 23:59:59 and below {frames_per_second:g} frames, but got '{text[:40]}'.")
    return hours * 3600 + minutes * 60 + seconds + frames / frames_per_second


def format_timecode(time_s: float) -> str:
    """`HH:MM:SS:FF.mmm` of seconds since midnight; a later day begins at 0 again."""
    thousandths = round(time_s * APP_FRAMES_PER_SECOND * 1000) % round(DAY_S * APP_FRAMES_PER_SECOND * 1000)
    frames, fraction = divmod(thousandths, 1000)
    seconds, frame = divmod(frames, round(APP_FRAMES_PER_SECOND))
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}:{frame:02}.{fraction:03}"
