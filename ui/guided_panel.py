"""The guided camera recording on the Rig page: one plain prompt at a time, done again or skipped, cancelled at any
moment."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import streamlit as st

from core.head_model.rig import HeadRig
from core.pipeline import Pipeline, PipelineSettings
from core.rigging.guided_poses import GUIDED_POSES
from core.rigging.guided_recording import GuidedRecording
from core.session import LiveSession
from core.session_parts import LiveSettings
from core.structures import FaceLandmarks, Frame
from core.tracking.landmarker import FaceLandmarker, create_landmarker
from core.tracking.settings import TrackerSettings
from ui.live import camera_stream, engine_trouble, must_wait
from ui.rig_job import RefineJob

PAGE = "guided"
GUIDED = "rig_guided"
POLL_S = 0.25
WHY = (
    "Six poses of two seconds each, with a camera. They tell how far your mouth opens and your smile goes, and when "
    "your eyes are shut. Frames are looked at and forgotten."
)


class HeardLandmarker:
    """A landmarker whose first face is offered to a recording as well."""

    def __init__(self, inner: FaceLandmarker, recording: GuidedRecording) -> None:
        self._inner, self._recording = inner, recording

    @property
    def settings(self) -> TrackerSettings:
        return self._inner.settings

    @settings.setter
    def settings(self, value: TrackerSettings) -> None:
        self._inner.settings = value

    def detect(self, frame: Frame) -> tuple[FaceLandmarks, ...]:
        """The faces of this frame, as the inner one finds them."""
        faces = self._inner.detect(frame)
        self._recording.offer(faces[0] if faces else None, frame.timestamp_s)
        return faces

    def reset(self) -> None:
        """Forgets the stream."""
        self._inner.reset()

    def close(self) -> None:
        """Gives the networks back."""
        self._inner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def start_guided(rig: HeadRig) -> None:
    """Begins a recording that will refine this head."""
    recording = GuidedRecording()

    def make_pipeline(shown: HeadRig | None, settings: PipelineSettings) -> Pipeline:
        landmarker = HeardLandmarker(create_landmarker(settings.tracker), recording)
        return Pipeline(shown, settings, landmarker=landmarker)

    session = LiveSession(rig, LiveSettings(), make_pipeline=make_pipeline)
    st.session_state[GUIDED] = (rig, recording, session)


def is_guided() -> bool:
    """Whether a recording is going on."""
    return GUIDED in st.session_state


def stop_guided() -> None:
    """Ends the recording; nothing of it is kept."""
    found = st.session_state.pop(GUIDED, None)
    if found is not None:
        found[2].request_stop()


def show_camera() -> bool:
    """The camera's start button and picture; True while it streams."""
    if trouble := engine_trouble():
        st.error(trouble, icon=":material/error:")
        return False
    session: LiveSession = st.session_state[GUIDED][2]
    if must_wait(session, PAGE):
        return False
    return camera_stream(session, PAGE)


@st.fragment(run_every=POLL_S)
def show_prompt(playing: bool) -> None:
    """What to do now, how long still, and the ways out. When all poses are over the page goes on."""
    if not is_guided():
        st.rerun(scope="app")
    _, recording, _ = st.session_state[GUIDED]
    state = recording.state()
    if state.pose is None:
        st.rerun(scope="app")
    st.markdown(f"**{state.number} of {len(GUIDED_POSES)}: {state.pose.title}**")
    st.markdown(state.pose.prompt)
    st.progress(state.fraction, text=_advice(playing, state.sees_face, state.holds))
    row = st.container(horizontal=True)
    row.button("Do it again", icon=":material/replay:", on_click=recording.redo, key="guided_redo")
    if state.number > 1:
        row.button("Skip", icon=":material/skip_next:", on_click=recording.skip, key="guided_skip")
    row.button("Cancel", icon=":material/close:", on_click=stop_guided, key="guided_cancel")


def _advice(playing: bool, sees_face: bool, holds: bool) -> str:
    if not playing:
        return "Start the camera."
    if not sees_face:
        return "Your face is not seen. Look into the camera."
    return "Hold it." if holds else "Get ready."


def finished_job() -> RefineJob | None:
    """The work that follows a finished recording, begun; None while it goes on or where there is none."""
    if not is_guided():
        return None
    rig, recording, _ = st.session_state[GUIDED]
    if recording.state().pose is not None:
        return None
    job = RefineJob(rig, recording.held())
    stop_guided()
    return job
