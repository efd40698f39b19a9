"""One face's coefficients: what the network has learned and what the rig's own shapes explain, channel by channel."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from core.blendshapes import ARKIT_NAMES, COUNT, INDEX
from core.expression.learned_prior import learned_prior
from core.expression.network import ExpressionNetwork, ExpressionReading
from core.expression.solver import ExpressionSolver
from core.geometry.gaze_shapes import EYE_LOOK
from core.structures import FloatArray, HeadPose

OWN_SHARE = 0.5
"""The bounded solver's part of the answer where the rig is this person's own, and so its shapes theirs; the rest is the
network's. Of shapes of somebody else's head it tells nothing that the network does not know better."""
SECOND_SHARES: Mapping[str, float] = MappingProxyType({
    "browInnerUp": 0.5, "mouthUpperUp": 0.5,
})  # fmt: skip
"""The part of the second opinion, which imitates a network that has seen real people, in the network's answer, by the
beginning of the channel's name. Chosen in steps of a quarter on eight drawn videos of ICT heads, three of a MakeHuman
head and four real clips (docs/expression.md)."""
_SECOND = np.array(
    [next((s for start, s in SECOND_SHARES.items() if name.startswith(start)), 0.0) for name in ARKIT_NAMES]
)

WINK_GAIN = 1.8
"""FaceMesh makes both eyes alike: of a drawn wink 0.75 and 0.35 came back. Their difference is stretched by this much;
on drawn videos the correlation of blinks falls by 0.003, since eyes that shut together differ little."""
_LIDS = [INDEX["eyeBlinkLeft"], INDEX["eyeBlinkRight"]]

FOLLOWING_LIDS = 0.2
"""Lids follow a look down, and recorded takes call a part of that a blink: this much of a half shut lid is taken off
at a whole look down, nothing of an open or a shut one. The correlation of blinks on drawn videos stayed as it was."""
_LOOKS_DOWN = [INDEX["eyeLookDownLeft"], INDEX["eyeLookDownRight"]]

BASELINE_S = 0.3  # how long after a calibration the network's remaining answers are averaged
MOST_BASELINE = 0.6  # a channel that rests higher keeps the rest of its range


def told_apart(lids: FloatArray) -> FloatArray:
    """(2,) both eyeBlinks in [0, 1], their difference stretched by `WINK_GAIN` about their mean."""
    mean = lids.mean()
    return np.asarray(np.clip(mean + WINK_GAIN * (lids - mean), 0.0, 1.0))


def without_look_down(lids: FloatArray, looks: FloatArray) -> FloatArray:
    """(2,) both eyeBlinks in [0, 1] less what both eyeLookDowns explain of them."""
    return np.asarray(np.clip(lids - FOLLOWING_LIDS * looks * 4.0 * lids * (1.0 - lids), 0.0, 1.0))


class ExpressionEstimator:
    """Follows one face.

    rest: (478, 3) metres, head frame, the rig's landmarks; the person's own come through `adopt_neutral` or
    `calibrate`. shapes: (52, 478, 3) metres, the rig's. is_own_rig: whether the rig was made of this person.
    """

    def __init__(self, rest: FloatArray, shapes: FloatArray, *, is_own_rig: bool) -> None:
        self._solver = ExpressionSolver(rest, shapes, prior=learned_prior()) if is_own_rig else None
        self._network = ExpressionNetwork()
        self._neutral = np.asarray(rest, np.float64)
        self._baseline = np.zeros(COUNT)
        self._after_calibration: list[FloatArray] | None = None
        self._calibrated_s = 0.0

    def adopt_neutral(self, neutral: FloatArray) -> None:
        """A better guess of the face at rest, (478, 3) metres; the network weighs it against what it sees."""
        self._neutral = np.asarray(neutral, np.float64)
        if self._solver is not None:
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
        answer = learned
        if self._solver is not None:
            answer = OWN_SHARE * self._solver.solve(head_points, gaze) + (1.0 - OWN_SHARE) * learned
        answer[_LIDS] = told_apart(without_look_down(answer[_LIDS], answer[_LOOKS_DOWN]))
        return np.asarray(answer, np.float32)

    def _above_baseline(self, reading: ExpressionReading, timestamp_s: float) -> FloatArray:
        values = (1.0 - _SECOND) * reading.blendshapes + _SECOND * reading.second_opinion
        if self._after_calibration is not None:
            if not self._after_calibration:
                self._calibrated_s = timestamp_s
            self._after_calibration.append(values)
            self._baseline = np.minimum(np.mean(self._after_calibration, axis=0), MOST_BASELINE)
            self._baseline[EYE_LOOK.ravel()] = 0.0
            if timestamp_s - self._calibrated_s >= BASELINE_S:
                self._after_calibration = None
        return np.clip((values - self._baseline) / (1.0 - self._baseline), 0.0, 1.0)
