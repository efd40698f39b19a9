"""`python -m training.speech --config default [key=value ...]`: draws lessons, trains, evaluates, writes the weights.

Stopped at any moment, the same command goes on where it was. What the shipped weights cost stands in docs/speech.md.
"""

from __future__ import annotations

import argparse
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf
from safetensors.numpy import save_file
from torch.utils.tensorboard import SummaryWriter

from core.audio.speech_network import SpeechNetwork
from core.blendshapes import ARKIT_NAMES
from training.speech.draw import Lessons, draw_lessons, speech_clip
from training.speech.evaluate import held_out_clips, report
from training.speech.learn import Learner, LearnSettings
from training.speech.losses import LossWeights
from training.speech.prompts import PROMPT_VOICE, spoken_prompts
from training.speech.sound_changes import SoundChanges
from training.speech.takes import take_clips

CONFIGS = Path(__file__).parent / "config"


def read_config(name: str, changes: list[str]) -> DictConfig:
    """A configuration of `CONFIGS` by name, or a YAML file by path, with changes ("learn.face_steps=10") on top."""
    path = Path(name)
    folder, stem = (path.resolve().parent, path.stem) if path.suffix in {".yaml", ".yml"} else (CONFIGS, name)
    with initialize_config_dir(str(folder), version_base="1.3"):
        return compose(stem, changes)


def lessons_of(config: DictConfig) -> Lessons:
    """The lessons of the folder, drawn where they are not there yet."""
    path = Path(config.folder) / "lessons.npz"
    if not path.exists():
        further = take_clips(Path(config.takes)) if config.takes else []
        how = SoundChanges(**_plain(config.changes))
        if config.prompts:
            further += prompt_clips(config, how)
        rng = np.random.default_rng(config.draw.seed)
        draw_lessons(config.draw.minutes, rng, how, variants=config.draw.variants, further=further).save(path)
    return Lessons.load(path)


def prompt_clips(config: DictConfig, how: SoundChanges) -> list[dict[str, np.ndarray]]:
    """Clips of the first so many recorded prompts, each changed several times."""
    rng = np.random.default_rng(config.draw.seed + 1)
    spoken = islice(spoken_prompts(Path(config.prompts)), config.draw.prompts)
    return [speech_clip(each, PROMPT_VOICE, rng, how) for each in spoken for _ in range(config.draw.prompt_variants)]


def final_arrays(learner: Learner, config: DictConfig) -> dict[str, np.ndarray]:
    """Weights by name: the mean of what was learned and, to the share `begin_share`, of what it began from, which does
    better on strangers than either (Wortsman et al. 2022, "Robust fine-tuning")."""
    arrays, share = learner.network.arrays(), config.begin_share
    if share:
        before = torch.load(Path(config.begin_from), weights_only=True)["network"]
        arrays = {name: (1.0 - share) * value + share * before[name].numpy() for name, value in arrays.items()}
    return {**arrays, "release": np.array([config.release.sharpness, config.release.threshold], np.float32)}


def write_weights(learner: Learner, config: DictConfig) -> None:
    """The weights file, in half precision."""
    arrays = final_arrays(learner, config)
    output = Path(config.output)
    output.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"blendshapes": " ".join(ARKIT_NAMES), "seed": str(config.learn.seed), "steps": str(learner.steps)}
    save_file({name: value.astype(np.float16) for name, value in arrays.items()}, output, metadata=metadata)
    print(f"{output}: {output.stat().st_size / 1e6:.1f} MB")


def _plain(config: DictConfig) -> dict[str, Any]:
    return dict(OmegaConf.to_container(config, resolve=True))


def learn_settings(config: DictConfig) -> LearnSettings:
    """Of the part `learn`."""
    values = _plain(config.learn)
    values["weights"] = LossWeights(**values.get("weights", {}))
    if "delays" in values:
        values["delays"] = tuple(values["delays"])
    return LearnSettings(**values)


def train(config: DictConfig) -> None:
    """Everything, in order; each part is left out where its result is there already."""
    torch.set_num_threads(config.threads)
    folder = Path(config.folder)
    lessons = lessons_of(config)
    with SummaryWriter(str(folder / "tensorboard")) as writer:
        learner = Learner(lessons, folder, learn_settings(config), writer.add_scalar)
        if config.begin_from:
            learner.begin_from(Path(config.begin_from))
        learner.resume()
        learner.run()
        write_weights(learner, config)
        held_out = Path(config.held_out)
        if not held_out.exists():
            rng = np.random.default_rng(config.draw.held_out_seed)
            how = SoundChanges(**_plain(config.held_out_changes))
            drawn = draw_lessons(config.draw.held_out_minutes, rng, how, held_out=True, variants=1)
            held_out_clips(drawn).save(held_out)
        for name, value in report(SpeechNetwork.load(Path(config.output)), held_out).items():
            writer.add_scalar(f"held_out/{name}", value, learner.step)
            print(f"{name}: {value:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.speech", description=__doc__)
    parser.add_argument("--config", default="default", help="a name in training/speech/config, or a YAML file")
    parser.add_argument("changes", nargs="*", help="key=value, for example learn.face_steps=100")
    arguments = parser.parse_args()
    train(read_config(arguments.config, arguments.changes))


if __name__ == "__main__":
    main()
