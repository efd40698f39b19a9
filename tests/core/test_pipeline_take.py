"""A look ahead into a take: whose frames belong together, what is looked up once, and what it changes."""

import numpy as np
import pytest

from core.blendshapes import INDEX
from core.expression.smoothing import Smoothing
from core.face_follower import FollowerSettings
from core.pipeline import FORGET_AFTER_S, Pipeline, PipelineSettings
from core.pipeline_take import LOOK_AHEAD_S, appearances
from core.structures import Frame
from tests.scripted_faces import GREY, RIG, ScriptedLandmarker, seen, seen_with

STILL = PipelineSettings(follower=FollowerSettings(smoothing=Smoothing.OFF))
PUCKERED = (seen_with({"mouthPucker": 0.8, "browInnerUp": 0.7}),)
CALM = (seen(),)


def frames(count, rate_hz=30.0, images=None):
    return [Frame(GREY if images is None else images[i], i / rate_hz, i) for i in range(count)]


def steps(script, looks=True):
    """Every result of a script of faces; the landmarker has each frame's faces once only."""
    with Pipeline(RIG, STILL, landmarker=ScriptedLandmarker(*script)) as pipeline:
        if looks:
            pipeline.look_ahead(frames(len(script)))
        return [pipeline.step(frame) for frame in frames(len(script))]


def channel(results, name):
    return np.array([result.states[0].blendshapes[INDEX[name]] for result in results])


def test_a_face_that_is_away_for_long_is_somebody_new():
    here, other = (seen(0),), (seen(3),)
    gap = int(30 * FORGET_AFTER_S)
    script = [*[here] * 5, *[()] * (gap - 2), *[here + other] * 5, *[other] * (gap + 5), *[here] * 2]
    found = appearances([(faces, number / 30) for number, faces in enumerate(script)], FORGET_AFTER_S)
    assert [(seen_[0][0].face_id, len(seen_)) for seen_ in found] == [(0, 10), (3, 5 + gap + 5), (0, 2)]
    assert found[2][0][1] == pytest.approx((len(script) - 2) / 30)
    assert appearances([], FORGET_AFTER_S) == []


def test_nothing_is_looked_up_twice_and_landmarks_stay_the_same():
    script = [*[PUCKERED] * 10, *[()] * 5, *[CALM] * 30]
    plain, looked = steps(script, looks=False), steps(script)
    assert [result.landmarks for result in looked] == [result.landmarks for result in plain] == [*script]
    assert [result.notice for result in looked] == [result.notice for result in plain]


def test_a_first_second_that_is_not_neutral_does_no_harm():
    script = [*[PUCKERED] * 32, *[CALM] * 90]
    plain, looked = steps(script, looks=False), steps(script)
    assert channel(looked, "mouthPucker")[20:32].mean() > 1.5 * channel(plain, "mouthPucker")[20:32].mean()
    assert channel(looked, "mouthPucker")[-30:].mean() < 0.1


def test_a_short_take_is_told_as_live():
    script = [*[CALM] * 4, *[(seen(name="jawOpen", value=0.7),)] * 6]
    for plain, looked in zip(steps(script, looks=False), steps(script), strict=True):
        np.testing.assert_array_equal(looked.states[0].blendshapes, plain.states[0].blendshapes)


def test_whoever_comes_after_another_has_a_neutral_of_their_own():
    points = seen().points.copy()
    points[:, 1] = (points[:, 1] - 240.0) * 1.06 + 240.0
    longer = (type(CALM[0])(points, CALM[0].image_size),)
    alone = steps([*[longer] * 60])
    after = steps([*[CALM] * 60, *[()] * 45, *[longer] * 60])
    np.testing.assert_allclose(after[-1].states[0].blendshapes, alone[-1].states[0].blendshapes, atol=0.01)


def test_black_pictures_and_the_end_of_the_look_are_met_live():
    black = np.zeros_like(GREY)
    script = [CALM] * 9  # of twelve frames three are black, and those are not looked up
    images = [GREY, black, GREY, black, black, *[GREY] * 7]
    with Pipeline(RIG, STILL, landmarker=ScriptedLandmarker(*script)) as pipeline:
        rate_hz = 4 / LOOK_AHEAD_S  # so that the look ends after the fifth frame
        pipeline.look_ahead(frames(12, rate_hz, images))
        results = [pipeline.step(frame) for frame in frames(12, rate_hz, images)]
    assert [len(result.landmarks) for result in results] == [1, 0, 1, 0, 0, *[1] * 7]


def test_a_reset_forgets_what_was_seen_ahead():
    with Pipeline(RIG, STILL, landmarker=ScriptedLandmarker(*[PUCKERED] * 40, CALM)) as pipeline:
        pipeline.look_ahead(frames(40))
        pipeline.reset()
        assert pipeline.step(frames(1)[0]).landmarks == CALM
