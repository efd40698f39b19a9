"""Exported speech networks give what the run time gives, block by block, with their state in and out."""

from __future__ import annotations

import numpy as np
import pytest

from core.audio.features import FEATURES
from core.audio.speech_network import SpeechNetwork
from core.errors import ModelPackError

torch = pytest.importorskip("torch")

from core.audio.speech_export import (  # noqa: E402
    BLOCK_FEATURES,
    STATE_NAMES,
    export_speech_network,
    first_frame,
    speech_block,
)

BLOCKS = 25


@pytest.fixture(scope="module")
def weights():
    from core.audio.speech_torch import SpeechModule

    torch.manual_seed(5)
    return SpeechModule().arrays()


@pytest.fixture(scope="module")
def features():
    return np.random.default_rng(1).normal(0, 0.7, (BLOCKS, 1, BLOCK_FEATURES, FEATURES)).astype(np.float32)


def difference(run, state, weights, features, look_ahead_ms):
    """Greatest difference of blocks run one after the other from what the run time gives."""
    control, found = np.zeros((1, 2), np.float32), []
    for block in features:
        frames, *state = run([block, control, *state])
        found.append(frames[0])
    found = np.concatenate(found)[-first_frame(look_ahead_ms) :]
    network = SpeechNetwork(weights)
    expected = network.step(network.start(look_ahead_ms), features.reshape(-1, FEATURES))
    assert 0 <= len(expected) - len(found) <= 1
    return np.abs(found - expected[: len(found)]).max()


def in_torch(module):
    def run(inputs):
        with torch.no_grad():
            return [value.numpy() for value in module(*map(torch.from_numpy, inputs))]

    return run


@pytest.mark.parametrize("look_ahead_ms", [0.0, 20.0, 50.0, 73.0, 100.0])
def test_a_block_is_the_run_time_at_any_look_ahead(weights, features, look_ahead_ms):
    module, state = speech_block(look_ahead_ms, weights)
    assert len(state) == len(STATE_NAMES)
    assert difference(in_torch(module), state, weights, features, look_ahead_ms) < 1e-4


def test_torchscript_and_the_phones_form_are_the_run_time(tmp_path, weights, features):
    _, state = speech_block(100.0, weights)
    plain = torch.jit.load(str(export_speech_network(tmp_path / "speech.pt", weights=weights)))
    assert difference(in_torch(plain), state, weights, features, 100.0) < 1e-4
    from torch.jit.mobile import _load_for_lite_interpreter

    small = _load_for_lite_interpreter(str(export_speech_network(tmp_path / "speech.ptl", weights=weights)))
    assert difference(in_torch(small), state, weights, features, 100.0) < 1e-4


def test_onnx_is_the_run_time(tmp_path, weights, features):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    path = export_speech_network(tmp_path / "speech.onnx", weights=weights)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]
    assert names == ["features", "control", *STATE_NAMES]

    def run(inputs):
        return session.run(None, dict(zip(names, inputs, strict=True)))

    _, state = speech_block(100.0, weights)
    assert difference(run, state, weights, features, 100.0) < 1e-4
    assert path.stat().st_size < 50e6


def test_another_ending_is_refused(tmp_path, weights):
    with pytest.raises(ModelPackError, match=r"\.onnx"):
        export_speech_network(tmp_path / "speech.bin", weights=weights)
