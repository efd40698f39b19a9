from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.audio.speech_driver import SpeechDriver
from core.audio.speech_settings import SpeechSettings
from core.blendshapes import INDEX
from core.geometry.gaze_shapes import gaze_from_blendshapes
from core.geometry.rotation import rotation_angle
from core.structures import AudioChunk
from tests.core.audio.stand_in import LoudMouth
from tests.sounds import noise, syllables

JAW, BLINK, BROWS = INDEX["jawOpen"], INDEX["eyeBlinkLeft"], INDEX["browInnerUp"]
RATE_HZ = 16000
SOUND = syllables(3.0)


def driver(**changes):
    return SpeechDriver(LoudMouth(), SpeechSettings(**changes))


def chunks(sound, size, rate_hz=RATE_HZ, start_s=0.0):
    return [AudioChunk(sound[i : i + size], rate_hz, start_s + i / rate_hz) for i in range(0, len(sound), size)]


def played(driver, pieces):
    return [frame for piece in pieces for frame in driver.push(piece)] + driver.finish()


def values(frames):
    return np.array([frame.state.blendshapes for frame in frames])


def times(frames):
    return np.array([frame.state.timestamp_s for frame in frames])


def assert_same(left, right):
    np.testing.assert_allclose(values(left), values(right), atol=1e-4)
    np.testing.assert_allclose(times(left), times(right), atol=1e-9)
    for a, b in zip(left, right, strict=True):
        np.testing.assert_allclose(a.state.gaze, b.state.gaze, atol=1e-4)
        np.testing.assert_allclose(a.state.head_rotation, b.state.head_rotation, atol=1e-4)
        assert a.speaking == pytest.approx(b.speaking, abs=1e-4)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(1, 9000), max_size=40),
    st.sampled_from([8000, 16000, 44100]),
    st.sampled_from([0.0, 35.0, 60.0, 100.0]),
)
def test_streaming_equals_offline_whatever_the_chunks(sizes, rate_hz, look_ahead_ms):
    sound = SOUND[: 2 * rate_hz] if rate_hz > 16000 else SOUND
    whole = played(driver(look_ahead_ms=look_ahead_ms), [AudioChunk(sound, rate_hz, 0.0)])
    pieces, at = [], 0
    for size in [*sizes, len(sound)]:
        pieces.append(AudioChunk(sound[at : at + size], rate_hz, at / rate_hz))
        at += size
    assert_same(played(driver(look_ahead_ms=look_ahead_ms), pieces), whole)
    assert len(whole) == math.floor(30 * len(sound) / rate_hz + 1e-6) + 1
    np.testing.assert_allclose(times(whole), np.arange(len(whole)) / 30)


@pytest.mark.parametrize("look_ahead_ms", [0.0, 33.0, 60.0, 100.0])
@pytest.mark.parametrize("rate_hz", [16000, 48000])
def test_a_frame_comes_when_the_stated_latency_has_passed(look_ahead_ms, rate_hz):
    voice = driver(look_ahead_ms=look_ahead_ms)
    for piece in chunks(np.repeat(SOUND, rate_hz // RATE_HZ), rate_hz // 100, rate_hz):
        known_s = piece.timestamp_s + 0.01
        given_s = [frame.state.timestamp_s for frame in voice.push(piece)]
        assert all(time_s <= known_s + 1e-9 for time_s in given_s)  # nothing is said of what nobody has heard
        next_s = voice._given / 30
        assert known_s < next_s + 0.001 * voice.latency_ms + 0.01 + 1e-9
    assert look_ahead_ms <= voice.latency_ms <= look_ahead_ms + 2.0


def test_frames_start_with_the_first_chunks_time():
    late = played(driver(), chunks(SOUND, 320, start_s=77.7))
    np.testing.assert_allclose(times(late), 77.7 + np.arange(91) / 30)


@pytest.mark.parametrize("lost", [1, 3])
def test_lost_packets_heal_within_200_ms_without_a_jump(lost):
    rate_hz, packet = 48000, 960
    sound = np.repeat(SOUND, 3)
    whole = played(driver(), chunks(sound, packet, rate_hz))
    kept = chunks(sound, packet, rate_hz)
    del kept[60 : 60 + lost]  # at 1.2 s
    healed = played(driver(), kept)
    np.testing.assert_allclose(times(healed), times(whole))
    away = np.abs(values(healed)[:, JAW] - values(whole)[:, JAW])
    gap_end_s = 1.2 + 0.02 * lost
    assert away[times(whole) < 1.2 - 0.06].max() < 1e-4
    assert away[times(whole) > gap_end_s + 0.2].max() < 0.02
    steps = np.abs(np.diff(values(healed)[:, JAW]))
    assert steps.max() <= np.abs(np.diff(values(whole)[:, JAW])).max() + 0.1


def test_a_drifting_clock_keeps_frames_on_the_grid_and_the_mouth_in_place():
    packet = 320
    fast = 1.002
    pieces = [AudioChunk(p.samples, RATE_HZ, p.timestamp_s * fast) for p in chunks(np.tile(SOUND, 4), packet)]
    frames = played(driver(), pieces)
    np.testing.assert_allclose(np.diff(times(frames)), 1 / 30, atol=1e-9)
    assert abs(times(frames)[-1] - 12.0 * fast) < 0.06


def test_a_long_pause_of_the_source_costs_no_flood_of_frames():
    voice = driver()
    first = [frame for piece in chunks(SOUND, 320) for frame in voice.push(piece)]
    rest = [frame for piece in chunks(SOUND, 320, start_s=1000.0) for frame in voice.push(piece)] + voice.finish()
    assert len(first) + len(rest) < 240
    assert (np.diff(times(first + rest)) > 0.0333).all()
    assert times(rest)[-1] == pytest.approx(1003.0, abs=0.05)


def test_a_source_that_starts_again_is_a_new_sound():
    voice = driver()
    once = [frame for piece in chunks(SOUND, 320) for frame in voice.push(piece)]
    again = [frame for piece in chunks(SOUND, 320) for frame in voice.push(piece)]
    assert_same(once, again)


def test_silence_is_a_closed_mouth_in_a_face_that_lives():
    frames = played(driver(), [AudioChunk(np.zeros(30 * RATE_HZ, np.float32), RATE_HZ, 0.0)])
    assert values(frames)[:, JAW].max() < 0.01 and max(frame.speaking for frame in frames) == 0.0
    blinks = values(frames)[:, BLINK]
    assert 4 <= ((blinks[1:] > 0.5) & (blinks[:-1] <= 0.5)).sum() <= 14
    angles = [rotation_angle(frame.state.head_rotation) for frame in frames]
    assert 0.001 < np.std(angles) < math.radians(2.0)


@pytest.mark.parametrize("colour", ["white", "pink", "brown"])
def test_steady_noise_closes_the_mouth_whatever_the_network_says(colour):
    frames = played(driver(), [AudioChunk(noise(colour, 6.0, 0.1), RATE_HZ, 0.0)])
    assert values(frames)[45:, JAW].max() < 0.02 and max(frame.speaking for frame in frames) < 0.5


def test_a_whisper_is_listened_to():
    whispered = noise("white", 3.0, 0.05) * np.abs(np.sin(np.pi * 2.0 * np.arange(3 * RATE_HZ) / RATE_HZ)) ** 2
    frames = played(driver(), [AudioChunk(whispered.astype(np.float32), RATE_HZ, 0.0)])
    assert values(frames)[:, JAW].max() > 0.2 and max(frame.speaking for frame in frames) < 0.1


def test_speech_moves_the_mouth_and_what_is_above_it():
    frames = played(
        driver(), [AudioChunk(syllables(20.0) * np.repeat(np.tile([0.3, 1.0, 0.5, 0.9], 50), 1600), RATE_HZ, 0.0)]
    )
    talking = values(frames)
    assert talking[:, JAW].max() > 0.3 and np.ptp(talking[:, BROWS]) > 0.1 and talking[:, BLINK].max() > 0.95
    assert np.ptp([frame.state.head_rotation[1, 2] for frame in frames]) > math.radians(2.0)


def test_gaze_and_its_coefficients_agree():
    for frame in played(driver(), [AudioChunk(SOUND, RATE_HZ, 0.0)]):
        np.testing.assert_allclose(gaze_from_blendshapes(frame.state.blendshapes), frame.state.gaze, atol=1e-6)


def test_settings():
    def of(**changes):
        return values(played(driver(**changes), [AudioChunk(SOUND, RATE_HZ, 0.0)]))

    plain = of()
    np.testing.assert_allclose(of(strength=0.5)[:, JAW], 0.5 * plain[:, JAW], atol=1e-6)
    assert of(strength=0.0)[:, JAW].max() == 0.0 and of(strength=2.0).max() <= 1.0
    assert of(blinks=False)[:, BLINK].max() == 0.0 and of(brows=0.0)[:, BROWS].max() == 0.0
    still = played(driver(head_motion=0.0), [AudioChunk(SOUND, RATE_HZ, 0.0)])
    assert max(rotation_angle(frame.state.head_rotation) for frame in still) < 1e-6
    assert all((frame.state.gaze == 0.0).all() for frame in still)
    sad = played(driver(valence=-1.0), [AudioChunk(SOUND, RATE_HZ, 0.0)])
    assert sad[5].state.valence == -1.0 and values(sad)[:, INDEX["mouthFrownLeft"]].min() == pytest.approx(0.3)


@pytest.mark.parametrize(("before_ms", "after_ms"), [(0.0, 100.0), (100.0, 0.0), (60.0, 20.0)])
def test_look_ahead_may_change_while_a_voice_runs(before_ms, after_ms):
    voice = driver(look_ahead_ms=before_ms)
    pieces = chunks(SOUND, 500)
    frames = [frame for piece in pieces[:50] for frame in voice.push(piece)]
    changed_at = len(frames)
    voice.settings = replace(voice.settings, look_ahead_ms=after_ms)
    frames += [frame for piece in pieces[50:] for frame in voice.push(piece)] + voice.finish()
    np.testing.assert_allclose(times(frames), np.arange(91) / 30)
    expected = values(played(driver(look_ahead_ms=after_ms), [AudioChunk(SOUND, RATE_HZ, 0.0)]))[:, JAW]
    np.testing.assert_allclose(values(frames)[changed_at + 15 :, JAW], expected[changed_at + 15 :], atol=1e-4)


@pytest.mark.parametrize("count", [0, 1, 100, 533, 534])
def test_hardly_any_sound(count):
    frames = played(driver(), [AudioChunk(SOUND[:count], RATE_HZ, 0.0)])
    assert len(frames) == (math.floor(count / RATE_HZ * 30 + 1e-6) + 1 if count else 0)
    assert driver().finish() == []


def test_finish_begins_a_new_sound():
    voice = driver()
    first = played(voice, chunks(SOUND, 777))
    assert_same(played(voice, chunks(SOUND, 160)), first)


def test_broken_samples_are_survived():
    broken = SOUND.copy()
    broken[4000:4100] = np.nan
    broken[9000:9100] = 1e30
    frames = played(driver(), chunks(broken, 320))
    whole = values(played(driver(), chunks(SOUND, 320)))
    assert np.isfinite(values(frames)).all()
    np.testing.assert_allclose(values(frames)[60:, JAW], whole[60:, JAW], atol=0.02)


def test_the_same_seed_gives_the_same_gestures_and_another_one_others():
    pieces = [AudioChunk(np.zeros(10 * RATE_HZ, np.float32), RATE_HZ, 0.0)]
    first, same, other = (values(played(SpeechDriver(LoudMouth(), seed=seed), pieces)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert np.abs(first[:, BLINK] - other[:, BLINK]).max() > 0.5
