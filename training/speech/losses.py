"""What is asked of the network: places, speeds, lips that meet and lips that stay apart, and which sound it heard.

The lip-gap term follows Audio2Face's training framework: errors near closure weigh most, exp(-k d) d.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.bench.speech_measures import lip_gap
from core.blendshapes import COUNT
from training.speech.articulation import MOVED
from training.speech.sounds import UNKNOWN

UNSPOKEN_SPREAD = 0.2  # what speech does not move, moods do
APART_GAP, TOUCHING_GAP = 0.08, 0.07


@dataclass(frozen=True, slots=True)
class LossWeights:
    """Weights of the terms; seal_gain: how much a missed closure counts beside a false one; apart: of lips that touch,
    or nearly, where they should be apart."""

    place: float = 1.0
    speed: float = 0.5
    agree: float = 0.3
    gap: float = 20.0
    apart: float = 60.0
    seal: float = 0.3
    seal_gain: float = 1.0
    sound: float = 0.2
    nearness: float = 8.0


@dataclass(frozen=True, slots=True, eq=False)
class Spreads:
    """(52,) standard deviation of each coefficient and of its change from frame to frame: errors count beside these,
    so that small movements, as mouthClose's, are learned as well as large ones; spoken: (52,) 1 where speech moves."""

    place: Tensor
    speed: Tensor
    spoken: Tensor


def spreads_of(blendshapes: np.ndarray) -> Spreads:
    """Of (T, len(MOVED)) lessons at 100 Hz."""
    tracks = blendshapes.astype(np.float32)
    place, speed, spoken = (
        torch.full((COUNT,), UNSPOKEN_SPREAD),
        torch.full((COUNT,), UNSPOKEN_SPREAD),
        torch.zeros(COUNT),
    )
    frame_steps = 3  # of 10 ms
    place[list(MOVED)] = torch.from_numpy(tracks[::7].std(0) + 2e-3)
    speed[list(MOVED)] = torch.from_numpy((tracks[frame_steps::7] - tracks[:-frame_steps:7]).std(0) + 2e-3)
    spoken[list(MOVED)] = 1.0
    return Spreads(place, speed, spoken)


def face_loss(
    found: Tensor, truth: Tensor, seal_logit: Tensor, seal: Tensor, spreads: Spreads, weights: LossWeights
) -> dict[str, Tensor]:
    """The terms for (B, F, 52) coefficients and (B, F) seals."""
    count = spreads.spoken.sum()
    place = (((found - truth) / spreads.place) ** 2).mean((0, 1)).sum() / count
    change, true_change = found[:, 1:] - found[:, :-1], truth[:, 1:] - truth[:, :-1]
    speed = (((change - true_change) / spreads.speed) ** 2).mean((0, 1)).sum() / count
    gap, true_gap = lip_gap(found), lip_gap(truth)
    near = torch.exp(-weights.nearness * true_gap.clamp(min=0))
    touching = functional.relu(TOUCHING_GAP - gap) * (true_gap > APART_GAP)
    return {
        "place": weights.place * place,
        "speed": weights.speed * speed,
        "agree": weights.agree * disagreement(found, truth, spreads),
        "gap": weights.gap * (near * (gap - true_gap) ** 2).mean(),
        "apart": weights.apart * (touching**2).mean(),
        "seal": weights.seal * seal_loss(seal_logit, seal, weights.seal_gain),
    }


def disagreement(found: Tensor, truth: Tensor, spreads: Spreads) -> Tensor:
    """1 - concordance (Lin 1989) of what speech moves, each coefficient over the whole batch; the mean."""
    mean, true_mean = found.mean((0, 1)), truth.mean((0, 1))
    together = ((found - mean) * (truth - true_mean)).mean((0, 1))
    alone = found.var((0, 1)) + truth.var((0, 1)) + (mean - true_mean) ** 2 + 1e-3 * spreads.place**2
    return ((1.0 - 2.0 * together / alone) * spreads.spoken).sum() / spreads.spoken.sum()


def then_loss(found: Tensor, truth: Tensor) -> Tensor:
    """Squared error of faces some time ago, both in units of their spreads."""
    return ((found.float() - truth) ** 2).mean()


def seal_loss(logit: Tensor, seal: Tensor, gain: float) -> Tensor:
    """Cross-entropy of closed lips."""
    return functional.binary_cross_entropy_with_logits(logit, seal, pos_weight=torch.tensor(gain))


def sound_loss(logits: Tensor, sound: Tensor) -> Tensor:
    """Cross-entropy of the sound heard: logits (..., sounds), sound (...); `UNKNOWN` is not asked."""
    return functional.cross_entropy(logits.flatten(0, -2).float(), sound.flatten(), ignore_index=UNKNOWN)
