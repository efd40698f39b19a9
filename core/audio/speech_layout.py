"""What the speech network is made of: sizes, times and groups, shared by its forms for NumPy, training and export.

52 learned queries, one per ARKit coefficient, attend to a causal encoding of the last second (cross-attention, Vaswani
et al. 2017). Everything that the encoding says at step j was heard before 20 (j + 1) ms.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from core.audio.features import ENERGY, FEATURES, LOG_F0
from core.blendshapes import ARKIT_NAMES, COUNT, INDEX, REGIONS
from core.structures import FloatArray

WEIGHTS_FILE: Final = Path(__file__).parent / "data" / "speech_network.safetensors"

WIDTH, HEADS = 256, 8
HEAD_WIDTH = WIDTH // HEADS
FRAME_RATE_HZ = 30
FEATURES_PER_STEP = 2  # 100 Hz to 50 Hz
FRONT_KERNEL = 6
KERNEL = 3
DILATIONS: tuple[int, ...] = (1, 2, 4, 8, 2, 4)
WINDOW_STEPS = 50  # 1 s
STEP_MS = 20.0
HIGHEST_LOOK_AHEAD_MS = 100.0
OFFSETS_MS: FloatArray = np.arange(-1000.0, HIGHEST_LOOK_AHEAD_MS + 1.0, STEP_MS)  # knots of the learned time bias
MEMORY_S: tuple[float, ...] = (0.25, 1.0, 4.0, 12.0)  # how long the emotion stream's parts remember
MEMORY_WIDTH = WIDTH // len(MEMORY_S)
SMOOTHED_FRAMES = 3
SILENT_STEPS = WINDOW_STEPS + 50  # heard before any sound: more than the encoder's and the window's reach

SEALED: dict[str, float] = {
    "jawOpen": 0.04, "mouthClose": 0.04, "mouthRollLower": 0.3, "mouthRollUpper": 0.26, "mouthPressLeft": 0.34,
    "mouthPressRight": 0.34, "mouthLowerDownLeft": 0.0, "mouthLowerDownRight": 0.0, "mouthUpperUpLeft": 0.0,
    "mouthUpperUpRight": 0.0, "mouthFunnel": 0.0, "tongueOut": 0.0,
}  # fmt: skip
"""Lips sealed (p b m): mouthClose corrects jawOpen and equals it, so that lips meet and do not tear."""
SEALED_CHANNELS: FloatArray = np.array([name in SEALED for name in ARKIT_NAMES], np.float32)
SEALED_POSE: FloatArray = np.array([SEALED.get(name, 0.0) for name in ARKIT_NAMES], np.float32)
MOUTH: tuple[int, ...] = tuple(INDEX[name] for name in (*REGIONS["mouth"], "jawOpen"))


def region_means() -> FloatArray:
    """(52, 52) float32: row i averages the queries of coefficient i's region."""
    means = np.zeros((COUNT, COUNT), np.float32)
    for names in REGIONS.values():
        rows = [INDEX[name] for name in names]
        means[np.ix_(rows, rows)] = 1.0 / len(rows)
    return means


def silent_features(steps: int) -> FloatArray:
    """(steps, 84) float32: what digital silence sounds like."""
    silence = np.full((steps, FEATURES), -1.6, np.float32)
    silence[:, LOG_F0:] = 0.0
    silence[:, ENERGY] = 1.0 - 8.0 / 6.0
    return silence


def memory_decays() -> FloatArray:
    """(4,) float32: what one step leaves of each part of the emotion stream."""
    return np.exp(-STEP_MS / 1000.0 / np.array(MEMORY_S)).astype(np.float32)


def heard_steps(frame: int, look_ahead_ms: float) -> int:
    """How many steps of the encoding frame number `frame` (at frame / 30 s) may hear."""
    return int(np.floor((1000.0 * frame / FRAME_RATE_HZ + look_ahead_ms) / STEP_MS + 1e-6))


def step_offsets_ms(frame: int, look_ahead_ms: float) -> FloatArray:
    """(50,) ms: the end of each step of the frame's window, after the frame's time."""
    newest = heard_steps(frame, look_ahead_ms)
    return STEP_MS * (np.arange(newest - WINDOW_STEPS, newest) + 1) - 1000.0 * frame / FRAME_RATE_HZ


def bias_at(knots: FloatArray, offsets_ms: FloatArray) -> FloatArray:
    """(..., n) of a bias given at `OFFSETS_MS`, (..., 56), at other offsets, by linear interpolation."""
    place = np.clip((offsets_ms - OFFSETS_MS[0]) / STEP_MS, 0.0, len(OFFSETS_MS) - 1.0)
    low = np.minimum(place.astype(int), len(OFFSETS_MS) - 2)
    share = (place - low).astype(np.float32)
    return knots[..., low] * (1.0 - share) + knots[..., low + 1] * share
