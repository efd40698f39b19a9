"""Takes made steady from both sides: what comes after a frame tells as much of it as what came before.

A live filter must choose between late and restless; here the weights are even on both sides (a Gaussian of time), so
that nothing comes late and a peak stays where it was. For recordings only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from core.geometry.rotation import nearest_rotation
from core.structures import FaceState, FloatArray

FACE_SPREAD_S = 0.025
"""Standard deviation for coefficients and gaze: a blink lasts 0.1 s at least. On drawn videos the correlation with the
truth stays as without any filter, where the live one costs 0.016, and jitter falls below half (docs/expression.md)."""
HEAD_SPREAD_S = 0.05  # heads turn more slowly
REACH = 3.0  # standard deviations


def smoothed_states(states: Sequence[FaceState]) -> list[FaceState]:
    """The states of one face, their times growing, with coefficients, gaze and head made steady. Frames without a face
    stay as they are, and nothing passes over them."""
    found: list[FaceState] = []
    for has_face, group in groupby(states, key=lambda state: state.has_face):
        run = list(group)
        found += _smoothed_run(run) if has_face else run
    return found


def weighted_mean(values: FloatArray, times_s: FloatArray, spread_s: float) -> FloatArray:
    """(n, c) float64: each row's mean with its neighbours in time, weighted by a Gaussian of `spread_s` seconds.

    values: (n, c); times_s: (n,), growing, at any distances.
    """
    total, weight = values.astype(np.float64), np.ones(len(values))
    for step in range(1, len(values)):
        apart = (times_s[step:] - times_s[:-step]) / spread_s
        if apart.min() > REACH:
            break
        share = np.where(apart <= REACH, np.exp(-0.5 * apart**2), 0.0)
        total[step:] += share[:, None] * values[:-step]
        total[:-step] += share[:, None] * values[step:]
        weight[step:] += share
        weight[:-step] += share
    return np.asarray(total / weight[:, None])


def _smoothed_run(states: list[FaceState]) -> list[FaceState]:
    times_s = np.array([state.timestamp_s for state in states])
    face = weighted_mean(np.stack([np.r_[s.blendshapes, s.gaze.ravel()] for s in states]), times_s, FACE_SPREAD_S)
    head = weighted_mean(
        np.stack([np.r_[s.head_rotation.ravel(), s.head_translation] for s in states]), times_s, HEAD_SPREAD_S
    )
    return [
        replace(
            state, blendshapes=np.clip(f[:-4], 0.0, 1.0).astype(np.float32),
            gaze=f[-4:].reshape(2, 2).astype(np.float32),
            head_rotation=nearest_rotation(h[:9].reshape(3, 3)).astype(np.float32),
            head_translation=h[9:].astype(np.float32),
        )
        for state, f, h in zip(states, face, head, strict=True)
    ]  # fmt: skip
