"""EmotionLSTM in torch, step by step the same as `core.expression.emotion_lstm`; a test compares the two."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from core.blendshapes import ARKIT_NAMES, COUNT, EMOTIONS, MIRROR, REGIONS
from core.expression.emotion_lstm import (
    FEATURES,
    LEAST_NOISE,
    MOST_FEATURE,
    NOISE_WINDOW_S,
    STEP_SCALE,
    USUAL_STEP_S,
)

EMBEDDING = 6
SMOOTHER_WIDTH = 24
AFFECT_WIDTH = 64


class EmotionNetwork(nn.Module):
    """Smoother and affect reader over batches of sequences."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Parameter(0.1 * torch.randn(COUNT, EMBEDDING))
        self.cell = nn.LSTMCell(FEATURES + EMBEDDING, SMOOTHER_WIDTH)
        self.gains = nn.Linear(SMOOTHER_WIDTH, 3)
        with torch.no_grad():
            self.gains.bias.copy_(torch.tensor([0.5, -3.0, 1.0]))  # near a light alpha filter, where training starts
        self.affect = nn.LSTM(COUNT + 1, AFFECT_WIDTH, batch_first=True)
        self.readout = nn.Linear(AFFECT_WIDTH, 2 + len(EMOTIONS))
        means = torch.zeros(COUNT, COUNT)
        for names in REGIONS.values():
            members = torch.tensor([ARKIT_NAMES.index(name) for name in names])
            means[members[:, None], members] = 1 / len(members)
        self.register_buffer("region_means", means)
        self.register_buffer("mirror", torch.tensor(MIRROR))

    def smooth(self, noisy: torch.Tensor, elapsed_s: torch.Tensor) -> torch.Tensor:
        """(B, T, 52) clean coefficients for noisy ones; elapsed_s: (B, T), the first is not read."""
        batch, frames, _ = noisy.shape
        last = estimate = noisy[:, 0]
        speed = torch.zeros_like(last)
        noise = torch.full_like(last, 2 * LEAST_NOISE)
        state = (noisy.new_zeros(batch * COUNT, SMOOTHER_WIDTH), noisy.new_zeros(batch * COUNT, SMOOTHER_WIDTH))
        embedding = self.embedding.expand(batch, -1, -1)
        clean = [estimate]
        for frame in range(1, frames):
            values, elapsed = noisy[:, frame], elapsed_s[:, frame, None]
            surprise = values - (estimate + speed * elapsed)
            relative = surprise / (noise + LEAST_NOISE)
            strength = relative.abs()
            columns = (
                STEP_SCALE * surprise,
                relative,
                STEP_SCALE * (values - last),
                STEP_SCALE * speed * elapsed,
                values,
                torch.log(noise + LEAST_NOISE) / 3 + 1,
                relative[:, self.mirror],
                strength @ self.region_means.T,
                strength.mean(1, keepdim=True).expand(-1, COUNT),
                torch.log(elapsed / USUAL_STEP_S).expand(-1, COUNT),
            )
            features = torch.stack(columns, 2).clamp(-MOST_FEATURE, MOST_FEATURE)
            state = self.cell(torch.cat([features, embedding], 2).reshape(batch * COUNT, -1), state)
            gains = torch.sigmoid(self.gains(state[0])).reshape(batch, COUNT, 3)
            raw = estimate + speed * elapsed + gains[..., 0] * surprise
            estimate = raw.clamp(0, 1)
            speed = torch.where(raw == estimate, gains[..., 2] * speed + gains[..., 1] * surprise / elapsed, 0.0)
            noise = noise + (1 - torch.exp(-elapsed / NOISE_WINDOW_S)) * (surprise.abs() - noise)
            last = values
            clean.append(estimate)
        return torch.stack(clean, 1)

    def read(self, clean: torch.Tensor, elapsed_s: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """((B, T, 2) valence and arousal, (B, T, 8) emotion logits)."""
        hidden, _ = self.affect(torch.cat([clean, torch.log(elapsed_s / USUAL_STEP_S)[..., None]], 2))
        answer = self.readout(hidden)
        return torch.tanh(answer[..., :2]), answer[..., 2:]

    def weights(self) -> dict[str, np.ndarray]:
        """The arrays that the engine reads, float32."""
        affect = dict(self.affect.named_parameters())
        named = {
            "smoother.embedding": self.embedding,
            "smoother.input": self.cell.weight_ih,
            "smoother.state": self.cell.weight_hh,
            "smoother.bias": self.cell.bias_ih + self.cell.bias_hh,
            "smoother.gains": self.gains.weight,
            "smoother.gains_bias": self.gains.bias,
            "affect.input": affect["weight_ih_l0"],
            "affect.state": affect["weight_hh_l0"],
            "affect.bias": affect["bias_ih_l0"] + affect["bias_hh_l0"],
            "affect.readout": self.readout.weight,
            "affect.readout_bias": self.readout.bias,
        }
        return {name: value.detach().cpu().numpy().astype(np.float32) for name, value in named.items()}
