"""Expressions of emotion with their labels: which muscles move, how strongly, for how long, and what that means.

Sources. Which action units an emotion shows and in what share of people: Du, Tao & Martinez 2014 (PNAS 111:E1454; "more
than 70 %" is taken as 0.85; AU10 of surprise, which stands in one machine-readable copy alone, is left out). Contempt:
one-sided AU12 and AU14, an assumption after OpenDBM and FACS practice, no published share was found. Times: onset 0.3
to 0.7 s, whole expression 1 to 5 s. Valence and arousal: Russell 1980, figure 4 as digitised by others, for the words
happy, sad, astonished, afraid and angry; disgust and contempt are the means of Warriner et al. 2013 and NRC-VAD.
Sources disagree most on surprise's valence and sadness's arousal; neutral is the origin by AffectNet's convention.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.blendshapes import COUNT, EMOTIONS, INDEX, MIRROR

USUAL = 0.85
ACTION_UNIT_SHARES: dict[str, dict[int, float]] = {
    "happiness": {12: USUAL, 25: USUAL, 6: 0.51},
    "sadness": {4: USUAL, 15: USUAL, 1: 0.60, 6: 0.50, 17: 0.67},
    "surprise": {1: USUAL, 2: USUAL, 25: USUAL, 26: USUAL, 5: 0.66},
    "fear": {1: USUAL, 4: USUAL, 20: USUAL, 25: USUAL, 2: 0.57, 5: 0.63, 26: 0.33},
    "disgust": {9: USUAL, 10: USUAL, 17: USUAL, 4: 0.31, 24: 0.26},
    "anger": {4: USUAL, 7: USUAL, 24: USUAL, 10: 0.26, 17: 0.52, 23: 0.29},
    "contempt": {14: USUAL, 12: 0.5},
}
VALENCE_AROUSAL: dict[str, tuple[float, float]] = {
    "neutral": (0.0, 0.0), "happiness": (0.83, 0.53), "sadness": (-0.65, -0.27), "surprise": (0.16, 0.89),
    "fear": (-0.34, 0.64), "disgust": (-0.66, 0.28), "anger": (-0.52, 0.58), "contempt": (-0.52, 0.09),
}  # fmt: skip
SHAPES_OF_UNIT: dict[int, dict[str, float]] = {
    1: {"browInnerUp": 1.0}, 2: {"browOuterUp": 1.0}, 4: {"browDown": 1.0}, 5: {"eyeWide": 1.0},
    6: {"cheekSquint": 1.0}, 7: {"eyeSquint": 1.0}, 9: {"noseSneer": 1.0}, 10: {"mouthUpperUp": 0.8},
    12: {"mouthSmile": 1.0}, 14: {"mouthDimple": 1.0}, 15: {"mouthFrown": 1.0},
    17: {"mouthShrugLower": 0.9, "mouthShrugUpper": 0.3}, 20: {"mouthStretch": 1.0},
    23: {"mouthPress": 0.7}, 24: {"mouthPress": 1.0},
    25: {"mouthLowerDown": 0.3, "mouthUpperUp": 0.25, "jawOpen": 0.12}, 26: {"jawOpen": 0.6},
}  # fmt: skip
"""ARKit shapes of an action unit at full strength, sides left out; see `core.expression.action_units`."""
DULL = ("noseSneer", "cheekPuff", "eyeWide", "cheekSquint")
"""Channels that trackers see badly: the reader must not lean on them."""
CLEAR_AT = 0.55  # an expression this strong is unmistakable


@dataclass(frozen=True, slots=True, eq=False)
class Feeling:
    """One expression: when, which coefficients at its apex, and what it means.

    times_s: (4,) start, full, easing, over. apex: (52,). emotion: index of `EMOTIONS`. clarity in [0, 1].
    """

    times_s: np.ndarray
    apex: np.ndarray
    emotion: int
    clarity: float

    def envelope(self, time_s: np.ndarray) -> np.ndarray:
        """(n,) 0 to 1 with minimum-jerk flanks."""
        start, full, easing, over = self.times_s
        rise = np.clip((time_s - start) / (full - start), 0, 1)
        fall = np.clip((over - time_s) / (over - easing), 0, 1)
        return _smooth(rise) * _smooth(fall)


def random_feeling(start_s: float, rng: np.random.Generator) -> Feeling:
    """An expression of a random emotion and strength that begins at `start_s`."""
    emotion = str(rng.choice(list(ACTION_UNIT_SHARES)))
    strength = rng.uniform(0.2, 1.0)
    apex = np.zeros(COUNT)
    for unit, share in ACTION_UNIT_SHARES[emotion].items():
        if rng.random() < share:
            for name, part in SHAPES_OF_UNIT[unit].items():
                _raise(apex, name, part * strength * rng.uniform(0.7, 1.3), rng)
    if emotion == "contempt":
        _keep_one_side(apex, rng)
    lengths = rng.uniform((0.3, 0.3, 0.4), (0.7, 3.5, 1.3))
    times_s = start_s + np.concatenate([[0.0], np.cumsum(lengths)])
    clarity = min(1.0, strength / CLEAR_AT)
    return Feeling(times_s, np.clip(apex, 0, 1), EMOTIONS.index(emotion), clarity)


def labels_of(feelings: list[Feeling], time_s: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """((n, 52) coefficients, (n, 2) valence and arousal, (n, 8) emotion probabilities) of expressions in sequence."""
    coefficients, emotion = np.zeros((len(time_s), COUNT)), np.zeros((len(time_s), len(EMOTIONS)))
    for feeling in feelings:
        envelope = feeling.envelope(time_s)
        coefficients = np.maximum(coefficients, envelope[:, None] * feeling.apex)
        emotion[:, feeling.emotion] += feeling.clarity * envelope
    emotion[:, 0] = np.clip(1 - emotion[:, 1:].sum(1), 0, 1)
    emotion /= emotion.sum(1, keepdims=True)
    plane = np.array([VALENCE_AROUSAL[name] for name in EMOTIONS])
    return coefficients, emotion @ plane, emotion


def _raise(apex: np.ndarray, name: str, strength: float, rng: np.random.Generator) -> None:
    """Adds a shape, both sides nearly alike (5 to 25 % apart in people, Frey-system study 2003)."""
    if name in INDEX:
        apex[INDEX[name]] += strength
        return
    weaker = rng.uniform(0.75, 1.0)
    sides = ("Left", "Right") if rng.random() < 0.5 else ("Right", "Left")
    for side, factor in zip(sides, (1.0, weaker), strict=True):
        apex[INDEX[f"{name}{side}"]] += strength * factor


def _keep_one_side(apex: np.ndarray, rng: np.random.Generator) -> None:
    side = ("Left", "Right")[rng.integers(2)]
    for name, index in INDEX.items():
        if name.endswith(side) and MIRROR[index] != index:
            apex[index] *= rng.uniform(0.0, 0.25)


def _smooth(share: np.ndarray) -> np.ndarray:
    """Minimum jerk from 0 to 1 (Flash & Hogan 1985)."""
    return share**3 * (10 - 15 * share + 6 * share**2)
