"""Batches: cuts of the drawn lessons, heard through another microphone and throat, at a drawn time and look-ahead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.signal import lfilter
from torch import Tensor

from core.audio import speech_layout as layout
from core.audio.features import BANDS, ENERGY, LOG_F0
from core.audio.mel import FLOOR, LOG_CENTRE, LOG_HALF_RANGE, hz_of_mel, mel_of_hz
from core.blendshapes import ARKIT_NAMES, COUNT
from training.speech.articulation import MOVED
from training.speech.draw import Lessons
from training.speech.moods import ARTICULATION_BY_AROUSAL, mood_rows, mood_shares

CUT_STEPS = 100  # of 20 ms, heard before the first frame
SLOWEST, FASTEST = 0.9, 1.35  # pace of a cut with `strangers`: people's phones are shorter than synthesisers'
FORMANTS = 5  # places at which a throat is bent
FACES = np.array([i for i, channel in enumerate(MOVED) if not ARKIT_NAMES[channel].endswith("Right")])
"""Columns of the lessons without right sides, which are as the left ones."""


@dataclass(slots=True, eq=False)
class Batch:
    """B cuts. features (B, 2 T, 84); newest (B, F): how many steps each frame hears; offsets_ms (B, F, T): when, NaN
    outside of its window; control (B, 2); blendshapes (B, F, 52), seal (B, F): the truth;
    sound (B, T, D), seal_then (B, T, D), face_then (B, T, D, FACES): of each step, D times ago."""

    features: Tensor
    newest: Tensor
    offsets_ms: Tensor
    control: Tensor
    blendshapes: Tensor
    seal: Tensor
    sound: Tensor
    seal_then: Tensor
    face_then: Tensor


class School:
    """Draws batches from lessons. rng: its state is the whole state (for resuming); strangers: cuts are also slower
    and faster, from unevenly bent throats and from rooms."""

    def __init__(
        self, lessons: Lessons, rng: np.random.Generator, change: bool = True, strangers: bool = False
    ) -> None:
        self.lessons, self.rng, self._change, self._strangers = lessons, rng, change, strangers
        self._rows = mood_rows()

    def batch(self, count: int, frames: int, delays: tuple[int, ...], steps: int = CUT_STEPS) -> Batch:
        """count cuts with so many frames; delays: how many 10 ms ago the labels of a step lie."""
        length = 2 * (steps + int(np.ceil(frames * 50 / layout.FRAME_RATE_HZ)) + 1)
        pace = self._paces(count)
        starts = self.rng.integers(20, len(self.lessons.seal) - int(length * pace.max()) - 20, count)
        look_ahead = np.where(self.rng.random(count) < 0.5, 100.0, self.rng.uniform(0, 100, count))
        last_ms = 10.0 * length - look_ahead - self.rng.uniform(0, 19.9, count)
        time_ms = last_ms[:, None] - (1000.0 / layout.FRAME_RATE_HZ) * np.arange(frames - 1, -1, -1)
        newest = np.floor((time_ms + look_ahead[:, None]) / layout.STEP_MS + 1e-6).astype(int)
        step = np.arange(length // 2)
        offsets = layout.STEP_MS * (step + 1) - time_ms[..., None]
        heard = (step < newest[..., None]) & (step >= newest[..., None] - layout.WINDOW_STEPS)
        offsets = np.where(heard, offsets, np.nan)
        inside = starts[:, None] + pace * np.arange(length)
        features = self._features(inside)
        if self._change:
            features = np.stack([change_features(one, self.rng, self._strangers) for one in features])
        control = self.rng.uniform(-1, 1, (count, 2)) * (self.rng.random((count, 1)) < 0.6)
        truth, seal = self._truth(starts[:, None] + pace * (time_ms / 10.0 - 1.0), control)
        then = inside[:, 1::2, None] - pace[..., None] * np.array(delays)
        return Batch(
            *map(torch.from_numpy, (features, newest, offsets.astype(np.float32), control.astype(np.float32))),
            torch.from_numpy(truth),
            torch.from_numpy(seal),
            torch.from_numpy(self.lessons.sound[np.round(then).astype(int)].astype(np.int64)),
            torch.from_numpy(_between(self.lessons.seal, then)),
            torch.from_numpy(_between(self.lessons.blendshapes, then)[..., FACES]),
        )

    def _paces(self, count: int) -> np.ndarray:
        """(count, 1) steps of the lessons in 10 ms."""
        if not self._strangers:
            return np.ones((count, 1))
        drawn = np.exp(self.rng.uniform(np.log(SLOWEST), np.log(FASTEST), (count, 1)))
        return np.where(self.rng.random((count, 1)) < 0.6, drawn, 1.0)

    def _features(self, place: np.ndarray) -> np.ndarray:
        """(B, T, 84) at fractional steps; pitch, which is 0 where there is none, of the nearest step."""
        features = _between(self.lessons.features, place)
        features[..., BANDS:] = self.lessons.features[np.round(place).astype(int), BANDS:]
        return features

    def _truth(self, place: np.ndarray, control: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(B, F, 52) and the seal (B, F) at fractional steps (B, F) of the lessons."""
        speech = np.zeros((*place.shape, COUNT), np.float32)
        speech[..., MOVED] = _between(self.lessons.blendshapes, place)
        seal = _between(self.lessons.seal, place)
        free = 1.0 - np.maximum(seal, _between(self.lessons.tuck, place))
        gain = 1.0 + ARTICULATION_BY_AROUSAL * control[:, 1, None] * free
        mood = (mood_shares(control) @ self._rows)[:, None]
        return np.clip(speech * gain[..., None] + mood, 0, 1).astype(np.float32), seal


def _between(values: np.ndarray, place: np.ndarray) -> np.ndarray:
    low = np.floor(place).astype(int)
    share = (place - low).astype(np.float32)
    share = share[..., None] if values.ndim > 1 else share
    return values[low].astype(np.float32) * (1 - share) + values[low + 1].astype(np.float32) * share


def change_features(features: np.ndarray, rng: np.random.Generator, strangers: bool = False) -> np.ndarray:
    """The same cut (T, 84) from a longer or shorter throat, through a drawn filter, with noise; all in the log-Mel."""
    out = features.copy()
    mel = out[:, :BANDS]
    if rng.random() < 0.7:
        bend = rng.normal(0, 0.05, FORMANTS) if strangers else np.zeros(FORMANTS)
        mel = _warped(mel, np.exp(rng.uniform(-0.13, 0.13) + bend))
    power = 10.0 ** (mel * LOG_HALF_RANGE + LOG_CENTRE) - FLOOR
    if strangers and rng.random() < 0.35:
        power = power + _echo(power, rng)
    if rng.random() < 0.7:
        knots = np.clip(np.cumsum(rng.normal(0, 0.25, 8)), -1.2, 1.2)
        power = power * 10.0 ** np.interp(np.arange(BANDS), np.linspace(0, BANDS - 1, 8), knots - knots.mean())
    gain = rng.uniform(-0.9, 0.9)  # log10 of power
    power = power * 10.0**gain
    out[:, ENERGY] = np.clip(out[:, ENERGY] + gain / 6.0, -1.0 / 3.0, 1.2)
    if rng.random() < 0.4:
        level = np.quantile(power, 0.95) * 10 ** -rng.uniform(1.0, 4.0)
        shape = 10.0 ** np.interp(np.arange(BANDS), np.linspace(0, BANDS - 1, 5), rng.normal(0, 0.5, 5))
        power = power + level * shape * rng.exponential(1.0, power.shape)
    out[:, :BANDS] = (np.log10(np.maximum(power, 0) + FLOOR) - LOG_CENTRE) / LOG_HALF_RANGE
    if rng.random() < 0.3:
        low = rng.integers(0, BANDS - 12)
        out[:, low : low + rng.integers(3, 12)] = -1.0
    if rng.random() < 0.3:
        out[:, LOG_F0] *= rng.uniform(0.7, 1.3)
    if rng.random() < 0.15:
        out[:, LOG_F0:] = 0.0
    return out


def _warped(mel: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Formants moved by factors (vocal tract length perturbation, Jaitly & Hinton 2013), pitch with them.

    factors: (FORMANTS,), equally far apart on Mel's scale, between them by a line."""
    centres = hz_of_mel(np.linspace(0.0, mel_of_hz(np.array(8000.0)), BANDS + 2))[1:-1]
    factor = np.interp(np.arange(BANDS), np.linspace(0, BANDS - 1, FORMANTS), factors)
    places = np.interp(centres * factor, centres, np.arange(BANDS, dtype=float))
    low = np.minimum(places.astype(int), BANDS - 2)
    share = places - low
    return mel[:, low] * (1 - share) + mel[:, low + 1] * share


def _echo(power: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A room's tail of (T, BANDS) power, which fills what a closure leaves silent: exponential, 60 dB in 0.15 to 0.8 s,
    6 to 20 dB below the sound itself."""
    left = 10 ** (-6 * 0.01 / rng.uniform(0.15, 0.8))
    return 10 ** -rng.uniform(0.6, 2.0) * (1 - left) * lfilter([0.0, 1.0], [1.0, -left], power, axis=0)
