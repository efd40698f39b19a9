"""`LiveSession` around stand-ins for tracker and renderer: what matters here are threads, slots and endings."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import numpy as np
import pytest

from core.errors import TakeError
from core.pipeline import Notice, StepResult
from core.session import THREAD_NAME, LiveSession
from core.session_inputs import TakeInput
from core.session_parts import LiveSettings, NewestSlot, Phase, SessionLimit, View
from core.structures import FaceState, Frame
from tests.builders import tiny_rig

PATIENCE_S = 20.0


class CountingPipeline:
    """Finds one face in every frame; remembers who calls it."""

    def __init__(self, rig, settings):
        self.rig, self.settings = rig, settings
        self.threads = {threading.get_ident()}
        self.closed = False
        self.calibrated = 0
        self.seen: list[float] = []
        self.gate = threading.Event()
        self.gate.set()

    def step(self, frame):
        self.threads.add(threading.get_ident())
        self.gate.wait(PATIENCE_S)
        self.seen.append(frame.timestamp_s)
        if frame.image[0, 0, 0] == 13:
            raise ValueError("an unlucky frame")
        if frame.image[0, 0, 0] == 0:
            return StepResult((), (FaceState.no_face(frame.timestamp_s),), {"landmarks": 1.0}, Notice.NO_FACE)
        return StepResult((), (FaceState(frame.timestamp_s),), {"landmarks": 2.0})

    def calibrate(self):
        self.calibrated += 1

    def close(self):
        self.threads.add(threading.get_ident())
        self.closed = True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class PlainRenderer:
    """A picture whose red is the orbit's yaw in degrees."""

    def __init__(self, rig):
        self.rig, self.closed = rig, False
        self.threads = {threading.get_ident()}
        self.states = []

    def render(self, state, camera):
        self.threads.add(threading.get_ident())
        self.states.append(state)
        return np.full((64, 64, 3), round(np.degrees(camera.yaw_rad)), np.uint8)

    def close(self):
        self.threads.add(threading.get_ident())
        self.closed = True


class Bench:
    """A session with stand-ins that can be looked into."""

    def __init__(self, **options):
        self.pipelines, self.renderers = [], []
        self.limit = options.pop("limit", SessionLimit(4))
        self.session = LiveSession(
            make_pipeline=options.pop("make_pipeline", self._pipeline),
            make_renderer=self._renderer,
            limit=self.limit,
            **{"idle_s": PATIENCE_S, **options},
        )

    def _pipeline(self, rig, settings):
        self.pipelines.append(CountingPipeline(rig, settings))
        return self.pipelines[-1]

    def _renderer(self, rig):
        self.renderers.append(PlainRenderer(rig))
        return self.renderers[-1]

    def push(self, brightness=200, timestamp_s=0.0):
        """Puts one frame and waits until it has been worked on."""
        before = self.done if self.session.is_running else 0
        self.session.put_frame(Frame(np.full((48, 64, 3), brightness, np.uint8), timestamp_s))
        wait_for(lambda: self.done > before)

    @property
    def done(self):
        stats = self.session.stats()
        return stats.frames + stats.errors


def wait_for(condition):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.002)


def engine_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith(THREAD_NAME)]


@pytest.fixture
def bench():
    made = Bench(settings=LiveSettings(mirrored=False))
    yield made
    assert made.session.stop()


def test_the_first_frame_starts_one_thread_that_owns_everything(bench):
    bench.session.update(view=View.SIDE_BY_SIDE)
    bench.push(timestamp_s=0.0)
    bench.push(timestamp_s=0.1)
    assert len(engine_threads()) == 1
    assert bench.session.is_running
    assert bench.session.stop()
    owners = bench.pipelines[0].threads | bench.renderers[0].threads
    assert len(owners) == 1 and threading.get_ident() not in owners
    assert bench.pipelines[0].closed and bench.renderers[0].closed
    assert engine_threads() == []


def test_the_newest_frame_wins(bench):
    bench.push(timestamp_s=0.0)
    pipeline = bench.pipelines[0]
    pipeline.gate.clear()
    image = np.full((48, 64, 3), 200, np.uint8)
    bench.session.put_frame(Frame(image, 1.0))
    wait_for(lambda: bench.session._frames._value is None)  # the engine holds frame 1 at the gate
    for timestamp_s in (2.0, 3.0, 4.0):
        bench.session.put_frame(Frame(image, timestamp_s))
    pipeline.gate.set()
    wait_for(lambda: bench.session.stats().frames == 3)
    assert pipeline.seen == [0.0, 1.0, 4.0]
    assert bench.session.stats().dropped == 2


def test_a_frame_may_be_decoded_in_the_engine_thread(bench):
    decoders = []

    def decode():
        decoders.append(threading.current_thread().name)
        return Frame(np.full((48, 64, 3), 200, np.uint8), 0.0)

    bench.session.put_frame(decode)
    wait_for(lambda: bench.session.stats().frames == 1)
    assert decoders[0].startswith(THREAD_NAME)


def test_an_exception_is_counted_and_the_stream_goes_on(bench):
    bench.push()
    bench.push(brightness=13, timestamp_s=0.1)
    stats = bench.session.stats()
    assert (stats.errors, stats.last_error, stats.phase) == (1, "an unlucky frame", Phase.RUNNING)
    picture = bench.session.latest_output()
    bench.push(timestamp_s=0.2)
    assert bench.session.latest_output().number == picture.number + 1


def test_settings_reach_the_running_stream(bench):
    bench.push()
    bench.session.update(faces=3, detection_confidence=0.9, view=View.AVATAR, orbit_yaw_rad=np.radians(30.0))
    bench.push(timestamp_s=0.1)
    assert bench.pipelines[0].settings.tracker.max_faces == 3
    assert bench.pipelines[0].settings.tracker.detection_confidence == 0.9
    assert (bench.session.latest_output().picture == 30).all()


def test_the_views_have_their_own_shapes_and_only_the_shown_picture_is_mirrored(bench):
    image = np.zeros((48, 64, 3), np.uint8)
    image[:, :32] = 255
    frame = Frame(image, 0.0)
    shapes = {}
    for view in View:
        for mirrored in (False, True):
            bench.session.update(view=view, mirrored=mirrored)
            before = bench.done
            bench.session.put_frame(frame)
            wait_for(lambda before=before: bench.done > before)
            shapes[view, mirrored] = bench.session.latest_output().picture
    assert shapes[View.CAMERA, False].shape == (48, 64, 3)
    assert shapes[View.AVATAR, False].shape == (64, 64, 3)
    assert shapes[View.SIDE_BY_SIDE, False].shape == (64, 84 + 64, 3)
    np.testing.assert_array_equal(shapes[View.CAMERA, True], image[:, ::-1])
    assert shapes[View.SIDE_BY_SIDE, True][0, 0, 0] == 0


def test_a_lost_face_leaves_the_head_as_it_was(bench):
    bench.session.update(view=View.AVATAR)
    bench.push(timestamp_s=1.0)
    bench.push(brightness=0, timestamp_s=2.0)
    assert bench.session.stats().notice is Notice.NO_FACE
    assert not bench.session.stats().has_face
    assert bench.renderers[0].states[-1].timestamp_s == 1.0


def test_calibrate_reaches_the_pipeline_once(bench):
    bench.push()
    bench.session.calibrate()
    bench.push(timestamp_s=0.1)
    bench.push(timestamp_s=0.2)
    assert bench.pipelines[0].calibrated == 1


def test_a_recording_holds_the_frames_between_start_and_stop(bench):
    bench.push(timestamp_s=1.0)
    bench.session.start_recording()
    for timestamp_s in (1.1, 1.2, 1.3):
        bench.push(timestamp_s=timestamp_s)
    take = bench.session.stop_recording("mine")
    bench.push(timestamp_s=1.4)
    assert take.name == "mine"
    assert len(take.states) == 3
    assert bench.session.recorded_s is None
    with pytest.raises(TakeError, match="no recording"):
        bench.session.stop_recording("again")


def test_another_rig_restarts_pipeline_and_renderer(bench):
    bench.session.update(view=View.AVATAR)
    bench.push()
    other = tiny_rig()
    bench.session.rig = other
    wait_for(lambda: len(bench.pipelines) == 2)
    bench.push(timestamp_s=0.1)
    assert bench.pipelines[0].closed and bench.renderers[0].closed
    assert bench.pipelines[1].rig is other and bench.renderers[1].rig is other


def test_after_stop_nothing_is_left_and_start_works_again(bench):
    for _ in range(3):
        bench.session.update(view=View.AVATAR)
        bench.push()
        held = [weakref.ref(bench.pipelines.pop()), weakref.ref(bench.renderers.pop())]
        assert bench.session.stop()
        gc.collect()
        assert [reference() for reference in held] == [None, None]
        assert bench.session.latest_output() is None
        assert bench.session.stats().phase is Phase.IDLE
        assert engine_threads() == []
        assert bench.limit.running == 0


def test_request_stop_does_not_wait(bench):
    bench.push()
    bench.pipelines[0].gate.clear()
    bench.session.put_frame(Frame(np.full((48, 64, 3), 200, np.uint8), 1.0))
    bench.session.request_stop()
    assert not bench.session.is_running  # although the engine thread still works on its last frame
    assert engine_threads()
    assert not bench.session.stop(timeout_s=0.05)
    bench.pipelines[0].gate.set()
    assert bench.session.stop()


def test_silence_ends_the_session():
    bench = Bench(idle_s=0.2)
    bench.push()
    wait_for(lambda: not engine_threads())
    assert bench.limit.running == 0
    assert not bench.session.is_running
    bench.push()
    assert bench.session.stop()


def test_a_viewer_who_looks_no_more_ends_the_session(bench):
    bench = Bench(idle_s=0.3)
    take = make_take()
    bench.session.play(lambda clock, stopped: TakeInput(take, clock, stopped))
    wait_for(lambda: bench.session.stats().frames > 0)
    wait_for(lambda: not engine_threads())
    assert bench.session.stats().phase is Phase.IDLE


def make_take():
    from core.animation.take import TakeRecorder

    recorder = TakeRecorder()
    for i in range(10):
        recorder.add(FaceState(i / 30.0, blendshapes=np.full(52, i / 10.0, np.float32)))
    return recorder.finish("ramp")


def test_a_take_drives_the_head_at_its_own_times(bench):
    take = make_take()
    bench.session.play(lambda clock, stopped: TakeInput(take, clock, stopped))

    def looks():
        bench.session.latest_output()
        return bench.session.stats().frames > 12

    wait_for(looks)
    values = [float(state.blendshapes[0]) for state in bench.renderers[0].states]
    assert all(0.0 <= value <= 0.9 for value in values)
    assert max(values) > 0.5


def test_the_limit_makes_a_session_wait_and_lets_it_in_later():
    limit = SessionLimit(1)
    first, second = Bench(limit=limit), Bench(limit=limit)
    first.push()
    frame = Frame(np.full((48, 64, 3), 200, np.uint8), 0.0)
    second.session.put_frame(frame)
    assert second.session.phase is Phase.BUSY
    assert not second.session.is_running
    assert limit.is_full
    assert first.session.stop()
    second.push()
    assert second.session.is_running
    assert second.session.stop()
    assert limit.running == 0


def test_a_session_that_cannot_start_says_why_and_does_not_hammer():
    calls = []

    def broken(rig, settings):
        calls.append(time.monotonic())
        raise RuntimeError("no network file")

    bench = Bench(make_pipeline=broken)
    frame = Frame(np.full((48, 64, 3), 200, np.uint8), 0.0)
    bench.session.put_frame(frame)
    wait_for(lambda: bench.session.phase is Phase.FAILED)
    for _ in range(50):
        bench.session.put_frame(frame)
    assert len(calls) == 1
    assert bench.session.stats().last_error == "no network file"
    assert bench.session.stop()
    assert bench.limit.running == 0


def test_newest_slot_wakes_a_reader_without_a_value():
    slot: NewestSlot[int] = NewestSlot()
    answers = []
    thread = threading.Thread(target=lambda: answers.append(slot.take(PATIENCE_S)))
    thread.start()
    while thread.is_alive():
        slot.wake()
        thread.join(0.01)
    assert answers == [None]
    slot.put(1)
    slot.put(2)
    assert slot.take(0.0) == 2
    assert slot.dropped == 1


def test_a_listener_hears_every_face_with_the_time_its_frame_came(bench):
    heard = []
    bench.session.on_states = lambda states, arrived_s: heard.append((states, arrived_s, threading.get_ident()))
    before_s = time.monotonic()
    bench.push(timestamp_s=7.0)
    after_s = time.monotonic()
    ((states, arrived_s, thread),) = heard
    assert [state.timestamp_s for state in states] == [7.0]
    assert before_s <= arrived_s <= after_s
    assert {thread} == bench.pipelines[0].threads
    bench.session.on_states = None
    bench.push(timestamp_s=8.0)
    assert len(heard) == 1


def test_a_listener_that_fails_hurts_no_picture(bench):
    def fail(states, arrived_s):
        raise OSError("the network is gone")

    bench.session.on_states = fail
    bench.push()
    wait_for(lambda: bench.session.stats().frames == 1)
    assert bench.session.stats().last_error == "the network is gone"
    assert bench.session.latest_output() is not None


def test_a_take_is_heard_too_and_its_time_is_now(bench):
    heard = []
    bench.session.on_states = lambda states, arrived_s: heard.append((states[0].blendshapes[0], arrived_s))
    take = make_take()
    bench.session.play(lambda clock, stopped: TakeInput(take, clock, stopped))
    wait_for(lambda: len(heard) > 3)
    assert {arrived_s for _, arrived_s in heard} == {None}
