"""The speech network for other programs: TorchScript, ONNX and a form for phones, all with the state in and out.

One call takes 100 ms of features, (1, 10, 84), and gives the three frames that they make due. torch is imported when a
function is called; the run time of this project never needs it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.audio import speech_layout as layout
from core.audio.features import FEATURES
from core.audio.speech_network import Weights, shipped_weights
from core.errors import ModelPackError
from core.structures import FloatArray

if TYPE_CHECKING:
    import torch

BLOCK_FEATURES, BLOCK_STEPS, BLOCK_FRAMES = 10, 5, 3
FORMATS: dict[str, str] = {".pt": "TorchScript", ".onnx": "ONNX", ".ptl": "TorchScript for phones"}
STATE_NAMES: tuple[str, ...] = (
    "front", *(f"block{i}" for i in range(len(layout.DILATIONS))), "memory", "keys", "values", "feelings", "logits",
)  # fmt: skip
OPSET = 17


def first_frame(look_ahead_ms: float) -> int:
    """Number of the first of the three frames that the first block gives, at most 0; those before 0 are to be dropped.

    Block b, counted from 0, gives frames first + 3 b to first + 3 b + 2.
    """
    first = 0
    while layout.heard_steps(first + BLOCK_FRAMES - 1, look_ahead_ms) > BLOCK_STEPS:
        first -= 1
    return first


def export_speech_network(path: Path, look_ahead_ms: float = 100.0, weights: Weights | None = None) -> Path:
    """Writes the network: .pt TorchScript, .ptl the same for the lite interpreter of phones, .onnx.

    Of the form for phones constants are folded in; torch's further optimiser for phones needs XNNPACK, which its wheels
    no longer carry.
    ModelPackError: another ending, torch is absent, or the folder cannot be written to.
    """
    path = Path(path)
    if path.suffix not in FORMATS:
        raise ModelPackError(f"A speech network is exported as .pt, .ptl or .onnx, but got '{path.name}'.")
    torch = _torch()
    step, state = speech_block(look_ahead_ms, weights)
    inputs = (torch.zeros(1, BLOCK_FEATURES, FEATURES), torch.zeros(1, 2), *map(torch.from_numpy, state))
    try:
        if path.suffix == ".onnx":
            _write_onnx(torch, step, inputs, path)
        else:
            with torch.no_grad():
                traced = torch.jit.freeze(torch.jit.trace(step, inputs, check_trace=False).eval())
            if path.suffix == ".ptl":
                traced._save_for_lite_interpreter(str(path))
            else:
                torch.jit.save(traced, str(path))
    except (OSError, RuntimeError) as error:
        raise ModelPackError(f"'{path}' could not be written ({str(error).splitlines()[0]}).") from error
    return path


def speech_block(look_ahead_ms: float, weights: Weights | None = None) -> tuple[Any, list[FloatArray]]:
    """A torch module of one block, and the state to begin with, in the order of `STATE_NAMES`.

    The module takes features (1, 10, 84), control (1, 2) valence and arousal, and the state; it gives frames
    (1, 3, 52) and the new state.
    """
    from core.audio.speech_torch import SpeechBlock, SpeechModule

    _torch()
    network = SpeechModule()
    network.read(shipped_weights() if weights is None else weights)
    block = SpeechBlock(network.eval(), look_ahead_ms, first_frame(look_ahead_ms))
    return block.eval(), block.first_state()


def _write_onnx(torch: Any, step: torch.nn.Module, inputs: tuple[Any, ...], path: Path) -> None:
    names = ["features", "control", *STATE_NAMES]
    outputs = ["blendshapes", *(f"{name}_next" for name in STATE_NAMES)]
    torch.onnx.export(
        step, inputs, str(path), input_names=names, output_names=outputs, opset_version=OPSET, dynamo=False
    )


def _torch() -> Any:
    from core.head_model.torch_skinning import require_torch

    require_torch("Exporting the speech network")
    import torch

    return torch
