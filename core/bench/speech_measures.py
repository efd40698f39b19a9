"""How well a face speaks: definitions in docs/speech.md. Frames are at 30 Hz, sounds are named in `SOUND_NAMES`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from core.blendshapes import INDEX, REGIONS
from core.structures import FloatArray

FRAME_RATE_HZ = 30.0
CLOSED_GAP = 0.04  # lips touch: in units of jawOpen
EDGE_S = 0.02  # phone borders are not known better
LIPS: tuple[str, ...] = (
    "mouthClose", "mouthPucker", "mouthFunnel", "mouthRollLower", "mouthLowerDownLeft", "mouthStretchLeft",
)  # fmt: skip
SPOKEN_REGIONS = ("jaw", "mouth", "brows", "eyes", "cheeks", "nose", "tongue")
MOST_LAG_MS = 200.0
GAP_SIDES = {"mouthLowerDown": 0.175, "mouthUpperUp": 0.175, "mouthPress": -0.05}
GAP_ROLLS = {"mouthRollLower": -0.1, "mouthRollUpper": -0.1}


def lip_gap(blendshapes: Any) -> Any:
    """(...) how far the lips are apart, in units of jawOpen, of (..., 52) coefficients; below 0 where they press.

    mouthClose corrects jawOpen, so the two are subtracted; the others open or press the lips themselves. Works on NumPy
    and torch alike.
    """
    gap = blendshapes[..., INDEX["jawOpen"]] - blendshapes[..., INDEX["mouthClose"]]
    for name, weight in GAP_SIDES.items():
        gap = gap + weight * (blendshapes[..., INDEX[f"{name}Left"]] + blendshapes[..., INDEX[f"{name}Right"]])
    for name, weight in GAP_ROLLS.items():
        gap = gap + weight * blendshapes[..., INDEX[name]]
    return gap


def correlation(found: FloatArray, truth: FloatArray) -> float:
    """Pearson's correlation of two tracks; 0 where one does not move."""
    spread = float(np.std(found) * np.std(truth))
    return float(np.mean((found - found.mean()) * (truth - truth.mean())) / spread) if spread > 1e-9 else 0.0


def signed_lag_ms(found: FloatArray, truth: FloatArray) -> float:
    """By how much the found track is late (positive) where it fits the truth best; parabola around the best shift."""
    most = round(MOST_LAG_MS / 1000.0 * FRAME_RATE_HZ)
    middle = slice(most, len(truth) - most)
    scores = [
        correlation(found[middle.start + shift : middle.stop + shift], truth[middle])
        for shift in range(-most, most + 1)
    ]
    best = int(np.clip(np.argmax(scores), 1, len(scores) - 2))
    below, peak, above = scores[best - 1 : best + 2]
    bend = below - 2.0 * peak + above
    return 1000.0 / FRAME_RATE_HZ * (best - most + (0.5 * (below - above) / bend if bend < -1e-9 else 0.0))


def jerk_ratio(found: FloatArray, truth: FloatArray) -> float:
    """Mean size of the third difference beside the truth's: below 1 is too smooth, above 1 shakes."""
    return float(np.abs(np.diff(found, 3, axis=0)).mean() / max(np.abs(np.diff(truth, 3, axis=0)).mean(), 1e-9))


def region_errors(found: FloatArray, truth: FloatArray) -> dict[str, tuple[float, float]]:
    """Mean absolute and root mean square error of (F, 52) by face region."""
    errors = {}
    for region in SPOKEN_REGIONS:
        difference = found[:, [INDEX[name] for name in REGIONS[region]]] - truth[:, [INDEX[n] for n in REGIONS[region]]]
        errors[region] = (float(np.abs(difference).mean()), float(np.sqrt((difference**2).mean())))
    return errors


def seal_runs(seal: FloatArray) -> list[tuple[int, int]]:
    """First and last frame + 1 of each closure, where (F,) is above one half."""
    closed = np.concatenate([[False], np.asarray(seal) > 0.5, [False]])
    edges = np.flatnonzero(closed[1:] != closed[:-1])
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def closure_recall(found: FloatArray, seal: FloatArray) -> float:
    """Share of the closures of (F,) `seal` in which the lips of (F, 52) touch in at least one frame."""
    gap = lip_gap(found)
    runs = seal_runs(seal)
    return float(np.mean([gap[a:b].min() < CLOSED_GAP for a, b in runs])) if runs else 1.0


def viseme_accuracy(found: FloatArray, truth: FloatArray, viseme: FloatArray, rows: Mapping[int, FloatArray]) -> float:
    """Share of the frames whose coefficients lie nearest to the mean pose of their own viseme.

    viseme: (F,) its number, rows: the mean true pose (52,) of each; frames of other numbers are not counted.
    """
    numbers = np.array(sorted(rows))
    poses = np.stack([rows[int(number)] for number in numbers])
    counted = np.isin(viseme, numbers)
    nearest = np.linalg.norm(found[counted][:, None] - poses, axis=2).argmin(1)
    return float((numbers[nearest] == viseme[counted]).mean())


Phone = tuple[str, float, float]  # sound, start_s, end_s


def _inside(track: FloatArray, start_s: float, end_s: float, edge_s: float = 0.0) -> FloatArray:
    """The track's frames from start to end; the nearest one where none lies between."""
    first = int(np.ceil((start_s - edge_s) * FRAME_RATE_HZ))
    last = int(np.floor((end_s + edge_s) * FRAME_RATE_HZ))
    if last < first:
        first = last = round(0.5 * (start_s + end_s) * FRAME_RATE_HZ)
    return track[max(first, 0) : max(last, 0) + 1]


def recorded_speech(found: FloatArray, phones: list[Phone], groups: Mapping[str, frozenset[str]]) -> dict[str, float]:
    """Closure recall, false closures, jaw and rounding order of (F, 52) where only phone times are known.

    A false closure is a gap, between frames by a line, below contact in the middle of a sound.

    groups: names of the sounds that are "closed" (p b m), "spared" (never counted as false closures: pauses, f v),
    "open" and "closed_vowels", "rounded" and "unrounded".
    """
    gap, jaw = lip_gap(found), found[:, INDEX["jawOpen"]]
    rounding = found[:, INDEX["mouthPucker"]] + found[:, INDEX["mouthFunnel"]]

    def of(group: str, track: FloatArray) -> FloatArray:
        parts = [_inside(track, a, b) for sound, a, b in phones if sound in groups[group]]
        return np.array([part.max() for part in parts if len(part)])

    closures = [_inside(gap, a, b, EDGE_S) for sound, a, b in phones if sound in groups["closed"]]
    middles = np.array(
        [0.5 * (a + b) for sound, a, b in phones if sound not in groups["closed"] and sound not in groups["spared"]]
    )
    others = np.interp(middles, np.arange(len(gap)) / FRAME_RATE_HZ, gap)
    return {
        "closures": float(len(closures)),
        "closure recall": float(np.mean([part.min() < CLOSED_GAP for part in closures if len(part)])),
        "false closures": float(np.mean(others < CLOSED_GAP)),
        "open vowels above closed ones": ordered_share(of("open", jaw), of("closed_vowels", jaw)),
        "rounded above unrounded": ordered_share(of("rounded", rounding), of("unrounded", rounding)),
    }


def ordered_share(above: FloatArray, below: FloatArray) -> float:
    """Share of all pairs in which the first is greater; 1 where there is no pair."""
    return float((above[:, None] > below[None, :]).mean()) if len(above) and len(below) else 1.0
