"""One face's neutral from all that was seen of it, for takes that lie there whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.expression.take_neutral import neutral_of_take
from core.face_follower import (
    AUTOMATIC_WINDOW_S,
    FaceObserver,
    FollowerSettings,
    MedianWindow,
    Neutral,
    RigMeasures,
    is_frontal,
    make_estimator,
)
from core.head_model.identity import fit_identity
from core.structures import FaceLandmarks, FloatArray, HeadPose
from core.tracking.camera import default_camera
from core.tracking.gaze import estimate_gaze


@dataclass(frozen=True, slots=True, eq=False)
class _Moment:
    """points: (478, 3) metres, head frame; gaze: (2, 2) radians."""

    points: FloatArray
    gaze: FloatArray
    pose: HeadPose
    timestamp_s: float


def neutral_of_face(
    seen: Sequence[tuple[FaceLandmarks, float]], measures: RigMeasures, settings: FollowerSettings
) -> FloatArray | None:
    """(478, 3) metres, head frame, for `FaceFollower`: the face at rest as all these landmarks, each with its time in
    seconds, say. None where they show less than a second of a face from before, which tells no more than the follower
    finds out itself, and where a guided recording told the neutral."""
    if settings.neutral is Neutral.RIG and measures.calibration is not None:
        return None
    moments = _moments(seen, measures)
    start = _start(moments, measures, settings)
    if start is None:
        return None
    frontal = [number for number, moment in enumerate(moments) if is_frontal(moment.pose)]

    def tell(neutral: FloatArray) -> FloatArray:
        estimator = make_estimator(measures, settings)
        estimator.adopt_neutral(neutral)
        told = [estimator.step(m.points, m.gaze, m.pose, m.timestamp_s) for m in moments]
        return np.stack(told)[frontal]

    return neutral_of_take(np.stack([moments[number].points for number in frontal]), start, tell)


def _moments(seen: Sequence[tuple[FaceLandmarks, float]], measures: RigMeasures) -> list[_Moment]:
    observer = FaceObserver(measures)
    found = []
    for landmarks, timestamp_s in seen:
        pose, points = observer.pose(landmarks, default_camera(landmarks.image_size))
        found.append(_Moment(points.astype(np.float32), estimate_gaze(landmarks, points), pose, timestamp_s))
    return found


def _start(moments: Sequence[_Moment], measures: RigMeasures, settings: FollowerSettings) -> FloatArray | None:
    """What the follower takes for the neutral once its first second is over; None before that."""
    window = MedianWindow(AUTOMATIC_WINDOW_S)
    for moment in moments:
        median = window.add(moment.points, moment.timestamp_s) if is_frontal(moment.pose) else None
        if median is not None:
            is_rigs = settings.neutral is Neutral.RIG
            return measures.landmarks if is_rigs else fit_identity(median, measures.rig).neutral_landmarks
    return None
