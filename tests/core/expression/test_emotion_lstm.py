"""EmotionLSTM as it ships: exact where nothing shakes, steadier than One-Euro where something does, one curve at all
rates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from core.bench.signal_measures import following
from core.blendshapes import ARKIT_NAMES, COUNT, EMOTION_PROTOTYPES, EMOTIONS, INDEX
from core.errors import InputError, ModelPackError
from core.expression.emotion_lstm import EmotionLstm, EmotionReading, load_weights, shipped_weights
from core.filtering.one_euro import OneEuroFilter, OneEuroParameters


def played(coefficients: np.ndarray, rate_hz: float = 30.0) -> list[EmotionReading]:
    network = EmotionLstm()
    return [network.step(values, k / rate_hz) for k, values in enumerate(coefficients)]


def clean(coefficients: np.ndarray, rate_hz: float = 30.0) -> np.ndarray:
    return np.stack([reading.blendshapes for reading in played(coefficients, rate_hz)])


def blinks_and_smiles(rate_hz: float = 30.0, seconds: float = 12.0) -> np.ndarray:
    """(n, 52) a blink every 2.5 s and slow smiles, as a tracker without noise would report them."""
    time_s = np.arange(round(rate_hz * seconds)) / rate_hz
    values = np.zeros((len(time_s), COUNT))
    phase = time_s % 2.5
    blink = np.clip(phase / 0.09, 0, 1) * np.clip((0.28 - phase) / 0.17, 0, 1)
    smile = 0.4 - 0.4 * np.cos(2 * np.pi * time_s / 4)
    for side in ("Left", "Right"):
        values[:, INDEX[f"eyeBlink{side}"]] = 0.9 * blink
        values[:, INDEX[f"mouthSmile{side}"]] = smile
    return values


def prototype(emotion: str, strength: float = 1.0) -> np.ndarray:
    values = np.zeros(COUNT)
    for name, value in EMOTION_PROTOTYPES[emotion].items():
        for full in (name, f"{name}Left", f"{name}Right"):
            if full in INDEX:
                values[INDEX[full]] = strength * value
    return values


def test_zero_stays_zero_and_a_constant_comes_out_as_it_went_in() -> None:
    assert not clean(np.zeros((60, COUNT))).any()
    values = np.random.default_rng(0).random(COUNT)
    np.testing.assert_allclose(clean(np.tile(values, (60, 1))), np.tile(values, (60, 1)), atol=1e-6)


def test_a_step_is_reached_within_a_tenth_of_a_second_and_then_kept() -> None:
    values = np.zeros((90, COUNT))
    values[30:] = 0.7
    answer = clean(values)
    assert answer.max() < 0.85
    np.testing.assert_allclose(answer[33:36], 0.7, atol=0.12)
    np.testing.assert_allclose(answer[60:], 0.7, atol=0.01)


def test_steadier_than_one_euro_of_the_same_lag_with_whole_peaks() -> None:
    truth = blinks_and_smiles()
    noisy = np.clip(truth + np.random.default_rng(1).normal(0, 0.02, truth.shape), 0, 1)
    moving = [INDEX["eyeBlinkLeft"], INDEX["eyeBlinkRight"], INDEX["mouthSmileLeft"], INDEX["mouthSmileRight"]]
    ours = following(clean(noisy)[:, moving], truth[:, moving])
    grid = []
    for cutoff_hz in (0.05, 0.5, 1.0, 2.0, 4.0):
        for beta in (1.0, 2.0, 5.0, 10.0, 20.0):
            other = OneEuroFilter(OneEuroParameters(cutoff_hz, beta))
            filtered = np.stack([other.filter(values, k / 30) for k, values in enumerate(noisy)])
            grid.append(following(filtered[:, moving], truth[:, moving]))
    best = min(
        (found for found in grid if found.lag_frames <= max(ours.lag_frames, 0.0) + 0.05),
        key=lambda found: found.acceleration_error,
    )
    assert ours.lag_frames <= 1.0
    assert ours.peak_gain >= 0.95
    assert ours.acceleration_error < 0.5 * best.acceleration_error


@pytest.mark.parametrize("rate_hz", [15.0, 24.0, 60.0])
def test_other_frame_rates_give_the_same_curve(rate_hz: float) -> None:
    usual, other = clean(blinks_and_smiles()), clean(blinks_and_smiles(rate_hz), rate_hz)
    channel = INDEX["mouthSmileLeft"]
    times_s = np.arange(0.5, 11.0, 0.1)
    at_usual = np.interp(times_s, np.arange(len(usual)) / 30, usual[:, channel])
    at_other = np.interp(times_s, np.arange(len(other)) / rate_hz, other[:, channel])
    assert np.abs(at_usual - at_other).max() < 0.05


def test_dropped_frames_and_long_gaps_do_no_harm() -> None:
    values = blinks_and_smiles()
    network, kept = EmotionLstm(), np.random.default_rng(2).random(len(values)) > 0.25
    for k in np.flatnonzero(kept):
        reading = network.step(values[k], k / 30)
        assert np.abs(reading.blendshapes - values[k]).max() < 0.45
    late = np.full(COUNT, 0.5)
    np.testing.assert_array_equal(network.step(late, 60.0).blendshapes, late.astype(np.float32))


def test_the_same_time_repeats_the_answer_and_an_earlier_one_begins_anew() -> None:
    network = EmotionLstm()
    network.step(np.zeros(COUNT), 1.0)
    first = network.step(np.full(COUNT, 0.4), 1.1)
    assert network.step(np.full(COUNT, 0.9), 1.1) is first
    np.testing.assert_allclose(network.step(np.full(COUNT, 0.9), 0.2).blendshapes, 0.9, atol=1e-6)


def test_sides_are_treated_alike() -> None:
    from core.blendshapes import MIRROR

    values = np.clip(blinks_and_smiles() + np.random.default_rng(3).normal(0, 0.02, (360, COUNT)), 0, 1)
    straight, mirrored = clean(values), clean(values[:, list(MIRROR)])[:, list(MIRROR)]
    assert np.abs(straight - mirrored).mean() < 0.01


@pytest.mark.parametrize(
    ("emotion", "valence", "arousal"),
    [
        ("happiness", 1, 1),
        ("sadness", -1, -1),
        ("anger", -1, 1),
        ("fear", -1, 1),
        ("surprise", 0, 1),
        ("disgust", -1, 1),
    ],
)
def test_posed_emotions_fall_into_their_quadrant_and_are_named(emotion: str, valence: int, arousal: int) -> None:
    time_s = np.arange(75) / 30
    rise = np.clip((time_s - 0.5) / 0.5, 0, 1)
    reading = played(rise[:, None] * prototype(emotion))[-1]
    if valence:
        assert np.sign(reading.valence) == valence
    assert np.sign(reading.arousal) == arousal
    assert EMOTIONS[int(reading.emotion.argmax())] == emotion
    assert reading.emotion.sum() == pytest.approx(1.0, abs=1e-5)


def test_a_face_at_rest_feels_nothing() -> None:
    reading = played(np.zeros((60, COUNT)))[-1]
    assert EMOTIONS[int(reading.emotion.argmax())] == "neutral"
    assert abs(reading.valence) < 0.15
    assert abs(reading.arousal) < 0.15


@pytest.mark.parametrize("bad", [np.zeros(51), np.full(COUNT, np.nan)])
def test_bad_input_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(InputError, match="52 finite"):
        EmotionLstm().step(bad, 0.0)


def test_foreign_weights_are_refused(tmp_path: Path) -> None:
    weights = {name: value.astype(np.float32) for name, value in shipped_weights().items()}
    path = tmp_path / "weights.safetensors"
    save_file(weights, path, metadata={"blendshapes": " ".join(reversed(ARKIT_NAMES))})
    with pytest.raises(ModelPackError, match="52 ARKit names"):
        load_weights(path)
    weights["affect.readout"] = weights["affect.readout"][:3]
    save_file(weights, path, metadata={"blendshapes": " ".join(ARKIT_NAMES)})
    with pytest.raises(ModelPackError, match=r"affect\.readout must be"):
        load_weights(path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ModelPackError, match="cannot be read"):
        load_weights(path)
