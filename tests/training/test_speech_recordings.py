"""Real people: phone times by forced alignment, and what the shipped network makes of their voices."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pocketsphinx")

from core.audio.features import speech_features
from core.audio.speech_network import SpeechNetwork
from core.bench.speech_measures import lip_gap
from core.blendshapes import INDEX
from training.speech.recordings import TEXTS, judge, phones_of, read_recording

FOLDER = Path(os.environ.get("LIVE_AVATAR_SPEECH", Path(__file__).parents[3] / "shared" / "media" / "speech"))


def recording(name):
    path = FOLDER / f"{name}.wav"
    if not path.exists():
        pytest.skip(f"the recording {path.name} is not here (folder LIVE_AVATAR_SPEECH)")
    return read_recording(path)


@pytest.fixture(scope="module")
def network():
    return SpeechNetwork.load()


@pytest.mark.slow
@pytest.mark.parametrize("name", TEXTS)
def test_phone_times_lie_inside_the_sound_and_in_order(name):
    samples = recording(name)
    phones = phones_of(samples, TEXTS[name])
    times = np.array([(start, end) for _, start, end in phones])
    assert len(phones) > 60 and times.min() >= 0 and times.max() <= len(samples) / 16000 + 0.02
    assert (np.diff(times.ravel()) >= -1e-6).all()


@pytest.mark.slow
def test_people_close_their_lips_open_their_jaws_and_round(network):
    judged = []
    for name in TEXTS:
        samples = recording(name)
        judged.append(judge(network, samples, phones_of(samples, TEXTS[name])))
    weights = np.array([each["closures"] for each in judged])

    def mean(measure):
        return float(np.average([each[measure] for each in judged], weights=weights))

    assert mean("closure recall") >= 0.85 and mean("false closures") <= 0.2
    assert mean("open vowels above closed ones") >= 0.85
    assert mean("rounded above unrounded") >= 0.75


def test_silence_and_noise_leave_the_mouth_closed(network):
    rng = np.random.default_rng(1)
    for level in (0.0, 0.003, 0.03):
        sound = (level * rng.standard_normal(16000 * 4)).astype(np.float32)
        found = network.step(network.start(), speech_features(sound))
        assert found[30:, INDEX["jawOpen"]].max() < 0.1, level
        assert np.median(lip_gap(found[30:])) < 0.06, level
