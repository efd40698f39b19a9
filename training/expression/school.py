"""Draws what the network is shown: runs of frames with everything that a follower may get wrong about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.blendshapes import ARKIT_NAMES, COUNT, INDEX, MIRROR
from core.expression.network import DISPLACEMENT_SCALE, FACE_POINTS, SHAPE_SCALE, plain_features
from core.geometry.gaze_shapes import gaze_from_blendshapes
from core.head_model.builtin import load_builtin_rig
from core.head_model.identity import mirrored_landmarks
from core.head_model.rig import HeadRig
from core.structures import HeadPose
from training.expression.lessons import NEUTRALS, Lessons

COMPONENTS = {"displacement": 180, "shape": 120}
CLIP = 48  # frames of a clip that are shown at once
WARM_UP = 4  # first frames of a shown run count less: the cell has seen nothing yet


@dataclass(frozen=True, slots=True, eq=False)
class School:
    """The lessons in the network's bases, each as it was and as its mirror image (first axis).

    shape (2, n, m) and displacement (2, n, k) of the points themselves; rests: by clip, both (2, 4, m) and (2, 4, k);
    moves: (7, m) and (7, k) of a shift, a turn and a growth of the whole face; starts: (c, 2) rows of each clip;
    exact: shapes (52, 478, 3) of the heads that can be had without drawing.
    """

    lessons: Lessons
    bases: dict[str, Tensor]
    template: np.ndarray
    starts: np.ndarray
    shape: np.ndarray
    displacement: np.ndarray
    rests: dict[int, tuple[np.ndarray, np.ndarray]]
    moves: tuple[np.ndarray, np.ndarray]
    exact: list[np.ndarray]


def school_of(lessons: Lessons, seed: int, rigs: Sequence[HeadRig]) -> School:
    """The lessons, ready to be drawn from; rigs: heads with exact shapes."""
    edges = np.flatnonzero(np.diff(lessons.clip)) + 1
    starts = np.stack([np.r_[0, edges], np.r_[edges, len(lessons.clip)]], 1)
    starts = starts[(starts[:, 1] - starts[:, 0]) >= CLIP]
    template = load_builtin_rig().landmarks().astype(np.float64)[:FACE_POINTS]
    other = mirrored_landmarks(template)
    bases = principal_components(lessons, template, other, seed)
    whole = {name: basis.numpy() for name, basis in bases.items()}

    def projected(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values = (points[:, :FACE_POINTS] - template).astype(np.float32)
        both = [values, values[:, other] * np.array([-1, 1, 1], np.float32)]
        shape, displacement = (
            np.stack([scale * one.reshape(len(one), -1) @ whole[name] for one in both])
            for name, scale in (("shape", SHAPE_SCALE), ("displacement", DISPLACEMENT_SCALE))
        )
        return shape, displacement

    arms = template - template.mean(0)
    moves = np.stack(
        [np.broadcast_to(axis, arms.shape) for axis in np.eye(3)]
        + [np.cross(axis, arms) for axis in np.eye(3)]
        + [arms]
    )
    flat = moves.reshape(7, -1)
    shape, displacement = projected(lessons.points)
    return School(
        lessons, bases, template, starts, shape, displacement,
        {clip: projected(rests) for clip, rests in lessons.neutrals.items()},
        (SHAPE_SCALE * flat @ whole["shape"], DISPLACEMENT_SCALE * flat @ whole["displacement"]),
        [rig.shape_landmarks().astype(np.float32) for rig in rigs],
    )  # fmt: skip


def principal_components(lessons: Lessons, template: np.ndarray, other: np.ndarray, seed: int) -> dict[str, Tensor]:
    """Bases of the displacements and of the shapes, nearly whitened, from pictures and their mirror images."""
    rng = np.random.default_rng(seed)
    rows = rng.choice(len(lessons.points), min(9_000, len(lessons.points)), replace=False)
    points = lessons.points[rows, :FACE_POINTS]
    rest = np.stack([lessons.neutrals[int(clip)][1][:FACE_POINTS] for clip in lessons.clip[rows]])
    bases = {}
    for name, values in (
        ("displacement", DISPLACEMENT_SCALE * (points - rest)), ("shape", SHAPE_SCALE * (points - template)),
    ):  # fmt: skip
        both = np.concatenate([values, values[:, other] * (-1, 1, 1)]).reshape(2 * len(rows), -1).astype(np.float32)
        power, directions = np.linalg.eigh((both.T @ both / len(both)).astype(np.float64))
        keep = np.argsort(power)[::-1][: COMPONENTS[name]]
        scale = np.sqrt(power[keep] + 1e-4 * power.max()) ** 0.8
        bases[name] = torch.tensor(directions[:, keep] / scale, dtype=torch.float32)
    return bases


EXACT = 0.2  # share of runs with true points instead of FaceMesh's
MIXED = 0.1  # share of runs that show the sum of two clips
EYES = np.array([name.startswith("eye") for name in ARKIT_NAMES])  # gaze and lid gaps are not mixed
MIRRORED_PLAIN = [0, 1, 2, 3, 6, 7, 4, 5, 9, 8, 11, 10, 12]
MIRRORED_SIGN = np.array([-1, 1, -1, 1, -1, 1, -1, 1, 1, 1, 1, 1, 1], np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """points (b, t, k + m), plain (b, t, 13), elapsed (b, t) are the network's inputs; truth, weights, second: (b, t,
    52) each, second the colleague's answer; asked: (b, t, 1), 1 where it counts."""

    points: Tensor
    plain: Tensor
    elapsed: Tensor
    truth: Tensor
    weights: Tensor
    second: Tensor
    asked: Tensor


class Drawer:
    """Draws runs of frames with everything that a follower may get wrong about them."""

    def __init__(self, school: School, clips: np.ndarray, rng: np.random.Generator) -> None:
        self._school, self._clips, self._rng = school, clips, rng

    def batch(self, count: int) -> Batch:
        """So many runs."""
        rng, school, lessons = self._rng, self._school, self._school.lessons
        made: dict[str, list[np.ndarray]] = {
            k: [] for k in ("points", "plain", "elapsed", "truth", "weights", "second", "asked")
        }
        for clip in rng.choice(self._clips, count):
            rows, elapsed = self._run(*school.starts[clip])
            side = int(rng.random() < 0.5)
            points, is_swapped = self._points(rows, int(lessons.clip[rows[0]]), side)
            plain, truth, second = lessons.plain[rows], lessons.coefficients[rows], lessons.second_opinion[rows]
            made["points"].append(points)
            made["plain"].append(plain[:, MIRRORED_PLAIN] * MIRRORED_SIGN if side else plain)
            made["truth"].append(truth[:, list(MIRROR)] if side else truth)
            made["second"].append(np.nan_to_num(second[:, list(MIRROR)] if side else second))
            made["elapsed"].append(elapsed)
            weights = np.ones_like(truth)
            weights[:, INDEX["tongueOut"]] = lessons.family[rows[0]] != "p"
            weights[:WARM_UP] *= 0.4
            made["weights"].append(weights)
            is_changed = is_swapped
            if rng.random() < MIXED:
                self._mix({name: made[name] for name in ("points", "plain", "truth", "weights")}, side)
                is_changed = True
            elif rng.random() < EXACT:
                self._draw_exactly({name: made[name] for name in ("points", "plain", "truth", "weights")})
                is_changed = True
            known = np.isfinite(second).all(axis=1, keepdims=True)
            made["asked"].append(known & (not is_changed))  # nobody was asked about points that were changed
        return Batch(**{name: torch.from_numpy(np.stack(values).astype(np.float32)) for name, values in made.items()})

    def _mix(self, made: dict[str, list[np.ndarray]], side: int) -> None:
        """Adds another clip's movement to the last one: shapes add up, so nobody need be drawn in every company."""
        rng, school, lessons = self._rng, self._school, self._school.lessons
        rows, _ = self._run(*school.starts[rng.choice(self._clips)])
        clip, theirs = int(lessons.clip[rows[0]]), rng.uniform(0.3, 0.9)
        added = [
            own[side, rows] - school.rests[clip][kind][side][NEUTRALS - 1]
            for kind, own in ((1, school.displacement), (0, school.shape))
        ]
        made["points"][-1] = made["points"][-1] + theirs * np.concatenate(added, axis=1)
        truth = lessons.coefficients[rows]
        truth = truth[:, list(MIRROR)] if side else truth
        whole = made["truth"][-1] + theirs * truth
        made["weights"][-1] = made["weights"][-1] * (whole <= 1.0) * ~EYES
        made["truth"][-1] = np.minimum(whole, 1.0)
        plain = lessons.plain[rows]
        made["plain"][-1] = made["plain"][-1].copy()
        made["plain"][-1][:, -1] += theirs * (plain[:, -1] - plain[:, -1].min())

    def _draw_exactly(self, made: dict[str, list[np.ndarray]]) -> None:
        """Puts true points in the last one's place, as a landmark network without faults would give them: a head's own
        shapes, on somebody's resting face, each at another strength, with a little noise."""
        rng, school = self._rng, self._school
        truth = made["truth"][-1].copy()
        rest = school.lessons.neutrals[int(rng.choice(list(school.rests)))][NEUTRALS - 1].astype(np.float64)
        shapes = school.exact[rng.integers(len(school.exact))]
        strength = np.clip(np.exp(rng.normal(0, 0.2, COUNT)), 0.6, 1.5)
        strength = 0.5 * (strength + strength[list(MIRROR)])
        if rng.random() < 0.5:
            truth *= rng.random(COUNT) < 0.15  # few at a time, so that one side moves alone
        if rng.random() < 0.5:
            truth[: rng.integers(1, len(truth) - 4)] = 0.0  # and from one frame to the next
        points = rest + ((truth * strength).astype(np.float32) @ shapes.reshape(COUNT, -1)).reshape(-1, *rest.shape)
        points += rng.normal(0, rng.uniform(0, 3e-4), points.shape)
        believed = rest + rng.normal(0, 3e-4, 3) if rng.random() < 0.5 else rest
        moved, shape = points - believed, points[:, :FACE_POINTS] - school.template
        made["points"][-1] = np.concatenate([
            scale * these[:, :FACE_POINTS].reshape(len(truth), -1).astype(np.float32) @ school.bases[name].numpy()
            for name, scale, these in (("displacement", DISPLACEMENT_SCALE, moved), ("shape", SHAPE_SCALE, shape))
        ], axis=1)  # fmt: skip
        pose = HeadPose(np.eye(3), np.array([0.0, 0.0, -np.exp(rng.normal(-0.6, 0.3))]))
        gaze = np.stack([gaze_from_blendshapes(values) for values in truth])
        made["plain"][-1] = plain_features(points, believed, gaze, pose)
        made["truth"][-1] = truth
        made["weights"][-1] = np.ones_like(made["weights"][-1])

    def _run(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows of a run of `CLIP` frames and the time since the frame before, in usual steps; some at half the rate."""
        rng = self._rng
        rate = 2 if last - first >= 70 and rng.random() < 0.15 else 1
        length = CLIP if rate == 1 else (last - first) // 2
        start = first + rng.integers(0, last - first - rate * (length - 1))
        rows, elapsed = start + rate * np.arange(length), np.full(CLIP, float(rate))
        if length < CLIP:
            rows, elapsed[length:] = np.r_[rows, np.full(CLIP - length, rows[-1])], 1.0
        return rows, elapsed

    def _points(self, rows: np.ndarray, clip: int, side: int) -> tuple[np.ndarray, bool]:
        """((t, k + m) displacements from a neutral as it may be found, and shapes, with what a pose leaves behind;
        whether the movement was put into another's face)."""
        rng, school = self._rng, self._school
        weights = np.zeros(NEUTRALS, np.float32)
        weights[rng.choice(NEUTRALS, p=(0.15, 0.40, 0.15, 0.30))] = 1.0
        if rng.random() < 0.4:
            weights = rng.dirichlet(np.full(NEUTRALS, 0.6)).astype(np.float32)
        left = rng.normal(0, [0.0005] * 3 + [0.012] * 3 + [0.010]) * (rng.random() < 0.7)
        strength = np.exp(rng.normal(0, 0.10))
        is_swapped = bool(rng.random() < 0.4)
        other = int(rng.choice(list(school.rests))) if is_swapped else clip
        parts = []
        for kind, own, moves in ((1, school.displacement, school.moves[1]), (0, school.shape, school.moves[0])):
            rest, whose = weights @ school.rests[clip][kind][side], weights @ school.rests[other][kind][side]
            moved = strength * (own[side, rows] - rest) + left @ moves
            parts.append(moved if kind == 1 else whose + moved)  # the same movement in another's face
        return np.concatenate(parts, axis=1), is_swapped
