"""The trainer: first the ear (which sound was that?), then the face; stops and resumes anywhere with the same curve."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from core.audio import speech_layout as layout
from core.audio.speech_torch import SpeechModule
from training.speech.draw import Lessons
from training.speech.lessons import Batch, School
from training.speech.losses import LossWeights, face_loss, seal_loss, sound_loss
from training.speech.sounds import SOUNDS


@dataclass(frozen=True, slots=True)
class LearnSettings:
    """Steps, sizes and rates of both stages. delays: how many 10 ms ago the named sounds lie."""

    seed: int = 20261121
    ear_steps: int = 700
    ear_batch: int = 16
    ear_length: int = 200  # steps of 20 ms
    face_steps: int = 1100
    face_batch: int = 16
    face_frames: int = 24
    rate: float = 1.5e-3
    ear_rate_then: float = 0.5  # of the rate, for the encoder while the face learns
    delays: tuple[int, ...] = (2, 8)
    save_every: int = 100
    half_precision: bool = True  # bfloat16 products
    weights: LossWeights = field(default_factory=LossWeights)


class SoundHead(nn.Module):
    """Names the sounds heard some time ago: (B, T, delays, sounds) and whether the lips were closed (B, T, delays)."""

    def __init__(self, delays: int) -> None:
        super().__init__()
        self.delays = delays
        self.sound = nn.Linear(layout.WIDTH, delays * len(SOUNDS))
        self.seal = nn.Linear(layout.WIDTH, delays)

    def forward(self, encoding: Tensor) -> tuple[Tensor, Tensor]:
        """From the encoding (B, T, 256)."""
        return self.sound(encoding).unflatten(-1, (self.delays, len(SOUNDS))), self.seal(encoding)


class Learner:
    """One training run in a folder. tell: takes a name, a value and a step (TensorBoard)."""

    def __init__(
        self, lessons: Lessons, folder: Path, settings: LearnSettings, tell: Callable[[str, float, int], None]
    ) -> None:
        torch.manual_seed(settings.seed)
        self.settings, self._tell = settings, tell
        self._file = folder / "checkpoint.pt"
        self.network, self.head = SpeechModule(), SoundHead(len(settings.delays))
        sample = lessons.features[:: max(1, len(lessons.features) // 200000)].astype(np.float64)
        self.network.mean.copy_(torch.from_numpy(sample.mean(0)))
        self.network.scale.copy_(torch.from_numpy(sample.std(0) + 1e-2))
        self.school = School(lessons, np.random.default_rng(settings.seed))
        ear = [*self.network.front.parameters(), *self.network.blocks.parameters(), *self.head.parameters()]
        ear += self.network.last_norm.parameters()
        known = set(map(id, ear))
        rest = [parameter for parameter in self.network.parameters() if id(parameter) not in known]
        groups = [{"params": ear}, {"params": rest}]
        self.optimiser = torch.optim.AdamW(groups, settings.rate, weight_decay=0.01, betas=(0.9, 0.98))
        self.step = 0
        self.curve: list[float] = []

    @property
    def steps(self) -> int:
        """Of both stages."""
        return self.settings.ear_steps + self.settings.face_steps

    def resume(self) -> None:
        """Goes on where the folder's checkpoint stands; from the beginning where there is none."""
        if not self._file.exists():
            return
        kept = torch.load(self._file, weights_only=True)
        self.network.load_state_dict(kept["network"])
        self.head.load_state_dict(kept["head"])
        self.optimiser.load_state_dict(kept["optimiser"])
        self.school.rng.bit_generator.state = kept["random"]
        self.step, self.curve = kept["step"], kept["curve"]

    def begin_from(self, checkpoint: Path) -> None:
        """Takes over what another run had learned, not where it stood."""
        kept = torch.load(checkpoint, weights_only=True)
        self.network.load_state_dict(kept["network"])
        self.head.load_state_dict(kept["head"])

    def save(self) -> None:
        """Writes the checkpoint; the old one stays until the new one is whole."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_suffix(".new")
        kept = {
            "network": self.network.state_dict(), "head": self.head.state_dict(), "step": self.step,
            "optimiser": self.optimiser.state_dict(), "random": self.school.rng.bit_generator.state,
            "curve": self.curve,
        }  # fmt: skip
        torch.save(kept, fresh)
        fresh.replace(self._file)

    def run(self, until: int | None = None) -> None:
        """Learns to the end, or until a step."""
        started, first = time.monotonic(), self.step
        for _ in range(self.step, self.steps if until is None else until):
            self._learn_once()
            if self.step % self.settings.save_every == 0 or self.step == self.steps:
                self.save()
                pace = (time.monotonic() - started) / (self.step - first)
                recent = np.mean(self.curve[-self.settings.save_every :])
                print(f"step {self.step}/{self.steps}: loss {recent:.4f}, {pace:.2f} s a step", flush=True)

    def _learn_once(self) -> None:
        hearing = self.step < self.settings.ear_steps
        self._set_rates(hearing)
        terms = self._ear_terms() if hearing else self._face_terms()
        loss = torch.stack(list(terms.values())).sum()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_([*self.network.parameters(), *self.head.parameters()], 1.0)
        self.optimiser.step()
        self.step += 1
        self.curve.append(float(loss.detach()))
        if self.step % 10 == 0:
            for name, value in {**terms, "loss": loss}.items():
                self._tell(f"{'ear' if hearing else 'face'}/{name}", float(value.detach()), self.step)

    def _set_rates(self, hearing: bool) -> None:
        """Each stage rises for a twentieth and falls along a cosine; the state of this is the step alone."""
        begin, length = (0, self.settings.ear_steps) if hearing else (self.settings.ear_steps, self.settings.face_steps)
        share = (self.step - begin + 1) / max(1, length)
        rate = float(self.settings.rate * min(share / 0.05, 0.5 * (1 + np.cos(np.pi * share)) + 0.01))
        self.optimiser.param_groups[0]["lr"] = rate if hearing else rate * self.settings.ear_rate_then
        self.optimiser.param_groups[1]["lr"] = rate

    def _autocast(self) -> torch.autocast:
        return torch.autocast("cpu", torch.bfloat16, enabled=self.settings.half_precision)

    def _ear_terms(self) -> dict[str, Tensor]:
        settings = self.settings
        batch = self.school.batch(settings.ear_batch, 1, settings.delays, settings.ear_length)
        with self._autocast():
            encoding, _ = self.network.encode(batch.features, self.network.empty_past(len(batch.features)))
            sound, seal = self.head(encoding)
        return self._heard_terms(sound, seal, batch, 1.0)

    def _heard_terms(self, sound: Tensor, seal: Tensor, batch: Batch, share: float) -> dict[str, Tensor]:
        known = slice(30, None)  # before that, the encoder has not heard enough
        return {
            "sound": share * sound_loss(sound[:, known], batch.sound[:, known]),
            "seal_then": share
            * seal_loss(seal[:, known].float(), batch.seal_then[:, known], self.settings.weights.seal_gain),
        }

    def _face_terms(self) -> dict[str, Tensor]:
        settings = self.settings
        frames = settings.face_frames + layout.SMOOTHED_FRAMES - 1
        batch = self.school.batch(settings.face_batch, frames, settings.delays)
        with self._autocast():
            encoding, _ = self.network.encode(batch.features, self.network.empty_past(len(batch.features)))
            sound, seal_then = self.head(encoding)
            logits = frame_logits(self.network, encoding, batch)
        smooth = self.network.smooth(logits.float())
        cut = layout.SMOOTHED_FRAMES - 1
        found = self.network.coefficients(smooth)
        terms = face_loss(found, batch.blendshapes[:, cut:], smooth[..., -1], batch.seal[:, cut:], settings.weights)
        return {**terms, **self._heard_terms(sound, seal_then, batch, settings.weights.sound)}


def frame_logits(network: SpeechModule, encoding: Tensor, batch: Batch) -> Tensor:
    """(B, F, 53) logits of the batch's frames."""
    count, frames = batch.newest.shape
    keys, values = network.key(encoding), network.value(encoding)
    empty = torch.zeros(count, len(layout.MEMORY_S), layout.MEMORY_WIDTH)
    feeling, _ = network.remember(encoding.float(), empty)
    rows = torch.arange(count)[:, None]
    condition = network.condition(batch.control[:, None].expand(-1, frames, -1), feeling[rows, batch.newest - 1])
    first = int(batch.newest.min()) - layout.WINDOW_STEPS
    tokens = network.attend(keys[:, first:], values[:, first:], batch.offsets_ms[:, :, first:], condition)
    return network.logits(tokens)
