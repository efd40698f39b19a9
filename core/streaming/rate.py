"""Fewer frames than come: which ones may pass."""

from __future__ import annotations

import math

from core.errors import InputError

START, MOST = 1.5, 2.0  # frames that may pass at once: a camera's unsteady times cost no frames at its own rate


class RateGate:
    """Lets at most rate_hz frames a second pass, evenly. None lets all pass. InputError: no rate."""

    def __init__(self, rate_hz: float | None) -> None:
        if rate_hz is not None and not (math.isfinite(rate_hz) and 0.1 <= rate_hz <= 1000.0):
            raise InputError(f"A rate lies between 0.1 and 1000 a second, but it is {rate_hz:g}.")
        self._rate_hz = rate_hz
        self._allowance = START
        self._last_s: float | None = None

    def passes(self, now_s: float) -> bool:
        """Whether the frame of this time goes out; times do not run backwards."""
        if self._rate_hz is None:
            return True
        if self._last_s is not None:
            self._allowance = min(MOST, self._allowance + (now_s - self._last_s) * self._rate_hz)
        self._last_s = now_s
        if self._allowance < 1.0 - 1e-9:
            return False
        self._allowance -= 1.0
        return True
