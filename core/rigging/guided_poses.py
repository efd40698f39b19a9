"""The guided recording: which poses are asked for, in which order and words, and how they are found in a video."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.blendshapes import INDEX
from core.structures import FloatArray, IntArray

NEUTRAL, BLINK = "neutral", "blink"
LEAD_IN_S = 1.2  # from the prompt until a pose counts: reading and moving take that long
SMOOTHED_S = 0.3  # over which a pose must last to be a peak
APART_S = 0.4  # between the peaks of two poses
HELD_SHARE = 0.8  # of its peak that a held pose keeps
LONGEST_HOLD_S = 2.0
CALM = 0.15  # a face that does less of every pose is neutral
RIDGE = 0.05  # of the strongest pose's own evidence


@dataclass(frozen=True, slots=True)
class GuidedPose:
    """name: for code and reports; title, prompt: for people; shapes: ARKit names that make it, () for the neutral look;
    hold_s: how long it is to be held."""

    name: str
    title: str
    prompt: str
    shapes: tuple[str, ...]
    hold_s: float = 1.5


GUIDED_POSES = (
    GuidedPose(NEUTRAL, "Calm face", "Look straight into the camera with a calm face, mouth closed.", (), 2.0),
    GuidedPose("open", "Mouth open", "Open your mouth as wide as you can.", ("jawOpen",)),
    GuidedPose(
        "smile", "Smile", "Smile as broadly as you can, lips together.", ("mouthSmileLeft", "mouthSmileRight")
    ),
    GuidedPose("pucker", "Kiss", "Pucker your lips as for a kiss.", ("mouthPucker",)),
    GuidedPose(
        "brows", "Brows up", "Raise your eyebrows as high as you can.",
        ("browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    ),
    GuidedPose(BLINK, "Eyes shut", "Close both eyes gently and keep them closed.", ("eyeBlinkLeft", "eyeBlinkRight")),
)  # fmt: skip
POSES = {pose.name: pose for pose in GUIDED_POSES}
EXPRESSIVE = GUIDED_POSES[1:]


def pose_directions(shape_landmarks: FloatArray) -> FloatArray:
    """(5, 478, 3) metres: what the points do in each pose after the neutral one. shape_landmarks: (52, 478, 3)."""
    return np.stack([shape_landmarks[[INDEX[name] for name in pose.shapes]].sum(axis=0) for pose in EXPRESSIVE])


def activations(points: FloatArray, neutral: FloatArray, directions: FloatArray, weights: FloatArray) -> FloatArray:
    """(T, 5) how much of each pose every frame shows, about 1 when it is held.

    points: (T, 478, 3) and neutral (478, 3) metres, head frame; directions: see `pose_directions`; weights: (478,).
    """
    basis = directions.reshape(len(directions), -1)
    weighted = basis * np.repeat(weights, 3)
    gram = weighted @ basis.T
    ridge = RIDGE * float(np.diag(gram).max()) * np.eye(len(gram))
    moved = (points - neutral).reshape(len(points), -1)
    # Scaled, so that a pose that is shown alone in full reads 1 in spite of the ridge.
    read = np.linalg.solve(gram + ridge, weighted @ moved.T)
    return np.asarray((read / np.diag(np.linalg.solve(gram + ridge, gram))[:, None]).T, np.float64)


def find_poses(times_s: FloatArray, shown: FloatArray) -> dict[str, IntArray]:
    """Numbers of the frames that hold each pose, by its name, in the order of `GUIDED_POSES`; every pose has some.

    times_s: (T,) seconds, rising. shown: (T, 5) activations. The peaks are those in the right order whose sum is
    largest. How well a pose was done is not judged here.
    """
    step = float(np.median(np.diff(times_s))) if len(times_s) > 1 else SMOOTHED_S
    width = max(1, round(SMOOTHED_S / max(step, 1e-6)))
    smooth = np.stack([np.convolve(column, np.ones(width) / width, "same") for column in shown.T], axis=1)
    peaks = _ordered_peaks(times_s, np.clip(smooth, 0.0, 1.5))
    found = {
        pose.name: _held(times_s, smooth[:, k], peak)
        for k, (pose, peak) in enumerate(zip(EXPRESSIVE, peaks, strict=True))
    }
    busy = np.abs(smooth).max(axis=1)
    before = np.arange(len(times_s)) < peaks[0]
    calm = np.flatnonzero(before & (busy < CALM))
    if not len(calm):
        candidates = np.flatnonzero(before) if before.any() else np.arange(len(times_s))
        calm = np.sort(candidates[np.argsort(busy[candidates], kind="stable")[: max(1, len(candidates) // 4)]])
    return {NEUTRAL: calm, **found}


def _ordered_peaks(times_s: FloatArray, score: FloatArray) -> list[int]:
    """One frame for each column, `APART_S` after the one before, with the largest sum (dynamic programming)."""
    count, poses = score.shape
    apart = np.minimum(APART_S, (times_s[-1] - times_s[0]) / (2 * poses)) if count > 1 else 0.0
    earlier = np.searchsorted(times_s, times_s - apart, side="right") - 1
    total, came = score[:, 0].copy(), np.zeros((poses, count), int)
    for pose in range(1, poses):
        best = np.maximum.accumulate(total)
        holder = np.where(total >= best, np.arange(count), 0)
        holder = np.maximum.accumulate(holder)
        came[pose] = holder[np.maximum(earlier, 0)]
        total = np.where(earlier >= 0, best[np.maximum(earlier, 0)], -np.inf) + score[:, pose]
    peaks = [int(np.argmax(total))]
    for pose in range(poses - 1, 0, -1):
        peaks.append(int(came[pose][peaks[-1]]))
    return peaks[::-1]


def _held(times_s: FloatArray, activation: FloatArray, peak: int) -> IntArray:
    """Frames around the peak in which the pose does not fade."""
    keeps = activation >= HELD_SHARE * activation[peak]
    keeps &= np.abs(times_s - times_s[peak]) <= 0.5 * LONGEST_HOLD_S
    first, last = peak, peak
    while first > 0 and keeps[first - 1]:
        first -= 1
    while last + 1 < len(keeps) and keeps[last + 1]:
        last += 1
    return np.arange(first, last + 1)
