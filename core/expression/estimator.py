"""One face's coefficients: what the network has learned and what the rig's own shapes explain, channel by channel."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from core.blendshapes import ARKIT_NAMES, COUNT
from core.expression.learned_prior import learned_prior
from core.expression.network import ExpressionNetwork, ExpressionReading
from core.expression.solver import ExpressionSolver
from core.geometry.gaze_shapes import EYE_LOOK
from core.structures import FloatArray, HeadPose

USUAL_SHARE = 0.5
SOLVED_SHARES: Mapping[str, float] = MappingProxyType({
    "eyeSquint": 0.75, "eyeWide": 0.75, "mouthSmile": 0.75, "jaw": 0.25, "mouthPress": 0.25, "mouthDimple": 0.25,
    "mouthStretch": 0.25, "mouthRoll": 0.25, "cheek": 0.25,
})  # fmt: skip
"""The bounded solver's part of the answer, by the beginning of the channel's name; the rest is the network's. Chosen in
steps of a quarter on four drawn videos of foreign heads, four of a photo's rig and four real clips
(docs/expression.md): the network knows what FaceMesh does to lips and cheeks, the solver knows this person's lids and
brows."""
_SHARES = np.array(
    [next((s for start, s in SOLVED_SHARES.items() if name.startswith(start)), USUAL_SHARE) for name in ARKIT_NAMES]
)

BASELINE_S = 0.3  # how long after a calibration the network's remaining answers are averaged
MOST_BASELINE = 0.6  # a channel that rests higher keeps the rest of its range


class ExpressionEstimator:
    """Follows one face.

    rest: (478, 3) metres, head frame, the rig's landmarks; the person's own come through `adopt_neutral` or
    `calibrate`. shapes: (52, 478, 3) metres, the rig's.
    """

    def __init__(self, rest: FloatArray, shapes: FloatArray) -> None:
        self._solver = ExpressionSolver(rest, shapes, prior=learned_prior())
        self._network = ExpressionNetwork()
        self._neutral = np.asarray(rest, np.float64)
        self._baseline = np.zeros(COUNT)
        self._after_calibration: list[FloatArray] | None = None
        self._calibrated_s = 0.0

    def adopt_neutral(self, neutral: FloatArray) -> None:
        """A better guess of the face at rest, (478, 3) metres; the network weighs it against what it sees."""
        self._neutral = np.asarray(neutral, np.float64)
        self._solver.calibrate(self._neutral)

    def calibrate(self, neutral: FloatArray) -> None:
        """The person says that this is their neutral look: what is still seen in it counts as 0 from now on."""
        self.adopt_neutral(neutral)
        self._baseline = np.zeros(COUNT)
        self._after_calibration = []

    def step(self, head_points: FloatArray, gaze: FloatArray, pose: HeadPose, timestamp_s: float) -> FloatArray:
        """(52,) float32 coefficients in [0, 1]. head_points: (478, 3) metres, head frame; gaze: (2, 2) radians."""
        learned = self._above_baseline(
            self._network.step(head_points, self._neutral, gaze, pose, timestamp_s), timestamp_s
        )
        solved = self._solver.solve(head_points, gaze)
        return np.asarray(_SHARES * solved + (1.0 - _SHARES) * learned, np.float32)

    def _above_baseline(self, reading: ExpressionReading, timestamp_s: float) -> FloatArray:
        values = reading.blendshapes
        if self._after_calibration is not None:
            if not self._after_calibration:
                self._calibrated_s = timestamp_s
            self._after_calibration.append(values)
            self._baseline = np.minimum(np.mean(self._after_calibration, axis=0), MOST_BASELINE)
            self._baseline[EYE_LOOK.ravel()] = 0.0
            if timestamp_s - self._calibrated_s >= BASELINE_S:
                self._after_calibration = None
        return np.clip((values - self._baseline) / (1.0 - self._baseline), 0.0, 1.0)
