"""The speech bench: the held-out clips, the shipped network's readings, and what is said when they are missing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.audio.speech_network import SpeechNetwork
from core.bench.speech import HeldOutSpeech, readings_of, speech_measures, streaming_difference
from core.bench.speech_measures import seal_runs
from core.errors import ModelPackError


@pytest.fixture(scope="module")
def held_out():
    return HeldOutSpeech.load()


@pytest.fixture(scope="module")
def network():
    return SpeechNetwork.load()


def test_held_out_clips_survive_the_file_to_one_byte(tmp_path, held_out):
    held_out.save(tmp_path / "again.npz")
    again = HeldOutSpeech.load(tmp_path / "again.npz")
    step = np.ptp(held_out.features, axis=0) / 255
    assert (np.abs(again.features - held_out.features) <= 0.51 * step + 1e-6).all()
    assert np.abs(again.blendshapes - held_out.blendshapes).max() < 0.003
    assert np.array_equal(again.sound, held_out.sound)


def test_held_out_clips_are_speech_with_many_closures(held_out):
    assert len(held_out.features) >= 23900 and len(seal_runs(held_out.seal)) > 150
    assert len(np.unique(held_out.sound)) > 20


def test_missing_clips_say_how_to_draw_them(tmp_path):
    with pytest.raises(ModelPackError, match=r"training\.speech"):
        HeldOutSpeech.load(tmp_path / "absent.npz")


def test_the_shipped_network_follows_voices_it_never_heard(network, held_out):
    measured = speech_measures(network, held_out, 100.0)
    assert measured["closure recall"] >= 0.95
    assert abs(measured["lag"]) <= 20.0
    for name in ("jawOpen", "mouthLowerDownLeft", "mouthStretchLeft"):
        assert measured[f"correlation {name}"] >= 0.85
    assert measured["correlation lip gap"] >= 0.8
    assert 0.6 < measured["jerk / true jerk"] < 1.4


def test_a_longer_look_ahead_hears_more(network, held_out):
    first = replace(held_out, features=held_out.features[:4000], blendshapes=held_out.blendshapes[:1200])
    blind, ahead = (speech_measures(network, first, ms)["correlation lip gap"] for ms in (0.0, 100.0))
    assert ahead > blind


def test_the_shipped_network_streams_as_it_hears_at_once(network, held_out):
    assert streaming_difference(network, held_out.features[:1500]) < 1e-4


def test_budgets_stand_beside_what_they_bound():
    measured = {"correlation jawOpen": 0.9, "lag": -30.0, "MAE jaw": 0.1}
    bounded = {reading.name: reading for reading in readings_of(measured, "", True)}
    assert bounded["1 - correlation jawOpen"].is_met and bounded["size of the lag"].is_met is False
    assert [reading.name for reading in readings_of(measured, "", False)] == ["correlation jawOpen", "lag"]
