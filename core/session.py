"""A live session: one engine thread that owns tracker, solver and renderer, with newest-wins slots around it.

Every method of `LiveSession` may be called from any thread; `put_frame`, `put_sound`, `latest_output` and
`request_stop` never wait, so that they are safe on an event loop.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import Any, TypeAlias

from core.animation.take import Take, TakeRecorder
from core.errors import TakeError
from core.head_model.rig import HeadRig
from core.pipeline import Pipeline, PipelineSettings, StepResult
from core.session_inputs import Arrival, CameraInput, Input, LazyFrame, VoiceInput
from core.session_painter import MakeRenderer, SessionPainter, make_live_renderer
from core.session_parts import (
    Clock,
    LiveSettings,
    Meter,
    NewestSlot,
    Output,
    Phase,
    SessionLimit,
    SessionStats,
    VoiceStats,
    VoiceUse,
)
from core.session_voice import Heard, LazySound, MakeDriver, SoundQueue, VoiceBeside, make_speech_driver
from core.structures import AudioChunk, FaceState, Frame, ImageArray

MakePipeline: TypeAlias = Callable[[HeadRig | None, PipelineSettings], Pipeline]
MakeInput: TypeAlias = Callable[[Clock, threading.Event], Input]
OnStates: TypeAlias = Callable[[tuple[FaceState, ...], float | None], None]
"""Gets the faces of each frame in the engine thread, before they are drawn, and when the frame came, seconds of the
session's clock (None: this moment). It must not wait; what it raises is counted and hurts nothing else."""

LIVE_SESSIONS = SessionLimit(4)
"""The places of this process."""

IDLE_S = 5.0  # a closed browser tab says nothing: its frames and its looks just cease
RETRY_S = 2.0
LONGEST_RECORDING_S = 600.0
THREAD_NAME = "avatar-engine"

_numbers = itertools.count(1)


class LiveSession:
    """One viewer's engine, started by its first frame or by `play`, stopped by `request_stop` or by silence.

    rig: the head that is driven; the built-in one where None. make_pipeline, make_renderer, make_driver: called in the
    engine thread, which also closes what they return. limit: the places to share. clock: seconds, monotonic. on_states:
    who else hears of the faces.
    """

    def __init__(
        self,
        rig: HeadRig | None = None,
        settings: LiveSettings | None = None,
        *,
        make_pipeline: MakePipeline = Pipeline,
        make_renderer: MakeRenderer = make_live_renderer,
        make_driver: MakeDriver = make_speech_driver,
        limit: SessionLimit = LIVE_SESSIONS,
        clock: Clock = time.monotonic,
        idle_s: float = IDLE_S,
        on_states: OnStates | None = None,
    ) -> None:
        self.on_states = on_states
        self._lock = threading.Lock()
        self._rig = rig
        self._settings = settings or LiveSettings()
        self._make_pipeline, self._make_renderer, self._make_driver = make_pipeline, make_renderer, make_driver
        self._limit, self._clock, self._idle_s = limit, clock, idle_s
        self._frames: NewestSlot[Arrival] = NewestSlot()
        self._sounds = SoundQueue()
        self._output: Output | None = None
        self._meter = Meter(clock)
        self._recorder: TakeRecorder | None = None
        self._recording_since_s = 0.0
        self._calibrates = False
        self._looked_at_s = clock()
        self._failed_at_s = -RETRY_S
        self._engine: _Engine | None = None

    @property
    def settings(self) -> LiveSettings:
        """The newest settings, one consistent snapshot."""
        return self._settings

    def update(self, **changes: Any) -> None:
        """Changes some fields of the settings, at once for the running stream."""
        with self._lock:
            self._settings = replace(self._settings, **changes)

    @property
    def rig(self) -> HeadRig | None:
        return self._rig

    @rig.setter
    def rig(self, rig: HeadRig | None) -> None:
        self._rig = rig

    @property
    def is_running(self) -> bool:
        engine = self._engine
        return engine is not None and engine.is_alive() and not engine.stopped.is_set()

    @property
    def phase(self) -> Phase:
        """Where the session stands."""
        return self._meter.phase

    def put_frame(self, frame: Frame | LazyFrame) -> None:
        """Hands over the newest camera frame and starts the engine when it does not run."""
        self._frames.put(Arrival(frame, self._clock()))
        self._start(lambda _clock, _stopped: CameraInput(self._frames))

    def put_sound(self, sound: AudioChunk | LazySound) -> None:
        """Hands over sound, which is heard in order, and starts the engine where the voice is alone. Without a use for
        a voice it is forgotten at once."""
        use = self._settings.voice
        if use is VoiceUse.OFF:
            return
        self._sounds.put(Heard(sound, self._clock()))
        if use is VoiceUse.ALONE:
            self._start(lambda _clock, _stopped: self._voice_input())

    def play(self, make_input: MakeInput) -> None:
        """Starts the engine on another input than the camera, unless it runs already."""
        self._start(make_input)

    def latest_output(self) -> Output | None:
        """The newest finished picture; None before the first."""
        self._looked_at_s = self._clock()
        return self._output

    def stats(self) -> SessionStats:
        """The numbers of this moment."""
        return self._meter.snapshot(self._frames.dropped)

    def calibrate(self) -> None:
        """Takes the next half second as the neutral look of every face in view."""
        self._calibrates = True

    @property
    def recorded_s(self) -> float | None:
        """Seconds since the recording began; None while nothing is recorded."""
        with self._lock:
            return None if self._recorder is None else self._clock() - self._recording_since_s

    def start_recording(self) -> None:
        """Begins a new take with the next frame; at most ten minutes are kept."""
        with self._lock:
            self._recorder, self._recording_since_s = TakeRecorder(LONGEST_RECORDING_S), self._clock()

    def stop_recording(self, name: str) -> Take:
        """The take recorded since `start_recording`; `TakeError` when there is none or no frame came."""
        with self._lock:
            recorder, self._recorder = self._recorder, None
        if recorder is None:
            raise TakeError("There is no recording to stop. Start one first.")
        return recorder.finish(name)

    def request_stop(self) -> None:
        """Asks the engine to end; returns at once."""
        engine = self._engine
        if engine is not None:
            engine.stopped.set()
            self._frames.wake()
            self._sounds.wake()

    def stop(self, timeout_s: float = 5.0) -> bool:
        """Ends the engine and waits for it; False when it is still busy after the timeout."""
        engine = self._engine
        self.request_stop()
        if engine is not None:
            engine.join(timeout_s)
        return engine is None or not engine.is_alive()

    def _voice_input(self) -> VoiceInput:
        return VoiceInput(self._sounds, self._make_driver, lambda: self._settings.speech)

    def _start(self, make_input: MakeInput) -> None:
        with self._lock:
            if self.is_running or self._clock() - self._failed_at_s < RETRY_S:
                return
            if not self._limit.acquire():
                self._meter.set_phase(Phase.BUSY)
                return
            self._meter.restart(Phase.STARTING)
            self._output = None
            self._looked_at_s = self._clock()
            self._engine = _Engine(self, make_input)
            self._engine.start()


class _Engine(threading.Thread):
    """One run of a session, from start to stop."""

    def __init__(self, session: LiveSession, make_input: MakeInput) -> None:
        super().__init__(name=f"{THREAD_NAME}-{next(_numbers)}", daemon=True)
        self.stopped = threading.Event()
        self._session = session
        self._make_input = make_input
        self._last_state = FaceState.no_face(0.0)

    def run(self) -> None:
        session = self._session
        phase = Phase.IDLE
        try:
            while not self.stopped.is_set() and self._run_with_rig(session._rig):
                pass
        except Exception as error:
            session._meter.fail(error)
            session._failed_at_s = session._clock()
            phase = Phase.FAILED
        finally:
            self.stopped.set()
            session._limit.release()
            if session._engine is self:
                session._output = None
                session._meter.set_phase(phase)

    def _run_with_rig(self, rig: HeadRig | None) -> bool:
        """Runs until the stop (False) or until another rig is chosen (True)."""
        session = self._session
        with ExitStack() as resources:
            source = resources.enter_context(closing(self._make_input(session._clock, self.stopped)))
            pipeline = None
            if source.gives_frames:
                pipeline = resources.enter_context(session._make_pipeline(rig, session.settings.pipeline))
            beside = VoiceBeside(session._sounds, session._make_driver)
            painter = SessionPainter(rig, session._make_renderer, resources)
            heard_s = session._clock()
            while not self.stopped.is_set():
                if session._rig is not rig:
                    return True
                try:
                    item = source.next()
                    if item is not None:
                        heard_s = session._clock()
                        self._show(item, source, pipeline, beside, painter)
                except Exception as error:
                    session._meter.add_error(error)
                    self.stopped.wait(0.01)
                if session._clock() - min(heard_s, session._looked_at_s) > session._idle_s:
                    return False
        return False

    def _show(
        self,
        item: Frame | FaceState,
        source: Input,
        pipeline: Pipeline | None,
        beside: VoiceBeside,
        painter: SessionPainter,
    ) -> None:
        session = self._session
        image: ImageArray | None = None
        if isinstance(item, FaceState):
            result, voice = StepResult((), (item,), source.timings_ms), source.voice
        else:
            assert pipeline is not None  # a source of frames has one
            image = item.image
            result, voice = self._supported(self._step(item, pipeline), source.arrived_s, beside)
        session._meter.add_faces(result, voice)
        self._tell(result.states, source.arrived_s)
        state = result.states[0]
        self._record(state)
        if state.has_face:
            self._last_state = state  # a lost face leaves the head as it was, not in a sudden neutral
        started_s = time.perf_counter()
        picture = painter.paint(session.settings, self._last_state, image, result.landmarks)
        drawn_ms = 1000.0 * (time.perf_counter() - started_s)
        session._output = Output(picture, session._meter.add_picture({**result.timings_ms, "picture": drawn_ms}))

    def _supported(
        self, result: StepResult, arrived_s: float | None, beside: VoiceBeside
    ) -> tuple[StepResult, VoiceStats | None]:
        """The step with the voice in its first face; as it was where the voice is out of order."""
        session = self._session
        settings = session.settings
        listens = settings.voice is VoiceUse.BESIDE
        if not listens and not beside.is_in_use:
            return result, None
        started_s = time.perf_counter()
        try:
            now_s = session._clock() if arrived_s is None else arrived_s
            states, voice = beside.support(result, now_s, settings.speech, listens)
        except Exception as error:
            session._meter.add_error(error)
            return result, None
        timings_ms = {**result.timings_ms, "voice": 1000.0 * (time.perf_counter() - started_s)}
        return replace(result, states=states, timings_ms=timings_ms), voice

    def _step(self, frame: Frame, pipeline: Pipeline) -> StepResult:
        session = self._session
        pipeline.settings = session.settings.pipeline
        if session._calibrates:
            session._calibrates = False
            pipeline.calibrate()
        return pipeline.step(frame)

    def _tell(self, states: tuple[FaceState, ...], arrived_s: float | None) -> None:
        listener = self._session.on_states
        if listener is None:
            return
        try:
            listener(states, arrived_s)
        except Exception as error:
            self._session._meter.add_error(error)

    def _record(self, state: FaceState) -> None:
        session = self._session
        with session._lock:
            if session._recorder is not None:
                session._recorder.add(state)
