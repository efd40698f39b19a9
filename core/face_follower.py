"""One face from frame to frame: its pose, its own neutral look, its coefficients, its filters."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from core.blendshapes import INDEX
from core.expression.estimator import ExpressionEstimator
from core.expression.smoothing import Smoothing, make_smoother
from core.geometry.rotation import nearest_rotation, yaw_pitch_roll
from core.head_model.identity import fit_identity
from core.head_model.rig import HeadRig
from core.rigging.calibration import Calibration, calibration_of
from core.structures import Camera, FaceLandmarks, FaceState, FloatArray, HeadPose
from core.tracking.gaze import estimate_gaze, lid_openness
from core.tracking.head_pose import HeadPoseSolver, head_frame_points
from core.tracking.landmark_bias import as_seen, as_true

Stage = Callable[[str], AbstractContextManager[None]]

AUTOMATIC_WINDOW_S = 1.0  # long enough that a blink (0.1 to 0.4 s) cannot win the median
CALIBRATE_WINDOW_S = 0.5
FRONTAL_RAD = 0.45  # beyond, the far cheek is a guess of the network and would enter the neutral


class Neutral(StrEnum):
    """Where a face's resting shape comes from."""

    AUTOMATIC = "automatic"
    """Measured in the first second, on the built-in head: right for everybody, whoever the rig shows."""
    RIG = "rig"
    """The rig's own, and its own landmark bias; right only when the person in the picture is the person of the rig."""


@dataclass(frozen=True, slots=True)
class FollowerSettings:
    """neutral: where the resting shape comes from; smoothing: the kind of filter; strength: of its fixed parts, 0
    (lightest) to 1 (strongest)."""

    neutral: Neutral = Neutral.AUTOMATIC
    smoothing: Smoothing = Smoothing.LEARNED
    strength: float = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class RigMeasures:
    """What following needs of a rig, computed once: landmarks (478, 3) and shape_landmarks (52, 478, 3), metres;
    calibration: what a guided recording told of this person, None without one."""

    rig: HeadRig
    landmarks: FloatArray
    shape_landmarks: FloatArray
    calibration: Calibration | None = None

    @classmethod
    def of(cls, rig: HeadRig) -> RigMeasures:
        """The measures of this rig."""
        return cls(rig, rig.landmarks(), rig.shape_landmarks(), calibration_of(rig))


class MedianWindow:
    """Collects arrays of one shape for a while and gives their median."""

    def __init__(self, duration_s: float) -> None:
        self._duration_s = duration_s
        self._started_s: float | None = None
        self._values: list[FloatArray] = []

    def add(self, values: FloatArray, timestamp_s: float) -> FloatArray | None:
        """The median once the window is full, None before."""
        if self._started_s is None:
            self._started_s = timestamp_s
        self._values.append(values)
        if timestamp_s - self._started_s < self._duration_s:
            return None
        return np.median(np.stack(self._values), axis=0)


def with_own_lids(coefficients: FloatArray, head_points: FloatArray, calibration: Calibration) -> FloatArray:
    """(52,) the coefficients, blinks and wide eyes half from what this person's lids are known to do.

    head_points: (478, 3) metres, head frame. Half, because lids also go down with the gaze, which the estimate knows.
    """
    found = coefficients.copy()
    for side, lid, openness in zip(
        ("Left", "Right"), (calibration.left, calibration.right), lid_openness(head_points), strict=True
    ):
        if lid is not None:
            for name, value in (("eyeBlink", lid.closed(openness)), ("eyeWide", lid.widened(openness))):
                channel = INDEX[name + side]
                found[channel] = 0.5 * (found[channel] + value)
    return found


class FaceObserver:
    """Turns one face's landmarks into what the estimator reads; remembers the last pose."""

    def __init__(self, measures: RigMeasures) -> None:
        self._bias = measures.rig.landmark_bias
        self._pose_solver = HeadPoseSolver(as_seen(measures.landmarks, self._bias))

    def pose(self, landmarks: FaceLandmarks, camera: Camera) -> tuple[HeadPose, FloatArray]:
        """The head's pose and the points (478, 3) metres in its frame, the landmark bias taken off."""
        pose = self._pose_solver.solve(landmarks, camera)
        return pose, as_true(head_frame_points(landmarks, pose, camera), self._bias)


def is_frontal(pose: HeadPose) -> bool:
    """Whether both cheeks are seen well enough for a neutral."""
    yaw, pitch, _ = yaw_pitch_roll(pose.rotation)
    return bool(max(abs(yaw), abs(pitch)) < FRONTAL_RAD)


def make_estimator(measures: RigMeasures, settings: FollowerSettings) -> ExpressionEstimator:
    """The estimator for these settings, before it knows more of the person than the rig does."""
    return ExpressionEstimator(measures.landmarks, measures.shape_landmarks, is_own_rig=settings.neutral is Neutral.RIG)


class FaceFollower:
    """Solves one face and remembers what it needs for that: last pose, neutral, filters.

    With an automatic neutral, the first frontal frame gives a guess and the median of the first second replaces it;
    both go through `fit_identity`, which tells who it is from what the face does, so that a person who smiles at the
    start is not taken to smile always. neutral: (478, 3) metres, where it is known before; then nothing is guessed.
    `calibrate()` believes a person who says that they look neutral.
    """

    def __init__(self, measures: RigMeasures, settings: FollowerSettings, neutral: FloatArray | None = None) -> None:
        self._settings = settings
        self._rig = measures.rig
        self._observer = FaceObserver(measures)
        self._estimator = make_estimator(measures, settings)
        self._calibration = measures.calibration if settings.neutral is Neutral.RIG else None
        known = neutral if self._calibration is None else self._calibration.neutral
        if known is not None:
            self._estimator.adopt_neutral(known)
        self._needs_guess = known is None and settings.neutral is Neutral.AUTOMATIC
        self._guess_window = MedianWindow(AUTOMATIC_WINDOW_S) if self._needs_guess else None
        self._calm_window: MedianWindow | None = None
        self._straight_window: MedianWindow | None = None
        self._straight = np.eye(3)
        self._smoother = make_smoother(settings.smoothing, settings.strength)

    @property
    def settings(self) -> FollowerSettings:
        return self._settings

    @settings.setter
    def settings(self, settings: FollowerSettings) -> None:
        if (settings.smoothing, settings.strength) != (self._settings.smoothing, self._settings.strength):
            self._smoother = make_smoother(settings.smoothing, settings.strength)
        self._settings = settings

    def calibrate(self) -> None:
        """Takes the next half second as the neutral look and as looking straight ahead; it stands above what the
        automatic way found. The head's turn is counted from there: cameras stand beside screens, and how level a face
        looks to the network depends on the face."""
        self._needs_guess, self._guess_window = False, None
        self._calm_window = MedianWindow(CALIBRATE_WINDOW_S)
        self._straight_window = MedianWindow(CALIBRATE_WINDOW_S)

    def step(self, landmarks: FaceLandmarks, camera: Camera, timestamp_s: float, stage: Stage) -> FaceState:
        """The state of the face at this moment."""
        with stage("pose"):
            pose, head_points = self._observer.pose(landmarks, camera)
        with stage("gaze"):
            gaze = estimate_gaze(landmarks, head_points)
        with stage("expression"):
            if is_frontal(pose):
                self._learn_neutral(head_points, timestamp_s)
                self._straight_window = self._after_window(
                    self._straight_window, pose.rotation, timestamp_s, self._adopt_straight
                )
            coefficients = self._estimator.step(head_points, gaze, pose, timestamp_s)
            if self._calibration is not None:
                coefficients = with_own_lids(coefficients, head_points, self._calibration)
        state = FaceState(
            timestamp_s=timestamp_s,
            face_id=landmarks.face_id,
            blendshapes=coefficients,
            head_rotation=pose.rotation @ self._straight.T,
            head_translation=pose.translation,
            gaze=gaze,
            confidence=landmarks.confidence,
        )
        with stage("smoothing"):
            return self._smoother.smooth(state)

    def _learn_neutral(self, head_points: FloatArray, timestamp_s: float) -> None:
        if self._needs_guess:
            self._adopt_identity(head_points)
            self._needs_guess = False
        self._guess_window = self._after_window(self._guess_window, head_points, timestamp_s, self._adopt_identity)
        self._calm_window = self._after_window(self._calm_window, head_points, timestamp_s, self._estimator.calibrate)

    def _after_window(
        self, window: MedianWindow | None, values: FloatArray, timestamp_s: float, use: Callable[[FloatArray], None]
    ) -> MedianWindow | None:
        median = None if window is None else window.add(values, timestamp_s)
        if median is None:
            return window
        use(median)
        return None

    def _adopt_straight(self, rotation: FloatArray) -> None:
        self._straight = nearest_rotation(rotation)

    def _adopt_identity(self, head_points: FloatArray) -> None:
        self._estimator.adopt_neutral(fit_identity(head_points, self._rig).neutral_landmarks)
