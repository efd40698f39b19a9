"""From held poses to a person's own shapes: how far each goes, where it goes elsewhere, and how sure that is.

The landmark network does not report what a face does, but something like it, and less and less the further it goes
(docs/head.md: 0.84 alike for a smile, hardly at all for small movements). So the person's points are compared with
what the same network reports of pictures of the rig in the same pose, done less and more, never with the rig itself.
ARKit's 1 is taken as the person's fullest pose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from core.blendshapes import INDEX
from core.head_model.identity import INNER_LIP_PAIRS
from core.head_model.rig import HeadRig
from core.rigging.calibration import KEY, LEAST_AMPLITUDE, MOST_AMPLITUDE, Calibration, LidRange
from core.rigging.guided_poses import BLINK, EXPRESSIVE, NEUTRAL, GuidedPose
from core.structures import FloatArray
from core.tracking.gaze import lid_openness
from core.tracking.landmark_ids import LEFT_IRIS, RIGHT_IRIS

LEAST_FRAMES = 5
LEVELS = (0.5, 0.8, 1.0, 1.25, 1.5)  # of the rig's own poses that the network is shown
LEAST_CONFIDENCE = 0.6  # under which a pose tells less of the person than of the network
LEAST_SLOPE = 0.15  # of its answers: below, it sees nothing of what is more
LEAST_SHOWN = 0.35  # of the rig's own pose, below which it was not done
LEAST_ALIKE = 0.6  # cosine between what was done and the pose, below which something else was done
DEVIATION = 0.25  # of people's amplitudes about the transferred shape, before anything was seen
LEAST_NOISE_M = 0.0007  # of a point's displacement, held still: what the network differs by from itself
INDEPENDENT_POINTS = 12.0  # errors of neighbouring points are alike; so many count
LOOSE_DEVIATIONS = (0.005, 0.005, 0.005, 0.06, 0.06, 0.06, 0.04)  # shift (m), turn (rad), size: left over by the pose
SIDE_BLEND_M = 0.006  # over which left turns into right
INNER_BROW_M = 0.020  # from the middle to where the inner and the outer brow share a point
WAY_SHARE, MOST_WAY, MOST_WAY_M = 0.75, 0.35, 0.003
"""Of what a pose does elsewhere three quarters are believed, at most this part of the shape's largest movement and
at most 3 mm."""
WAY_REACH_M = 0.010
SHUT_SHARE = 0.6  # of the resting gap, under which an eye counts as shut
RIM_LIPS_M = (0.0015, 0.0060)


@dataclass(frozen=True, slots=True, eq=False)
class PoseReading:
    """What a pose told. amplitudes: by shape, in parts of the rig's; deviation: of these, after all; confidence in
    [0, 1]; why: plain words where it was not used, else ""; elsewhere: (478, 3) metres that no shape explains."""

    amplitudes: Mapping[str, float]
    deviation: float
    confidence: float
    why: str = ""
    elsewhere: FloatArray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class GuidedReading:
    """neutral: (478, 3) metres; lids: left and right, None where no blink was seen; poses: by name."""

    neutral: FloatArray
    lids: tuple[LidRange | None, LidRange | None]
    poses: Mapping[str, PoseReading]

    def lines(self) -> tuple[str, ...]:
        """A plain sentence for each pose."""
        told = []
        for pose in EXPRESSIVE:
            reading = self.poses[pose.name]
            if reading.why:
                told.append(f"{pose.title}: not used. {reading.why}")
            elif pose.name == BLINK:
                told.append(f"{pose.title}: the range of both eyes is known.")
            else:
                parts = " and ".join(f"{100 * value:.0f} %" for value in reading.amplitudes.values())
                told.append(f"{pose.title}: {parts} of the usual, confidence {reading.confidence:.1f}.")
        return tuple(told)


def read_guided(held: Mapping[str, FloatArray], seen: Mapping[str, FloatArray]) -> GuidedReading:
    """What a recording tells. held: (n, 478, 3) points by pose, metres, in the rig's head frame, landmark bias taken
    off; the neutral pose must be there, others may be skipped. seen: (5, 478, 3) by pose, what the network reports the
    rig's points to do in it at each of `LEVELS`."""
    neutral = np.median(held[NEUTRAL], axis=0)
    poses = {
        pose.name: _read_pose(pose, neutral, held.get(pose.name), seen.get(pose.name))
        for pose in EXPRESSIVE
        if pose.name != BLINK
    }
    lids, blink = _read_lids(held)
    return GuidedReading(neutral, lids, {**poses, BLINK: blink})


def _read_pose(
    pose: GuidedPose, neutral: FloatArray, frames: FloatArray | None, seen: FloatArray | None
) -> PoseReading:
    if frames is None or len(frames) < LEAST_FRAMES:
        return _unused("It was skipped, or the face was not seen for long enough.")
    if seen is None:
        return _unused("The network does not see this head in that pose.")
    moved = np.median(frames, axis=0) - neutral
    scatter = 1.4826 * float(np.median(np.abs(frames - np.median(frames, axis=0)))) / np.sqrt(len(frames))
    fit = _PoseFit(pose, neutral, seen[LEVELS.index(1.0)])
    found, left = fit.solve(moved)
    shown, alike = fit.likeness(moved)
    if shown < LEAST_SHOWN:
        return _unused(f"It was hardly done: {100 * max(shown, 0.0):.0f} % of what was expected.")
    if alike < LEAST_ALIKE:
        return _unused("Something else was done.")
    # What the network answers to the rig's own pose, done half to half as far again: the person's answer is looked up.
    answers = np.maximum.accumulate(np.stack([np.zeros(len(found)), *(fit.solve(level)[0] for level in seen)]))
    amplitude, slope = (np.zeros(len(found)) for _ in range(2))
    for k, value in enumerate(found):
        amplitude[k], slope[k] = _looked_up(float(value), np.array([0.0, *LEVELS]), answers[:, k])
    noise = max(LEAST_NOISE_M, scatter, float(np.sqrt(np.average((left**2).mean(axis=1), weights=_weights()))))
    certain = slope**2 * fit.evidence / noise**2 * INDEPENDENT_POINTS / _weights().sum()
    certain *= ((alike - LEAST_ALIKE) / (1 - LEAST_ALIKE)) ** 2
    amplitude = (certain * amplitude + DEVIATION**-2) / (certain + DEVIATION**-2)
    deviation = float(np.max(1 / np.sqrt(certain + DEVIATION**-2)))
    confidence = 1 - (deviation / DEVIATION) ** 2
    if confidence < LEAST_CONFIDENCE:
        return replace(_unused("Too little of it can be seen on this head."), confidence=confidence)
    bounded = np.clip(amplitude, LEAST_AMPLITUDE, MOST_AMPLITUDE)
    amplitudes = dict(zip(pose.shapes, map(float, bounded), strict=True))
    return PoseReading(amplitudes, deviation, confidence, elsewhere=left)


def _looked_up(value: float, levels: FloatArray, answers: FloatArray) -> tuple[float, float]:
    """At which level the answer is `value`, straight on beyond the last, and the slope of the answers there."""
    rises = np.maximum(np.diff(answers) / np.diff(levels), LEAST_SLOPE)
    k = int(np.clip(np.searchsorted(answers, value) - 1, 0, len(rises) - 1))
    return float(levels[k] + (value - answers[k]) / rises[k]), float(rises[k])


class _PoseFit:
    """Least squares of points against a pose, divided among its shapes, and what the head's pose left over."""

    def __init__(self, pose: GuidedPose, neutral: FloatArray, seen: FloatArray) -> None:
        parts = _sides(pose, neutral, seen)
        self._count, self._whole = len(parts), seen.ravel()
        self._basis = np.concatenate([parts.reshape(len(parts), -1), _loose(neutral)])
        self._weights = np.repeat(_weights(), 3)
        gram = (self._basis * self._weights) @ self._basis.T
        # The loose movements are solved for and thrown away.
        ridge = [1e-12] * self._count + [(LEAST_NOISE_M / deviation) ** 2 for deviation in LOOSE_DEVIATIONS]
        self._inverse = np.linalg.inv(gram + np.diag(ridge))
        self.evidence = np.asarray(1 / np.diag(self._inverse)[: self._count], np.float64)

    def solve(self, moved: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(n,) of each shape, and (478, 3) what nothing explains."""
        found = self._inverse @ ((self._basis * self._weights) @ moved.ravel())
        return found[: self._count], (moved.ravel() - found @ self._basis).reshape(-1, 3)

    def likeness(self, moved: FloatArray) -> tuple[float, float]:
        """How much of the pose was shown, and the cosine between the two."""
        found = self._inverse @ ((self._basis * self._weights) @ moved.ravel())
        root = np.sqrt(self._weights)
        plain = (moved.ravel() - found[self._count :] @ self._basis[self._count :]) * root
        whole = self._whole * root
        along = float(plain @ whole)
        return along / float(whole @ whole), along / max(float(np.linalg.norm(plain) * np.linalg.norm(whole)), 1e-12)


def _unused(why: str) -> PoseReading:
    return PoseReading({}, DEVIATION, 0.0, why)


def _weights() -> FloatArray:
    weights = np.ones(478)
    weights[[*LEFT_IRIS, *RIGHT_IRIS]] = 0.0
    return weights


def _sides(pose: GuidedPose, neutral: FloatArray, seen: FloatArray) -> FloatArray:
    """(n, 478, 3) the pose divided among its shapes: left, right, and what has no side."""
    left = np.clip(0.5 + neutral[:, 0] / (2 * SIDE_BLEND_M), 0.0, 1.0)
    shares = []
    for name in pose.shapes:
        shares.append(left if name.endswith("Left") else 1 - left if name.endswith("Right") else np.ones_like(left))
    sided = [name.endswith(("Left", "Right")) for name in pose.shapes]
    if any(sided) and not all(sided):  # brows: the inner shape ends where the outer ones begin
        inner = np.clip(1.5 - np.abs(neutral[:, 0]) / INNER_BROW_M, 0.0, 1.0)
        shares = [share * (1 - inner) if has_side else inner for share, has_side in zip(shares, sided, strict=True)]
    return np.stack(shares)[:, :, None] * seen


def _loose(neutral: FloatArray) -> FloatArray:
    """(7, 1434) a shift, a turn and a growth of the whole face."""
    arms = neutral - neutral.mean(axis=0)
    moves = np.zeros((7, *neutral.shape))
    moves[[0, 1, 2], :, [0, 1, 2]] = 1.0
    for axis in range(3):
        moves[3 + axis] = np.cross(np.eye(3)[axis], arms)
    moves[6] = arms
    return moves.reshape(7, -1)


def _read_lids(held: Mapping[str, FloatArray]) -> tuple[tuple[LidRange | None, LidRange | None], PoseReading]:
    """Each eye's own range; an eye that stayed open in the blink has none."""
    blink = held.get(BLINK)
    if blink is None or len(blink) < LEAST_FRAMES:
        return (None, None), _unused("It was skipped, or the face was not seen for long enough.")
    opens = {name: np.stack([lid_openness(frame) for frame in frames]) for name, frames in held.items() if len(frames)}
    rest, shut = np.median(opens[NEUTRAL], axis=0), np.median(opens[BLINK], axis=0)
    wide = np.maximum(rest, np.max([np.quantile(values, 0.9, axis=0) for values in opens.values()], axis=0))
    found = [
        LidRange(float(shut[eye]), float(rest[eye]), float(wide[eye])) if shut[eye] < SHUT_SHARE * rest[eye] else None
        for eye in range(2)
    ]
    seen = sum(lid is not None for lid in found)
    why = ("The eyes stayed open.", "One eye stayed open.", "")[seen]
    return (found[0], found[1]), PoseReading({}, DEVIATION, 0.5 * seen, why)


def refined(rig: HeadRig, reading: GuidedReading) -> HeadRig:
    """The rig with the person's own shapes, its calibration in `details`; poses that were not used change nothing."""
    shapes = rig.shapes.astype(np.float64)
    amplitudes: dict[str, float] = {}
    for pose in EXPRESSIVE:
        told = reading.poses[pose.name]
        if not told.amplitudes:
            continue
        amplitudes |= told.amplitudes
        own = rig.shapes[[INDEX[name] for name in pose.shapes]].astype(np.float64)
        ways = _ways(rig, own, told)
        for name, displacement, way in zip(pose.shapes, own, ways, strict=True):
            shapes[INDEX[name]] = told.amplitudes[name] * displacement + way
        if "jawOpen" in pose.shapes:
            # Lips that close on an open jaw go as far as it does, and undo what it does elsewhere where they meet.
            close = INDEX["mouthClose"]
            shapes[close] = told.amplitudes["jawOpen"] * shapes[close] - _lip_rims(rig)[:, None] * ways[0]
    pairs = tuple(
        replace(pair, displacement=(pair.displacement * np.float32(amplitudes.get(pair.second, 1.0))))
        if pair.first == "mouthClose"
        else pair
        for pair in rig.correctives
    )
    calibration = Calibration(
        reading.neutral.astype(np.float32), *reading.lids, amplitudes,
        {name: told.confidence for name, told in reading.poses.items()},
    )  # fmt: skip
    details = {**rig.details, KEY: calibration.to_json()}
    return replace(rig, shapes=shapes.astype(np.float32), correctives=pairs, details=details)


def _ways(rig: HeadRig, own: FloatArray, told: PoseReading) -> FloatArray:
    """(n, V, 3) what each of a pose's shapes (n, V, 3) does elsewhere: bounded, smooth, and only where it moves."""
    if told.elsewhere is None:
        return np.zeros_like(own)
    points, weights = rig.landmarks().astype(np.float64)[:468], _weights()[:468]
    strength = np.linalg.norm(own, axis=2)
    moves = np.flatnonzero(strength.max(axis=0) > 0)
    near = (
        np.exp(-((rig.vertices[moves][:, None].astype(np.float64) - points) ** 2).sum(axis=2) / (2 * WAY_REACH_M**2))
        * weights
    )
    spread = WAY_SHARE * told.confidence * (near @ told.elsewhere[:468]) / (near.sum(axis=1, keepdims=True) + 0.5)
    most = min(MOST_WAY_M, MOST_WAY * float(strength.max()))
    length = np.linalg.norm(spread, axis=1, keepdims=True)
    spread *= most * np.tanh(length / most) / np.maximum(length, 1e-12)
    ways = np.zeros_like(own)
    total = np.maximum(strength[:, moves].sum(axis=0), 1e-9)
    for k, each in enumerate(strength[:, moves]):
        share = each / total * np.minimum(1.0, 3 * each / each.max())
        ways[k, moves] = share[:, None] * spread
    return ways


def _lip_rims(rig: HeadRig) -> FloatArray:
    """(V,) in [0, 1], 1 where the lips meet."""
    points = rig.landmarks().astype(np.float64)[[point for pair in INNER_LIP_PAIRS for point in pair]]
    distance = np.min([np.linalg.norm(rig.vertices - point, axis=1) for point in points], axis=0)
    full, none = RIM_LIPS_M
    return np.asarray(np.clip((none - distance) / (none - full), 0.0, 1.0), np.float64)
