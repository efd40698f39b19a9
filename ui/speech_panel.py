"""What the Speech page offers beside the picture: how the voice moves the face, what is heard, the files of a take."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.audio.speech_settings import MOST_LOOK_AHEAD_MS, SpeechSettings
from core.head_model.rig import HeadRig
from core.session import LiveSession
from core.session_parts import SessionStats, VoiceStats
from ui.affect_panel import plane_html
from ui.coefficient_bars import bars_html
from ui.live_panels import DOWNLOAD_HELP, take_files
from ui.outputs import VisitorOutputs
from ui.spoken import Spoken, animated_glb_file
from ui.work import Work

HEARD_LEVEL = 0.01  # -40 dB: below it a microphone is off, or far away
SPEAKING = 0.5
FRAME_MS = 1000.0 / 30.0
PACKET_MS = 20.0
LOOK_AHEAD_HELP = (
    "How much sound after a moment is heard before its mouth is shown. More makes surer lips, but with the microphone "
    "the mouth is late by as much."
)
MOODS = {"Neutral": (0, 0), "Happy": (70, 40), "Calm": (40, -50), "Sad": (-60, -40), "Angry": (-70, 60)}
"""Valence and arousal in percent."""


def speech_controls(page: str, is_live: bool) -> SpeechSettings:
    """How the voice moves the face. is_live: the look-ahead is a choice; a recording waits for nobody and gets most."""
    defaults = SpeechSettings()
    strength = st.slider(
        "Strength", 0, 200, round(100 * defaults.strength), 5, format="%d %%", key=f"{page}_strength",
        help="How wide mouth and jaw move. 100 % is as learned.",
    )  # fmt: skip
    look_ahead = MOST_LOOK_AHEAD_MS
    if is_live:
        look_ahead = st.slider(
            "Look-ahead", 0, int(MOST_LOOK_AHEAD_MS), round(defaults.look_ahead_ms), 10, format="%d ms",
            key=f"{page}_look_ahead", help=LOOK_AHEAD_HELP,
        )  # fmt: skip
    choose_mood(page)
    with st.expander("More"):
        valence, arousal = mood_by_hand(page)
        blinks = st.toggle("Blinks", defaults.blinks, key=f"{page}_blinks", help="The eyes blink as people do.")
        brows = st.slider(
            "Brows", 0, 200, round(100 * defaults.brows), 10, format="%d %%", key=f"{page}_brows",
            help="How far the brows go with the voice. 0 % keeps them still.",
        )  # fmt: skip
        head = st.slider(
            "Head motion", 0, 200, round(100 * defaults.head_motion), 10, format="%d %%", key=f"{page}_head",
            help="How far the head nods and turns with the voice. 0 % keeps it still.",
        )  # fmt: skip
        st.button("Reset controls", on_click=reset_controls, args=(page,), icon=":material/restart_alt:")
    return SpeechSettings(
        float(look_ahead), strength / 100, valence / 100, arousal / 100, blinks, brows / 100, head / 100
    )  # fmt: skip


def choose_mood(page: str) -> None:
    """A mood by a word; it sets the two sliders of `mood_by_hand`, which have the last word."""

    def choose() -> None:
        values = MOODS[st.session_state[f"{page}_mood"]]
        st.session_state[f"{page}_valence"], st.session_state[f"{page}_arousal"] = values

    st.selectbox(
        "Mood", list(MOODS), key=f"{page}_mood", on_change=choose, help="The feeling that the face shows as it speaks."
    )


def mood_by_hand(page: str) -> tuple[int, int]:
    """Valence and arousal in percent."""
    valence = st.slider(
        "Valence", -100, 100, 0, 5, format="%d %%", key=f"{page}_valence", help="From unpleasant to pleasant."
    )
    arousal = st.slider("Arousal", -100, 100, 0, 5, format="%d %%", key=f"{page}_arousal", help="From calm to awake.")
    st.html(plane_html(valence / 100, arousal / 100))
    return valence, arousal


def reset_controls(page: str) -> None:
    """Puts every control of `speech_controls` back."""
    for name in ("strength", "look_ahead", "mood", "valence", "arousal", "blinks", "brows", "head"):
        st.session_state.pop(f"{page}_{name}", None)


def delay_words(voice: VoiceStats, stats: SessionStats) -> str:
    """How late the mouth is, and why."""
    work_ms = sum(stats.stage_ms.values())
    total_ms = voice.latency_ms + PACKET_MS + FRAME_MS + work_ms
    return (
        f"The mouth is about {total_ms:.0f} ms behind your voice here (look-ahead {voice.latency_ms:.0f} ms, packet "
        f"and frame {PACKET_MS + FRAME_MS:.0f} ms, work {work_ms:.0f} ms), and by the way to your browser."
    )


def hearing_words(voice: VoiceStats) -> str:
    """What a person should change about the sound; "" when all is well."""
    if voice.level < HEARD_LEVEL:
        return "Nothing is heard. Is the microphone on, and is it the right one?"
    return ""


def show_hearing(session: LiveSession, playing: bool) -> None:
    """What the voice does at this moment, in words."""
    stats = session.stats()
    if not playing or stats.voice is None:
        return
    voice = stats.voice
    with st.container(horizontal=True):
        st.badge("Microphone on", icon=":material/mic:", color="red")
        if voice.speaking >= SPEAKING:
            st.badge("Speaking", icon=":material/graphic_eq:", color="green")
        else:
            st.badge("Silence", icon=":material/more_horiz:", color="gray")
    if words := hearing_words(voice):
        st.warning(words, icon=":material/mic_off:")
    st.caption(delay_words(voice, stats))
    if voice.dropped:
        st.caption(f"{voice.dropped} pieces of sound were left out: this machine is busy.")


def show_mouth(session: LiveSession) -> None:
    """The 52 coefficients of this moment."""
    states = session.stats().states
    if states:
        st.html(bars_html(states[0].blendshapes))
    else:
        st.caption("The 52 coefficients of the face move here while the microphone runs.")


def downloads(spoken: Spoken, rig: HeadRig, page: str) -> None:
    """The take as files, and the head that moves with it."""
    name, files = spoken.take.name, take_files(spoken.take)
    for suffix, label in ((".csv", "CSV"), (".jsonl", "JSONL")):
        st.download_button(
            label, files[suffix], f"{name}{suffix}", key=f"{page}_download{suffix}", on_click="ignore",
            icon=":material/download:", help=DOWNLOAD_HELP[suffix],
        )  # fmt: skip
    st.download_button(
        "GLB", lambda: animated_glb_file(spoken, rig), f"{name}.glb", "model/gltf-binary", key=f"{page}_glb",
        on_click="ignore", icon=":material/download:", help="The head with this movement, for Blender and engines.",
    )  # fmt: skip


def film_download(work: Work[bytes] | None, name: str, page: str, start: Callable[[], None]) -> None:
    """The button that makes the film, or the film."""
    if work is not None and work.result is not None:
        st.download_button(
            "MP4", work.result, f"{name}.mp4", "video/mp4", key=f"{page}_mp4", on_click="ignore",
            icon=":material/download:", help="The head with the sound.",
        )  # fmt: skip
    else:
        st.button(
            "Make a video", key=f"{page}_film", icon=":material/movie:", on_click=start,
            disabled=work is not None and not work.is_done, help="An MP4 of the head, with the sound.",
        )  # fmt: skip


def send_take(outputs: VisitorOutputs, spoken: Spoken, page: str) -> None:
    """Sends the take once to whatever runs; offered while something does."""
    if not outputs.running():
        return
    if outputs.plays_take:
        st.button(
            "Stop sending this take", key=f"{page}_stop_take", icon=":material/stop_circle:",
            on_click=outputs.stop_take,
        )  # fmt: skip
    else:
        st.button(
            "Send this take once", key=f"{page}_send_take", icon=":material/cast:", on_click=outputs.play_take,
            args=(spoken.take,), help="To the running outputs, at its own speed. The sound is not sent.",
        )  # fmt: skip
