"""What is asked of the network: places, speeds, lips that meet, and which sound it heard.

The lip-gap term follows Audio2Face's training framework: errors near closure weigh most, exp(-k d) d.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from core.bench.speech_measures import lip_gap
from core.blendshapes import COUNT, INDEX
from training.speech.sounds import UNKNOWN

CHANNEL_WEIGHTS = {
    "jawOpen": 4.0, "mouthClose": 2.0, "mouthPucker": 2.5, "mouthFunnel": 2.0, "mouthRollLower": 1.5,
    "mouthRollUpper": 1.5,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class LossWeights:
    """Weights of the terms; seal_gain: how much a missed closure counts beside a false one."""

    place: float = 20.0
    speed: float = 20.0
    gap: float = 20.0
    seal: float = 0.5
    seal_gain: float = 1.0
    sound: float = 0.15
    nearness: float = 8.0


def channel_weights() -> Tensor:
    """(52,) how much each coefficient's error counts."""
    weights = torch.ones(COUNT)
    for name, value in CHANNEL_WEIGHTS.items():
        weights[INDEX[name]] = value
    return weights


def face_loss(
    found: Tensor, truth: Tensor, seal_logit: Tensor, seal: Tensor, weights: LossWeights
) -> dict[str, Tensor]:
    """The terms for (B, F, 52) coefficients and (B, F) seals."""
    channels = channel_weights()
    place = (channels * (found - truth) ** 2).mean()
    speed = (channels * ((found[:, 1:] - found[:, :-1]) - (truth[:, 1:] - truth[:, :-1])) ** 2).mean()
    gap, true_gap = lip_gap(found), lip_gap(truth)
    near = torch.exp(-weights.nearness * true_gap.clamp(min=0))
    return {
        "place": weights.place * place,
        "speed": weights.speed * speed,
        "gap": weights.gap * (near * (gap - true_gap) ** 2).mean(),
        "seal": weights.seal * seal_loss(seal_logit, seal, weights.seal_gain),
    }


def seal_loss(logit: Tensor, seal: Tensor, gain: float) -> Tensor:
    """Cross-entropy of closed lips."""
    return functional.binary_cross_entropy_with_logits(logit, seal, pos_weight=torch.tensor(gain))


def sound_loss(logits: Tensor, sound: Tensor) -> Tensor:
    """Cross-entropy of the sound heard: logits (..., sounds), sound (...); `UNKNOWN` is not asked."""
    return functional.cross_entropy(logits.flatten(0, -2).float(), sound.flatten(), ignore_index=UNKNOWN)
