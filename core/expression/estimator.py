"""One face's coefficients: the network, the neutral it is told, and what "this is my neutral look" takes off."""

from __future__ import annotations

import numpy as np

from core.blendshapes import COUNT
from core.expression.face_crops import face_crops
from core.expression.gaze_shapes import EYE_LOOK
from core.expression.network import LEAST_CONTRAST, ExpressionNetwork, ExpressionReading
from core.structures import FaceLandmarks, FloatArray, HeadPose, ImageArray

BASELINE_S = 0.3  # how long after a calibration the remaining answers are averaged
MOST_BASELINE = 0.6  # a channel that rests higher keeps the rest of its range


class ExpressionEstimator:
    """Follows one face. neutral: (478, 3) metres, head frame; the face at rest as far as it is known."""

    def __init__(self, neutral: FloatArray, network: ExpressionNetwork | None = None) -> None:
        self._network = network or ExpressionNetwork()
        self._neutral = np.asarray(neutral, np.float64)
        self._baseline = np.zeros(COUNT)
        self._after_calibration: list[FloatArray] | None = None
        self._calibrated_s = 0.0

    @property
    def neutral(self) -> FloatArray:
        """(478, 3) metres, the face at rest."""
        return self._neutral.copy()

    def adopt_neutral(self, neutral: FloatArray) -> None:
        """A better guess of the face at rest; the network weighs it against what it sees."""
        self._neutral = np.asarray(neutral, np.float64)

    def calibrate(self, neutral: FloatArray) -> None:
        """The person says that this is their neutral look: what is still seen in it counts as 0 from now on."""
        self._neutral = np.asarray(neutral, np.float64)
        self._baseline = np.zeros(COUNT)
        self._after_calibration = []

    def step(
        self, landmarks: FaceLandmarks, head_points: FloatArray, gaze: FloatArray, pose: HeadPose, timestamp_s: float,
        image: ImageArray | None = None,
    ) -> ExpressionReading:  # fmt: skip
        """The (52,) coefficients in [0, 1] and their doubt at this moment.

        head_points: (478, 3) metres, head frame, of the same landmarks; image: the picture they were found in, where
        there is one: it tells what points cannot.
        """
        crops = None if image is None else face_crops(image, landmarks.points)
        if crops is not None and crops.face.std() < LEAST_CONTRAST:
            crops = None  # a picture without contrast tells nothing
        reading = self._network.step(head_points, self._neutral, gaze, pose, crops, timestamp_s)
        self._learn_baseline(reading.blendshapes, timestamp_s)
        values = np.clip((reading.blendshapes - self._baseline) / (1.0 - self._baseline), 0.0, 1.0)
        return ExpressionReading(values.astype(np.float32), reading.doubt)

    def _learn_baseline(self, values: FloatArray, timestamp_s: float) -> None:
        if self._after_calibration is None:
            return
        if not self._after_calibration:
            self._calibrated_s = timestamp_s
        self._after_calibration.append(values)
        self._baseline = np.minimum(np.mean(self._after_calibration, axis=0), MOST_BASELINE)
        self._baseline[EYE_LOOK.ravel()] = 0.0
        if timestamp_s - self._calibrated_s >= BASELINE_S:
            self._after_calibration = None
