"""Numbers stay with their faces."""

import numpy as np

from core.tracking.identities import FaceIdentities

SIZE = np.array([100.0, 100.0])


def places(*x):
    return np.array([[value, 200.0] for value in x])


def test_order_of_detection_does_not_matter():
    identities = FaceIdentities(2)
    assert identities.assign(places(100, 300), SIZE, 0.0) == (0, 1)
    assert identities.assign(places(305, 104), SIZE, 0.033) == (1, 0)


def test_two_people_side_by_side_who_both_move_keep_their_numbers():
    identities = FaceIdentities(2)
    identities.assign(places(100, 160), SIZE, 0.0)
    for step in range(1, 20):  # each step brings the left face nearer to where the right one was
        assert identities.assign(places(160 + 3 * step, 100 + 3 * step), SIZE, step / 30) == (1, 0)


def test_a_short_absence_keeps_the_number():
    identities = FaceIdentities(2)
    identities.assign(places(100, 300), SIZE, 0.0)
    assert identities.assign(places(302), SIZE[:1], 0.1) == (1,)
    assert identities.assign(places(300, 100), SIZE, 0.5) == (1, 0)


def test_a_newcomer_does_not_take_a_number_that_is_in_use():
    identities = FaceIdentities(3)
    identities.assign(places(100), SIZE[:1], 0.0)
    assert identities.assign(places(700, 100), SIZE, 0.03) == (1, 0)


def test_one_person_is_always_number_zero():
    identities = FaceIdentities(1)
    for step, x in enumerate((100, 900, 50, 600)):
        assert identities.assign(places(x), SIZE[:1], step * 0.3) == (0,)


def test_a_long_absence_and_a_rewound_video_begin_anew():
    identities = FaceIdentities(2)
    identities.assign(places(100, 300), SIZE, 10.0)
    assert identities.assign(places(300), SIZE[:1], 15.0) == (0,)
    assert identities.assign(places(900), SIZE[:1], 2.0) == (0,)


def test_reset_and_no_faces():
    identities = FaceIdentities(2)
    assert identities.assign(np.zeros((0, 2)), np.zeros(0), 0.0) == ()
    identities.assign(places(100, 300), SIZE, 0.1)
    identities.reset()
    assert identities.assign(places(300), SIZE[:1], 0.2) == (0,)
