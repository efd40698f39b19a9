"""Draws the lessons: voices speak, sounds are changed, features and articulation are written beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from core.audio.features import ACTIVITY, FEATURES, RATE_HZ, speech_features
from training.speech.articulation import MOVED, articulate
from training.speech.sound_changes import SoundChanges, change, noise, stretched, to_feature_rate, tones
from training.speech.sounds import SOUND_INDEX, VOWELS
from training.speech.texts import sentence
from training.speech.voices import VOICES, Spoken, Voice, installed, speak

HELD_OUT = frozenset({"kal16", "kal_diphone", "lp_diphone", "czech_krb", "en-us+f1", "es"})
SENTENCES_AT_ONCE = 12
HOP_S = 0.01


@dataclass(slots=True, eq=False)
class Lessons:
    """One long row of clips at 100 Hz. features (T, 84), blendshapes (T, len(MOVED)): float16; seal, tuck: (T,)
    float16; sound: (T,) uint8; voice: (T,) uint8, index into voices; starts: first step of each clip."""

    features: np.ndarray
    blendshapes: np.ndarray
    seal: np.ndarray
    tuck: np.ndarray
    sound: np.ndarray
    voice: np.ndarray
    starts: np.ndarray
    voices: list[str] = field(default_factory=list)

    def save(self, path: Path) -> None:
        """Writes an .npz file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **{name: getattr(self, name) for name in self.__slots__})

    @staticmethod
    def load(path: Path) -> Lessons:
        """What `save` wrote."""
        with np.load(path) as file:
            parts = {name: file[name] for name in Lessons.__slots__}
        return Lessons(**{**parts, "voices": [str(name) for name in parts["voices"]]})


def draw_lessons(
    minutes: float,
    rng: np.random.Generator,
    how: SoundChanges,
    held_out: bool = False,
    variants: int = 2,
    further: Sequence[dict[str, np.ndarray]] = (),
) -> Lessons:
    """About so many minutes of speech, with a twelfth of silence, noise and tones.

    held_out: of the voices that are never trained on; variants: how often each sentence is heard, changed otherwise
    each time; further: clips of recorded people (`takes`), taken in among the others.
    """
    voices = [voice for voice in VOICES if (voice.name in HELD_OUT) == held_out and installed(voice)]
    if not voices:
        raise SystemExit("No voice is installed. Debian: apt-get install flite festival espeak-ng (docs/speech.md).")
    shares = np.array([voice.share for voice in voices])
    clips = list(further)
    heard_s, told_s = 0.0, 0.0
    while heard_s < 60.0 * minutes:
        number = int(rng.choice(len(voices), p=shares / shares.sum()))
        for spoken in _spoken(voices[number], rng):
            for _ in range(variants):
                clip = speech_clip(spoken, number, rng, how)
                clips.append(clip)
                heard_s += HOP_S * len(clip["seal"])
        if rng.random() < 0.6:
            clips.append(quiet_clip(rng))
        if heard_s - told_s > 300.0:
            told_s = heard_s
            print(f"drawn {heard_s / 60:.0f} of {minutes:.0f} minutes", flush=True)
    order = rng.permutation(len(clips))
    joined = {name: np.concatenate([clips[i][name] for i in order]) for name in clips[0]}
    starts = np.cumsum([0, *(len(clips[i]["seal"]) for i in order[:-1])])
    return Lessons(**joined, starts=starts, voices=[voice.name for voice in voices])


def _spoken(voice: Voice, rng: np.random.Generator) -> list[Spoken]:
    texts = [sentence(voice.language, rng) for _ in range(SENTENCES_AT_ONCE)]
    try:
        return speak(voice, texts, rng)
    except KeyError as error:
        print(f"{voice.name}: {error}")
        return []


def speech_clip(spoken: Spoken, voice: int, rng: np.random.Generator, how: SoundChanges) -> dict[str, np.ndarray]:
    """Features and articulation of one changed sentence."""
    factor = float(np.exp(rng.uniform(np.log(how.slowest), np.log(how.fastest))))
    sound = to_feature_rate(spoken.samples, spoken.rate_hz, factor)
    before_s, after_s = rng.uniform(0.05, 0.5), rng.uniform(0.0, 0.4)
    segments = stretched(spoken.segments, spoken.rate_hz, factor, before_s)
    padded = np.pad(sound, (round(before_s * RATE_HZ), round(after_s * RATE_HZ)))
    features = speech_features(change(padded, rng, how))
    frames = len(features)
    loudness = _loudness(padded, frames)
    at = np.array([s.sound in VOWELS for s in segments])
    inside = np.zeros(frames, bool)
    for segment, vowel in zip(segments, at, strict=True):
        if vowel:
            inside[int(segment.start_s / HOP_S) : int(segment.end_s / HOP_S)] = True
    mean_db = loudness[inside].mean() if inside.any() else 0.0
    found = articulate(segments, frames, loudness - mean_db)
    return _row(features, found.blendshapes[:, MOVED], found.seal, found.tuck, found.sound, voice)


def quiet_clip(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Silence, noise or tones, to which the mouth stays closed."""
    count = int(rng.uniform(1.5, 4.0) * RATE_HZ)
    kind, level = rng.random(), 10 ** (rng.uniform(-60, -14) / 20)
    sound = np.zeros(count) if kind < 0.15 else level * (noise if kind < 0.65 else tones)(count, rng)
    features = speech_features(np.clip(sound, -1, 1).astype(np.float32))
    frames = len(features)
    zeros = np.zeros(frames)
    return _row(features, np.zeros((frames, len(MOVED))), zeros, zeros, zeros + SOUND_INDEX["sil"], 255)


def _row(features, blendshapes, seal, tuck, sound, voice: int) -> dict[str, np.ndarray]:
    assert features.shape[1] == FEATURES > ACTIVITY
    return {
        "features": features.astype(np.float16),
        "blendshapes": blendshapes.astype(np.float16),
        "seal": seal.astype(np.float16),
        "tuck": tuck.astype(np.float16),
        "sound": sound.astype(np.uint8),
        "voice": np.full(len(seal), voice, np.uint8),
    }


def _loudness(samples: np.ndarray, frames: int) -> np.ndarray:
    """(frames,) dB of the last 10 ms, smoothed over 70 ms."""
    power = np.square(samples[: frames * RATE_HZ // 100]).reshape(frames, -1).mean(1)
    smooth = np.convolve(np.pad(power, 3, "edge"), np.ones(7) / 7, "valid")
    return 10 * np.log10(smooth + 1e-8)
