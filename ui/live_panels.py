"""What a live page says and offers: numbers, messages, sliders and the recorder, all bound to one session."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import streamlit as st

from core.animation.take import Take
from core.animation.take_files import save_take
from core.errors import LiveAvatarError
from core.expression.smoothing import Smoothing
from core.geometry.rotation import yaw_pitch_roll
from core.pipeline import Notice
from core.session import LiveSession
from core.session_parts import LiveSettings, Phase, SessionStats
from core.structures import FaceState

NOTICE_WORDS: dict[Notice, str] = {
    Notice.CAMERA_OFF: "The camera is off or covered. Turn it on to go on.",
    Notice.NO_FACE: "No face in the picture. Move into the light.",
    Notice.CUT_OFF: "The face is cut off. Move to the middle of the picture.",
    Notice.TOO_SMALL: "The face is small. Come closer to the camera.",
    Notice.DARK: "It is dark. Turn a light on in front of you.",
    Notice.TURNED_AWAY: "The face is turned away. Look towards the camera.",
    Notice.COVERED: "Something covers part of the face. Take it away to go on.",
}
SMOOTHING_WORDS: dict[Smoothing, str] = {
    Smoothing.LEARNED: "Learned",
    Smoothing.ONE_EURO: "One-Euro",
    Smoothing.OFF: "Off",
}
STAGE_WORDS = {
    "landmarks": "find the face",
    "pose": "head pose",
    "expression": "expression",
    "gaze": "gaze",
    "smoothing": "smoothing",
    "view": "look at the light",
    "voice": "listen",
    "picture": "draw",
}


def notice_text(stats: SessionStats) -> str:
    """What a person should change now; "" when all is well."""
    return NOTICE_WORDS.get(stats.notice, "")


def rate_line(stats: SessionStats) -> str:
    """The quiet line under the picture."""
    total_ms = sum(stats.stage_ms.values())
    stages = " · ".join(f"{STAGE_WORDS.get(name, name)} {value:.1f} ms" for name, value in stats.stage_ms.items())
    dropped = f" · {stats.dropped} frames skipped" if stats.dropped else ""
    return f"{stats.rate_hz:.0f} pictures/s · {total_ms:.0f} ms each ({stages}){dropped}"


def error_text(stats: SessionStats) -> str:
    """The count of exceptions with the last one's words; "" when there was none."""
    if not stats.errors:
        return ""
    frames = "1 frame" if stats.errors == 1 else f"{stats.errors} frames"
    return f"{frames} could not be worked on; the stream goes on. Last reason: {stats.last_error}"


def pose_line(state: FaceState) -> str:
    """Yaw, pitch, roll and distance as a person reads them."""
    yaw, pitch, roll = (math.degrees(angle) for angle in yaw_pitch_roll(state.head_rotation))
    distance_cm = -100.0 * float(state.head_translation[2])
    turns = f"turned {round(yaw):+d}°, raised {round(pitch):+d}°, tilted {round(roll):+d}°"
    return f"Head: {turns} · {distance_cm:.0f} cm away"


def voice_line(stats: SessionStats) -> str:
    """What the voice lends to a face that the camera sees; "" while nobody listens beside the camera."""
    if stats.voice is None or not stats.voice.weights:
        return ""
    lent = {region: weight for region, weight in stats.voice.weights.items() if weight > 0.0}
    if not lent:
        return "Your voice is heard; the camera sees enough to move the whole face."
    parts = ", ".join(f"{region} {100 * weight:.0f} %" for region, weight in lent.items())
    return f"From your voice: {parts}, {stats.voice.latency_ms:.0f} ms after the sound"


def show_status(session: LiveSession, playing: bool, sees_camera: bool = True) -> None:
    """Messages and numbers of this moment, in words."""
    stats = session.stats()
    if stats.phase is Phase.FAILED:
        st.error(f"The engine could not start. {stats.last_error}", icon=":material/error:")
    elif stats.phase is Phase.BUSY:
        st.warning("All places of this server are taken. Yours comes as soon as one is free.", icon=":material/group:")
    if not playing:
        return
    if stats.phase is Phase.RUNNING:
        if sees_camera:
            with st.container(horizontal=True):
                st.badge("Camera on", icon=":material/videocam:", color="red")
                if stats.voice is not None:
                    st.badge("Microphone on", icon=":material/mic:", color="red")
        if notice := notice_text(stats):
            st.warning(notice, icon=":material/face:")
        if line := voice_line(stats):
            st.caption(line)
        st.caption(rate_line(stats))
    if error := error_text(stats):
        st.error(error, icon=":material/error:")


def tracking_controls(session: LiveSession, page: str) -> None:
    """Number of faces and the two thresholds, at work on the running stream."""
    settings = session.settings
    faces = st.slider(
        "Faces", 1, 4, settings.faces, key=f"{page}_faces", help="The most faces to follow at the same time."
    )
    detection = st.slider(
        "Detection confidence", 0, 100, round(100 * settings.detection_confidence), format="%d %%",
        key=f"{page}_detection", help="How sure to be that something is a face before following it.",
    )  # fmt: skip
    tracking = st.slider(
        "Tracking confidence", 0, 100, round(100 * settings.tracking_confidence), format="%d %%",
        key=f"{page}_tracking", help="How sure to be that the face is still there. Below this it is looked for anew.",
    )  # fmt: skip
    session.update(faces=faces, detection_confidence=detection / 100, tracking_confidence=tracking / 100)


def smoothing_control(session: LiveSession, page: str) -> None:
    """Which filter, and how steady against how quick."""
    kinds = list(SMOOTHING_WORDS)
    kind = st.selectbox(
        "Smoothing", kinds, kinds.index(session.settings.smoothing), format_func=SMOOTHING_WORDS.__getitem__,
        key=f"{page}_smoothing", help="Learned takes the jitter off without lag. One-Euro is the classic filter. Off "
        "shows what the estimate says, jitter included.",
    )  # fmt: skip
    strength = st.slider(
        "Strength", 0, 100, round(100 * session.settings.strength), format="%d %%", key=f"{page}_strength",
        disabled=kind is Smoothing.OFF,
        help="Higher is steadier, lower follows small movements and fast ones.",
    )  # fmt: skip
    session.update(smoothing=kind, strength=strength / 100)


def mirror_control(session: LiveSession, page: str) -> None:
    """Whether the shown picture is turned like a mirror."""
    mirrored = st.toggle(
        "Mirror", session.settings.mirrored, key=f"{page}_mirror", help="Turns the shown picture only."
    )
    session.update(mirrored=mirrored)


def reset_control(session: LiveSession, page: str, defaults: LiveSettings) -> None:
    """Puts every control of the page back."""

    def reset() -> None:
        session.update(**{name: getattr(defaults, name) for name in defaults.__dataclass_fields__})
        for key in [str(key) for key in st.session_state if str(key).startswith(f"{page}_")]:
            if isinstance(st.session_state[key], bool | int | float | Smoothing):
                del st.session_state[key]

    st.button("Reset controls", on_click=reset, key=f"{page}_reset", icon=":material/restart_alt:")


def neutral_control(session: LiveSession, page: str, playing: bool) -> None:
    """The "look neutral" button."""
    if st.button(
        "Look neutral", disabled=not playing, key=f"{page}_neutral", icon=":material/sentiment_neutral:",
        on_click=session.calibrate,  # a callback: the press counts even when the page is just being drawn anew
        help="Relax your face, look at the camera and press: the next half second becomes your resting face, looking "
        "straight ahead.",
    ):  # fmt: skip
        st.toast("Hold still for a moment: this is your resting face now.", icon=":material/sentiment_neutral:")


def recorder(session: LiveSession, page: str, playing: bool) -> None:
    """Record, stop, download. A take is a recording of coefficients and pose; no picture is in it.

    Presses are worked on in callbacks, which come before the page: the camera's component draws the whole page anew
    whenever it likes, and a press that is read further down would be lost with the run that it interrupts.
    """
    take_key, problem_key, pressed_key = f"{page}_take", f"{page}_take_problem", f"{page}_recorder_pressed"

    def start() -> None:
        if session.recorded_s is not None:
            return  # pressed twice
        session.start_recording()
        for key in (take_key, problem_key):
            st.session_state.pop(key, None)
        st.session_state[pressed_key] = True

    def stop() -> None:
        if session.recorded_s is None:
            return  # pressed twice
        try:
            st.session_state[take_key] = take_files(session.stop_recording("take"))
        except LiveAvatarError as error:
            st.session_state[problem_key] = str(error)
        st.session_state[pressed_key] = True

    if st.session_state.pop(pressed_key, False):
        st.rerun()  # the whole page, so that the seconds begin or cease to count
    if session.recorded_s is None:
        st.button(
            "Record a take", disabled=not playing, key=f"{page}_record", icon=":material/radio_button_checked:",
            on_click=start, help="A take holds the movement as numbers. No picture is kept.",
        )  # fmt: skip
    else:
        show_recording(session.recorded_s)
        st.button("Stop recording", key=f"{page}_stop", icon=":material/stop_circle:", type="primary", on_click=stop)
    if problem := st.session_state.get(problem_key):
        st.error(problem, icon=":material/error:")
    if files := st.session_state.get(take_key):
        for suffix, label in ((".csv", "Download CSV"), (".jsonl", "Download JSONL")):
            st.download_button(
                label, files[suffix], f"take{suffix}", key=f"{page}_download{suffix}", on_click="ignore",
                icon=":material/download:", help=DOWNLOAD_HELP[suffix],
            )  # fmt: skip


def show_recording(recorded_s: float) -> None:
    """That a recording runs, and for how long."""
    st.badge(f"Recording, {recorded_s:.0f} s", icon=":material/radio_button_checked:", color="red")


DOWNLOAD_HELP = {
    ".csv": "Live Link Face format, for Unreal Engine and others.",
    ".jsonl": "One line a frame with everything that is known of the face.",
}


def take_files(take: Take) -> dict[str, bytes]:
    """The take as the bytes of each file form, by suffix."""
    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for suffix in DOWNLOAD_HELP:
            path = Path(folder) / f"take{suffix}"
            save_take(take, path)
            files[suffix] = path.read_bytes()
        return files
