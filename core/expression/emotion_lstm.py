"""EmotionLSTM: the causal recurrent network at the end of the estimate. It takes the jitter off the 52 coefficients
without delaying them, and reads valence, arousal and emotion from the clean ones.

Two parts, trained together by `python -m training.emotion_lstm` (card in docs/emotion.md):

- The smoother is an alpha-beta filter whose gains an LSTM chooses anew for every channel and frame. All channels share
  the weights and differ by a small learned embedding, so that it behaves the same on movements it was never shown; a
  constant comes out exactly as it went in. Rejected: one LSTM from 52 to 52 coefficients, which learns the habits of
  its teachers and damps what they never did.
- The affect reader is an LSTM over the clean coefficients.

Elapsed time enters both, so that 15, 24, 30 and 60 frames a second and dropped frames give the same curve.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from core.blendshapes import ARKIT_NAMES, COUNT, EMOTIONS, MIRROR, REGIONS
from core.errors import InputError, ModelPackError
from core.structures import FloatArray

WEIGHTS_FILE = Path(__file__).parent / "data" / "emotion_lstm.safetensors"
USUAL_STEP_S = 1 / 30
SHORTEST_STEP_S, LONGEST_STEP_S = 1 / 240, 0.25
FORGETS_AFTER_S = 0.5  # a gap in which a face does anything: what was learned of its noise and speed is worth nothing
NOISE_WINDOW_S = 0.7
LEAST_NOISE = 0.005
STEP_SCALE = 8.0  # brings the usual movement of one frame to order 1
MOST_FEATURE = 4.0
FEATURES = 10

_REGION_MEANS = np.zeros((COUNT, COUNT))
for _names in REGIONS.values():
    _members = [ARKIT_NAMES.index(name) for name in _names]
    _REGION_MEANS[np.ix_(_members, _members)] = 1 / len(_members)
_MIRROR = np.array(MIRROR)

_SHAPES: dict[str, tuple[int | None, ...]] = {
    "smoother.embedding": (COUNT, None), "smoother.input": (None, None), "smoother.state": (None, None),
    "smoother.bias": (None,), "smoother.gains": (3, None), "smoother.gains_bias": (3,),
    "affect.input": (None, COUNT + 1), "affect.state": (None, None), "affect.bias": (None,),
    "affect.readout": (2 + len(EMOTIONS), None), "affect.readout_bias": (2 + len(EMOTIONS),),
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class EmotionReading:
    """blendshapes: (52,) float32 in [0, 1]. valence, arousal in [-1, 1]. emotion: (8,) float32 probabilities, order of
    `EMOTIONS`."""

    blendshapes: FloatArray
    valence: float
    arousal: float
    emotion: FloatArray


class LstmCell:
    """One step of an LSTM (Hochreiter & Schmidhuber 1997, gates in the order input, forget, cell, output).

    input: (4H, F); state: (4H, H); bias: (4H,). One product and one tanh serve all gates, because a sigmoid is a tanh
    of half its argument: this runs for every frame of every face.
    """

    def __init__(self, input_: FloatArray, state: FloatArray, bias: FloatArray) -> None:
        self.width = state.shape[1]
        self._half = np.full(4 * self.width, 0.5, np.float32)
        self._half[2 * self.width : 3 * self.width] = 1.0
        self._matrix = np.ascontiguousarray(np.concatenate([input_, state], axis=1).T * self._half, np.float32)
        self._bias = np.asarray(bias * self._half, np.float32)

    def step(self, features: FloatArray, hidden: FloatArray, cell: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The next (n, H) hidden and cell values for (n, F) features."""
        gates = np.tanh(np.concatenate([features, hidden], axis=1) @ self._matrix + self._bias)
        w = self.width
        take, keep, show = (0.5 + 0.5 * gates[:, a : a + w] for a in (0, w, 3 * w))
        cell = keep * cell + take * gates[:, 2 * w : 3 * w]
        return show * np.tanh(cell), cell


class CoefficientSmoother:
    """An alpha-beta filter for the 52 channels with learned gains.

    State: the last input, the estimate, its speed per second, the usual size of what was not foreseen, and the LSTM's.
    """

    def __init__(self, weights: dict[str, FloatArray]) -> None:
        self._inputs = np.zeros((COUNT, FEATURES + weights["smoother.embedding"].shape[1]), np.float32)
        self._inputs[:, FEATURES:] = weights["smoother.embedding"]
        self._cell = LstmCell(weights["smoother.input"], weights["smoother.state"], weights["smoother.bias"])
        self._gains = np.asarray(weights["smoother.gains"].T, np.float32)
        self._gains_bias = weights["smoother.gains_bias"]
        self._last = self._estimate = self._speed = np.zeros(COUNT)
        self._noise = np.full(COUNT, 2 * LEAST_NOISE)
        self._hidden = self._memory = np.zeros((COUNT, self._cell.width), np.float32)

    def start(self, values: FloatArray) -> FloatArray:
        """Takes the first (52,) values as they are; forgets speeds and noise."""
        self._last = self._estimate = values
        self._speed = np.zeros(COUNT)
        self._noise = np.full(COUNT, 2 * LEAST_NOISE)
        self._hidden, self._memory = np.zeros_like(self._hidden), np.zeros_like(self._memory)
        return values

    def step(self, values: FloatArray, elapsed_s: float) -> FloatArray:
        """(52,) clean values in [0, 1] for (52,) new ones, `elapsed_s` after the last."""
        foreseen = self._estimate + self._speed * elapsed_s
        surprise = values - foreseen
        features = self._features(values, surprise, elapsed_s)
        self._hidden, self._memory = self._cell.step(features, self._hidden, self._memory)
        follow, hasten, keep = _sigmoid(self._hidden @ self._gains + self._gains_bias).T
        estimate = foreseen + follow * surprise
        clean = np.clip(estimate, 0.0, 1.0)
        self._speed = np.where(clean == estimate, keep * self._speed + hasten * surprise / elapsed_s, 0.0)
        share = -math.expm1(-elapsed_s / NOISE_WINDOW_S)
        self._noise = self._noise + share * (np.abs(surprise) - self._noise)
        self._last, self._estimate = values, clean
        return clean

    def _features(self, values: FloatArray, surprise: FloatArray, elapsed_s: float) -> FloatArray:
        """(52, F) what the gains are chosen from; good until the next call."""
        relative = surprise / (self._noise + LEAST_NOISE)
        strength = np.abs(relative)
        columns = self._inputs
        columns[:, 0] = STEP_SCALE * surprise
        columns[:, 1] = relative
        columns[:, 2] = STEP_SCALE * (values - self._last)
        columns[:, 3] = STEP_SCALE * self._speed * elapsed_s
        columns[:, 4] = values
        columns[:, 5] = np.log(self._noise + LEAST_NOISE) / 3 + 1
        columns[:, 6] = relative[_MIRROR]
        columns[:, 7] = _REGION_MEANS @ strength
        columns[:, 8] = strength.mean()
        columns[:, 9] = math.log(elapsed_s / USUAL_STEP_S)
        np.clip(columns[:, :FEATURES], -MOST_FEATURE, MOST_FEATURE, out=columns[:, :FEATURES])
        return columns


class EmotionLstm:
    """Follows one face. weights: by name as in `WEIGHTS_FILE`; those that ship with this version when left out."""

    def __init__(self, weights: dict[str, FloatArray] | None = None) -> None:
        self._weights = weights if weights is not None else shipped_weights()
        self._affect = LstmCell(*(self._weights[f"affect.{part}"] for part in ("input", "state", "bias")))
        self.reset()

    def reset(self) -> None:
        """Forget everything; the next coefficients pass unchanged."""
        self._smoother = CoefficientSmoother(self._weights)
        self._hidden = self._memory = np.zeros((1, self._affect.width), np.float32)
        self._timestamp_s: float | None = None
        self._reading: EmotionReading | None = None

    def step(self, coefficients: FloatArray, timestamp_s: float) -> EmotionReading:
        """What the face does at this moment.

        coefficients: (52,) in [0, 1]. timestamp_s: their own time; the same time again gives the last answer, an
        earlier one means that the source began anew. InputError: another shape, or not finite.
        """
        values = np.asarray(coefficients, np.float64)
        if values.shape != (COUNT,) or not (np.isfinite(values).all() and math.isfinite(timestamp_s)):
            raise InputError(f"EmotionLSTM needs {COUNT} finite coefficients and a finite time, not {values.shape}.")
        if self._timestamp_s is not None and timestamp_s < self._timestamp_s:
            self.reset()
        if self._reading is not None and timestamp_s == self._timestamp_s:
            return self._reading
        gap_s = USUAL_STEP_S if self._timestamp_s is None else timestamp_s - self._timestamp_s
        elapsed_s = min(max(gap_s, SHORTEST_STEP_S), LONGEST_STEP_S)
        begins = self._timestamp_s is None or gap_s > FORGETS_AFTER_S
        clean = self._smoother.start(values) if begins else self._smoother.step(values, elapsed_s)
        self._timestamp_s = timestamp_s
        self._reading = self._read(clean, elapsed_s)
        return self._reading

    def _read(self, clean: FloatArray, elapsed_s: float) -> EmotionReading:
        features = np.append(clean, math.log(elapsed_s / USUAL_STEP_S))[None]
        self._hidden, self._memory = self._affect.step(features, self._hidden, self._memory)
        answer = self._hidden[0] @ self._weights["affect.readout"].T + self._weights["affect.readout_bias"]
        valence, arousal = np.tanh(answer[:2])
        likely = np.exp(answer[2:] - answer[2:].max())
        emotion = (likely / likely.sum()).astype(np.float32)
        return EmotionReading(clean.astype(np.float32), float(valence), float(arousal), emotion)


def load_weights(path: Path) -> dict[str, FloatArray]:
    """The weights in a safetensors file, float64. ModelPackError: absent, damaged, or of other names or shapes."""
    try:
        with safe_open(path, framework="numpy") as stored:
            names = (stored.metadata() or {}).get("blendshapes", "").split()
            found = {name: stored.get_tensor(name).astype(np.float64) for name in stored.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ModelPackError(f"EmotionLSTM's weights {path.name} cannot be read: {error}") from None
    if tuple(names) != ARKIT_NAMES:
        raise ModelPackError(f"{path.name} must be made for the 52 ARKit names in their order, but it is not.")
    for name, shape in _SHAPES.items():
        if name not in found:
            raise ModelPackError(f"{path.name} must hold {name}, but it does not. Train it again.")
        if not _fits(found[name].shape, shape) or not np.isfinite(found[name]).all():
            raise ModelPackError(f"{path.name}: {name} must be finite and of shape {shape}, not {found[name].shape}.")
    return found


@cache
def shipped_weights() -> dict[str, FloatArray]:
    """The weights that come with this version."""
    return load_weights(WEIGHTS_FILE)


def _fits(shape: tuple[int, ...], expected: tuple[int | None, ...]) -> bool:
    return len(shape) == len(expected) and all(b in (None, a) for a, b in zip(shape, expected, strict=True))


def _sigmoid(values: FloatArray) -> FloatArray:
    return 0.5 * (1.0 + np.tanh(0.5 * values))
