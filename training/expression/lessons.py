"""From drawn clips to lessons: the points as the follower sees them, with neutrals as it finds them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from core.blendshapes import COUNT
from core.expression.network import plain_features
from core.head_model.builtin import load_builtin_rig
from core.head_model.identity import fit_identity
from core.structures import FaceLandmarks
from core.tracking import HeadPoseSolver, default_camera, estimate_gaze, head_frame_points
from core.tracking.landmark_bias import as_seen, as_true
from training.expression.second_opinion import SecondOpinion

SECOND = 30
FAMILY_STRIDE = 1_000_000  # between the heads' numbers of two families
NEUTRALS = 4  # of the first frame, of the first second, of another second, of the face at rest


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """points (n, 478, 3) metres, head frame; coefficients, second_opinion (n, 52), the latter NaN where nobody was
    asked; plain (n, 13); clip: (n,) number of the head; frame: (n,); family: (n,) letter; neutrals: by clip
    (4, 478, 3)."""

    points: np.ndarray
    coefficients: np.ndarray
    second_opinion: np.ndarray
    plain: np.ndarray
    clip: np.ndarray
    frame: np.ndarray
    family: np.ndarray
    neutrals: dict[int, np.ndarray]


def followed(points: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, list]:
    """((n, 478, 3) head points, (n, 2, 2) gaze, poses) of one face's landmarks (n, 478, 3) in pixels."""
    rig = load_builtin_rig()
    solver = HeadPoseSolver(as_seen(rig.landmarks(), rig.landmark_bias))
    camera = default_camera(size)
    found, gazes, poses = [], [], []
    for frame in points:
        face = FaceLandmarks(frame, size)
        pose = solver.solve(face, camera)
        head = as_true(head_frame_points(face, pose, camera), rig.landmark_bias)
        found.append(head)
        gazes.append(estimate_gaze(face, head))
        poses.append(pose)
    return np.stack(found), np.stack(gazes), poses


def _lesson(path: Path, task: Path | None) -> list[dict[str, np.ndarray]]:
    rig = load_builtin_rig()
    colleague = SecondOpinion(task) if task is not None else None
    lessons = []
    with np.load(path) as stored:
        arrays = dict(stored)
    for head in np.unique(arrays["head"]):
        rows = arrays["head"] == head
        one = {key: value[rows] for key, value in arrays.items()}
        if (one["frame"] < 0).sum() == 0 or (one["frame"] >= 0).sum() < SECOND + 5:
            continue
        points, gaze, poses = followed(one["points"], tuple(int(v) for v in one["size"][0]))
        moving = one["frame"] >= 0
        seen = points[moving]
        other = int(np.random.default_rng(int(head)).integers(0, len(seen) - SECOND))
        guesses = [seen[0], np.median(seen[:SECOND], axis=0), np.median(seen[other : other + SECOND], axis=0)]
        neutrals = [fit_identity(guess, rig).neutral_landmarks for guess in guesses]
        neutrals.append(np.median(points[~moving], axis=0))
        plain = np.stack(
            [
                plain_features(p, neutrals[1], g, pose)
                for p, g, pose in zip(seen, gaze[moving], np.array(poses, object)[moving], strict=True)
            ]
        )
        lessons.append({
            "points": seen.astype(np.float32), "coefficients": one["coefficients"][moving], "plain": plain,
            "second_opinion": _said(colleague, one["points"][moving]),
            "clip": np.full(len(seen), head + FAMILY_STRIDE * "bip".index(path.name[0])), "frame": one["frame"][moving],
            "family": np.full(len(seen), path.name[0]), "neutrals": np.stack(neutrals).astype(np.float32)[None],
        })  # fmt: skip
    return lessons


def _said(colleague: SecondOpinion | None, points: np.ndarray) -> np.ndarray:
    if colleague is None:
        return np.full((len(points), COUNT), np.nan, np.float32)
    return colleague.answers(points)


def read_lessons(folder: Path, cache: Path, task: Path | None, processes: int = 2) -> Lessons:
    """All clips in the folder; what was computed once lies in the cache folder. task: whom to ask for a second
    opinion, see `SecondOpinion`."""
    cache.mkdir(parents=True, exist_ok=True)
    paths = sorted(folder.glob("[bip]*[0-9].npz"))
    new = [path for path in paths if not (cache / path.name).exists()]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for path, made in zip(new, pool.map(partial(_lesson, task=task), new), strict=True):
            if made:
                np.savez(cache / path.name, **{key: np.concatenate([one[key] for one in made]) for key in made[0]})
    parts = []
    for path in paths:
        if (cache / path.name).exists():
            with np.load(cache / path.name) as stored:
                parts.append(dict(stored))
    return _joined(parts)


def _joined(parts: Sequence[dict[str, np.ndarray]]) -> Lessons:
    whole = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    neutrals = whole.pop("neutrals")
    names = np.concatenate([list(dict.fromkeys(part["clip"].tolist())) for part in parts])
    return Lessons(**whole, neutrals=dict(zip(names.tolist(), neutrals, strict=True)))
