"""Blinks, raised brows, head and eyes of somebody who speaks, from prosody: causal, and the same for the same seed.

Blinks: 26 a minute in conversation and 17 at rest, intervals log-normal (Bentivoglio et al., Movement Disorders 12(6),
1997). Brows go up with the pitch accent, while the nod begins with it and is deepest after it (Kim, Cvejic & Davis,
Speech Communication 57, 2014); head movement goes with F0 and loudness (Munhall et al., Psychological Science 15(2),
2004). The eyes turn against the head, as the vestibulo-ocular reflex does, and leap a little now and then. Sizes and
shapes of the movements are our own, small enough to be overlooked.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from core.audio.features import BANDS, ENERGY, LOG_F0, VOICING
from core.structures import FloatArray

RATE_HZ: Final = 30
STEP_S = 1.0 / RATE_HZ
FEATURE_STEP_S = 0.01

TALKING_BLINK_S, RESTING_BLINK_S = 60.0 / 26.0, 60.0 / 17.0
BLINK_SPREAD = 0.6  # of the logarithm of the intervals
SHORTEST_BLINK_PAUSE = 0.15  # of the mean interval
BLINK_AFTER_PHRASE = 0.2  # how much nearer the next blink comes when a phrase ends
BLINK_SHAPE = (0.1, 0.03, 0.2)  # rise, hold, fall, seconds

CLEAR_VOICE, STEADY_OCTAVES = 0.7, 0.1  # where voices begin and end, the tracker's pitch is a guess that leaps
FIRST_LESSON_S = 0.4  # of voice, before anything can stand out
LEARNING_S = 4.0  # of voice, for what is usual of pitch and loudness
LEAST_PITCH_SPREAD = 2.0 / 12.0  # octaves: a monotonous voice has accents too, but noise of the tracker is none
LEAST_LOUDNESS_SPREAD = 3.0 / 60.0
ACCENT_FROM, ACCENT_FULL = 1.2, 3.0  # deviations above what is usual, pitch and half of the loudness together
BROW_SHAPE, BROW_PAUSE_S, BROW_MOST = (0.16, 0.15, 0.45), (1.8, 4.0), 0.55
NOD_SHAPE, NOD_PAUSE_S, NOD_MOST_RAD = (0.22, 0.05, 0.5), (0.6, 1.6), math.radians(4.0)
SWAY_RAD = np.radians([1.8, 1.0, 1.2])  # standard deviation of yaw, pitch, roll while somebody speaks
IDLE_SWAY = 0.35  # of it in silence
SWAY_S = 0.9  # how slowly the head wanders
GLANCE_RAD = np.radians([1.6, 0.8])  # standard deviation of where the eyes rest, yaw and pitch around straight on
GLANCE_S, GLANCE_SPREAD = 1.5, 0.6  # between two leaps of the eyes, and of the logarithm of it
LIVELINESS_S = 0.6  # how slowly liveliness follows the voice


@dataclass(frozen=True, slots=True)
class Gestures:
    """blink, brows: in [0, 1]. yaw, pitch, roll: of the head, radians, as in `core.geometry.rotation`. gaze: (2,)
    radians, yaw and pitch of both eyes relative to the head."""

    blink: float
    brows: float
    yaw: float
    pitch: float
    roll: float
    gaze: FloatArray


@dataclass(slots=True)
class _Pulse:
    """A movement that rises, holds and falls, softly; `begin` while one runs takes over at its height."""

    shape: tuple[float, float, float]
    height: float = 0.0
    age_s: float = math.inf
    floor: float = 0.0

    def begin(self, height: float) -> None:
        self.floor, self.height, self.age_s = self.value(), height, 0.0

    def advance(self) -> float:
        self.age_s += STEP_S
        return self.value()

    def value(self) -> float:
        rise_s, hold_s, fall_s = self.shape
        up = _smooth(self.age_s / rise_s)
        down = _smooth((self.age_s - rise_s - hold_s) / fall_s)
        return self.floor + (self.height - self.floor) * up - self.height * down


@dataclass(slots=True)
class _Usual:
    """Running mean and mean deviation of a value, both of the last seconds of voice."""

    least_spread: float
    mean: float = 0.0
    spread: float = 0.0
    heard_s: float = 0.0

    def deviation(self, value: float, weight: float) -> float:
        """How many deviations `value` lies above what was usual, before it counts itself."""
        away = value - self.mean if self.heard_s > 0.0 else 0.0
        self.heard_s += weight * FEATURE_STEP_S
        pace = weight * FEATURE_STEP_S / min(max(self.heard_s, FEATURE_STEP_S), LEARNING_S)
        result = away / max(self.spread, self.least_spread)
        self.mean = value if self.heard_s <= weight * FEATURE_STEP_S else self.mean + pace * away
        self.spread += pace * (abs(away) - self.spread)
        return result


@dataclass(slots=True)
class _Memory:
    blink: _Pulse = field(default_factory=lambda: _Pulse(BLINK_SHAPE))
    brows: _Pulse = field(default_factory=lambda: _Pulse(BROW_SHAPE))
    nod: _Pulse = field(default_factory=lambda: _Pulse(NOD_SHAPE))
    pitch: _Usual = field(default_factory=lambda: _Usual(LEAST_PITCH_SPREAD))
    loudness: _Usual = field(default_factory=lambda: _Usual(LEAST_LOUDNESS_SPREAD))
    octaves: float = 0.0
    liveliness: float = 0.0
    was_speaking: bool = False
    until_blink: float = 0.5
    brow_rest_s: float = 0.0
    nod_rest_s: float = 0.0
    until_glance_s: float = 0.0
    glance: FloatArray = field(default_factory=lambda: np.zeros(2))
    sway: FloatArray = field(default_factory=lambda: np.zeros((2, 3)))


class SpeechGestures:
    """Gestures of one voice, a frame of 1/30 s at a time."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self.reset()

    def reset(self) -> None:
        """Begin again, with the same chance."""
        self._rng = np.random.default_rng(self._seed)
        self._memory = _Memory()

    def step(self, prosody: FloatArray, speaking: float) -> Gestures:
        """The gestures of the next frame. prosody: (n, 4) last columns of the features since the frame before;
        speaking: in [0, 1]."""
        memory = self._memory
        accent = max((self._accent(row, speaking) for row in prosody.tolist()), default=0.0)
        memory.liveliness += (speaking - memory.liveliness) * STEP_S / LIVELINESS_S
        self._blink(speaking)
        memory.brow_rest_s = self._gesture(memory.brows, accent, memory.brow_rest_s, BROW_PAUSE_S)
        memory.nod_rest_s = self._gesture(memory.nod, accent, memory.nod_rest_s, NOD_PAUSE_S)
        yaw, pitch, roll = self._sway()
        nod = NOD_MOST_RAD * memory.nod.advance()
        brows = BROW_MOST * memory.brows.advance()
        gaze = self._glance() - np.array([yaw, pitch - nod])
        return Gestures(min(1.0, memory.blink.advance()), brows, yaw, pitch - nod, roll, gaze)

    def _accent(self, row: list[float], speaking: float) -> float:
        """How strong an accent this 10 ms frame is, in [0, 1]."""
        log_f0, energy, voicing = (row[column - BANDS] for column in (LOG_F0, ENERGY, VOICING))
        octaves = log_f0 / math.log10(2.0)
        step, self._memory.octaves = abs(octaves - self._memory.octaves), octaves
        weight = voicing * speaking
        if weight < CLEAR_VOICE or step > STEADY_OCTAVES:
            return 0.0
        above = self._memory.pitch.deviation(octaves, weight) + 0.5 * self._memory.loudness.deviation(energy, weight)
        if self._memory.pitch.heard_s < FIRST_LESSON_S:
            return 0.0
        return min(1.0, max(0.0, (above - ACCENT_FROM) / (ACCENT_FULL - ACCENT_FROM)))

    def _blink(self, speaking: float) -> None:
        memory = self._memory
        if memory.was_speaking and speaking < 0.4:
            memory.until_blink -= BLINK_AFTER_PHRASE
        memory.was_speaking = speaking > 0.6 or (memory.was_speaking and speaking >= 0.4)
        memory.until_blink -= STEP_S / (RESTING_BLINK_S + speaking * (TALKING_BLINK_S - RESTING_BLINK_S))
        if memory.until_blink <= 0.0:
            memory.blink.begin(1.0)
            spread = math.exp(BLINK_SPREAD * self._rng.standard_normal() - 0.5 * BLINK_SPREAD**2)
            memory.until_blink += max(SHORTEST_BLINK_PAUSE, spread)

    def _gesture(self, pulse: _Pulse, accent: float, rest_s: float, pause_s: tuple[float, float]) -> float:
        if accent <= 0.0 or rest_s > 0.0:
            return rest_s - STEP_S
        pulse.begin(0.4 + 0.6 * accent * self._rng.uniform(0.6, 1.0))
        return float(self._rng.uniform(*pause_s))

    def _glance(self) -> FloatArray:
        """(2,) where the eyes rest, before they are turned against the head; they leap within one frame."""
        memory = self._memory
        memory.until_glance_s -= STEP_S
        if memory.until_glance_s <= 0.0:
            memory.glance = np.asarray(GLANCE_RAD * self._rng.standard_normal(2).clip(-2.0, 2.0), np.float64)
            memory.until_glance_s = GLANCE_S * math.exp(GLANCE_SPREAD * self._rng.standard_normal())
        return memory.glance

    def _sway(self) -> FloatArray:
        """(3,) yaw, pitch, roll: noise through two leaky integrators, so that the head never jerks."""
        pace = STEP_S / SWAY_S
        sway = self._memory.sway
        # The second integrator's variance is about pace / 4 of the noise's.
        sway[0] += pace * (self._rng.standard_normal(3) * 2.0 / math.sqrt(pace) - sway[0])
        sway[1] += pace * (sway[0] - sway[1])
        return sway[1] * SWAY_RAD * (IDLE_SWAY + (1.0 - IDLE_SWAY) * self._memory.liveliness)


def _smooth(part: float) -> float:
    bounded = min(1.0, max(0.0, part))
    return bounded * bounded * (3.0 - 2.0 * bounded)
