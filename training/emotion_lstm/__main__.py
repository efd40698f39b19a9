"""`python -m training.emotion_lstm`: draws sequences, trains, compares with One-Euro on others, writes the weights.

About a quarter of an hour on two cores. No captured face and no recorded take enters; seeds are fixed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file
from torch.nn.functional import cross_entropy

from core.blendshapes import ARKIT_NAMES, EMOTIONS
from core.expression.emotion_lstm import WEIGHTS_FILE
from training.emotion_lstm.evaluate import report
from training.emotion_lstm.network import EmotionNetwork
from training.emotion_lstm.sequences import Sequences, draw_sequences

SEED = 20261121
SMOOTHER_STEPS, SMOOTHER_BATCH, SMOOTHER_FRAMES = 3000, 12, 100
AFFECT_STEPS, AFFECT_BATCH, AFFECT_FRAMES = 1500, 48, 200
POOL = 1200  # sequences drawn once; every step takes a random part with fresh noise
SHAKING_WEIGHT = 3.0


def smoothing_loss(clean: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Position where the face moves counts as much as rest; shaking is the second difference's error."""
    motion = (truth[:, 1:] - truth[:, :-1]).abs()
    weight = 1 + 60 * torch.cat([motion[:, :1], motion], 1)
    position = (weight * (clean - truth) ** 2).mean().sqrt()
    second = clean[:, 2:] - 2 * clean[:, 1:-1] + clean[:, :-2]
    true_second = truth[:, 2:] - 2 * truth[:, 1:-1] + truth[:, :-2]
    return position + SHAKING_WEIGHT * (second - true_second).abs().mean()


def agreement_loss(found: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """1 - concordance correlation (Lin 1989), over the whole batch, mean of valence and arousal."""
    found, truth = found.reshape(-1, 2), truth.reshape(-1, 2)
    difference = (found.mean(0) - truth.mean(0)) ** 2
    covariance = ((found - found.mean(0)) * (truth - truth.mean(0))).mean(0)
    agreement = 2 * covariance / (found.var(0, False) + truth.var(0, False) + difference + 1e-8)
    return (1 - agreement).mean()


def train(steps: int, parameters: list[torch.nn.Parameter], loss_of: Callable[[], torch.Tensor], name: str) -> None:
    """Adam with a one-cycle rate; prints where it stands ten times."""
    optimiser = torch.optim.Adam(parameters, 1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 6e-3, steps)
    total = 0.0
    for step in range(1, steps + 1):
        optimiser.zero_grad()
        loss = loss_of()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        schedule.step()
        total += loss.item()
        if step % (steps // 10) == 0:
            print(f"{name} {step}/{steps}: {total / (steps // 10):.4f}", flush=True)
            total = 0.0


def batches(pool: Sequences, count: int, frames: int, rng: np.random.Generator) -> Callable[[], list[torch.Tensor]]:
    """Random windows of the pool: truth, noisy, elapsed_s, plane, emotion."""

    def draw() -> list[torch.Tensor]:
        rows = rng.integers(0, len(pool.truth), count)
        start = rng.integers(0, pool.truth.shape[1] - frames + 1)
        parts = (pool.truth, pool.noisy, pool.elapsed_s, pool.plane, pool.emotion)
        return [torch.from_numpy(part[rows, start : start + frames]) for part in parts]

    return draw


def train_network(scale: float = 1.0) -> EmotionNetwork:
    """The trained network; scale: of the amounts of data and steps, for tests."""
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    pool = draw_sequences(max(8, round(POOL * scale)), AFFECT_FRAMES, rng)
    network = EmotionNetwork()
    draw = batches(pool, SMOOTHER_BATCH, SMOOTHER_FRAMES, rng)

    def smoother_loss() -> torch.Tensor:
        truth, noisy, elapsed_s, _, _ = draw()
        return smoothing_loss(network.smooth(noisy, elapsed_s), truth)

    smoother = [network.embedding, *network.cell.parameters(), *network.gains.parameters()]
    train(max(10, round(SMOOTHER_STEPS * scale)), smoother, smoother_loss, "smoother")
    draw_affect = batches(pool, AFFECT_BATCH, AFFECT_FRAMES, rng)

    def affect_loss() -> torch.Tensor:
        truth, noisy, elapsed_s, plane, emotion = draw_affect()
        # Clean and shaken coefficients alike: what the smoother leaves lies between the two.
        seen = torch.lerp(truth, noisy, torch.rand(len(truth), 1, 1))
        found, logits = network.read(seen, elapsed_s)
        guess = cross_entropy(logits.reshape(-1, len(EMOTIONS)), emotion.reshape(-1, len(EMOTIONS)))
        return agreement_loss(found, plane) + 0.3 * guess + ((found - plane) ** 2).mean()

    affect = [*network.affect.parameters(), *network.readout.parameters()]
    train(max(10, round(AFFECT_STEPS * scale)), affect, affect_loss, "affect")
    return network


def main() -> None:
    parser = argparse.ArgumentParser(description="Train EmotionLSTM.")
    parser.add_argument("--output", type=Path, default=WEIGHTS_FILE)
    parser.add_argument("--threads", type=int, default=1, help="more only where the cores are free")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    weights = {name: value.astype(np.float16) for name, value in train_network().weights().items()}
    arguments.output.parent.mkdir(exist_ok=True)
    save_file(weights, arguments.output, metadata={"blendshapes": " ".join(ARKIT_NAMES), "seed": str(SEED)})
    print(f"{arguments.output.stat().st_size / 1000:.0f} kB")
    print(report(arguments.output, np.random.default_rng(SEED + 1)))


if __name__ == "__main__":
    main()
