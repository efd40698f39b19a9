"""Lessons from recorded people: a take (.jsonl) and the sound of the same moment (.wav) with the same name.

`python -m core track VIDEO -o NAME.jsonl` makes the take of any video of somebody talking; its sound is the WAV. The
take's time 0 is the sound's beginning.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.io import wavfile

from core.animation.take import Take
from core.animation.take_files import load_take
from core.audio.features import ACTIVITY, speech_features
from core.bench.speech_measures import CLOSED_GAP, lip_gap
from training.speech.articulation import MOVED, RATE_HZ
from training.speech.sound_changes import to_feature_rate
from training.speech.sounds import UNKNOWN

TAKE_VOICE = 254


def take_clips(folder: Path) -> list[dict[str, np.ndarray]]:
    """A clip of each pair in a folder. SystemExit names a take without its sound."""
    clips = []
    for path in sorted(folder.glob("*.jsonl")):
        sound = path.with_suffix(".wav")
        if not sound.exists():
            raise SystemExit(f"{path.name} needs its sound beside it, named {sound.name}.")
        rate_hz, samples = wavfile.read(sound)
        samples = samples / np.iinfo(samples.dtype).max if samples.dtype.kind == "i" else samples
        mono = samples.mean(1) if samples.ndim == 2 else samples
        clips.append(take_clip(load_take(path), to_feature_rate(mono.astype(np.float32), int(rate_hz), 1.0)))
    return clips


def take_clip(take: Take, samples: np.ndarray) -> dict[str, np.ndarray]:
    """A recorded performance and its (N,) sound at 16 kHz as a clip of `draw.Lessons`: closed lips are those whose gap
    is small while somebody speaks; which sounds were spoken is not known."""
    features = speech_features(samples)
    time_s = (np.arange(len(features)) + 1) / RATE_HZ
    blendshapes = np.stack([np.interp(time_s, take.times_s, track) for track in take.blendshapes.T], 1)
    seal = (lip_gap(blendshapes) < CLOSED_GAP) & (features[:, ACTIVITY] > 0.5)
    frames = len(features)
    return {
        "features": features.astype(np.float16),
        "blendshapes": blendshapes[:, MOVED].astype(np.float16),
        "seal": seal.astype(np.float16),
        "tuck": np.zeros(frames, np.float16),
        "sound": np.full(frames, UNKNOWN, np.uint8),
        "voice": np.full(frames, TAKE_VOICE, np.uint8),
    }
