"""The trainer: first the ear (which sound was that, and which face?), then the queries.

Stops and resumes anywhere with the same curve.
"""

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
from training.speech.articulation import MOVED
from training.speech.draw import Lessons
from training.speech.lessons import FACES, Batch, School
from training.speech.losses import LossWeights, face_loss, seal_loss, sound_loss, spreads_of, then_loss
from training.speech.muon import Muon
from training.speech.sounds import SOUNDS


@dataclass(frozen=True, slots=True)
class LearnSettings:
    """Steps, sizes and rates of both stages. delays: how many 10 ms ago the named sounds, and the faces that the
    encoder alone is asked for, lie."""

    seed: int = 20261121
    ear_steps: int = 1800
    ear_batch: int = 16
    ear_length: int = 200  # steps of 20 ms
    face_steps: int = 800
    face_batch: int = 16
    face_frames: int = 16
    rate: float = 3e-3
    ear_rate_then: float = 0.4  # of the rate, for the encoder while the face learns
    delays: tuple[int, ...] = (2, 6, 10)
    save_every: int = 100
    half_precision: bool = True  # bfloat16 products
    strangers: bool = False  # lessons are heard from stranger voices, see `School`
    weights: LossWeights = field(default_factory=LossWeights)


class EarHead(nn.Module):
    """What the encoding itself says of some time ago: sounds (B, T, delays, sounds), closed lips (B, T, delays) and
    faces (B, T, delays, FACES) in units of their spreads. It teaches the encoder and is left out of the weights."""

    def __init__(self, delays: int) -> None:
        super().__init__()
        self.delays = delays
        self.sound = nn.Linear(layout.WIDTH, delays * len(SOUNDS))
        self.seal = nn.Linear(layout.WIDTH, delays)
        self.face = nn.Linear(layout.WIDTH, delays * len(FACES))

    def forward(self, encoding: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """From the encoding (B, T, 256)."""
        sound, face = (part(encoding).unflatten(-1, (self.delays, -1)) for part in (self.sound, self.face))
        return sound, self.seal(encoding), face


class Learner:
    """One training run in a folder. tell: takes a name, a value and a step (TensorBoard)."""

    def __init__(
        self, lessons: Lessons, folder: Path, settings: LearnSettings, tell: Callable[[str, float, int], None]
    ) -> None:
        torch.manual_seed(settings.seed)
        self.settings, self._tell = settings, tell
        self._file = folder / "checkpoint.pt"
        self.network, self.head = SpeechModule(), EarHead(len(settings.delays))
        sample = lessons.features[:: max(1, len(lessons.features) // 200000)].astype(np.float64)
        self.network.mean.copy_(torch.from_numpy(sample.mean(0)))
        self.network.scale.copy_(torch.from_numpy(sample.std(0) + 1e-2))
        self.school = School(lessons, np.random.default_rng(settings.seed), strangers=settings.strangers)
        self.spreads = spreads_of(lessons.blendshapes)
        self._face_spreads = self.spreads.place[np.array(MOVED)[FACES]]
        self.optimisers = self._optimisers()
        self.step = 0
        self.curve: list[float] = []

    def _optimisers(self) -> tuple[Muon, torch.optim.AdamW]:
        """Muon for the matrices within, AdamW for all else; of each the first group is the ear."""
        ears = (self.network.front, self.network.blocks, self.network.last_norm, self.head)
        ear = {id(parameter) for part in ears for parameter in part.parameters()}
        within = {id(part.weight) for part in self.network.modules() if isinstance(part, nn.Conv1d | nn.Linear)} - {
            id(self.network.control.weight),
            id(self.network.seal.weight),
        }
        everything = [*self.network.parameters(), *self.head.parameters()]

        def groups(matrices: bool) -> list[dict[str, list[nn.Parameter]]]:
            chosen = [parameter for parameter in everything if (id(parameter) in within) == matrices]
            return [{"params": [p for p in chosen if (id(p) in ear) == hears]} for hears in (True, False)]

        rate = self.settings.rate
        adam = torch.optim.AdamW(groups(False), rate, weight_decay=0.01, betas=(0.9, 0.98))
        return Muon(groups(True), rate), adam

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
        for optimiser, state in zip(self.optimisers, kept["optimisers"], strict=True):
            optimiser.load_state_dict(state)
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
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "random": self.school.rng.bit_generator.state, "curve": self.curve,
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
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_([*self.network.parameters(), *self.head.parameters()], 1.0)
        for optimiser in self.optimisers:
            optimiser.step()
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
        for optimiser in self.optimisers:
            optimiser.param_groups[0]["lr"] = rate if hearing else rate * self.settings.ear_rate_then
            optimiser.param_groups[1]["lr"] = rate

    def _autocast(self) -> torch.autocast:
        return torch.autocast("cpu", torch.bfloat16, enabled=self.settings.half_precision)

    def _ear_terms(self) -> dict[str, Tensor]:
        settings = self.settings
        batch = self.school.batch(settings.ear_batch, 1, settings.delays, settings.ear_length)
        with self._autocast():
            encoding, _ = self.network.encode(batch.features, self.network.empty_past(len(batch.features)))
            heard = self.head(encoding)
        return self._heard_terms(heard, batch)

    def _heard_terms(self, heard: tuple[Tensor, Tensor, Tensor], batch: Batch) -> dict[str, Tensor]:
        weights, known = self.settings.weights, slice(30, None)  # before that, the encoder has not heard enough
        sound, seal, face = (part[:, known] for part in heard)
        then = batch.face_then[:, known] / self._face_spreads
        return {
            "sound": weights.sound * sound_loss(sound, batch.sound[:, known]),
            "seal_then": weights.seal * seal_loss(seal.float(), batch.seal_then[:, known], weights.seal_gain),
            "face_then": weights.place * then_loss(face, then),
        }

    def _face_terms(self) -> dict[str, Tensor]:
        settings = self.settings
        frames = settings.face_frames + layout.SMOOTHED_FRAMES - 1
        batch = self.school.batch(settings.face_batch, frames, settings.delays)
        with self._autocast():
            encoding, _ = self.network.encode(batch.features, self.network.empty_past(len(batch.features)))
            heard = self.head(encoding)
            logits = frame_logits(self.network, encoding, batch)
        smooth = self.network.smooth(logits.float())
        cut = layout.SMOOTHED_FRAMES - 1
        found = self.network.coefficients(smooth)
        truth = (batch.blendshapes[:, cut:], smooth[..., -1], batch.seal[:, cut:])
        return {
            **face_loss(found, *truth, self.spreads, settings.weights),
            **self._heard_terms(heard, batch),
        }


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
