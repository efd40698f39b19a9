"""Camera and voice as one face: who counts when, without a jump, and the same at every frame rate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.animation.fusion import HEAD, REGION_OF, REGIONS, FusionSettings, VoiceFusion
from core.blendshapes import ARKIT_NAMES, INDEX
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.structures import FaceState
from core.tracking.view_quality import REGION_POINTS
from tests.stream_tools import random_face

CLEAR = {"brows": 1.0, "eyes": 1.0, "mouth": 1.0}
HIDDEN_MOUTH = {"brows": 1.0, "eyes": 1.0, "mouth": 0.0}
MOST_JUMP = 0.3
MOUTH, BROWS, EYES = (np.array([of == region for of in REGION_OF]) for region in ("mouth", "brows", "eyes"))

confidences = st.fixed_dictionaries({region: st.floats(0.0, 1.0) for region in REGION_POINTS})
sights = st.none() | confidences
relaxed = settings(deadline=None, max_examples=30)
rates_hz = st.sampled_from([15.0, 24.0, 30.0, 60.0])


def camera_at(time_s: float, seed: int = 1) -> FaceState:
    return replace(random_face(seed, time_s), face_id=3)


VOICE = replace(random_face(2), confidence=1.0)


def run(sights_of_frames, voice=VOICE, rate_hz: float = 30.0, fusion: VoiceFusion | None = None):
    """The fused states of a still camera face and a still voice."""
    fusion = fusion or VoiceFusion()
    shown = []
    for k, sight in enumerate(sights_of_frames):
        time_s = k / rate_hz
        camera = FaceState.no_face(time_s) if sight is None else camera_at(time_s)
        shown.append(fusion.fuse(camera, sight, voice))
    return shown


def test_every_shape_belongs_to_a_region_that_the_camera_is_asked_about():
    assert set(REGION_OF) == set(REGION_POINTS) == set(REGIONS) - {HEAD}
    assert all(REGION_OF[INDEX[name]] == "mouth" for name in ("jawOpen", "mouthClose", "tongueOut", "cheekPuff"))
    assert all(REGION_OF[INDEX[name]] == "eyes" for name in ("eyeBlinkLeft", "cheekSquintRight", "noseSneerLeft"))
    assert {name for name, of in zip(ARKIT_NAMES, REGION_OF, strict=True) if of == "brows"} == {
        name for name in ARKIT_NAMES if name.startswith("brow")
    }


@relaxed
@given(st.lists(sights, max_size=12), st.integers(0, 30))
def test_a_face_in_full_view_is_the_cameras_own(before, seed):
    fusion = VoiceFusion()
    run([*before, *[CLEAR] * 12], fusion=fusion)
    camera = camera_at(1.0 + len(before), seed)
    assert fusion.fuse(camera, CLEAR, VOICE) is camera
    assert set(fusion.weights.values()) == {0.0}


@relaxed
@given(st.lists(sights, max_size=12))
def test_without_a_voice_the_camera_is_left_alone(before):
    shown = run(before, voice=None)
    assert [state.has_face for state in shown] == [sight is not None for sight in before]
    camera = camera_at(9.0)
    assert VoiceFusion().fuse(camera, HIDDEN_MOUTH, None) is camera


def test_a_covered_mouth_speaks_by_the_voice_and_the_rest_stays_the_cameras():
    fused = run([CLEAR] + [HIDDEN_MOUTH] * 12)[-1]
    camera = camera_at(12 / 30)
    np.testing.assert_array_equal(fused.blendshapes[MOUTH], VOICE.blendshapes[MOUTH])
    np.testing.assert_array_equal(fused.blendshapes[~MOUTH], camera.blendshapes[~MOUTH])
    np.testing.assert_array_equal(fused.gaze, camera.gaze)
    np.testing.assert_allclose(fused.head_rotation, camera.head_rotation, atol=1e-6)
    assert (fused.timestamp_s, fused.face_id) == (camera.timestamp_s, camera.face_id)


def test_without_a_face_the_voice_moves_everything_where_the_head_was():
    fused = run([CLEAR] + [None] * 12)[-1]
    np.testing.assert_allclose(fused.blendshapes, VOICE.blendshapes, atol=1e-6)
    np.testing.assert_allclose(fused.gaze, VOICE.gaze, atol=1e-6)
    np.testing.assert_allclose(fused.head_rotation, VOICE.head_rotation, atol=1e-5)
    np.testing.assert_allclose(fused.head_translation, camera_at(0).head_translation)
    assert fused.has_face and fused.confidence == pytest.approx(1.0)


def test_a_face_that_never_was_is_the_voices_from_the_first_frame():
    first = run([None])[0]
    np.testing.assert_allclose(first.blendshapes, VOICE.blendshapes, atol=1e-6)
    assert first.has_face


@relaxed
@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_the_less_is_seen_the_more_the_voice_counts(one, other):
    low, high = sorted((one, other))
    weights = []
    for confidence in (low, high):
        fusion = VoiceFusion()
        run([{**CLEAR, "mouth": confidence}] * 12, fusion=fusion)
        weights.append(fusion.weights["mouth"])
    assert weights[0] >= weights[1]
    assert 0.0 <= weights[1] <= weights[0] <= 1.0


@relaxed
@given(confidences, confidences)
def test_a_region_asks_about_itself_alone(one, other):
    first, second = VoiceFusion(), VoiceFusion()
    run([one] * 3, fusion=first)
    run([{**other, "mouth": one["mouth"]}] * 3, fusion=second)
    assert first.weights["mouth"] == second.weights["mouth"]


@relaxed
@given(st.lists(sights, min_size=2, max_size=30), rates_hz, st.lists(st.booleans(), min_size=30, max_size=30))
def test_nothing_jumps_whatever_comes_and_goes(sights_of_frames, rate_hz, speaks):
    fusion = VoiceFusion()
    silent = np.zeros(52, np.float32)
    shown = []
    for k, sight in enumerate(sights_of_frames):
        # A lost face arrives here faded to neutral; a still one keeps the camera's own steps out of the measure.
        camera = replace(camera_at(k / rate_hz), blendshapes=silent)
        if sight is None:
            camera = FaceState.no_face(k / rate_hz)
        shown.append(fusion.fuse(camera, sight, VOICE if speaks[k] else None))
    steps = np.abs(np.diff([state.blendshapes for state in shown], axis=0))
    assert steps.max() <= MOST_JUMP
    for state in shown:
        assert state.blendshapes.min() >= 0.0 and state.blendshapes.max() <= 1.0


@relaxed
@given(st.sampled_from([24.0, 30.0, 48.0, 60.0, 120.0]), st.floats(0.0, 0.6))
def test_the_way_takes_the_same_time_at_every_frame_rate(rate_hz, moment_s):
    def weights_at(rate: float) -> list[float]:
        fusion = VoiceFusion()
        fusion.fuse(camera_at(0.0), CLEAR, VOICE)
        for time_s in [*np.arange(1, int(moment_s * rate) + 1) / rate, moment_s]:
            fusion.fuse(camera_at(float(time_s)), HIDDEN_MOUTH, VOICE)
        return [fusion.weights[region] for region in REGIONS]

    np.testing.assert_allclose(weights_at(rate_hz), weights_at(240.0), atol=1e-6)


def test_the_whole_way_there_and_back_takes_its_time():
    times = FusionSettings(to_voice_s=0.4, to_camera_s=0.2)
    fusion = VoiceFusion(times)
    run([CLEAR], fusion=fusion)
    weights = []
    for k in range(1, 41):
        fusion.fuse(camera_at(k / 50), HIDDEN_MOUTH if k <= 20 else CLEAR, VOICE)
        weights.append(fusion.weights["mouth"])
    assert weights[18] < 1.0 and weights[19] == pytest.approx(1.0)
    assert weights[28] > 0.0 and weights[29] == pytest.approx(0.0, abs=1e-6)
    assert (np.diff(weights[:20]) > 0).all() and (np.diff(weights[20:30]) < 0).all()


def test_a_voice_that_falls_silent_forever_lets_go_softly():
    fusion = VoiceFusion()
    run([HIDDEN_MOUTH] * 5, fusion=fusion)
    fading = [fusion.fuse(camera_at(0.2 + k / 30), HIDDEN_MOUTH, None) for k in range(10)]
    weights = [np.abs(state.blendshapes - camera_at(0).blendshapes)[MOUTH].max() for state in fading]
    assert (np.diff(weights) <= 0).all() and weights[-1] == 0.0


def test_a_head_turns_on_from_where_it_was_lost():
    voice = replace(VOICE, head_rotation=rotation_from_yaw_pitch_roll(0.1, 0.0, 0.0).astype(np.float32))
    turned = rotation_from_yaw_pitch_roll(1.0, 0.0, 0.0).astype(np.float32)
    fusion = VoiceFusion()
    fusion.fuse(replace(camera_at(0.0), head_rotation=turned), CLEAR, voice)
    angles = []
    for k in range(1, 12):
        state = fusion.fuse(FaceState.no_face(k / 30), None, voice)
        angles.append(float(np.arctan2(state.head_rotation[0, 2], state.head_rotation[2, 2])))
    assert (np.diff([1.0, *angles]) <= 1e-6).all()
    assert np.abs(np.diff([1.0, *angles])).max() < 0.3 * 0.9
    assert angles[-1] == pytest.approx(0.1, abs=1e-4)


def test_time_that_runs_back_moves_nothing():
    fusion = VoiceFusion()
    run([CLEAR] * 3, fusion=fusion)
    fusion.fuse(camera_at(-5.0), HIDDEN_MOUTH, VOICE)
    assert fusion.weights["mouth"] == 0.0


def test_a_reset_forgets():
    fusion = VoiceFusion()
    run([HIDDEN_MOUTH] * 5, fusion=fusion)
    fusion.reset()
    camera = camera_at(7.0)
    assert fusion.fuse(camera, CLEAR, VOICE) is camera
