"""EmotionLSTM on sequences it was not trained on, beside One-Euro tuned to the same lag, and beside no filter."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from core.bench.signal_measures import Following, following
from core.blendshapes import ARKIT_NAMES
from core.expression.emotion_lstm import EmotionLstm, load_weights
from core.filtering.one_euro import OneEuroFilter, OneEuroParameters
from training.emotion_lstm.sequences import Sequences, draw_sequences

SEQUENCES, FRAMES, RATE_HZ = 10, 600, 30.0
CLASSES = {
    "expression": ("browInnerUp", "browDownLeft", "mouthSmileLeft", "mouthFrownRight", "mouthPressLeft"),
    "blink": ("eyeBlinkLeft", "eyeBlinkRight"),
    "speech": ("jawOpen", "mouthFunnel", "mouthPucker"),
}  # fmt: skip
CUTOFFS_HZ = (0.05, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
BETAS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0)


def learned(noisy: np.ndarray, elapsed_s: np.ndarray, weights: Path) -> tuple[np.ndarray, np.ndarray]:
    """((T, 52) clean coefficients, (T, 2) valence and arousal) of one sequence."""
    filter_ = EmotionLstm(load_weights(weights))
    readings = [filter_.step(x, t) for x, t in zip(noisy, np.cumsum(elapsed_s, dtype=float), strict=True)]
    return np.stack([r.blendshapes for r in readings]), np.array([(r.valence, r.arousal) for r in readings])


def one_euro(noisy: np.ndarray, elapsed_s: np.ndarray, parameters: OneEuroParameters) -> np.ndarray:
    """(T, 52) the same sequence through One-Euro."""
    filter_ = OneEuroFilter(parameters)
    return np.stack([filter_.filter(x, t) for x, t in zip(noisy, np.cumsum(elapsed_s, dtype=float), strict=True)])


def mean_following(pairs: Iterable[tuple[np.ndarray, np.ndarray]], channels: list[int]) -> Following:
    """The measures over several sequences laid end to end."""
    found, truth = zip(*((a[:, channels], b[:, channels]) for a, b in pairs), strict=True)
    return following(np.concatenate(found), np.concatenate(truth))


def best_one_euro(given: Sequences, channels: list[int], lag_frames: float) -> Following:
    """The steadiest setting of a grid whose lag is at most `lag_frames` (the quickest where none is)."""
    grid = []
    for cutoff_hz in CUTOFFS_HZ:
        for beta in BETAS:
            parameters = OneEuroParameters(cutoff_hz, beta)
            pairs = [(one_euro(x[:, channels], dt, parameters), y[:, channels]) for x, y, dt in _rows(given)]
            grid.append(mean_following(pairs, list(range(len(channels)))))
    fitting = [g for g in grid if g.lag_frames <= lag_frames + 0.05]
    return min(fitting or [min(grid, key=lambda g: g.lag_frames)], key=lambda g: g.acceleration_error)


def concordance(found: np.ndarray, truth: np.ndarray) -> float:
    """Lin's concordance correlation coefficient of two (n,) series."""
    covariance = ((found - found.mean()) * (truth - truth.mean())).mean()
    return float(2 * covariance / (found.var() + truth.var() + (found.mean() - truth.mean()) ** 2))


def report(weights: Path, rng: np.random.Generator) -> str:
    """Lines for people."""
    given = draw_sequences(SEQUENCES, FRAMES, rng, RATE_HZ)
    answers = [learned(x, dt, weights) for x, _, dt in _rows(given)]
    lines = []
    for name, channel_names in CLASSES.items():
        channels = [ARKIT_NAMES.index(channel) for channel in channel_names]
        ours = mean_following([(a, y) for (a, _), y in zip(answers, given.truth, strict=True)], channels)
        raw = mean_following([(x, y) for x, y, _ in _rows(given)], channels)
        other = best_one_euro(given, channels, max(ours.lag_frames, 0.0))
        lines += [
            f"{name}: {who:<12} {_words(f)}" for who, f in (("raw", raw), ("One-Euro", other), ("EmotionLSTM", ours))
        ]
    planes = np.concatenate([plane for _, plane in answers])
    truth = given.plane.reshape(-1, 2)
    valence, arousal = (concordance(planes[:, k], truth[:, k]) for k in range(2))
    lines.append(f"concordance: valence {valence:.3f}, arousal {arousal:.3f}")
    return "\n".join(lines)


def _rows(given: Sequences) -> Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    return zip(given.noisy, given.truth, given.elapsed_s, strict=True)


def _words(f: Following) -> str:
    return (
        f"lag {f.lag_frames:.2f} frames, peaks {f.peak_gain:.3f}, "
        f"acceleration error {1000 * f.acceleration_error:.2f}e-3, error {f.error:.4f}"
    )
