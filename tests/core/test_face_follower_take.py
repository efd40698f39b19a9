"""A face's neutral from all that was seen of it, against what its first second says."""

from contextlib import nullcontext

import numpy as np
import pytest

from core.blendshapes import INDEX
from core.expression.smoothing import Smoothing
from core.face_follower import FaceFollower, FollowerSettings, Neutral, RigMeasures
from core.face_follower_take import neutral_of_face
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.rigging.calibration import Calibration
from core.tracking.camera import default_camera
from tests.scripted_faces import RIG, SIZE, seen, seen_with

MEASURES = RigMeasures.of(RIG)
AUTOMATIC, OWN = FollowerSettings(), FollowerSettings(Neutral.RIG)
SMILE = ("mouthSmileLeft", "mouthSmileRight")


def take(*faces):
    return [(face, number / 30) for number, face in enumerate(faces)]


def mean_error_mm(neutral):
    return 1000 * np.linalg.norm(neutral - MEASURES.landmarks, axis=1)[:468].mean()


def told(faces, neutral, name):
    """What a follower with this neutral tells of one channel in the last frame; None: with its own first second."""
    follower = FaceFollower(MEASURES, FollowerSettings(smoothing=Smoothing.OFF), neutral)
    for face, timestamp_s in faces:
        state = follower.step(face, default_camera(SIZE), timestamp_s, lambda _name: nullcontext())
    return state.blendshapes[INDEX[name]]


PUCKERED = {"mouthPucker": 0.8, "browInnerUp": 0.7}


def test_a_first_second_that_is_not_neutral_is_corrected_by_the_rest():
    faces = take(*[seen_with(PUCKERED)] * 32, *[seen()] * 100)
    first = neutral_of_face(faces[:32], MEASURES, AUTOMATIC)
    whole = neutral_of_face(faces, MEASURES, AUTOMATIC)
    assert mean_error_mm(whole) < 0.5 * mean_error_mm(first)


@pytest.mark.parametrize("settings", [AUTOMATIC, OWN])
def test_less_than_a_second_tells_nothing_new(settings):
    assert neutral_of_face(take(*[seen()] * 10), MEASURES, settings) is None
    aside = seen(rotation=rotation_from_yaw_pitch_roll(0.9, 0.0, 0.0))
    assert neutral_of_face(take(*[aside] * 60), MEASURES, settings) is None
    assert neutral_of_face([], MEASURES, settings) is None
    assert neutral_of_face(take(*[seen()] * 40), MEASURES, settings) is not None


def test_a_guided_recordings_neutral_stands():
    calibrated = RigMeasures(RIG, MEASURES.landmarks, MEASURES.shape_landmarks, Calibration(MEASURES.landmarks))
    faces = take(*[seen()] * 40)
    assert neutral_of_face(faces, calibrated, OWN) is None
    assert neutral_of_face(faces, calibrated, AUTOMATIC) is not None  # somebody else may sit there


def test_a_smile_held_throughout_stays_one():
    faces = take(*[seen_with(dict.fromkeys(SMILE, 0.8))] * 90)
    whole = neutral_of_face(faces, MEASURES, AUTOMATIC)
    before = told(faces, None, SMILE[0])
    assert before > 0.2
    assert told(faces, whole, SMILE[0]) > 0.8 * before


def test_a_known_neutral_is_not_guessed_anew():
    """The follower takes it from the first frame on, and the first second does not replace it."""
    faces = take(*[seen_with(PUCKERED)] * 45)
    known = MEASURES.landmarks.astype(np.float64)
    assert told(faces, known, "mouthPucker") > told(faces, None, "mouthPucker") + 0.1
