"""What lips and jaw do for a row of sounds: one mean style of a clear speaker, coarticulated, lips sealed on p b m.

Blending after Cohen and Massaro 1993: each sound pulls towards its pose with a strength that falls off exponentially
around it, separately for jaw, spreading, rounding, aperture and tongue, since a sound holds only what it needs.
The values of `POSES` are own ones, set by eye on the built-in head; half-lives follow the published practice of
lip-sync programs (anticipation about 60 ms, a vowel's up to 200 ms; docs/speech.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.blendshapes import ARKIT_NAMES, COUNT, INDEX
from training.speech.sounds import ROUNDED, SOUND_INDEX, VOWELS, Segment

RATE_HZ = 100.0

# Each pose without sides; "mouthSmile" stands for both.
POSES: dict[str, dict[str, float]] = {
    "sil": {},
    "PP": {"jawOpen": 0.04},  # the seal comes on top, see SEALED
    "FF": {"jawOpen": 0.09},  # lower lip to the teeth on top, see TUCKED
    "TH": {"jawOpen": 0.16, "tongueOut": 0.3, "mouthLowerDown": 0.12},
    "DD": {"jawOpen": 0.14, "mouthLowerDown": 0.1, "tongueOut": 0.02},
    "NN": {"jawOpen": 0.17, "mouthLowerDown": 0.08, "tongueOut": 0.04},
    "SS": {"jawOpen": 0.1, "mouthStretch": 0.22, "mouthLowerDown": 0.2, "mouthUpperUp": 0.1, "mouthSmile": 0.08},
    "CH": {"jawOpen": 0.12, "mouthFunnel": 0.42, "mouthPucker": 0.18, "mouthUpperUp": 0.06},
    "KK": {"jawOpen": 0.2, "mouthStretch": 0.06},
    "RR": {"jawOpen": 0.15, "mouthFunnel": 0.24, "mouthPucker": 0.16},
    "WW": {"jawOpen": 0.11, "mouthPucker": 0.82, "mouthFunnel": 0.18},
    "YY": {"jawOpen": 0.14, "mouthSmile": 0.22, "mouthStretch": 0.16},
    "HH": {"jawOpen": 0.24},
    "AA": {"jawOpen": 0.6, "mouthLowerDown": 0.22, "mouthUpperUp": 0.1},
    "AE": {"jawOpen": 0.53, "mouthStretch": 0.22, "mouthLowerDown": 0.24, "mouthUpperUp": 0.12, "mouthSmile": 0.08},
    "AH": {"jawOpen": 0.34, "mouthLowerDown": 0.12, "mouthUpperUp": 0.05},
    "AO": {"jawOpen": 0.5, "mouthFunnel": 0.34, "mouthPucker": 0.14},
    "EH": {"jawOpen": 0.36, "mouthStretch": 0.2, "mouthSmile": 0.12, "mouthLowerDown": 0.16, "mouthUpperUp": 0.07},
    "ER": {"jawOpen": 0.22, "mouthFunnel": 0.26, "mouthPucker": 0.14},
    "IH": {"jawOpen": 0.17, "mouthSmile": 0.16, "mouthStretch": 0.16, "mouthLowerDown": 0.12},
    "IY": {"jawOpen": 0.12, "mouthSmile": 0.3, "mouthStretch": 0.22, "mouthDimple": 0.12, "mouthLowerDown": 0.12},
    "OW": {"jawOpen": 0.3, "mouthFunnel": 0.36, "mouthPucker": 0.42},
    "UH": {"jawOpen": 0.15, "mouthFunnel": 0.24, "mouthPucker": 0.46},
    "UW": {"jawOpen": 0.12, "mouthPucker": 0.78, "mouthFunnel": 0.22},
    "UE": {"jawOpen": 0.14, "mouthPucker": 0.66, "mouthFunnel": 0.26},
}
SEALED = {"mouthRollLower": 0.3, "mouthRollUpper": 0.26, "mouthPress": 0.34}  # with mouthClose = jawOpen
SEALED_JAW = 0.04
TUCKED = {"mouthRollLower": 0.55, "mouthUpperUp": 0.16, "mouthShrugLower": 0.1}
TUCKED_JAW = 0.09
REST_JAW = 0.0

GROUPS: dict[str, tuple[str, ...]] = {
    "jaw": ("jawOpen",),
    "round": ("mouthFunnel", "mouthPucker"),
    "spread": ("mouthSmile", "mouthStretch", "mouthDimple"),
    "aperture": ("mouthLowerDown", "mouthUpperUp"),
    "tongue": ("tongueOut",),
}
# How strongly a sound holds each group (alpha of the dominance function); consonants of the tongue leave the lips free.
STRENGTH: dict[str, tuple[float, float, float, float, float]] = {
    "sil": (0.9, 0.7, 0.6, 1.0, 1.0), "PP": (0.5, 0.25, 0.25, 0.8, 0.6), "FF": (0.7, 0.3, 0.25, 0.8, 0.6),
    "TH": (0.7, 0.25, 0.2, 0.5, 1.0), "DD": (0.6, 0.2, 0.2, 0.35, 0.8), "NN": (0.5, 0.15, 0.15, 0.3, 0.8),
    "SS": (1.0, 0.4, 0.7, 0.9, 0.8), "CH": (1.0, 1.2, 0.6, 0.6, 0.8), "KK": (0.35, 0.12, 0.12, 0.2, 0.5),
    "RR": (0.5, 0.7, 0.4, 0.3, 0.6), "WW": (0.9, 2.2, 1.0, 0.8, 0.6), "YY": (0.7, 0.5, 0.8, 0.5, 0.6),
    "HH": (0.12, 0.05, 0.05, 0.1, 0.3), "vowel": (1.3, 0.9, 0.8, 1.0, 0.7), "rounded": (1.3, 1.7, 1.0, 1.0, 0.7),
}  # fmt: skip
HALF_LIFE_BEFORE_S = {"jaw": 0.024, "round": 0.045, "spread": 0.04, "aperture": 0.028, "tongue": 0.02}
HALF_LIFE_AFTER_S = {"jaw": 0.024, "round": 0.035, "spread": 0.035, "aperture": 0.028, "tongue": 0.02}
CLOSING_S, OPENING_S = 0.05, 0.045  # from open to sealed, and back: "open at once, close slowly"
LEAD_S = 0.012  # sealed this long before the sound of the closure begins
LEAD_SHARE, RAMP_SHARE, SHORTEST_RAMP_S = 0.15, 0.5, 0.012  # of the sound beside it, where that is short
BURST_SHARE, LONGEST_BURST_S = 0.4, 0.035  # the end of a plosive, with the lips apart already
SHORTEST_SEAL_S = 0.05
LONG_PAUSE_S = 0.16
REST_AFTER_S, REST_BEFORE_S = 0.14, 0.11  # how long the mouth takes to close in a pause, and to open before speech


@dataclass(frozen=True, slots=True, eq=False)
class Articulation:
    """At 100 Hz: blendshapes (T, 52) float32; seal, tuck (T,) in [0, 1]: lips closed, lower lip at the teeth;
    sound: (T,) int, index into SOUNDS."""

    blendshapes: np.ndarray
    seal: np.ndarray
    tuck: np.ndarray
    sound: np.ndarray


def articulate(segments: list[Segment], frames: int, loudness: np.ndarray | None = None) -> Articulation:
    """What the face does for these sounds at (frames,) steps of 10 ms; step i belongs to 10 (i + 1) ms.

    loudness: (frames,) dB above the speech's mean; a loud vowel opens the jaw further, a faint one less.
    """
    time_s = (np.arange(frames) + 1) / RATE_HZ
    plain = {name for pose in POSES.values() for name in pose}
    middle = np.array([(segment.start_s + segment.end_s) / 2 for segment in segments])
    half = np.array([max((segment.end_s - segment.start_s) / 2 - 0.012, 0.004) for segment in segments])
    offset = time_s[:, None] - middle  # (T, N)
    beyond = np.sign(offset) * np.maximum(np.abs(offset) - half, 0.0)
    gains = _jaw_gains(segments, time_s, loudness)
    values = {name: np.zeros(frames) for name in plain}
    for index, (group, names) in enumerate(GROUPS.items()):
        falling = np.where(beyond < 0, -beyond / HALF_LIFE_BEFORE_S[group], beyond / HALF_LIFE_AFTER_S[group])
        pull = np.array([_strength(segment)[index] for segment in segments]) * 0.5**falling + 1e-9
        pull /= pull.sum(1, keepdims=True)
        for name in names:
            aims = np.array([POSES[segment.sound].get(name, 0.0) for segment in segments])
            values[name] = pull @ (aims * gains if group == "jaw" else aims)
    seal, tuck = _seal(segments, time_s), _tuck(segments, time_s)
    _close(values, seal, tuck, _rest(segments, time_s))
    return Articulation(_with_sides(values, frames), seal, tuck, _sound_at(segments, time_s))


def _strength(segment: Segment) -> tuple[float, ...]:
    if segment.sound in VOWELS:
        return STRENGTH["rounded" if segment.sound in ROUNDED else "vowel"]
    return STRENGTH[segment.sound]


def _jaw_gains(segments: list[Segment], time_s: np.ndarray, loudness: np.ndarray | None) -> np.ndarray:
    gains = np.array([1.0 + 0.06 * segment.stress for segment in segments])
    if loudness is not None:
        for i, segment in enumerate(segments):
            inside = (time_s > segment.start_s) & (time_s <= segment.end_s)
            if segment.sound in VOWELS and inside.any():
                gains[i] *= np.clip(1.0 + 0.012 * loudness[inside].mean(), 0.9, 1.12)
    return gains


def _plateau(time_s: np.ndarray, first: float, last: float, rise_s: float, fall_s: float) -> np.ndarray:
    """1 from first to last, cosine ramps beside."""
    rise = np.clip((time_s - first + rise_s) / rise_s, 0.0, 1.0)
    fall = np.clip((last + fall_s - time_s) / fall_s, 0.0, 1.0)
    return 0.25 * (1.0 - np.cos(np.pi * rise)) * (1.0 - np.cos(np.pi * fall))


def _seal(segments: list[Segment], time_s: np.ndarray) -> np.ndarray:
    """(T,) 1 where the lips are closed; a short neighbour shortens the ramp, so that lips are apart in its middle."""
    seal = np.zeros(len(time_s))
    for i, segment in enumerate(segments):
        if segment.sound == "PP":
            before, after = _length_beside(segments, i, -1), _length_beside(segments, i, 1)
            length = segment.end_s - segment.start_s
            burst = min(BURST_SHARE * length, LONGEST_BURST_S) if segment.plosive else 0.004
            first = segment.start_s - min(LEAD_S, LEAD_SHARE * before)
            last = max(segment.end_s - burst, first + SHORTEST_SEAL_S)
            closing = max(min(CLOSING_S, RAMP_SHARE * before), SHORTEST_RAMP_S)
            opening = max(min(OPENING_S, RAMP_SHARE * after), SHORTEST_RAMP_S)
            seal = np.maximum(seal, _plateau(time_s, first, last, closing, opening))
    return seal


def _length_beside(segments: list[Segment], i: int, step: int) -> float:
    """Seconds that the sound beside another lasts; endless for silence and beyond the ends."""
    if not 0 <= i + step < len(segments) or segments[i + step].sound == "sil":
        return np.inf
    return segments[i + step].end_s - segments[i + step].start_s


def _tuck(segments: list[Segment], time_s: np.ndarray) -> np.ndarray:
    tuck = np.zeros(len(time_s))
    for segment in segments:
        if segment.sound == "FF":
            tuck = np.maximum(tuck, _plateau(time_s, segment.start_s, segment.end_s - 0.01, CLOSING_S, OPENING_S))
    return tuck


def _rest(segments: list[Segment], time_s: np.ndarray) -> np.ndarray:
    """(T,) 1 where the mouth rests, lips together, in a long pause and outside of all speech."""
    rest = np.zeros(len(time_s))
    end = segments[-1].end_s if segments else 0.0
    pauses = [(s.start_s, s.end_s) for s in segments if s.sound == "sil" and s.end_s - s.start_s > LONG_PAUSE_S]
    for start, stop in [*pauses, (end, time_s[-1] + 1.0)]:
        begins = -1.0 if start <= 0.02 else start + REST_AFTER_S
        ends = stop - 0.02 if stop < time_s[-1] else stop + 1.0
        if ends - REST_BEFORE_S > begins:
            rest = np.maximum(rest, _plateau(time_s, begins, ends - REST_BEFORE_S, REST_AFTER_S, REST_BEFORE_S))
    return rest


def _close(values: dict[str, np.ndarray], seal: np.ndarray, tuck: np.ndarray, rest: np.ndarray) -> None:
    """Seals the lips, tucks the lower one, closes the mouth at rest. mouthClose corrects jawOpen: it equals the jaw
    where the lips are sealed, else the lips would tear or stay apart."""
    for name in values:
        values[name] = values[name] * (1.0 - rest)
    values["jawOpen"] = values["jawOpen"] + tuck * (np.minimum(values["jawOpen"], TUCKED_JAW) - values["jawOpen"])
    sealed_jaw = np.minimum(values["jawOpen"], SEALED_JAW)
    values["jawOpen"] = values["jawOpen"] + seal * (sealed_jaw - values["jawOpen"])
    values["mouthClose"] = seal * values["jawOpen"]
    for name in ("mouthLowerDown", "mouthUpperUp", "tongueOut", "mouthStretch", "mouthFunnel"):
        values[name] = values[name] * (1.0 - 0.9 * np.maximum(seal, tuck if name != "mouthStretch" else 0.5 * tuck))
    values["mouthPucker"] = values["mouthPucker"] * (1.0 - 0.4 * np.maximum(seal, tuck))
    for name in {**SEALED, **TUCKED}:
        added = seal * SEALED.get(name, 0.0) + (1.0 - seal) * tuck * TUCKED.get(name, 0.0)
        values[name] = values.get(name, np.zeros(len(seal))) + added


def _with_sides(values: dict[str, np.ndarray], frames: int) -> np.ndarray:
    blendshapes = np.zeros((frames, COUNT), np.float32)
    for name, track in values.items():
        for full in (name, f"{name}Left", f"{name}Right"):
            if full in INDEX:
                blendshapes[:, INDEX[full]] = track
    return np.clip(blendshapes, 0.0, 1.0)


def _sound_at(segments: list[Segment], time_s: np.ndarray) -> np.ndarray:
    """Index of the sound in the middle of each step; silence outside."""
    found = np.full(len(time_s), SOUND_INDEX["sil"])
    for segment in segments:
        found[(time_s - 0.005 >= segment.start_s) & (time_s - 0.005 < segment.end_s)] = SOUND_INDEX[segment.sound]
    return found


MOVED = tuple(i for i, name in enumerate(ARKIT_NAMES) if any(name.startswith(n) for p in POSES.values() for n in p)
              or name.startswith(("mouthRoll", "mouthPress", "mouthShrugLower", "mouthClose")))  # fmt: skip
"""Channels that speech itself moves."""
