"""The speech network in torch: for training and for export. The run time is `core.audio.speech_network`, without torch.

Parts and times are described in `core.audio.speech_layout`.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.audio import speech_layout as layout
from core.audio.features import FEATURES
from core.blendshapes import COUNT
from core.structures import FloatArray

OUTSIDE = -1e4  # bias of what must not be heard


def causal_convolution(heard: Tensor, convolution: nn.Conv1d) -> Tensor:
    """The convolution of (B, T, channels) as one product: on CPUs several times faster to learn than conv1d."""
    (kernel,), (dilation,), (stride,) = convolution.kernel_size, convolution.dilation, convolution.stride
    steps = (heard.shape[1] - (kernel - 1) * dilation - 1) // stride + 1
    parts = [heard[:, i * dilation :: stride][:, :steps] for i in range(kernel)]
    weight = convolution.weight.permute(0, 2, 1).flatten(1)
    return functional.linear(torch.cat(parts, 2), weight, convolution.bias)


class EncoderBlock(nn.Module):
    """A causal convolution and a mixing of channels around a residual; (B, T, 256) to the same."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.reach = (layout.KERNEL - 1) * dilation
        self.norm = nn.LayerNorm(layout.WIDTH)
        self.convolution = nn.Conv1d(layout.WIDTH, layout.WIDTH, layout.KERNEL, dilation=dilation)
        self.mix = nn.Linear(layout.WIDTH, layout.WIDTH)

    def forward(self, values: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """Also the state: past (B, reach, 256) normalised values before these."""
        heard = torch.cat([past, self.norm(values)], 1)
        inner = functional.gelu(causal_convolution(heard, self.convolution), approximate="tanh")
        return values + self.mix(inner), heard[:, -self.reach :]


class SpeechModule(nn.Module):
    """Encoder, emotion stream and the 52 queries."""

    mean: Tensor
    scale: Tensor
    means: Tensor
    sealed: Tensor
    sealing: Tensor
    decays: Tensor
    knots_ms: Tensor
    release: Tensor

    def __init__(self) -> None:
        super().__init__()
        width = layout.WIDTH
        self.register_buffer("mean", torch.zeros(FEATURES))
        self.register_buffer("scale", torch.ones(FEATURES))
        self.front = nn.Conv1d(FEATURES, width, layout.FRONT_KERNEL, stride=layout.FEATURES_PER_STEP)
        self.blocks = nn.ModuleList(EncoderBlock(dilation) for dilation in layout.DILATIONS)
        self.last_norm = nn.LayerNorm(width)
        self.memory = nn.Linear(width, layout.MEMORY_WIDTH)
        self.key, self.value = nn.Linear(width, width, bias=False), nn.Linear(width, width)
        self.tokens = nn.Parameter(0.3 * torch.randn(COUNT, width))
        self.query = nn.Linear(width, width)
        self.control = nn.Linear(2, width)
        self.feeling = nn.Linear(width, width)
        self.bias = nn.Parameter(_first_bias())
        self.attended = nn.Linear(width, width)
        self.token_norm, self.out_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.rise, self.fall = nn.Linear(width, width), nn.Linear(width, width)
        self.region = nn.Linear(width, width)
        self.out_weight = nn.Parameter(0.05 * torch.randn(COUNT, width))
        self.out_bias = nn.Parameter(torch.full((COUNT,), -2.5))
        self.seal = nn.Linear(width, 1)
        self.smoothing = nn.Parameter(torch.tensor([4.0, 0.0, 0.0]).repeat(COUNT + 1, 1))
        self.register_buffer("means", torch.from_numpy(layout.region_means()), persistent=False)
        self.register_buffer("sealed", torch.from_numpy(layout.SEALED_POSE), persistent=False)
        self.register_buffer("sealing", torch.from_numpy(layout.SEALED_CHANNELS), persistent=False)
        self.register_buffer("decays", torch.from_numpy(layout.memory_decays()), persistent=False)
        self.register_buffer("knots_ms", torch.from_numpy(layout.OFFSETS_MS).float(), persistent=False)
        self.register_buffer("release", torch.tensor([1.0, 0.0]))

    def encode(self, features: Tensor, past: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """(B, T, 256) encoding of (B, 2 T, 84) features, and the state that `empty_past` begins."""
        heard = torch.cat([past[0], (features - self.mean) / self.scale], 1)
        values = functional.gelu(causal_convolution(heard, self.front), approximate="tanh")
        states = [heard[:, -(layout.FRONT_KERNEL - layout.FEATURES_PER_STEP) :]]
        for block, state in zip(self.blocks, past[1:], strict=True):
            values, new = block(values, state)
            states.append(new)
        return self.last_norm(values), states

    def empty_past(self, batch: int) -> list[Tensor]:
        """State of an encoder that has heard nothing at all."""
        gap = layout.FRONT_KERNEL - layout.FEATURES_PER_STEP
        reaches = [(layout.KERNEL - 1) * dilation for dilation in layout.DILATIONS]
        return [torch.zeros(batch, gap, FEATURES), *(torch.zeros(batch, reach, layout.WIDTH) for reach in reaches)]

    def remember(self, encoding: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """The emotion stream (B, T, 256) and its state (B, 4, 64): leaky means of the encoding over four times."""
        steps = encoding.shape[1]
        fresh = torch.tanh(self.memory(encoding))
        age = torch.arange(steps, device=encoding.device)
        power = (age[:, None] - age[None, :]).clamp(min=0).to(self.decays.dtype)
        causal = (age[:, None] >= age[None, :]).to(self.decays.dtype)
        kernels = (1 - self.decays)[:, None, None] * self.decays[:, None, None] ** power * causal
        carried = self.decays[:, None] ** (age + 1)  # (4, T)
        parts = torch.einsum("mts,bsc->btmc", kernels, fresh.to(kernels.dtype))
        parts = parts + torch.einsum("mt,bmc->btmc", carried, memory)
        return parts.flatten(2), parts[:, -1]

    def attend(self, keys: Tensor, values: Tensor, offsets_ms: Tensor, condition: Tensor) -> Tensor:
        """(B, F, 52, 256) tokens of F moments. keys, values: (B, T, 256); offsets_ms: (B, F, T), the end of each step
        after the moment, NaN where it is outside of the moment's window; condition: (B, F, 256)."""
        return self.attend_with(keys, values, self.time_bias(offsets_ms), condition)

    def attend_with(self, keys: Tensor, values: Tensor, bias: Tensor, condition: Tensor) -> Tensor:
        """As `attend`, with the `time_bias` (B, 8, F, 52, T) known already."""
        (batch, steps), frames = keys.shape[:2], condition.shape[1]
        tokens = self.tokens + condition[:, :, None]
        queries = self.query(tokens).view(batch, frames * COUNT, layout.HEADS, -1).transpose(1, 2)
        split = (batch, steps, layout.HEADS, layout.HEAD_WIDTH)
        scores = (queries @ keys.view(split).permute(0, 2, 3, 1)).view(batch, layout.HEADS, frames, COUNT, steps)
        weights = torch.softmax(scores / layout.HEAD_WIDTH**0.5 + bias, -1)
        weights = weights.view(batch, layout.HEADS, frames * COUNT, steps).to(values.dtype)
        found = (weights @ values.view(split).transpose(1, 2)).transpose(1, 2).reshape(tokens.shape)
        tokens = tokens + self.attended(found)
        tokens = tokens + self.fall(functional.gelu(self.rise(self.token_norm(tokens)), approximate="tanh"))
        return self.out_norm(tokens + self.region(self.means.to(tokens.dtype) @ tokens))

    def time_bias(self, offsets_ms: Tensor) -> Tensor:
        """(B, 8, F, 52, T) of the learned bias at (B, F, T) offsets, between its knots by linear interpolation."""
        batch, frames, steps = offsets_ms.shape
        near = (offsets_ms[..., None] - self.knots_ms).abs() / layout.STEP_MS
        hats = (1.0 - near).clamp(min=0.0).nan_to_num(0.0).view(-1, len(layout.OFFSETS_MS))
        bias = (hats @ self.bias.flatten(0, 1).T).view(batch, frames, steps, COUNT, layout.HEADS)
        outside = torch.isnan(offsets_ms)[..., None, None]
        return bias.masked_fill(outside, OUTSIDE).permute(0, 4, 1, 3, 2)

    def logits(self, tokens: Tensor) -> Tensor:
        """(..., 53): one per coefficient, then the seal's."""
        each = (tokens * self.out_weight).sum(-1) + self.out_bias
        return torch.cat([each, self.seal(tokens[..., list(layout.MOUTH), :].mean(-2))], -1)

    def smooth(self, logits: Tensor) -> Tensor:
        """(B, F - 2, 53) from (B, F, 53): a mean of each logit and its last two, with learned weights."""
        weights = torch.softmax(self.smoothing, -1)
        frames = logits.shape[1] - layout.SMOOTHED_FRAMES + 1
        parts = [
            logits[:, layout.SMOOTHED_FRAMES - 1 - i :][:, :frames] * weights[:, i]
            for i in range(layout.SMOOTHED_FRAMES)
        ]
        return torch.stack(parts).sum(0)

    def coefficients(self, logits: Tensor) -> Tensor:
        """(..., 52) in [0, 1] from smoothed logits (..., 53): the open pose, sealed as far as the seal says."""
        free = torch.sigmoid(logits[..., :COUNT])
        gate = torch.sigmoid(self.release[0] * (logits[..., COUNT:] - self.release[1])) * self.sealing
        return free + gate * (self.sealed - free)

    def condition(self, control: Tensor, feeling: Tensor) -> Tensor:
        """(..., 256) of valence and arousal (..., 2) and the emotion stream (..., 256)."""
        return self.control(control) + self.feeling(feeling)

    def arrays(self) -> dict[str, FloatArray]:
        """Weights by name, for `SpeechNetwork` and the file."""
        return {name: value.detach().float().numpy() for name, value in self.state_dict().items()}

    def read(self, arrays: dict[str, FloatArray]) -> None:
        """Takes over weights that `arrays` gave."""
        self.load_state_dict({name: torch.from_numpy(np.array(value, np.float32)) for name, value in arrays.items()})


def _first_bias() -> Tensor:
    """(52, 8, 56): each head begins by looking at another time."""
    centres = torch.tensor([80.0, 50.0, 20.0, -20.0, -60.0, -120.0, -300.0, -600.0])
    widths = torch.tensor([20.0, 20.0, 20.0, 25.0, 30.0, 50.0, 120.0, 250.0])
    offsets = torch.from_numpy(layout.OFFSETS_MS).float()
    return (-((offsets - centres[:, None]).abs() / widths[:, None])).clamp(min=-8.0).repeat(COUNT, 1, 1)


def window_offsets_ms(frames: range, steps: FloatArray, look_ahead_ms: float) -> Tensor:
    """(1, F, T) of `SpeechModule.attend`: when each of (T,) numbered steps ends after each frame, NaN where the frame
    does not hear it."""
    offsets = np.full((1, len(frames), len(steps)), np.nan, np.float32)
    for row, frame in enumerate(frames):
        newest = layout.heard_steps(frame, look_ahead_ms)
        heard = (steps < newest) & (steps >= newest - layout.WINDOW_STEPS)
        offsets[0, row, heard] = layout.STEP_MS * (steps[heard] + 1) - 1000.0 * frame / layout.FRAME_RATE_HZ
    return torch.from_numpy(offsets)


class SpeechBlock(nn.Module):
    """100 ms of features to three frames, with the state in and out: the form that is exported."""

    bias: Tensor

    def __init__(self, network: SpeechModule, look_ahead_ms: float, first_frame: int) -> None:
        super().__init__()
        self.network = network
        frames = range(first_frame, first_frame + 3)
        self.newest = [layout.heard_steps(frame, look_ahead_ms) for frame in frames]
        self.kept = layout.WINDOW_STEPS + max(5 - newest for newest in self.newest)
        self.first_frame, self.look_ahead_ms = first_frame, look_ahead_ms
        with torch.no_grad():
            bias = network.time_bias(window_offsets_ms(frames, np.arange(-float(self.kept), 5.0), look_ahead_ms))
        self.register_buffer("bias", bias)

    def forward(self, features: Tensor, control: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Frames (1, 3, 52) and the next state; the state as `first_state` gives it."""
        network = self.network
        encoding, past = network.encode(features, list(state[:-5]))
        memory, keys, values, feelings, logits = state[-5:]
        fresh, memory = network.remember(encoding, memory)
        keys = torch.cat([keys, network.key(encoding)], 1)
        values = torch.cat([values, network.value(encoding)], 1)
        feelings = torch.cat([feelings, fresh], 1)
        rows = [keys.shape[1] - 5 + newest - 1 for newest in self.newest]
        condition = network.condition(control[:, None], feelings[:, rows])
        tokens = network.attend_with(keys, values, self.bias, condition)
        logits = torch.cat([logits, network.logits(tokens)], 1)
        frames = network.coefficients(network.smooth(logits))
        kept = (keys[:, 5:], values[:, 5:], feelings[:, 5:], logits[:, 3:])
        return (frames, *past, memory, *kept)

    def first_state(self) -> list[FloatArray]:
        """The state after silence alone."""
        network = self.network
        silence = torch.from_numpy(layout.silent_features(2 * layout.SILENT_STEPS))[None]
        with torch.no_grad():
            encoding, past = network.encode(silence, network.empty_past(1))
            empty = torch.zeros(1, len(layout.MEMORY_S), layout.MEMORY_WIDTH)
            feelings, memory = network.remember(encoding, empty)
            parts = [network.key(encoding), network.value(encoding), feelings]
            before = range(self.first_frame - layout.SMOOTHED_FRAMES + 1, self.first_frame)
            offsets = window_offsets_ms(before, np.arange(-float(layout.SILENT_STEPS), 0.0), self.look_ahead_ms)
            condition = network.condition(torch.zeros(1, 1, 2), feelings[:, -1:]).expand(-1, len(before), -1)
            logits = network.logits(network.attend(parts[0], parts[1], offsets, condition))
        kept = [part[:, -self.kept :] for part in parts]
        return [value.contiguous().numpy() for value in (*past, memory, *kept, logits)]
