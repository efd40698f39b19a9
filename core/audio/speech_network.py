"""A voice becomes 52 coefficients, step by step and from the past alone. NumPy only; parts in `speech_layout`.

Trained on synthetic voices (`python -m training.speech`, card in docs/speech.md). Cutting the features into other
pieces changes nothing but rounding.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from core.audio import speech_layout as layout
from core.audio.features import FEATURES
from core.blendshapes import ARKIT_NAMES, COUNT
from core.errors import ModelPackError
from core.structures import FloatArray

Weights = dict[str, FloatArray]


@dataclass(slots=True, eq=False)
class SpeechState:
    """One voice's moment: what the network keeps between two steps. Made by `SpeechNetwork.start`."""

    look_ahead_ms: float
    waiting: FloatArray  # (0 or 1, 84) features of a step that is not complete
    front: FloatArray  # (4, 84)
    blocks: list[FloatArray]  # (reach, 256) each
    memory: FloatArray  # (4, 64)
    keys: FloatArray  # (n, 256) of the newest steps, at least 50
    values: FloatArray
    feelings: FloatArray  # (n, 256) the emotion stream beside them
    newest: int = 0  # how many steps were heard since the sound began
    frame: int = 1 - layout.SMOOTHED_FRAMES  # the next one; those before 0 are for smoothing alone
    logits: list[FloatArray] = field(default_factory=list)  # (53,) of the last two frames

    def copy(self) -> SpeechState:
        """The same moment, to go on from independently."""
        return SpeechState(
            self.look_ahead_ms, self.waiting, self.front, list(self.blocks), self.memory, self.keys, self.values,
            self.feelings, self.newest, self.frame, list(self.logits),
        )  # fmt: skip


class SpeechNetwork:
    """Frame k belongs to k / 30 s and hears the sound up to look_ahead_ms later; the network itself keeps no state."""

    def __init__(self, weights: Weights) -> None:
        self._w = weights
        self._convolutions = [_flat_kernel(weights[f"blocks.{i}.convolution.weight"]) for i in _block_numbers()]
        self._front = _flat_kernel(weights["front.weight"])
        self._decays = layout.memory_decays()[:, None]
        # The tokens' queries without the condition, which adds the same vector to all of them.
        self._queries = weights["tokens"] @ weights["query.weight"].T + weights["query.bias"]
        self._smoothing = _softmax(weights["smoothing"])
        self._means = layout.region_means()
        self._silent: SpeechState | None = None
        self._biases: dict[tuple[float, int], FloatArray] = {}

    @staticmethod
    def load(path: Path | None = None) -> SpeechNetwork:
        """The network of a weights file; the one that ships with this version when left out."""
        return SpeechNetwork(shipped_weights() if path is None else read_weights(path))

    def start(self, look_ahead_ms: float = layout.HIGHEST_LOOK_AHEAD_MS) -> SpeechState:
        """State before any sound: silence was heard. look_ahead_ms: 0 to 100, how much later a frame comes out."""
        if not 0.0 <= look_ahead_ms <= layout.HIGHEST_LOOK_AHEAD_MS:
            raise ValueError(f"look_ahead_ms must be between 0 and 100, but it is {look_ahead_ms}.")
        if self._silent is None:
            state = self._nothing_heard()
            self._hear(state, layout.silent_features(layout.FEATURES_PER_STEP * layout.SILENT_STEPS))
            state.newest = 0
            self._silent = state
        state = self._silent.copy()
        state.look_ahead_ms = float(look_ahead_ms)
        return state

    def step(self, state: SpeechState, features: FloatArray, valence: float = 0.0, arousal: float = 0.0) -> FloatArray:
        """(frames, 52) float32 in [0, 1]: every frame that these features make due, in order; may be none.

        features: (k, 84) at 100 Hz (`FeatureStream`); valence, arousal: in [-1, 1], the mood to show.
        """
        heard = np.concatenate([state.waiting, np.asarray(features, np.float32)])
        steps = len(heard) // layout.FEATURES_PER_STEP
        state.waiting = heard[layout.FEATURES_PER_STEP * steps :]
        found = []
        for first in range(0, max(steps, 1), LONGEST_PIECE):
            last = min(steps, first + LONGEST_PIECE)
            if last > first:
                self._hear(state, heard[layout.FEATURES_PER_STEP * first : layout.FEATURES_PER_STEP * last])
            while layout.heard_steps(state.frame, state.look_ahead_ms) <= state.newest:
                state.logits.append(self._logits(state, state.frame, valence, arousal))
                if state.frame >= 0:
                    found.append(self._coefficients(state.logits))
                    state.logits.pop(0)
                state.frame += 1
        return np.stack(found) if found else np.zeros((0, COUNT), np.float32)

    def _nothing_heard(self) -> SpeechState:
        reaches = [(layout.KERNEL - 1) * dilation for dilation in layout.DILATIONS]
        empty = np.zeros((0, layout.WIDTH), np.float32)
        return SpeechState(
            0.0,
            waiting=np.zeros((0, FEATURES), np.float32),
            front=np.zeros((layout.FRONT_KERNEL - layout.FEATURES_PER_STEP, FEATURES), np.float32),
            blocks=[np.zeros((reach, layout.WIDTH), np.float32) for reach in reaches],
            memory=np.zeros((len(layout.MEMORY_S), layout.MEMORY_WIDTH), np.float32),
            keys=empty,
            values=empty,
            feelings=empty,
        )

    def _hear(self, state: SpeechState, features: FloatArray) -> None:
        """Takes in an even number of features: new steps of encoding, keys, values and emotion stream."""
        encoding = self._encode(state, features)
        w = self._w
        fresh = np.tanh(encoding @ w["memory.weight"].T + w["memory.bias"])
        feelings = np.empty((len(fresh), layout.WIDTH), np.float32)
        for row, one in zip(feelings, fresh, strict=True):
            state.memory = self._decays * state.memory + (1.0 - self._decays) * one
            row[:] = state.memory.ravel()
        kept = layout.WINDOW_STEPS + LONGEST_PIECE + 10
        state.keys = np.concatenate([state.keys, encoding @ w["key.weight"].T])[-kept:]
        state.values = np.concatenate([state.values, encoding @ w["value.weight"].T + w["value.bias"]])[-kept:]
        state.feelings = np.concatenate([state.feelings, feelings])[-kept:]
        state.newest += len(encoding)

    def _encode(self, state: SpeechState, features: FloatArray) -> FloatArray:
        w = self._w
        heard = np.concatenate([state.front, (features - w["mean"]) / w["scale"]])
        state.front = heard[len(features) :]
        values = _gelu(_convolve(heard, self._front, 1, layout.FEATURES_PER_STEP) + w["front.bias"])
        for i in _block_numbers():
            name = f"blocks.{i}."
            normal = _normalised(values, w[f"{name}norm.weight"], w[f"{name}norm.bias"])
            heard = np.concatenate([state.blocks[i], normal])
            state.blocks[i] = heard[len(normal) :]
            inner = _convolve(heard, self._convolutions[i], layout.DILATIONS[i], 1) + w[f"{name}convolution.bias"]
            values = values + _gelu(inner) @ w[f"{name}mix.weight"].T + w[f"{name}mix.bias"]
        return _normalised(values, w["last_norm.weight"], w["last_norm.bias"])

    def _logits(self, state: SpeechState, frame: int, valence: float, arousal: float) -> FloatArray:
        """(53,) of one frame: the 52 queries attend to its window."""
        w = self._w
        stop = len(state.keys) - (state.newest - layout.heard_steps(frame, state.look_ahead_ms))
        window = slice(stop - layout.WINDOW_STEPS, stop)
        control = np.array([valence, arousal], np.float32) @ w["control.weight"].T + w["control.bias"]
        condition = control + state.feelings[stop - 1] @ w["feeling.weight"].T + w["feeling.bias"]
        queries = _heads(self._queries + condition @ w["query.weight"].T)  # (8, 52, 32)
        scores = queries @ _heads(state.keys[window]).transpose(0, 2, 1) / np.float32(layout.HEAD_WIDTH**0.5)
        found = _softmax(scores + self._bias(frame, state.look_ahead_ms)) @ _heads(state.values[window])
        tokens = w["tokens"] + condition + _product(found.transpose(1, 0, 2).reshape(COUNT, -1), w, "attended")
        inner = _normalised(tokens, w["token_norm.weight"], w["token_norm.bias"])
        tokens = tokens + _product(_gelu(_product(inner, w, "rise")), w, "fall")
        tokens = tokens + _product(self._means @ tokens, w, "region")
        tokens = _normalised(tokens, w["out_norm.weight"], w["out_norm.bias"])
        seal = tokens[list(layout.MOUTH)].mean(0) @ w["seal.weight"].T + w["seal.bias"]
        return np.concatenate([(tokens * w["out_weight"]).sum(1) + w["out_bias"], seal])

    def _bias(self, frame: int, look_ahead_ms: float) -> FloatArray:
        """(8, 52, 50): there are three phases of 30 Hz frames between steps of 50 Hz."""
        phase = (look_ahead_ms, frame % 3)
        if phase not in self._biases:
            if len(self._biases) > 300:
                self._biases.clear()
            offsets_ms = layout.step_offsets_ms(frame, look_ahead_ms)
            self._biases[phase] = layout.bias_at(self._w["bias"], offsets_ms).transpose(1, 0, 2).astype(np.float32)
        return self._biases[phase]

    def _coefficients(self, logits: list[FloatArray]) -> FloatArray:
        """(52,) from the logits of this frame and the two before it."""
        smooth = (self._smoothing.T * np.stack(logits[::-1])).sum(0)
        sharpness, threshold = self._w["release"]
        free = _sigmoid(smooth[:COUNT])
        gate = _sigmoid(sharpness * (smooth[COUNT] - threshold)) * layout.SEALED_CHANNELS
        return np.asarray(free + gate * (layout.SEALED_POSE - free), np.float32)


LONGEST_PIECE = 500  # steps taken in at once: bounds the memory of a long sound


def read_weights(path: Path) -> Weights:
    """Float32 weights by name of a file that `python -m training.speech` wrote; ModelPackError where it is none."""
    if not path.is_file():
        raise ModelPackError(f"The speech network's weights are missing: {path.name}. Install Live Avatar again.")
    try:
        with safe_open(path, "np") as file:
            names = (file.metadata() or {}).get("blendshapes", "")
            weights = {name: file.get_tensor(name).astype(np.float32) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ModelPackError(f"{path.name} cannot be read as weights of the speech network ({error}).") from error
    if names.split() != list(ARKIT_NAMES):
        raise ModelPackError(f"{path.name} was trained for other coefficients. Take one of this version.")
    return weights


@cache
def shipped_weights() -> Weights:
    """The weights in `WEIGHTS_FILE`, read once."""
    return read_weights(layout.WEIGHTS_FILE)


def _block_numbers() -> range:
    return range(len(layout.DILATIONS))


def _flat_kernel(weight: FloatArray) -> FloatArray:
    """(kernel * inputs, outputs) of a convolution's (outputs, inputs, kernel)."""
    return np.ascontiguousarray(weight.transpose(2, 1, 0).reshape(-1, len(weight)))


def _convolve(heard: FloatArray, kernel: FloatArray, dilation: int, stride: int) -> FloatArray:
    """(steps, outputs) as one product; heard: (T, inputs) with the past in front."""
    taps = len(kernel) // heard.shape[1]
    steps = (len(heard) - (taps - 1) * dilation - 1) // stride + 1
    parts = [heard[i * dilation :: stride][:steps] for i in range(taps)]
    return np.concatenate(parts, 1) @ kernel


def _product(values: FloatArray, weights: Weights, name: str) -> FloatArray:
    return values @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def _heads(values: FloatArray) -> FloatArray:
    """(8, n, 32) of (n, 256)."""
    return values.reshape(len(values), layout.HEADS, -1).transpose(1, 0, 2)


def _normalised(values: FloatArray, weight: FloatArray, bias: FloatArray) -> FloatArray:
    """Layer normalisation (Ba et al. 2016)."""
    centred = values - values.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * weight + bias


def _gelu(values: FloatArray) -> FloatArray:
    """GELU's tanh form (Hendrycks & Gimpel 2016)."""
    return 0.5 * values * (1.0 + np.tanh(0.7978845608 * (values + 0.044715 * values * values * values)))


def _softmax(values: FloatArray) -> FloatArray:
    lifted = np.exp(values - values.max(-1, keepdims=True))
    return lifted / lifted.sum(-1, keepdims=True)


def _sigmoid(values: FloatArray) -> FloatArray:
    return 0.5 * (1.0 + np.tanh(0.5 * values))
