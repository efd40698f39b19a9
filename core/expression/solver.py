"""Landmarks to the 52 ARKit coefficients, on the person's own rig."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from core.blendshapes import ARKIT_NAMES, COUNT, INDEX
from core.errors import InputError
from core.expression.landmark_weights import landmark_weights
from core.expression.learned_prior import ExpressionPrior
from core.geometry.gaze_shapes import EYE_LOOK, eye_look_coefficients
from core.geometry.least_squares import BoundedLeastSquares
from core.structures import LANDMARK_COUNT, FloatArray
from core.tracking.gaze import CLOSED_BELOW, lid_openness

PRIORS: Mapping[str, float] = MappingProxyType({
    "jawForward": 4.0,  # moves almost only in depth, which FaceMesh sees worst
    "cheekPuff": 6.0,  # likewise; its network was hardly taught puffed cheeks (mediapipe issue 4436)
    "cheekSquint": 3.0,  # its few points are also moved by eyeSquint and by smiling
    "mouthShrug": 2.0,  # the next ones are small rolls of the lips that look alike from the front
    "mouthRoll": 2.0,
    "mouthPress": 2.0,
    "mouthDimple": 2.0,
})  # fmt: skip
"""Reluctance of channels, by the beginning of their names, as a multiple of `ExpressionParameters.reluctance`."""

ALWAYS_HELD = ("tongueOut",)  # no FaceMesh point lies on the tongue; a rig's lips may still move a little with it

_JAW_OPEN, _MOUTH_CLOSE = INDEX["jawOpen"], INDEX["mouthClose"]
_LOOK = EYE_LOOK.ravel()
_LID_CHANNELS = [
    [INDEX[f"eye{what}{side}"] for what in ("Blink", "Squint", "Wide", "LookUp", "LookDown")]
    for side in ("Left", "Right")
]
_LID_RATIO = (0.4, 1.5)  # beyond, the neutral was taken with closed eyes
MOST_GAIN = 3.0

# Coefficients from the unknowns that are solved for: jawOpen counts what the lips do not close, so that
# 0 <= mouthClose <= jawOpen becomes two plain bounds.
_JAW_BEHIND_LIPS = np.eye(COUNT)
_JAW_BEHIND_LIPS[_JAW_OPEN, _MOUTH_CLOSE] = 1.0


@dataclass(frozen=True, slots=True)
class ExpressionParameters:
    """How the coefficients are found. The defaults are the best of some grids on rendered heads with known truth.

    depth_weight: of z against x and y; FaceMesh's z follows the shape of an average face. reluctance: m^2, and
    doubt: in parts of what the shape itself moves; a coefficient must explain more than both. High is steadier, low
    is livelier. priors: see `PRIORS`. least_movement: metres; a shape that moves no landmark farther cannot be seen
    and stays 0. lid_share: how much of the lids' movement that the gaze should cause is taken off before blinks are
    looked for; all of it would pass the noise of the gaze on to them. prior_trust: with a learned prior, how many
    times more a coefficient must explain to leave what the prior expects than, without one, to leave 0. loose_*: how
    far the head may still be off after the pose was taken out (metres, radians, parts of the size, of the depth).
    """

    depth_weight: float = 0.6
    reluctance: float = 5e-5
    doubt: float = 0.1
    priors: Mapping[str, float] = field(default_factory=lambda: PRIORS)
    least_movement: float = 0.0004
    lid_share: float = 0.5
    loose_shift: float = 0.005
    loose_turn: float = 0.06
    loose_size: float = 0.04
    loose_depth: float = 0.1
    prior_trust: float = 40.0


class ExpressionSolver:
    """Bounded least squares of landmark displacements against the rig's own 52 shapes.

    neutral_landmarks: (478, 3) metres, head frame, the face at rest; shape_landmarks: (52, 478, 3) metres,
    displacement at coefficient 1, as `HeadRig.shape_landmarks` gives it. prior: what a network's points usually mean;
    without one every coefficient is expected to be 0, which is right for exact points only.

    What is left of a rigid movement, of a wrong size and of FaceMesh's flattened or deepened relief is solved
    for together with the coefficients and thrown away. Both eyes are independent. `mouthClose` never exceeds
    `jawOpen`: it is solved as "jaw open behind closed lips", for which ARKit means it. Held at 0: `tongueOut`,
    shapes that move no landmark (`held` names them), and the eyeLook channels, which come from the gaze.

    The answer depends on this frame only; the last one merely makes it faster.
    """

    def __init__(
        self,
        neutral_landmarks: FloatArray,
        shape_landmarks: FloatArray,
        parameters: ExpressionParameters | None = None,
        prior: ExpressionPrior | None = None,
    ) -> None:
        self._parameters = parameters or ExpressionParameters()
        self._prior = prior
        self._rest = _checked(neutral_landmarks, (LANDMARK_COUNT, 3))
        self._rest_shapes = _checked(shape_landmarks, (COUNT, LANDMARK_COUNT, 3))
        self._seen = np.array([self._is_seen(channel) for channel in range(COUNT)])
        self.reset()

    @property
    def held(self) -> tuple[str, ...]:
        """Channels that this solver cannot see and leaves at 0, besides the eyeLook ones."""
        return tuple(n for i, n in enumerate(ARKIT_NAMES) if not self._seen[i] and i not in _LOOK)

    @property
    def neutral(self) -> FloatArray:
        """(478, 3) metres, the face that means 0."""
        return self._neutral.copy()

    def reset(self) -> None:
        """Back to the neutral face that the solver was made with."""
        self._set_neutral(self._rest)

    def calibrate(self, head_points: FloatArray | Sequence[FloatArray]) -> None:
        """Take these points for the neutral face: (478, 3), or some recent frames (n, 478, 3); metres, head frame.

        The median over the frames counts, so that a blink among them does no harm.
        """
        frames = np.asarray(head_points, np.float64)
        frames = frames[None] if frames.ndim == 2 else frames
        if len(frames) == 0:
            raise InputError("A calibration needs at least one frame with a face, but got none. Look into the camera.")
        self._set_neutral(np.median(_checked(frames, (len(frames), LANDMARK_COUNT, 3)), axis=0))

    def solve(self, head_points: FloatArray, gaze: FloatArray | None = None) -> FloatArray:
        """(52,) float32 in [0, 1] for `head_points` (478, 3), metres, head frame.

        gaze: (2, 2) radians; when given, the eyeLook channels are filled from it, and a part of what they do to the
        lids is not taken for a blink or a widened eye.
        """
        moved = _checked(head_points, (LANDMARK_COUNT, 3)) - self._neutral
        look = np.zeros(len(_LOOK)) if gaze is None else eye_look_coefficients(gaze).ravel()
        target = self._evidence @ moved.ravel() - self._gram[:, _LOOK] @ (self._parameters.lid_share * look)
        if self._prior is None:
            coefficients = np.clip(self._gain * self._reluctant(target), 0.0, 1.0)
        else:
            expected = np.where(self._seen, self._prior.expected(moved), 0.0)
            coefficients = np.clip(self._reluctant(target + self._ridge * expected), 0.0, 1.0)
        coefficients[_MOUTH_CLOSE] = min(coefficients[_MOUTH_CLOSE], coefficients[_JAW_OPEN])
        coefficients[_LOOK] = look
        return coefficients.astype(np.float32)

    def _reluctant(self, target: FloatArray) -> FloatArray:
        """(52,) coefficients as the ridge lets them be: somewhat too small."""
        return _JAW_BEHIND_LIPS @ self._bounded.solve(target @ _JAW_BEHIND_LIPS)

    def _is_seen(self, channel: int) -> bool:
        if channel in _LOOK or (ARKIT_NAMES[channel] in ALWAYS_HELD and self._prior is None):
            return False
        reach = np.linalg.norm(self._rest_shapes[channel][landmark_weights() > 0.0], axis=1).max()
        return bool(reach >= self._parameters.least_movement)

    def _set_neutral(self, neutral: FloatArray) -> None:
        self._neutral = neutral
        shapes = self._fitted_shapes().reshape(COUNT, -1)
        p = self._parameters
        weights = np.repeat(landmark_weights()[:, None], 3, axis=1)
        weights[:, 2] *= p.depth_weight
        weight = (weights**2).ravel()
        loose, deviation = self._loose_movements()
        # The loose movements are marginalised: W - W N (N'WN + ridge)^-1 N'W, applied to the shapes once. One of a
        # standard deviation must explain as much as a coefficient of 1.
        inner = loose.T * weight @ loose + np.diag(p.reluctance / deviation**2)
        self._evidence = shapes * weight - (shapes * weight @ loose) @ np.linalg.solve(inner, loose.T * weight)
        self._gram = self._evidence @ shapes.T
        priors = np.array([next((v for k, v in p.priors.items() if n.startswith(k)), 1.0) for n in ARKIT_NAMES])
        if self._prior is not None:
            priors[:] = p.prior_trust
        self._ridge = (p.reluctance + p.doubt * np.diag(self._gram)) * priors
        system = self._gram + np.diag(self._ridge)
        self._bounded = BoundedLeastSquares(
            _JAW_BEHIND_LIPS.T @ system @ _JAW_BEHIND_LIPS, 0.0, self._seen.astype(np.float64)
        )
        self._gain = np.ones(COUNT) if self._prior is not None else self._measured_gain()

    def _fitted_shapes(self) -> FloatArray:
        """(52, 478, 3) the rig's shapes, those of each eye's lids in proportion to this neutral's lid gap.

        A blink closes the gap that is there: without this, one on eyes half as open as the rig's would reach 0.5.
        """
        shapes = self._rest_shapes.copy()
        was, now = lid_openness(self._rest), lid_openness(self._neutral)
        if min(was.min(), now.min()) < CLOSED_BELOW:
            return shapes
        ratio = np.clip(now / was, *_LID_RATIO)
        for side, channels in enumerate(_LID_CHANNELS):
            shapes[channels] *= ratio[side]
        return shapes

    def _measured_gain(self) -> FloatArray:
        """(52,) what makes up for the ridge: each shape, shown half on its own, is answered with a half.

        A strong ridge ranks noisy evidence better (correlation with the truth 0.44 against 0.40 with a tenth of
        it), but alone it would leave every face sleepy.
        """
        gain = np.ones(COUNT)
        for channel in np.flatnonzero(self._seen):
            shown = np.zeros(COUNT)
            shown[channel] = 0.5
            if channel == _MOUTH_CLOSE:
                shown[_JAW_OPEN] = 0.5
            gain[channel] = 0.5 / max(self._reluctant(self._gram @ shown)[channel], 0.5 / MOST_GAIN)
        return np.maximum(gain, 1.0)

    def _loose_movements(self) -> tuple[FloatArray, FloatArray]:
        """(1434, 8) shift, turn, size and relief of the neutral face, and the standard deviation of each."""
        p = self._parameters
        arms = self._neutral - self._neutral.mean(0)
        moves = np.zeros((8, LANDMARK_COUNT, 3))
        moves[[0, 1, 2], :, [0, 1, 2]] = 1.0
        for axis in range(3):
            moves[3 + axis] = np.cross(np.eye(3)[axis], arms)
        moves[6] = arms
        moves[7, :, 2] = arms[:, 2]
        deviation = np.array([p.loose_shift] * 3 + [p.loose_turn] * 3 + [p.loose_size, p.loose_depth])
        return moves.reshape(8, -1).T, deviation


def _checked(values: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    array = np.asarray(values, np.float64)
    if array.shape != shape or not np.isfinite(array).all():
        raise InputError(f"Landmarks must be finite and of shape {shape}, but their shape is {array.shape}.")
    return array
