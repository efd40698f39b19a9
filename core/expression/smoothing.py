"""What takes the jitter off a face's states, with one interface: the learned network, One-Euro, or nothing.

Valence, arousal and emotion are read by EmotionLSTM whichever is chosen; head and gaze always go through One-Euro,
which a learned filter did not beat there.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Protocol

import numpy as np

from core.expression.emotion_lstm import EmotionLstm
from core.filtering.one_euro import OneEuroFilter, OneEuroParameters
from core.geometry.rotation import nearest_rotation
from core.structures import FaceState, FloatArray

STRONGEST_CUTOFF_HZ = 0.7
WHOLLY_LEARNED = 0.6
"""Strength from which on the learned filter's answer stands alone; below, it is mixed with what came in. On drawn
videos the whole answer lost 0.05 of correlation with small movements that it took for noise; half of it, the usual
strength, loses 0.01 at a jitter still below the truth's (docs/emotion.md)."""
LIGHTEST_CUTOFF_HZ = 8.0
SPEED_GAIN = 1.5  # One-Euro's beta for values of order 1; a blink (0 to 1 in 0.1 s) stays within one frame


class Smoothing(StrEnum):
    """How the coefficients are smoothed."""

    LEARNED = "learned"
    """EmotionLSTM: steady, and hardly later than the camera."""
    ONE_EURO = "one euro"
    """The classic filter, as strong as `strength` says."""
    OFF = "off"
    """Nothing; what the estimate says comes out, jitter included."""


class StateSmoother(Protocol):
    """Takes each state of one face in turn and gives the smooth one, with valence, arousal and emotion filled in."""

    def smooth(self, state: FaceState) -> FaceState: ...


def make_smoother(kind: Smoothing, strength: float) -> StateSmoother:
    """A smoother without memory yet. strength: 0 (lightest) to 1 (strongest); `OFF` does not take it."""
    if kind is Smoothing.OFF:
        return _Unsmoothed()
    return _Smoothed(kind is Smoothing.LEARNED, strength)


class _Unsmoothed:
    def __init__(self) -> None:
        self._network = EmotionLstm()

    def smooth(self, state: FaceState) -> FaceState:
        reading = self._network.step(state.blendshapes, state.timestamp_s)
        return replace(state, valence=reading.valence, arousal=reading.arousal, emotion=reading.emotion)


class _Smoothed:
    def __init__(self, is_learned: bool, strength: float) -> None:
        self._learned_share = min(strength / WHOLLY_LEARNED, 1.0) if is_learned else None
        self._network = EmotionLstm()
        self._coefficients = OneEuroFilter(_one_euro(strength))
        self._motion = OneEuroFilter(_one_euro(strength))

    def smooth(self, state: FaceState) -> FaceState:
        reading = self._network.step(state.blendshapes, state.timestamp_s)
        if self._learned_share is None:
            coefficients = np.clip(self._coefficients.filter(state.blendshapes, state.timestamp_s), 0.0, 1.0)
        else:
            coefficients = state.blendshapes + self._learned_share * (reading.blendshapes - state.blendshapes)
        rotation, translation, gaze = self._moved(state)
        return replace(
            state, blendshapes=coefficients, head_rotation=rotation, head_translation=translation, gaze=gaze,
            valence=reading.valence, arousal=reading.arousal, emotion=reading.emotion,
        )  # fmt: skip

    def _moved(self, state: FaceState) -> tuple[FloatArray, FloatArray, FloatArray]:
        parts = (state.head_rotation, state.head_translation, state.gaze)
        flat = np.concatenate([np.asarray(part, np.float64).ravel() for part in parts])
        smooth = np.asarray(self._motion.filter(flat, state.timestamp_s), np.float32)
        rotation = nearest_rotation(smooth[:9].reshape(3, 3)).astype(np.float32)
        return rotation, smooth[9:12], smooth[12:].reshape(2, 2)


def _one_euro(strength: float) -> OneEuroParameters:
    """Cut-off falls geometrically with the strength, as the eye judges smoothness by ratios."""
    cutoff_hz = LIGHTEST_CUTOFF_HZ * (STRONGEST_CUTOFF_HZ / LIGHTEST_CUTOFF_HZ) ** strength
    return OneEuroParameters(min_cutoff_hz=cutoff_hz, beta=SPEED_GAIN)
