"""How true the face of a voice is: drawn speech of voices and texts that the network never heard, and its speed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from core.audio.features import HOP, RATE_HZ, FeatureStream
from core.audio.speech_layout import FRAME_RATE_HZ, HIGHEST_LOOK_AHEAD_MS, WEIGHTS_FILE
from core.audio.speech_network import SpeechNetwork
from core.bench.report import BenchResult, Reading, percentiles
from core.bench.speech_measures import (
    LIPS,
    closure_recall,
    correlation,
    jerk_ratio,
    lip_gap,
    region_errors,
    signed_lag_ms,
    viseme_accuracy,
)
from core.blendshapes import COUNT, INDEX
from core.errors import ModelPackError
from core.structures import FloatArray

HELD_OUT_FILE = Path(__file__).parent / "data" / "speech_held_out.npz"
STEP_S = 1.0 / FRAME_RATE_HZ
TIMED_STEPS = 300
PIECES = (1, 7, 3, 40, 3, 4, 128)  # features at once, for the equality of streaming


@dataclass(frozen=True, slots=True, eq=False)
class HeldOutSpeech:
    """Drawn speech with its truth. features (T, 84) at 100 Hz; blendshapes (F, 52), seal (F,), sound (F,) at 30 Hz."""

    features: FloatArray
    blendshapes: FloatArray
    seal: FloatArray
    sound: FloatArray

    def save(self, path: Path) -> None:
        """Writes a small .npz: one byte a value."""
        path.parent.mkdir(parents=True, exist_ok=True)
        low, high = self.features.min(0), self.features.max(0)
        coded = np.round((self.features - low) / np.maximum(high - low, 1e-6) * 255.0)
        np.savez_compressed(
            path, features=coded.astype(np.uint8), low=low.astype(np.float32), high=high.astype(np.float32),
            blendshapes=np.round(255.0 * self.blendshapes).astype(np.uint8),
            seal=np.round(255.0 * self.seal).astype(np.uint8), sound=self.sound.astype(np.uint8),
        )  # fmt: skip

    @staticmethod
    def load(path: Path = HELD_OUT_FILE) -> HeldOutSpeech:
        """What `save` wrote. ModelPackError where it is missing: it needs synthesisers to be drawn anew."""
        if not path.is_file():
            raise ModelPackError(
                f"{path.name} is missing. Install Live Avatar again, or draw it: `python -m training.speech` "
                "(needs flite, festival and espeak-ng, see docs/speech.md)."
            )
        with np.load(path) as file:
            low, high = file["low"], file["high"]
            features = low + file["features"].astype(np.float32) / 255.0 * (high - low)
            scaled = (file["blendshapes"] / np.float32(255.0), file["seal"] / np.float32(255.0))
            return HeldOutSpeech(features.astype(np.float32), *scaled, file["sound"].astype(int))


def speech_measures(network: SpeechNetwork, held_out: HeldOutSpeech, look_ahead_ms: float) -> dict[str, float]:
    """Every measure of docs/speech.md on drawn speech."""
    found = network.step(network.start(look_ahead_ms), held_out.features)
    count = min(len(found), len(held_out.blendshapes))
    found, truth = found[:count], held_out.blendshapes[:count]
    sound, seal = held_out.sound[:count], held_out.seal[:count]
    jaw = INDEX["jawOpen"]
    rows = {int(n): truth[sound == n].mean(0) for n in np.unique(sound) if (sound == n).sum() >= 10}
    measures = {
        "correlation jawOpen": correlation(found[:, jaw], truth[:, jaw]),
        "correlation lip gap": correlation(lip_gap(found), lip_gap(truth)),
        **{f"correlation {name}": correlation(found[:, INDEX[name]], truth[:, INDEX[name]]) for name in LIPS},
        "closure recall": closure_recall(found, seal),
        "lag": signed_lag_ms(lip_gap(found), lip_gap(truth)),
        "jerk / true jerk": jerk_ratio(found, truth),
        "viseme accuracy": viseme_accuracy(found, truth, sound, rows),
    }
    for region, (mean, root) in region_errors(found, truth).items():
        measures |= {f"MAE {region}": mean, f"RMSE {region}": root}
    return measures


def streaming_difference(network: SpeechNetwork, features: FloatArray) -> float:
    """Greatest difference between features taken in at once and in pieces."""
    whole, state = network.step(network.start(), features), network.start()
    found, at, turn = [np.zeros((0, COUNT), np.float32)], 0, 0
    while at < len(features):
        piece = features[at : at + PIECES[turn % len(PIECES)]]
        found.append(network.step(state, piece))
        at, turn = at + len(piece), turn + 1
    return float(np.abs(np.concatenate(found) - whole).max())


def step_times_ms(network: SpeechNetwork, steps: int = TIMED_STEPS) -> FloatArray:
    """Processor time of each 33 ms step, ms: features and network, on one thread's clock."""
    rng = np.random.default_rng(0)
    stream, state = FeatureStream(), network.start()
    samples = (0.1 * rng.standard_normal(RATE_HZ * (steps + 20) // FRAME_RATE_HZ)).astype(np.float32)
    edges = np.round(np.arange(steps + 20) * RATE_HZ / FRAME_RATE_HZ).astype(int)
    times = []
    for first, last in pairwise(edges):
        started = time.thread_time()
        network.step(state, stream.push(samples[first:last]))
        times.append(1000.0 * (time.thread_time() - started))
    return np.array(times[10:])


SHORTFALLS: dict[str, float] = {
    "closure recall": 0.05, **{f"correlation {name}": 0.15 for name in ("jawOpen", "lip gap", *LIPS)},
}  # fmt: skip
"""By how much these may stay below 1."""
MOST_LAG_MS = 20.0


def speech_result() -> BenchResult:
    """The readings of the shipped network; budgets hold for the longest look-ahead, which is the usual one."""
    network, held_out = SpeechNetwork.load(), HeldOutSpeech.load()
    readings = []
    for look_ahead_ms in (HIGHEST_LOOK_AHEAD_MS, 50.0, 0.0):
        measured = speech_measures(network, held_out, look_ahead_ms)
        bounded = look_ahead_ms == HIGHEST_LOOK_AHEAD_MS
        readings += readings_of(measured, f"look-ahead {look_ahead_ms:.0f} ms: ", bounded)
    times = step_times_ms(network)
    readings += [
        Reading("streamed against whole", streaming_difference(network, held_out.features[:2000]), "", 1e-4),
        *percentiles("33 ms step", [float(value) for value in times], p95=8.0),
        Reading("weights", WEIGHTS_FILE.stat().st_size / 1e6, "MB", 50.0),
    ]
    seconds = len(held_out.features) * HOP / RATE_HZ
    return BenchResult("speech", f"{seconds:.0f} s of drawn speech, other voices and texts", tuple(readings))


def readings_of(measured: dict[str, float], ahead: str, bounded: bool) -> list[Reading]:
    """The measures as they are, and beside those with a budget what is missing to it."""
    readings = []
    for name, value in measured.items():
        if not bounded and name.startswith(("MAE", "RMSE")):
            continue
        readings.append(Reading(ahead + name, value, "ms" if name == "lag" else ""))
        if bounded and name in SHORTFALLS:
            readings.append(Reading(f"{ahead}1 - {name}", 1.0 - value, "", SHORTFALLS[name]))
        if bounded and name == "lag":
            readings.append(Reading(f"{ahead}size of the lag", abs(value), "ms", MOST_LAG_MS))
    return readings
