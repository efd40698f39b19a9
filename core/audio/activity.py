"""Whether something sounds, and whether it is a voice, 0 to 1, frame by frame: what rises out of what was there before.

A voiced frame counts as far as it stands above the noise floor, band by band; a steady hum is voiced but stands
above nothing, noise that comes and goes stands above the floor but is not voiced. The floor is the lowest smoothed
power of the last two seconds (minimum statistics, Martin, IEEE Trans. SAP 9(5), 2001, in its simplest form).
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from core.structures import FloatArray

GROUPS = 10  # neighbouring Mel bands whose power is summed: fewer values that fluctuate less
WARM_UP = 10  # frames that say nothing of the floor, because their windows still reach before the sound
SMOOTHING = 0.35  # of power, per frame of 10 ms
BLOCK = 25  # frames of a block whose minimum is kept
BLOCKS = 8  # two seconds
FIRST_BLOCKS = 3  # for which the assumed floor counts: a hum that is there from the start is no voice for long
FIRST_FLOOR = 1e-5  # power per group at the start, about -55 dBFS: speech without a pause before it is heard at once
FLOOR_BIAS_DB = 4.0  # how far a steady noise's mean lies above its smoothed minimum
MOST_DB = 25.0  # a group counts no more than this
HALF_DB, SLOPE_DB = 5.0, 1.2  # mean rise over the floor at which a frame counts half
HOLD = 20  # frames that evidence counts in full: closures and unvoiced sounds within a word
RELEASE = 0.88  # per frame, after the hold


class ActivityDetector:
    """Follows one sound. `push` gives one value a frame; the state is all that it remembers."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything heard."""
        self._power = np.full(GROUPS, FIRST_FLOOR)
        self._lowest: deque[FloatArray] = deque([np.full(GROUPS, FIRST_FLOOR)], maxlen=BLOCKS)
        self._current = np.full(GROUPS, np.inf)
        self._floor = self._lowest[0]
        self._frames = 0
        self._presence, self._activity = _Held(), _Held()

    def push(self, mel: FloatArray, voicing: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(n,) presence of any sound and (n,) activity of a voice, both in [0, 1], of (n, 80) power per band and (n,)
        voicing."""
        grouped = mel.reshape(len(mel), GROUPS, -1).mean(axis=2)
        rows = [self._step(power, float(v)) for power, v in zip(grouped, voicing, strict=True)]
        presence, activity = np.array(rows).reshape(-1, 2).T
        return presence, activity

    def _step(self, power: FloatArray, voicing: float) -> tuple[float, float]:
        self._power = self._power + SMOOTHING * (power - self._power)
        self._frames += 1
        if self._frames > WARM_UP:
            self._current = np.minimum(self._current, self._power)
        if self._frames % BLOCK == 0:
            self._lowest.append(self._current)
            if self._frames == BLOCK * FIRST_BLOCKS:
                self._lowest.popleft()
            self._floor = np.min(self._lowest, axis=0)
            self._current = np.full(GROUPS, np.inf)
        floor = np.minimum(self._floor, self._current)
        rise_db = 10.0 * np.log10((self._power + 1e-8) / (floor + 1e-8)) - FLOOR_BIAS_DB
        rise = float(np.minimum(np.maximum(rise_db, 0.0), MOST_DB).mean())
        loud = 1.0 / (1.0 + math.exp((HALF_DB - rise) / SLOPE_DB))
        return self._presence.follow(loud), self._activity.follow(voicing * loud)


class _Held:
    """A value that rises at once, stays, and then fades."""

    def __init__(self) -> None:
        self._value = 0.0
        self._recent: deque[float] = deque(maxlen=HOLD)

    def follow(self, evidence: float) -> float:
        self._recent.append(evidence)
        self._value = max(max(self._recent), self._value * RELEASE)
        return self._value
