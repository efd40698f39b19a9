"""`python -m training.speech` from end to end, on seconds of everything."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("hydra")
pytest.importorskip("tensorboard")

from core.audio.speech_network import SpeechNetwork, read_weights
from core.bench.speech import HeldOutSpeech, speech_measures
from training.speech.__main__ import final_arrays, learn_settings, lessons_of, read_config, train
from training.speech.learn import Learner


def test_configurations_say_what_the_trainer_understands():
    shipped, changed = read_config("default", []), read_config("default", ["learn.face_steps=7"])
    assert learn_settings(shipped).seed == shipped.learn.seed
    assert learn_settings(changed).ear_steps == shipped.learn.ear_steps and learn_settings(changed).face_steps == 7
    assert shipped.draw.held_out_seed != shipped.draw.seed
    refined = read_config("refine", [])
    assert learn_settings(refined).ear_steps == 0 and learn_settings(refined).weights.seal_gain == 2.0
    assert refined.draw.seed != shipped.draw.seed and refined.begin_from and refined.prompts
    strange, final = read_config("strangers", []), read_config("final", [])
    assert learn_settings(strange).strangers and not learn_settings(shipped).strangers
    assert final.begin_from.startswith(strange.folder) and final.draw.seed != shipped.draw.seed
    assert not final.prompts and not final.takes  # no recording whose licence is passed on
    assert final.output == "core/audio/data/speech_network.safetensors"
    assert all(config.output.startswith(".speech-training/") for config in (shipped, refined, strange))


@pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")
def test_the_command_draws_trains_writes_and_goes_on(tmp_path, capsys):
    output = tmp_path / "weights.safetensors"
    places = [f"folder={tmp_path}/run", f"output={output}", f"held_out={tmp_path}/held_out.npz"]
    config = read_config("tiny", [*places, "draw.minutes=0.3", "draw.held_out_minutes=0.2"])
    train(config)
    said = capsys.readouterr().out
    assert "step 8/8" in said and "closure recall" in said
    assert any((tmp_path / "run" / "tensorboard").iterdir())
    measured = speech_measures(SpeechNetwork.load(output), HeldOutSpeech.load(tmp_path / "held_out.npz"), 50.0)
    assert np.isfinite(list(measured.values())).all()
    train(config)
    assert "step" not in capsys.readouterr().out.split("weights")[0]
    begun = read_config("tiny", [*places, f"begin_from={tmp_path}/run/checkpoint.pt", "begin_share=0.25"])
    learner = Learner(lessons_of(begun), tmp_path / "again", learn_settings(begun), lambda name, value, step: None)
    kept, fresh, mean = read_weights(output), learner.network.arrays(), final_arrays(learner, begun)
    assert np.allclose(mean["tokens"], 0.75 * fresh["tokens"] + 0.25 * kept["tokens"], atol=1e-3)
