"""Sound in a live session: in order and bounded, on the camera's clock, and owned by the engine's thread."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.audio.speech_driver import SpeechDriver
from core.audio.speech_settings import SpeechSettings
from core.pipeline import Notice, StepResult
from core.session import LiveSession
from core.session_parts import LiveSettings, Phase, SessionLimit, VoiceUse
from core.session_voice import STALE_S, Ear, Heard, SoundClock, SoundQueue, VoiceBeside
from core.structures import AudioChunk, FaceLandmarks, FaceState, Frame
from core.tracking.view_quality import ViewQuality
from tests.core.audio.stand_in import LoudMouth
from tests.core.test_session import CountingPipeline, PlainRenderer, engine_threads, wait_for
from tests.sounds import syllables
from tests.speech_tools import PACKET_S, UNLUCKY, LoudnessDriver, jaw, packet

NO_DELAY = SpeechSettings(look_ahead_ms=0.0)
CLEAR = {"brows": 1.0, "eyes": 1.0, "mouth": 1.0}


def heard(number: int, level: float = 0.5, late_s: float = 0.0) -> Heard:
    """A packet that arrives when its last sample was made, plus 5 s of another clock's zero."""
    return Heard(packet(number, level), 5.0 + (number + 1) * PACKET_S + late_s)


def seen(time_s: float, mouth: float = 1.0) -> StepResult:
    """One face, its mouth half open, seen as clearly as told."""
    points = np.zeros((478, 3), np.float32)
    values = np.full(52, 0.4, np.float32)
    state = FaceState(time_s, face_id=2, blendshapes=values)
    view = ViewQuality({**CLEAR, "mouth": mouth}, 120.0, (), 0.0)
    return StepResult((FaceLandmarks(points, (640, 480), 2),), (state,), {"landmarks": 1.0}, Notice.NONE, (view,))


@given(st.integers(1, 20), st.integers(0, 50))
def test_sound_comes_out_in_order_and_the_oldest_is_dropped_and_counted(most, count):
    queue = SoundQueue(most)
    for number in range(count):
        queue.put(heard(number))
    taken = []
    while items := queue.take(3):
        assert len(items) <= 3
        taken += [item.sound.timestamp_s for item in items]
    assert taken == [number * PACKET_S for number in range(count)][-most:]
    assert queue.dropped == max(0, count - most)


def test_a_waiting_reader_is_woken_by_sound_and_by_the_end():
    queue = SoundQueue()
    got: list[list[Heard]] = []
    for act in (lambda: queue.put(heard(0)), queue.wake):
        reader = threading.Thread(target=lambda: got.append(queue.take(9, 20.0)))
        reader.start()
        act()
        reader.join(10.0)
        assert not reader.is_alive()
    assert [len(taken) for taken in got] == [1, 0]


@given(st.lists(st.floats(0.0, 0.3), min_size=1, max_size=60))
def test_the_clock_trusts_the_quickest_packet(delays_s):
    clock = SoundClock()
    for number, delay_s in enumerate(delays_s):
        clock.note(number * PACKET_S, 100.0 + number * PACKET_S + delay_s)
    assert clock.sound_time(200.0) == pytest.approx(100.0 - min(delays_s), abs=1e-9)


def test_the_clock_follows_one_that_drifts():
    clock = SoundClock()
    for number in range(2000):  # 0.1 % apart: 40 ms in 40 s
        clock.note(number * PACKET_S, 100.0 + number * PACKET_S * 1.001)
    assert clock.sound_time(100.0 + 2000 * PACKET_S * 1.001) == pytest.approx(2000 * PACKET_S, abs=0.005)


def test_the_voice_of_a_moment_is_that_of_its_sound_whatever_the_look_ahead():
    for look_ahead_ms in (0.0, 100.0):
        ear = Ear(SoundQueue(), LoudnessDriver, SpeechSettings(look_ahead_ms=look_ahead_ms))
        queue = ear._sounds
        shown = []
        for number in range(100):
            queue.put(heard(number, level=0.8 if number >= 50 else 0.0))
            ear.listen(ear._driver.settings)
            state = ear.at(5.0 + (number + 1) * PACKET_S)
            shown.append(jaw(state) if state else 0.0)
        onset_s = PACKET_S * next(number for number, value in enumerate(shown) if value > 0.4)
        assert onset_s == pytest.approx(50 * PACKET_S + 0.001 * look_ahead_ms, abs=0.06)
        assert (
            np.abs(np.diff(shown)).max() <= 0.8 * PACKET_S * 30 + 1e-5
        )  # between two frames, not from one to the next


def listen_to_all(ear: Ear) -> None:
    while ear._sounds._sounds:
        ear.listen(NO_DELAY)


def test_a_voice_that_ceased_is_nobodys():
    queue = SoundQueue()
    ear = Ear(queue, LoudnessDriver, NO_DELAY)
    assert ear.at(5.0) is None
    for number in range(10):
        queue.put(heard(number))
    listen_to_all(ear)
    assert ear.at(5.2) is not None
    assert ear.at(5.2 + STALE_S + 0.01) is None


def test_a_sound_that_starts_anew_is_heard_anew():
    queue = SoundQueue(200)
    ear = Ear(queue, LoudnessDriver, NO_DELAY)
    for number in [*range(100), *range(10)]:
        queue.put(heard(number))
    listen_to_all(ear)
    assert ear._driver.resets == 2
    assert ear._frames[-1].state.timestamp_s <= 10 * PACKET_S


def test_new_settings_reach_the_driver_at_the_next_sound():
    queue = SoundQueue()
    ear = Ear(queue, LoudnessDriver, NO_DELAY)
    queue.put(heard(0))
    queue.put(heard(1))
    ear.listen(replace(NO_DELAY, strength=0.0))
    assert jaw(ear.at(5.06)) == 0.0


def support(beside, queue, result, number, listens=True):
    if listens:
        queue.put(heard(number, 0.9))
    return beside.support(result, 5.0 + (number + 1) * PACKET_S, NO_DELAY, listens)


def test_the_voice_takes_the_mouth_that_is_covered_and_gives_it_back():
    queue = SoundQueue(1000)
    beside = VoiceBeside(queue, LoudnessDriver)
    mouths = []
    for number in range(150):
        result = seen(number * PACKET_S, mouth=0.0 if 50 <= number < 100 else 1.0)
        (state,), stats = support(beside, queue, result, number)
        mouths.append(jaw(state))
        assert state.face_id == 2 and state.blendshapes[41] == pytest.approx(0.4)  # a brow, in view all the time
    assert mouths[49] == pytest.approx(0.4) and mouths[99] == pytest.approx(0.9) and mouths[149] == pytest.approx(0.4)
    assert stats.weights == {"brows": 0.0, "eyes": 0.0, "mouth": 0.0, "head": 0.0}
    assert np.abs(np.diff(mouths)).max() < 0.3


def test_a_voice_switched_off_lets_go_softly_and_hears_nothing_more():
    queue = SoundQueue(1000)
    beside = VoiceBeside(queue, LoudnessDriver)
    for number in range(30):
        support(beside, queue, seen(number * PACKET_S, mouth=0.0), number)
    mouths = []
    for number in range(30, 60):
        (state,), stats = support(beside, queue, seen(number * PACKET_S, mouth=0.0), number, listens=False)
        mouths.append(jaw(state))
        assert stats is None
    assert mouths[0] > 0.8 and mouths[-1] == pytest.approx(0.4)
    assert np.abs(np.diff([0.9, *mouths])).max() < 0.3
    assert not beside.is_in_use and queue.take(9) == []


def test_the_other_faces_stay_as_they_are():
    queue = SoundQueue()
    beside = VoiceBeside(queue, LoudnessDriver)
    result = seen(0.0, mouth=0.0)
    other = FaceState(0.0, face_id=7)
    states, _ = support(beside, queue, replace(result, states=(*result.states, other)), 0)
    assert states[1] is other


class VoiceBench:
    """A session with stand-ins for everything, and its states."""

    def __init__(self, use: VoiceUse, make_driver=None):
        self.drivers, self.pipelines, self.states = [], [], []
        self.session = LiveSession(
            settings=LiveSettings(voice=use, speech=NO_DELAY, mirrored=False),
            make_pipeline=self._pipeline,
            make_renderer=PlainRenderer,
            make_driver=make_driver or self._driver,
            limit=SessionLimit(2),
            idle_s=20.0,
            on_states=lambda states, arrived_s: self.states.append((states[0], arrived_s)),
        )

    def _driver(self, settings):
        self.drivers.append(LoudnessDriver(settings))
        return self.drivers[-1]

    def _pipeline(self, rig, settings):
        self.pipelines.append(CountingPipeline(rig, settings))
        return self.pipelines[-1]

    def frame(self, number, brightness=200):
        before = self.session.stats().frames
        self.session.put_frame(Frame(np.full((48, 64, 3), brightness, np.uint8), number * PACKET_S))
        wait_for(lambda: self.session.stats().frames > before)


@pytest.fixture
def voice_bench():
    benches = []

    def make(*arguments) -> VoiceBench:
        benches.append(VoiceBench(*arguments))
        return benches[-1]

    yield make
    for bench in benches:
        assert bench.session.stop()
    assert engine_threads() == []


def test_a_voice_alone_moves_the_head_without_a_landmark_network(voice_bench):
    bench = voice_bench(VoiceUse.ALONE)
    for number in range(50):
        bench.session.put_sound(packet(number, 0.7))
        wait_for(lambda at=number: bench.drivers and len(bench.drivers[0].pushed) > at)
    wait_for(lambda: len(bench.states) >= 28)
    times_s = [state.timestamp_s for state, _ in bench.states]
    assert (np.diff(times_s) > 0).all()
    assert jaw(bench.states[-1][0]) == pytest.approx(0.7)
    assert all(arrived_s is not None for _, arrived_s in bench.states)
    stats = bench.session.stats()
    assert stats.phase is Phase.RUNNING and stats.errors == 0
    assert stats.voice.speaking == pytest.approx(0.7) and stats.voice.dropped == 0
    assert "voice" in stats.stage_ms
    assert bench.pipelines == []
    assert threading.get_ident() not in bench.drivers[0].threads and len(bench.drivers[0].threads) == 1


def test_the_true_driver_is_heard_through_lost_packets(voice_bench):
    bench = voice_bench(VoiceUse.ALONE, lambda settings: SpeechDriver(LoudMouth(), settings))
    sound = syllables(3.0)
    size = round(PACKET_S * 16_000)
    for number in [*range(60), *range(70, 150)]:  # 0.2 s of sound is lost on the way
        chunk = AudioChunk(sound[number * size : (number + 1) * size], 16_000, number * PACKET_S)
        bench.session.put_sound(chunk)
        wait_for(lambda: not bench.session._sounds._sounds)
    wait_for(lambda: bench.states and bench.states[-1][0].timestamp_s > 2.8)
    times_s = [state.timestamp_s for state, _ in bench.states]
    assert (np.diff(times_s) > 0).all()
    jaws = np.array([jaw(state) for state, _ in bench.states])
    assert np.ptp(jaws[np.array(times_s) > 1.8]) > 0.2
    stats = bench.session.stats()
    assert (stats.errors, stats.voice.dropped) == (0, 0)
    assert stats.voice.latency_ms == pytest.approx(0.0, abs=5.0)


def test_sound_that_waits_as_a_reference_is_decoded_in_the_engines_thread(voice_bench):
    bench = voice_bench(VoiceUse.ALONE)
    decoded_by: list[int] = []

    def decode() -> AudioChunk:
        decoded_by.append(threading.get_ident())
        return packet(len(decoded_by) - 1)

    for _ in range(5):
        bench.session.put_sound(decode)
    wait_for(lambda: len(decoded_by) == 5)
    assert threading.get_ident() not in decoded_by


def test_a_bad_packet_is_counted_and_the_voice_goes_on(voice_bench):
    bench = voice_bench(VoiceUse.ALONE)
    bench.session.put_sound(packet(0, UNLUCKY))
    wait_for(lambda: bench.session.stats().errors == 1)
    assert bench.session.stats().last_error == "an unlucky packet"
    for number in range(1, 10):
        bench.session.put_sound(packet(number))
    wait_for(lambda: bench.states)


def test_a_voice_model_that_is_absent_stops_the_session_in_words(voice_bench):
    def absent(settings):
        raise FileNotFoundError("The voice model is not here.")

    bench = voice_bench(VoiceUse.ALONE, absent)
    bench.session.put_sound(packet(0))
    wait_for(lambda: bench.session.phase is Phase.FAILED)
    assert bench.session.stats().last_error == "The voice model is not here."


def test_beside_the_camera_a_lost_face_speaks_on(voice_bench):
    bench = voice_bench(VoiceUse.BESIDE)
    for number in range(5):
        bench.session.put_sound(packet(number, 0.6))
        bench.frame(number)
    assert jaw(bench.states[-1][0]) < 0.6 + 1e-6
    for number in range(5, 40):
        bench.session.put_sound(packet(number, 0.6))
        bench.frame(number, brightness=0)  # the stand-in finds no face in a black picture
    state = bench.states[-1][0]
    assert state.has_face and jaw(state) == pytest.approx(0.6, abs=1e-3)
    assert bench.session.stats().voice.weights["head"] == 1.0
    assert len(bench.pipelines) == 1


def test_a_voice_that_cannot_start_leaves_the_camera_as_it_was(voice_bench):
    tried: list[int] = []

    def absent(settings):
        tried.append(1)
        raise FileNotFoundError("The voice model is not here.")

    bench = voice_bench(VoiceUse.BESIDE, absent)
    for number in range(6):
        bench.frame(number)
    stats = bench.session.stats()
    assert stats.phase is Phase.RUNNING and stats.frames == 6
    assert (len(tried), stats.errors, stats.voice) == (1, 1, None)
    assert all(state.has_face for state, _ in bench.states)


def test_without_a_use_sound_is_forgotten_at_once(voice_bench):
    bench = voice_bench(VoiceUse.OFF)
    bench.session.put_sound(packet(0))
    assert not bench.session.is_running
    assert bench.session._sounds.take(9) == []
    bench.frame(0)
    assert bench.session.stats().voice is None
    assert bench.drivers == []


def test_the_end_forgets_what_was_said(voice_bench):
    bench = voice_bench(VoiceUse.ALONE)
    for number in range(5):
        bench.session.put_sound(packet(number))
    wait_for(lambda: bench.states)
    assert bench.session.stop()
    assert bench.session._sounds.take(9) == []
