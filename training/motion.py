"""Faces that move: random sequences of the 52 coefficients with the habits of people.

Figures (sources as collected for this project): blink rate log-normal around 17 a minute at rest and 26 in conversation
(Bentivoglio 1997), closing 66 to 100 ms, reopening 1.5 to 2 times as long, about half of the blinks not full (PubMed
18565090); glances 2.2 ms a degree + 21 ms long (Carpenter 1988), 0.8 to 5 s apart; mouth in speech 2 to 7 Hz
(Chandrasekaran 2009); expressions rise in 0.3 to 0.7 s. What a lid does in a glance down and how strong a movement is
are assumptions.
"""

from __future__ import annotations

import numpy as np

from core.blendshapes import ARKIT_NAMES, COUNT, INDEX, VISEMES

SPOKEN = [viseme for viseme in VISEMES if viseme != "sil"]
SIDED = ("mouthSmile", "mouthFrown", "mouthDimple", "mouthStretch", "mouthPress", "mouthLowerDown", "mouthUpperUp",
         "browDown", "browOuterUp", "cheekSquint", "noseSneer", "eyeSquint", "eyeWide", "eyeBlink")  # fmt: skip
ALONE = ("jawForward", "jawLeft", "jawRight", "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthLeft",
         "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "browInnerUp",
         "cheekPuff", "tongueOut")  # fmt: skip
LID_FOLLOWS_GAZE = 0.25  # eyeBlink of a look straight down, as recorded takes show it
GLANCE_DEG = 30.0  # of an eyeLook coefficient of 1


def minimum_jerk(share: np.ndarray) -> np.ndarray:
    """0 to 1 for shares 0 to 1 (Flash & Hogan 1985)."""
    x = np.clip(share, 0.0, 1.0)
    return x**3 * (10 - 15 * x + 6 * x**2)


def random_motion(frames: int, rate_hz: float, rng: np.random.Generator, *, gestures: bool = True) -> np.ndarray:
    """(frames, 52) coefficients in [0, 1]: blinks, glances, speech in phrases and, where wanted, gestures of single
    shapes and pairs, each with onset, apex and offset."""
    time_s = np.arange(frames) / rate_hz
    moved = np.zeros((frames, COUNT))
    _glance(moved, time_s, rng)
    if rng.random() < 0.6:
        _speak(moved, time_s, rng)
    if gestures:
        _gesture(moved, time_s, rng)
    _blink(moved, time_s, rng)
    close = INDEX["mouthClose"]
    moved[:, close] = np.minimum(moved[:, close], moved[:, INDEX["jawOpen"]])
    return np.clip(moved, 0.0, 1.0)


def pulse(
    time_s: np.ndarray, start_s: float, rise_s: float, hold_s: float, fall_s: float, edge: float = 0.0
) -> np.ndarray:
    """(n,) 0 to 1 and back; flanks from minimum jerk (edge 0) to straight lines with corners (edge 1)."""
    rise, fall = (time_s - start_s) / rise_s, (start_s + rise_s + hold_s + fall_s - time_s) / fall_s
    soft = minimum_jerk(rise) * minimum_jerk(fall)
    return (1 - edge) * soft + edge * np.clip(rise, 0, 1) * np.clip(fall, 0, 1)


def _blink(moved: np.ndarray, time_s: np.ndarray, rng: np.random.Generator) -> None:
    rate_hz = np.exp(rng.normal(np.log(20.0), 0.5)) / 60
    at_s = rng.exponential(1 / rate_hz)
    both = [INDEX["eyeBlinkLeft"], INDEX["eyeBlinkRight"]]
    while at_s < time_s[-1]:
        rise_s = rng.uniform(0.06, 0.11)
        depth = rng.uniform(0.85, 1.0) if rng.random() < 0.5 else rng.uniform(0.5, 0.9)
        hold_s, fall_s = rng.uniform(0.0, 0.06), rise_s * rng.uniform(1.4, 2.2)
        shape = depth * pulse(time_s, at_s, rise_s, hold_s, fall_s, edge=rng.random())
        for channel, factor in zip(both, rng.uniform(0.93, 1.0, 2), strict=True):
            moved[:, channel] = np.maximum(moved[:, channel], factor * shape)
        at_s += 0.25 + rng.exponential(1 / rate_hz)


def _glance(moved: np.ndarray, time_s: np.ndarray, rng: np.random.Generator) -> None:
    """Both eyes jump together; lids go down and up with them."""
    yaw, pitch = np.zeros(len(time_s)), np.zeros(len(time_s))
    at_s, here = 0.0, np.zeros(2)
    while at_s < time_s[-1]:
        goal = np.zeros(2) if rng.random() < 0.4 else rng.normal(0, (9.0, 6.0))
        length_s = 0.021 + 0.0022 * float(np.hypot(*(goal - here)))
        share = minimum_jerk((time_s - at_s) / length_s)
        yaw += (goal[0] - here[0]) * share
        pitch += (goal[1] - here[1]) * share
        here, at_s = goal, at_s + rng.uniform(0.4, 0.8) + rng.exponential(1.6)
    for name, degrees in (("eyeLookOutLeft", yaw), ("eyeLookInRight", yaw), ("eyeLookInLeft", -yaw),
                          ("eyeLookOutRight", -yaw), ("eyeLookUpLeft", pitch), ("eyeLookUpRight", pitch),
                          ("eyeLookDownLeft", -pitch), ("eyeLookDownRight", -pitch)):  # fmt: skip
        moved[:, INDEX[name]] += np.clip(degrees / GLANCE_DEG, 0, 1)
    for side in ("Left", "Right"):
        moved[:, INDEX[f"eyeBlink{side}"]] += LID_FOLLOWS_GAZE * moved[:, INDEX[f"eyeLookDown{side}"]]


def _speak(moved: np.ndarray, time_s: np.ndarray, rng: np.random.Generator) -> None:
    """Phrases of visemes that melt into each other; between phrases the mouth is closed."""
    visemes = np.array([[VISEMES[viseme].get(name, 0.0) for name in ARKIT_NAMES] for viseme in SPOKEN])
    pace_hz, force = rng.uniform(6.0, 13.0), rng.uniform(0.5, 1.3)
    at_s = rng.uniform(-1.0, 1.5)
    while at_s < time_s[-1]:
        end_s = at_s + rng.uniform(0.6, 4.0)
        while at_s < end_s:
            length_s = rng.uniform(0.6, 1.5) / pace_hz
            weight = pulse(time_s, at_s - 0.6 * length_s, 0.9 * length_s, 0.3 * length_s, 0.9 * length_s)
            moved += np.outer(weight, force * rng.uniform(0.6, 1.1) * visemes[rng.integers(len(SPOKEN))])
            at_s += length_s
        at_s += rng.exponential(1.0)


def _gesture(moved: np.ndarray, time_s: np.ndarray, rng: np.random.Generator) -> None:
    """Every now and then one shape, or the two sides of one, alone or over what else goes on."""
    at_s = rng.uniform(-0.5, 2.0)
    while at_s < time_s[-1]:
        shape = pulse(time_s, at_s, rng.uniform(0.12, 0.6), rng.exponential(0.5), rng.uniform(0.15, 0.9), rng.random())
        strength = rng.beta(1.3, 1.5)
        if rng.random() < 0.55:
            name = SIDED[rng.integers(len(SIDED))]
            both = rng.random() < 0.7
            sides = rng.uniform(0.75, 1.0, 2) if both else rng.permutation([1.0, rng.uniform(0, 0.15)])
            for side, factor in zip(("Left", "Right"), sides, strict=True):
                moved[:, INDEX[f"{name}{side}"]] += strength * factor * shape
        else:
            name = ALONE[rng.integers(len(ALONE))]
            moved[:, INDEX[name]] += strength * shape
            if name == "mouthClose":
                moved[:, INDEX["jawOpen"]] += strength * shape
        at_s += rng.exponential(1.2)
