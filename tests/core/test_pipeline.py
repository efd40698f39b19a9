"""One step of the engine: the real landmarker on the real test face, and a scripted one where faces come and go."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from core.blendshapes import ARKIT_NAMES, INDEX
from core.expression.smoothing import Smoothing
from core.face_follower import FollowerSettings
from core.geometry.rotation import rotation_angle, rotation_from_yaw_pitch_roll
from core.pipeline import Notice, Pipeline, PipelineSettings, framing_notice, is_black, view_notice
from core.structures import FaceLandmarks, FaceState, Frame
from core.tracking.settings import TrackerSettings
from core.tracking.view_quality import ViewQuality
from tests.scripted_faces import GREY, RIG, SIZE, ScriptedLandmarker, seen

STILL = PipelineSettings(follower=FollowerSettings(smoothing=Smoothing.OFF))


def run(script, settings=STILL, rate_hz=30.0):
    script = [faces if isinstance(faces, tuple) else (faces,) for faces in script]
    with Pipeline(RIG, settings, landmarker=ScriptedLandmarker(*script)) as pipeline:
        return [pipeline.step(Frame(GREY, i / rate_hz, i)) for i in range(len(script))]


def test_the_test_face_gives_a_state_with_every_stage_timed(astronaut):
    ticks = itertools.count()
    with Pipeline(clock=lambda: float(next(ticks))) as pipeline:
        result = pipeline.step(Frame(astronaut.image, 1.5))
    (state,) = result.states
    assert state.has_face and state.timestamp_s == 1.5
    assert len(result.landmarks) == 1
    assert result.notice is Notice.NONE
    assert result.timings_ms == dict.fromkeys(("landmarks", "pose", "gaze", "expression", "smoothing", "view"), 1000.0)
    # She looks into the lens, a little to her left, at half an arm's length before a long lens.
    assert rotation_angle(state.head_rotation) < 0.35
    assert state.head_translation[2] < -0.3


def test_an_empty_picture_is_no_face_and_a_black_one_is_a_camera_off():
    with Pipeline() as pipeline:
        empty = pipeline.step(Frame(GREY, 0.0))
        black = pipeline.step(Frame(np.zeros_like(GREY), 0.1))
    assert (empty.notice, black.notice) == (Notice.NO_FACE, Notice.CAMERA_OFF)
    for result, timestamp_s in ((empty, 0.0), (black, 0.1)):
        (state,) = result.states
        assert not state.has_face and state.timestamp_s == timestamp_s


def test_a_dark_room_is_not_a_camera_off():
    dark = np.clip(np.random.default_rng(0).normal(12.0, 6.0, (480, 640, 3)), 0, 255).astype(np.uint8)
    assert not is_black(dark)
    assert is_black(np.full((480, 640, 3), 16, np.uint8))


def test_a_shape_and_a_pose_come_back():
    turned = rotation_from_yaw_pitch_roll(0.3, 0.1, -0.05)
    smile = seen(name="mouthSmileLeft", value=0.8, rotation=turned)
    results = run([seen()] * 40 + [smile])
    state = results[-1].states[0]
    assert rotation_angle(state.head_rotation.T @ turned) < np.radians(2.0)
    mouth = {name: state.blendshapes[INDEX[name]] for name in ARKIT_NAMES if name.startswith("mouth")}
    assert max(mouth, key=mouth.__getitem__) == "mouthSmileLeft"
    assert mouth["mouthSmileLeft"] > 0.33
    assert mouth["mouthSmileRight"] < 0.5 * mouth["mouthSmileLeft"] + 0.05


def test_the_automatic_neutral_tells_who_it_is_from_what_the_face_does():
    broad = seen()
    points = broad.points.copy()
    points[:, 0] = (points[:, 0] - 320.0) * 1.06 + 320.0  # a broader face, at rest
    results = run([FaceLandmarks(points, SIZE)] * 45)
    moved = results[-1].states[0].blendshapes[[not name.startswith("eyeLook") for name in ARKIT_NAMES]]
    assert moved.max() < 0.12
    smiling = seen(name="mouthSmileLeft", value=0.8)
    results = run([smiling] * 45)
    assert results[-1].states[0].blendshapes[INDEX["mouthSmileLeft"]] > 0.33


def test_look_neutral_makes_the_face_of_now_the_resting_one():
    pout = seen(name="mouthPucker", value=0.7)
    script = ScriptedLandmarker(*[(seen(),)] * 40, *[(pout,)] * 40)
    with Pipeline(RIG, STILL, landmarker=script) as pipeline:
        before = [pipeline.step(Frame(GREY, i / 30.0)) for i in range(50)][-1]
        pipeline.calibrate()
        after = [pipeline.step(Frame(GREY, i / 30.0)) for i in range(50, 80)][-1]
    assert before.states[0].blendshapes[INDEX["mouthPucker"]] > 0.25
    assert after.states[0].blendshapes[INDEX["mouthPucker"]] < 0.05


def test_look_neutral_makes_the_head_of_now_the_straight_one():
    """A camera above the screen sees everybody look down; further turns count from there."""
    below = rotation_from_yaw_pitch_roll(0.05, -0.25, 0.02)
    aside = rotation_from_yaw_pitch_roll(0.3, 0.0, 0.0)
    script = ScriptedLandmarker(*[(seen(rotation=below),)] * 40, *[(seen(rotation=below @ aside),)] * 2)
    with Pipeline(RIG, STILL, landmarker=script) as pipeline:
        before = pipeline.step(Frame(GREY, 0.0)).states[0]
        pipeline.calibrate()
        states = [pipeline.step(Frame(GREY, i / 30.0)).states[0] for i in range(1, 42)]
    assert rotation_angle(before.head_rotation.T @ below) < 0.03
    assert rotation_angle(states[38].head_rotation) < 0.03
    assert rotation_angle(states[-1].head_rotation.T @ below @ aside @ below.T) < 0.06


def run_calibrated(first, then):
    """A second of the first faces with "look neutral", then the others; every result."""
    script = ScriptedLandmarker(*[first] * 30, *then)
    with Pipeline(RIG, STILL, landmarker=script) as pipeline:
        pipeline.step(Frame(GREY, 0.0))
        pipeline.calibrate()
        return [pipeline.step(Frame(GREY, i / 30.0, i)) for i in range(1, 30 + len(then))]


def test_every_face_keeps_its_own_neutral():
    wide, calm = seen(7, "jawOpen", 0.6), seen(3)
    results = run_calibrated((calm, wide), [(calm, wide)])
    assert [state.face_id for state in results[-1].states] == [3, 7]
    assert all(state.blendshapes[INDEX["jawOpen"]] < 0.05 for state in results[-1].states)


def test_a_face_that_leaves_is_forgotten_and_one_that_blinks_out_is_not():
    wide = (seen(name="jawOpen", value=0.6),)
    short = run_calibrated(wide, [*[()] * 10, wide])
    assert short[-2].notice is Notice.NO_FACE
    assert short[-1].states[0].blendshapes[INDEX["jawOpen"]] < 0.05  # still measured against the open mouth
    long = run_calibrated(wide, [*[()] * 45, *[wide] * 8])
    assert long[-1].states[0].blendshapes[INDEX["jawOpen"]] > 0.4  # measured anew


def test_a_lost_face_fades_and_comes_back_without_a_jump():
    wide = (seen(name="jawOpen", value=0.9),)
    results = run([*[(seen(),)] * 40, *[wide] * 30, *[()] * 20, *[wide] * 20, *[()] * 60])
    states = [result.states[0] for result in results[40:]]
    jaw = np.array([state.blendshapes[INDEX["jawOpen"]] for state in states])
    sure = np.array([state.confidence for state in states])
    assert jaw[29] > 0.4
    assert jaw[49] < 0.15 * jaw[29]
    assert jaw[69] > 0.9 * jaw[29]
    assert np.abs(np.diff(jaw[25:])).max() <= 0.3
    assert np.all(np.diff(sure[30:50]) < 0)
    assert not states[-1].has_face
    assert [state.timestamp_s for state in states] == pytest.approx(np.arange(40, 170) / 30)


def test_smoothing_steadies_a_trembling_face_and_can_be_changed_while_it_runs():
    rng = np.random.default_rng(1)
    clean = seen(name="mouthSmileLeft", value=0.5)

    def trembling():
        noise = rng.normal(0.0, 0.4, clean.points.shape).astype(np.float32)
        return (FaceLandmarks(clean.points + noise, SIZE),)

    script = [*[(seen(),)] * 35, *[trembling() for _ in range(120)]]

    def tremble(smoothing, strength=0.3):
        settings = PipelineSettings(follower=FollowerSettings(smoothing=smoothing, strength=strength))
        values = np.array([result.states[0].blendshapes for result in run(script, settings)[75:]])
        return values.std(0).sum()

    raw, learned = tremble(Smoothing.OFF), tremble(Smoothing.LEARNED)
    light, strong = tremble(Smoothing.ONE_EURO), tremble(Smoothing.ONE_EURO, 1.0)
    assert strong < 0.6 * light and light < 0.9 * raw and learned < 0.6 * raw, (raw, light, strong, learned)

    pipeline = Pipeline(RIG, STILL, landmarker=ScriptedLandmarker(*script))
    pipeline.step(Frame(GREY, 0.0))
    pipeline.settings = PipelineSettings(TrackerSettings(2, 0.8, 0.7), FollowerSettings(smoothing=Smoothing.ONE_EURO))
    assert pipeline._landmarker.settings == TrackerSettings(2, 0.8, 0.7)
    assert pipeline._faces[0].follower.settings.smoothing is Smoothing.ONE_EURO
    pipeline.close()
    assert pipeline._landmarker.closed


def test_smoothed_rotations_stay_rotations():
    script = [
        (seen(rotation=rotation_from_yaw_pitch_roll(0.6 * np.sin(i / 3), 0.2 * np.cos(i / 2), 0.0)),) for i in range(60)
    ]
    settings = PipelineSettings(follower=FollowerSettings(smoothing=Smoothing.ONE_EURO, strength=1.0))
    for result in run(script, settings):
        rotation = result.states[0].head_rotation
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-5)
        assert np.linalg.det(rotation) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(
    ("shift", "scale", "notice"),
    [((0, 0), 1.0, Notice.NONE), ((-330, 0), 1.0, Notice.CUT_OFF), ((0, 0), 0.12, Notice.TOO_SMALL)],
)
def test_framing_is_told_in_words(shift, scale, notice):
    points = seen().points.copy()
    points[:, :2] = (points[:, :2] - (320, 240)) * scale + (320, 240) + shift
    assert framing_notice(FaceLandmarks(points, SIZE)) is notice


@pytest.mark.parametrize(
    ("view", "notice"),
    [
        (ViewQuality({}, 120.0, (), 0.1), Notice.NONE),
        (ViewQuality({}, 20.0, (), 0.1), Notice.DARK),
        (ViewQuality({}, 20.0, (), 1.2), Notice.TURNED_AWAY),
        (ViewQuality({}, 120.0, ("mouth",), 0.1), Notice.COVERED),
    ],
)
def test_what_hides_a_face_is_told(view, notice):
    assert view_notice(view) is notice


def test_two_real_faces_are_both_followed(astronaut):
    face = astronaut.image[:256, 96:352]
    both = np.hstack([face, cv2.resize(face, (256, 256))[:, ::-1]])
    frame = np.ascontiguousarray(cv2.resize(both, (1024, 512)))
    with Pipeline(settings=PipelineSettings(TrackerSettings(max_faces=2))) as pipeline:
        for i in range(5):
            result = pipeline.step(Frame(frame, i / 30.0, i))
    assert len(result.states) == 2
    assert len({state.face_id for state in result.states}) == 2
    assert all(isinstance(state, FaceState) and state.has_face for state in result.states)
