"""The speech network without torch: any cutting gives the same, nothing is heard too early, bounds hold."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file

from core.audio import speech_layout as layout
from core.audio.features import FEATURES
from core.audio.speech_network import SpeechNetwork, read_weights, shipped_weights
from core.blendshapes import ARKIT_NAMES, INDEX
from core.errors import ModelPackError


@pytest.fixture(scope="module")
def module():
    torch = pytest.importorskip("torch")
    from core.audio.speech_torch import SpeechModule

    torch.manual_seed(3)
    made = SpeechModule()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return made


@pytest.fixture(scope="module")
def network():
    return SpeechNetwork.load()


@pytest.fixture(scope="module")
def features():
    return np.random.default_rng(1).normal(0, 0.7, (430, FEATURES)).astype(np.float32)


def in_pieces(network, features, sizes, look_ahead_ms=100.0):
    state, found, at = network.start(look_ahead_ms), [], 0
    for size in sizes:
        found.append(network.step(state, features[at : at + size], 0.3, -0.2))
        at += size
    found.append(network.step(state, features[at:], 0.3, -0.2))
    return np.concatenate(found)


@pytest.mark.parametrize("look_ahead_ms", [0.0, 33.0, 57.5, 100.0])
def test_any_cutting_gives_the_same(network, features, look_ahead_ms):
    whole = in_pieces(network, features, [], look_ahead_ms)
    rng = np.random.default_rng(2)
    for sizes in ([1] * 300, [3, 4, 3] * 30, [0, 7, 0, 150], rng.integers(0, 40, 15).tolist()):
        assert np.abs(in_pieces(network, features, sizes, look_ahead_ms) - whole).max() < 1e-5


@pytest.mark.parametrize("look_ahead_ms", [0.0, 45.0, 100.0])
def test_a_frame_comes_as_soon_as_its_look_ahead_was_heard_and_hears_no_more(network, features, look_ahead_ms):
    state = network.start(look_ahead_ms)
    for heard in range(1, 200):
        network.step(state, features[heard - 1 : heard])
        steps = 10.0 * (heard // layout.FEATURES_PER_STEP * layout.FEATURES_PER_STEP)
        due = [k for k in range(100) if layout.heard_steps(k, look_ahead_ms) * layout.STEP_MS <= steps]
        assert max(state.frame, 0) == len(due)
    changed = features.copy()
    changed[200:] += 1.0
    first, second = in_pieces(network, features, [], look_ahead_ms), in_pieces(network, changed, [], look_ahead_ms)
    same = [k for k in range(len(first)) if layout.heard_steps(k, look_ahead_ms) <= 100]
    assert np.array_equal(first[same], second[same])
    assert np.abs(first[len(same)] - second[len(same)]).max() > 0


def test_torch_gives_the_same(module, features):
    torch = pytest.importorskip("torch")
    network = SpeechNetwork(module.arrays())
    look_ahead_ms = 64.0
    found = in_pieces(network, features, [], look_ahead_ms)
    padded = np.concatenate([layout.silent_features(2 * layout.SILENT_STEPS), features])
    frames = range(-2, len(found))
    offsets = np.full((1, len(frames), len(padded) // 2), np.nan, np.float32)
    newest = [layout.SILENT_STEPS + layout.heard_steps(k, look_ahead_ms) for k in frames]
    for row, (frame, last) in enumerate(zip(frames, newest, strict=True)):
        offsets[0, row, last - layout.WINDOW_STEPS : last] = layout.step_offsets_ms(frame, look_ahead_ms)
    with torch.no_grad():
        encoding, _ = module.encode(torch.from_numpy(padded)[None], module.empty_past(1))
        feeling, _ = module.remember(encoding, torch.zeros(1, len(layout.MEMORY_S), layout.MEMORY_WIDTH))
        control = torch.tensor([0.3, -0.2]).expand(1, len(frames), 2)
        condition = module.condition(control, feeling[:, np.array(newest) - 1])
        tokens = module.attend(module.key(encoding), module.value(encoding), torch.from_numpy(offsets), condition)
        expected = module.coefficients(module.smooth(module.logits(tokens)))[0].numpy()
    assert np.abs(found - expected).max() < 1e-4


def test_values_are_bounded_and_a_seal_is_a_closed_mouth(features):
    weights = dict(shipped_weights())
    weights["seal.bias"] = np.array([60.0], np.float32)
    found = in_pieces(SpeechNetwork(weights), features, [])
    assert found.min() >= 0 and found.max() <= 1 and found.dtype == np.float32
    assert np.allclose(found[:, INDEX["jawOpen"]], found[:, INDEX["mouthClose"]])
    assert found[:, INDEX["jawOpen"]].max() < 0.05


def test_the_mood_and_the_voice_both_count(network, features):
    state = network.start()
    pleased, angry = network.step(state.copy(), features, 1.0, 0.0), network.step(state.copy(), features, -1.0, 1.0)
    assert np.abs(pleased - angry).max() > 1e-3
    assert np.abs(network.step(state, -features, 1.0, 0.0) - pleased).max() > 1e-3


def test_a_look_ahead_out_of_range_is_refused(network):
    for wrong in (-1.0, 101.0, float("nan")):
        with pytest.raises(ValueError, match="between 0 and 100"):
            network.start(wrong)


def test_wrong_weights_are_refused_in_plain_words(tmp_path):
    with pytest.raises(ModelPackError, match="missing"):
        read_weights(tmp_path / "absent.safetensors")
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"no weights at all")
    with pytest.raises(ModelPackError, match="cannot be read"):
        read_weights(broken)
    other = tmp_path / "other.safetensors"
    save_file(shipped_weights(), other, metadata={"blendshapes": " ".join(reversed(ARKIT_NAMES))})
    with pytest.raises(ModelPackError, match="other coefficients"):
        read_weights(other)
