"""A demonstration performance with known coefficients: for a first look, for measuring, for tests without a face.

Every value is a continuous function of time, so two frame rates show the same movement; the ten-second programme
repeats without a seam. The timings are those of everyday faces: a blink closes in 0.1 s and opens in 0.16 s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.animation.take import Take
from core.blendshapes import COUNT, EMOTIONS, INDEX, VISEMES
from core.errors import InputError
from core.geometry.gaze_shapes import blendshapes_with_gaze
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.structures import FaceState, FloatArray

PROGRAMME_S = 10.0
DISTANCE_M = 0.6
HEAD_AMPLITUDES_RAD = {"yaw": 0.20, "pitch": 0.09, "roll": 0.07}
SPEECH_START_S, SPEECH_END_S = 3.7, 6.2
VISEME_SPACING_S = 0.14


@dataclass(frozen=True, slots=True)
class Gesture:
    """One movement: it starts, reaches `coefficients` after `onset_s`, stays for `hold_s`, is gone after `offset_s`."""

    start_s: float
    onset_s: float
    hold_s: float
    offset_s: float
    coefficients: Mapping[str, float]
    emotion: str = "neutral"

    def strength(self, time_s: FloatArray) -> FloatArray:
        """(n,) in [0, 1] at times (n,)."""
        rise = _smooth_step((time_s - self.start_s) / self.onset_s)
        fall = _smooth_step((time_s - self.start_s - self.onset_s - self.hold_s) / self.offset_s)
        return rise - fall


def _both(name: str, value: float, balance: float = 1.0) -> dict[str, float]:
    return {f"{name}Left": value, f"{name}Right": value * balance}


SMILE = _both("mouthSmile", 0.8, 0.95) | _both("cheekSquint", 0.5) | _both("eyeSquint", 0.3) | _both("mouthDimple", 0.2)
BROW_RAISE = {"browInnerUp": 0.7} | _both("browOuterUp", 0.75, 0.93) | _both("eyeWide", 0.35)
PUCKER = {"mouthPucker": 0.85, "mouthFunnel": 0.15}
FROWN = (
    _both("mouthFrown", 0.6) | _both("browDown", 0.35) | {"browInnerUp": 0.3, "mouthShrugLower": 0.35}
)  # fmt: skip
SURPRISE = {"jawOpen": 0.65, "browInnerUp": 0.6} | _both("browOuterUp", 0.6) | _both("eyeWide", 0.6)
SMIRK = {"mouthSmileRight": 0.6, "mouthRight": 0.2, "cheekSquintRight": 0.3}
BLINK = _both("eyeBlink", 1.0, 0.97)

GESTURES = (
    Gesture(0.5, 0.45, 0.8, 0.6, SMILE, "happiness"),
    Gesture(2.5, 0.25, 0.4, 0.4, BROW_RAISE),
    Gesture(6.3, 0.3, 0.35, 0.35, PUCKER),
    Gesture(7.2, 0.3, 0.3, 0.35, FROWN, "sadness"),
    Gesture(8.2, 0.18, 0.35, 0.35, SURPRISE, "surprise"),
    Gesture(9.05, 0.25, 0.15, 0.35, SMIRK),
)
BLINK_TIMES_S = (0.3, 2.3, 4.6, 6.1, 8.0, 9.6)


def demo_take(duration_s: float = PROGRAMME_S, rate_hz: float = 30.0, seed: int = 0) -> Take:
    """Idle head, blinks, glances, smile, raised brows, speech-like mouth, pucker, frown, surprise, smirk.

    duration_s times rate_hz states from time 0 on (ten seconds at 30 Hz: 300); eyeLook coefficients and gaze agree;
    emotion, valence and arousal go with the gestures. seed varies strengths, glances, words and head motion.
    InputError: nothing to make.
    """
    count = round(duration_s * rate_hz)
    if count < 1 or count > 1_000_000:
        raise InputError(f"A demonstration has 1 to 1000000 frames, but {duration_s} s at {rate_hz} Hz is {count}.")
    rng = np.random.default_rng(seed)
    times_s = np.arange(count) / rate_hz
    programme_s = times_s % PROGRAMME_S
    coefficients, emotions = _gestures(programme_s, rng)
    coefficients += _blinks(programme_s, rng)
    coefficients += _speech(programme_s, rng)
    gaze = _glances(programme_s, rng)
    coefficients = blendshapes_with_gaze(np.clip(coefficients, 0.0, 1.0), gaze).astype(np.float32)
    angles, translations = _head(programme_s, rng)
    valence = 0.8 * emotions[:, EMOTIONS.index("happiness")] - 0.7 * emotions[:, EMOTIONS.index("sadness")]
    arousal = 0.3 * emotions[:, EMOTIONS.index("happiness")] + 0.7 * emotions[:, EMOTIONS.index("surprise")]
    states = tuple(
        FaceState(
            timestamp_s=float(times_s[k]),
            blendshapes=coefficients[k],
            head_rotation=rotation_from_yaw_pitch_roll(*angles[k]).astype(np.float32),
            head_translation=translations[k],
            gaze=gaze[k],
            valence=float(valence[k]),
            arousal=float(arousal[k]),
            emotion=emotions[k],
        )
        for k in range(count)
    )
    return Take("Demonstration", states, rate_hz)


def _smooth_step(x: FloatArray) -> FloatArray:
    """0 up to x = 0, 1 from x = 1 on, with zero speed and acceleration at both ends."""
    x = np.clip(x, 0.0, 1.0)
    return x**3 * (x * (6.0 * x - 15.0) + 10.0)


def _add(coefficients: FloatArray, strength: FloatArray, shape: Mapping[str, float]) -> None:
    for name, value in shape.items():
        coefficients[:, INDEX[name]] += strength * value


def _gestures(time_s: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """((n, 52) coefficients, (n, 8) float32 emotion probabilities)."""
    coefficients, emotions = np.zeros((len(time_s), COUNT)), np.zeros((len(time_s), len(EMOTIONS)))
    for gesture in GESTURES:
        strength = gesture.strength(time_s) * rng.uniform(0.9, 1.1)
        _add(coefficients, strength, gesture.coefficients)
        if gesture.emotion != "neutral":
            emotions[:, EMOTIONS.index(gesture.emotion)] += np.clip(0.85 * strength, 0.0, 0.9)
    emotions[:, EMOTIONS.index("neutral")] = 1.0 - emotions.sum(axis=1)
    return coefficients, emotions.astype(np.float32)


def _blinks(time_s: FloatArray, rng: np.random.Generator) -> FloatArray:
    coefficients = np.zeros((len(time_s), COUNT))
    for start_s in BLINK_TIMES_S:
        blink = Gesture(start_s + rng.uniform(-0.08, 0.08), 0.1, 0.05, 0.16, BLINK)
        _add(coefficients, blink.strength(time_s), BLINK)
    return coefficients


def _speech(time_s: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Visemes that flow into each other, with a pause between two phrases."""
    coefficients = np.zeros((len(time_s), COUNT))
    names = [name for name in VISEMES if name != "sil"]
    starts_s = np.arange(SPEECH_START_S, SPEECH_END_S - 2 * VISEME_SPACING_S, VISEME_SPACING_S)
    for k, start_s in enumerate(starts_s):
        viseme = names[int(rng.integers(len(names)))]
        if k % 9 == 8:
            continue
        step = Gesture(float(start_s), VISEME_SPACING_S, 0.0, VISEME_SPACING_S, VISEMES[viseme])
        _add(coefficients, step.strength(time_s), VISEMES[viseme])
    return coefficients


def _glances(time_s: FloatArray, rng: np.random.Generator) -> FloatArray:
    """(n, 2, 2) float32 gaze: fixations with quick changes, straight ahead at the seam."""
    gaze = np.zeros((len(time_s), 2))
    changes_s = (1.2, 2.4, 3.5, 5.1, 6.4, 7.6, 8.9)
    here = np.zeros(2)
    for k, change_s in enumerate(changes_s):
        ahead = k == len(changes_s) - 1
        there = np.zeros(2) if ahead else rng.uniform((-0.28, -0.14), (0.28, 0.14))
        gaze += _smooth_step((time_s - change_s) / 0.07)[:, None] * (there - here)
        here = there
    return np.repeat(gaze[:, None], 2, axis=1).astype(np.float32)


def _head(time_s: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """((n, 3) yaw, pitch, roll in radians, (n, 3) float32 translation in metres): slow swaying."""
    angles = np.stack([a * _sway(time_s, rng) for a in HEAD_AMPLITUDES_RAD.values()], axis=1)
    place = np.stack([0.02 * _sway(time_s, rng), 0.008 * _sway(time_s, rng), 0.015 * _sway(time_s, rng)], axis=1)
    return angles, (place - np.array([0.0, 0.0, DISTANCE_M])).astype(np.float32)


def _sway(time_s: FloatArray, rng: np.random.Generator) -> FloatArray:
    """(n,) in [-1, 1]: whole waves in the programme's length, so that it repeats without a seam."""
    weights = np.array([0.55, 0.3, 0.15])
    phases = rng.uniform(0.0, 2.0 * np.pi, 3)
    waves = np.sin(2.0 * np.pi * np.outer(time_s / PROGRAMME_S, (1, 2, 3)) + phases)
    return waves @ weights
