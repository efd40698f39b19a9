"""The trained network is the network that runs, and its lessons are labelled as they say."""

from __future__ import annotations

import numpy as np
import pytest

from core.blendshapes import COUNT, EMOTIONS, INDEX
from core.expression.emotion_lstm import USUAL_STEP_S, WEIGHTS_FILE, EmotionLstm
from training.emotion_lstm.evaluate import CLASSES, RATE_HZ, best_one_euro, concordance, learned, mean_following
from training.emotion_lstm.feelings import VALENCE_AROUSAL, labels_of, random_feeling
from training.emotion_lstm.sequences import draw_sequences
from training.motion import random_motion


def test_the_engine_computes_what_was_trained() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed; `make install-train` brings it")
    from training.emotion_lstm.network import EmotionNetwork

    torch.manual_seed(0)
    network = EmotionNetwork()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    drawn = draw_sequences(1, 60, np.random.default_rng(0))
    drawn.elapsed_s[:, 0] = USUAL_STEP_S  # which the engine takes for the first frame
    noisy, elapsed_s = torch.from_numpy(drawn.noisy), torch.from_numpy(drawn.elapsed_s)
    with torch.no_grad():
        expected = network.smooth(noisy, elapsed_s)
        plane, logits = network.read(expected, elapsed_s)
    engine = EmotionLstm({name: value.astype(np.float64) for name, value in network.weights().items()})
    times_s = np.cumsum(drawn.elapsed_s[0], dtype=float)
    readings = [engine.step(values, time_s) for values, time_s in zip(drawn.noisy[0], times_s, strict=True)]
    np.testing.assert_allclose(np.stack([r.blendshapes for r in readings]), expected[0], atol=2e-5)
    np.testing.assert_allclose(np.array([(r.valence, r.arousal) for r in readings]), plane[0], atol=2e-5)
    np.testing.assert_allclose(np.stack([r.emotion for r in readings]), torch.softmax(logits[0], 1), atol=2e-5)


def test_what_ships_beats_one_euro_of_the_same_lag_on_sequences_it_never_saw() -> None:
    given = draw_sequences(4, 450, np.random.default_rng(12345), RATE_HZ)
    rows = list(zip(given.noisy, given.truth, given.elapsed_s, strict=True))
    answers = [learned(noisy, elapsed_s, WEIGHTS_FILE) for noisy, _, elapsed_s in rows]
    for name in ("expression", "blink"):
        channels = [INDEX[channel] for channel in CLASSES[name]]
        ours = mean_following([(a, y) for (a, _), (_, y, _) in zip(answers, rows, strict=True)], channels)
        raw = mean_following([(x, y) for x, y, _ in rows], channels)
        other = best_one_euro(given, channels, max(ours.lag_frames, 0.0))
        assert ours.acceleration_error <= 0.5 * other.acceleration_error
        assert ours.peak_gain >= 0.95
        assert ours.error <= raw.error
        assert ours.lag_frames <= 0.5
    planes, truth = np.concatenate([plane for _, plane in answers]), given.plane.reshape(-1, 2)
    assert min(concordance(planes[:, k], truth[:, k]) for k in range(2)) >= 0.8


def test_feelings_peak_at_their_place_in_the_plane_and_begin_and_end_at_rest() -> None:
    rng = np.random.default_rng(0)
    time_s = np.arange(0, 12, 1 / 30)
    for _ in range(30):
        feeling = random_feeling(1.0, rng)
        coefficients, plane, emotion = labels_of([feeling], time_s)
        assert not coefficients[time_s < 1.0].any()
        assert not coefficients[time_s > feeling.times_s[-1]].any()
        np.testing.assert_allclose(emotion.sum(1), 1.0)
        apex = int(feeling.envelope(time_s).argmax())
        expected = feeling.clarity * np.array(VALENCE_AROUSAL[EMOTIONS[feeling.emotion]])
        np.testing.assert_allclose(plane[apex], expected, atol=0.05)


def test_contempt_keeps_to_one_side() -> None:
    rng = np.random.default_rng(1)
    faces = [f for f in (random_feeling(0.0, rng) for _ in range(200)) if EMOTIONS[f.emotion] == "contempt"]
    assert faces
    for feeling in faces:
        left, right = (feeling.apex[INDEX[f"mouthDimple{side}"]] for side in ("Left", "Right"))
        assert min(left, right) <= 0.35 * max(left, right)


def test_motion_is_bounded_deterministic_and_shows_every_channel_somewhere() -> None:
    seen = np.zeros(COUNT)
    for seed in range(60):
        moved = random_motion(600, 30.0, np.random.default_rng(seed))
        assert moved.shape == (600, COUNT)
        assert moved.min() >= 0.0
        assert moved.max() <= 1.0
        assert (moved[:, INDEX["mouthClose"]] <= moved[:, INDEX["jawOpen"]]).all()
        seen = np.maximum(seen, moved.max(axis=0))
    assert (seen > 0.3).all()
    np.testing.assert_array_equal(moved, random_motion(600, 30.0, np.random.default_rng(59)))


def test_blinks_come_as_often_as_in_people() -> None:
    counts = []
    for seed in range(40):
        lid = random_motion(1800, 30.0, np.random.default_rng(seed), gestures=False)[:, INDEX["eyeBlinkLeft"]]
        counts.append(int((np.diff((lid > 0.4).astype(int)) == 1).sum()))
    assert 10 < np.median(counts) < 32
