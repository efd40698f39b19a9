"""What the drawn heads do: pieces of recorded takes where there are some, generated motion, single shapes, mixtures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from core.animation.take_files import load_take
from core.blendshapes import ARKIT_NAMES, COUNT, INDEX, MIRROR, REGIONS
from training.motion import minimum_jerk, random_motion

RATE_HZ = 30.0
PARTS = (
    REGIONS["eyes"],
    REGIONS["brows"],
    (*REGIONS["mouth"], *REGIONS["jaw"], *REGIONS["tongue"]),
    (*REGIONS["cheeks"], *REGIONS["nose"]),
)
WEAK = ("jawLeft", "jawRight", "mouthClose", "mouthShrugLower", "mouthShrugUpper", "mouthRollUpper", "mouthRollLower",
        "mouthLeft", "mouthRight", "mouthPress", "mouthDimple", "mouthFrown", "eyeSquint", "cheekPuff", "noseSneer",
        "cheekSquint", "browDown", "jawForward", "mouthFunnel", "mouthPucker", "eyeWide", "mouthStretch")  # fmt: skip
"""Shapes that FaceMesh tells worst: shown more often than chance would."""
LIDS = ("eyeBlink", "eyeBlink", "eyeBlink", "eyeLookDown", "eyeSquint", "eyeWide")
"""What lid clips show; a list with repetitions, so that winks and blinks are half of it."""
ASIDE = (
    "mouthLeft", "mouthRight", "jawLeft", "jawRight", "mouthSmile", "mouthSmile", "mouthFrown", "mouthDimple",
    "mouthUpperUp", "mouthLowerDown", "mouthStretch", "mouthPress", "browDown", "browOuterUp", "noseSneer",
)  # fmt: skip
"""What a stranger often does with one side alone."""
_BARE = (name.removesuffix("Left").removesuffix("Right") for name in ARKIT_NAMES)
_STEMS = tuple(dict.fromkeys("eyeLook" if stem.startswith("eyeLook") else stem for stem in _BARE))
TOGETHER = {
    stem: [
        INDEX[name] for name in ARKIT_NAMES
        if name in (stem, f"{stem}Left", f"{stem}Right") or (stem == "eyeLook" and name.startswith(stem))
    ]
    for stem in _STEMS
}  # fmt: skip
"""Channels by what both sides of them share."""
NEVER_HELD = ("eyeLook", "eyeBlink", "jaw", "mouth", "mouthClose", "tongueOut")


@lru_cache(maxsize=2)
def read_takes(folder: Path | None, without: tuple[str, ...] = ()) -> list[np.ndarray]:
    """(n, 52) at 30 Hz of every .csv in the folder, but those named."""
    if folder is None or not folder.is_dir():
        return []
    takes = []
    for path in sorted(folder.glob("*.csv")):
        if path.name not in without:
            take = load_take(path)
            values = np.stack([state.blendshapes for state in take.states])
            step = max(1, round(take.rate_hz / RATE_HZ))
            takes.append(np.clip(values[::step], 0, 1).astype(np.float32))
    return takes


def clip(frames: int, takes: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """(frames, 52) float32 in [0, 1]: what one head does."""
    kind = rng.random()
    if takes and kind < 0.35:
        values = _piece(frames, takes, rng)
    elif takes and kind < 0.55:
        values = _mixed(frames, takes, rng)
    elif kind < 0.80:
        values = random_motion(frames, RATE_HZ, rng) + _rest(rng)
    else:
        values = 0.5 * _rest(rng) + (_piece(frames, takes, rng) if takes and rng.random() < 0.3 else 0.0)
        values = values + np.zeros((frames, COUNT))
    for _ in range(rng.poisson(1.2 if kind < 0.55 else 3.0)):
        values = values + _excursion(frames, rng)
    if rng.random() < 0.3:
        values = values[:, list(MIRROR)]
    values = np.clip(values, 0.0, 1.0)
    close = INDEX["mouthClose"]
    values[:, close] = np.minimum(values[:, close], values[:, INDEX["jawOpen"]] + 0.05)
    return _one_gaze(values).astype(np.float32)


def lid_clip(frames: int, rng: np.random.Generator) -> np.ndarray:
    """(frames, 52) float32 in [0, 1]: winks, glances down with open eyes, squints and wide eyes of one side or both."""
    values = random_motion(frames, RATE_HZ, rng, gestures=False) + 0.5 * _rest(rng)
    for _ in range(3):
        values = values + _excursion(frames, rng, LIDS, both_sides=0.3)
    values = np.clip(values, 0.0, 1.0)
    return _one_gaze(values).astype(np.float32)


def strangers_clip(frames: int, takes: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """(frames, 52) float32 in [0, 1] as nobody in the takes moves: many shapes from other moments and at another
    strength, some held at a high level all the time, more of one side alone. What goes with what is a habit of one
    person and must not be learned."""
    values, others = clip(frames, takes, rng).astype(np.float64), clip(frames, takes, rng)
    for channels in TOGETHER.values():
        if rng.random() < 0.4:
            values[:, channels] = others[:, channels]
        values[:, channels] *= np.clip(np.exp(rng.normal(0, 0.3)), 0.5, 1.8)
    for stem in rng.choice(list(TOGETHER), rng.integers(0, 5)):
        if stem not in NEVER_HELD:
            held = TOGETHER[stem]
            values[:, held] += rng.uniform(0.1, 0.6) * rng.uniform(0.9, 1.1, len(held))
    for _ in range(rng.poisson(2.0)):
        values += _excursion(frames, rng, ASIDE, both_sides=0.2)
    values = np.clip(values, 0.0, 1.0)
    close = INDEX["mouthClose"]
    values[:, close] = np.minimum(values[:, close], values[:, INDEX["jawOpen"]] + 0.05)
    return _one_gaze(values).astype(np.float32)


def _one_gaze(values: np.ndarray) -> np.ndarray:
    """An eye does not look both ways: only the difference of opposite shapes can be drawn, so it is what is taught."""
    for side in ("Left", "Right"):
        for one, other in (("In", "Out"), ("Up", "Down")):
            a, b = INDEX[f"eyeLook{one}{side}"], INDEX[f"eyeLook{other}{side}"]
            both = np.minimum(values[:, a], values[:, b])
            values[:, a] -= both
            values[:, b] -= both
    return values


def _piece(frames: int, takes: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """A run of a take, somewhat faster or slower, its shapes somewhat stronger or weaker."""
    take = takes[rng.integers(len(takes))]
    pace = rng.uniform(0.8, 1.6)
    length = min(int(frames * pace) + 2, len(take))
    start = rng.integers(0, len(take) - length + 1)
    at = start + np.linspace(0, length - 1, frames)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, len(take) - 1)
    share = (at - low)[:, None]
    values = (1 - share) * take[low] + share * take[high]
    if rng.random() < 0.6:
        gain = rng.uniform(0.7, 1.35, COUNT)
        gain = 0.5 * (gain + gain[list(MIRROR)])
        values = values * gain
    return np.clip(values, 0.0, 1.0)


def _mixed(frames: int, takes: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Eyes, brows, mouth and cheeks each from another moment."""
    values = np.zeros((frames, COUNT))
    for names in PARTS:
        source = _piece(frames, takes, rng) if rng.random() < 0.75 else random_motion(frames, RATE_HZ, rng)
        channels = [INDEX[name] for name in names]
        values[:, channels] = source[:, channels]
    return values


def _rest(rng: np.random.Generator) -> np.ndarray:
    """(52,) what a face that does nothing still reports: takes have 0.1 to 0.2 in the mouth, more in the lids."""
    if rng.random() < 0.4:
        return np.zeros(COUNT)
    rest = np.clip(rng.normal(0.0, 0.10, COUNT), 0, 0.3) * (rng.random(COUNT) < 0.5)
    rest = 0.5 * (rest + rest[list(MIRROR)]) + 0.15 * (rest - rest[list(MIRROR)])
    rest[[INDEX["tongueOut"], INDEX["jawLeft"], INDEX["jawRight"], INDEX["mouthClose"]]] = 0.0
    return np.clip(rest, 0, 1)


def _excursion(
    frames: int, rng: np.random.Generator, stems: Sequence[str] | None = None, both_sides: float = 0.65
) -> np.ndarray:
    """(frames, 52) one shape, or both sides of one, that comes and goes. stems: of which, when left out all, the weak
    ones more often; both_sides: how often both sides move."""
    values = np.zeros((frames, COUNT))
    every = {name.removesuffix("Left").removesuffix("Right") for name in ARKIT_NAMES}
    pool = stems if stems is not None else WEAK if rng.random() < 0.7 else every
    stem = sorted(pool)[rng.integers(len(pool))]
    time_s = np.arange(frames) / RATE_HZ
    start, rise = rng.uniform(-0.3, time_s[-1]), rng.uniform(0.08, 0.5)
    hold, fall = rng.exponential(0.4), rng.uniform(0.1, 0.6)
    shape = minimum_jerk((time_s - start) / rise) * minimum_jerk((start + rise + hold + fall - time_s) / fall)
    strength = rng.beta(1.3, 1.3)
    if stem in INDEX:
        values[:, INDEX[stem]] = strength * shape
        if stem == "mouthClose":
            values[:, INDEX["jawOpen"]] = strength * rng.uniform(1.0, 1.2) * shape
        return values
    sides = rng.uniform(0.8, 1.0, 2) if rng.random() < both_sides else rng.permutation([1.0, rng.uniform(0, 0.3)])
    for side, factor in zip(("Left", "Right"), sides, strict=True):
        if stem + side in INDEX:
            values[:, INDEX[stem + side]] = strength * factor * shape
    return values
