"""What a visitor has chosen, under one roof: every key of the session state lives here."""

from __future__ import annotations

import os
import time
from pathlib import Path

import streamlit as st

from core.errors import LiveAvatarError
from core.head_model.builtin import load_builtin_rig
from core.head_model.rig import HeadRig
from core.rigging.library import RigEntry, RigLibrary

REPOSITORY = Path(__file__).resolve().parent.parent
BUILTIN_ID = "builtin"
"""Stands for the mannequin that ships with the program; no file of the library has this id."""

CHOSEN_RIG = "chosen_rig_id"
KEPT_DAYS = 90.0
SWEEP_EVERY_S = 3600


def rig_folder() -> Path:
    """Where kept rigs lie: `LIVE_AVATAR_RIGS`, else `rig_cache/` beside the app."""
    return Path(os.environ.get("LIVE_AVATAR_RIGS", REPOSITORY / "rig_cache"))


@st.cache_resource(ttl=SWEEP_EVERY_S)
def _library(folder: str) -> RigLibrary:
    found = RigLibrary(Path(folder))
    found.expire(time.time(), kept_days() * 86400.0)
    return found


def kept_days() -> float:
    """Days after which a kept rig is deleted: `LIVE_AVATAR_KEEP_DAYS`, 90 when unset or no positive number."""
    try:
        days = float(os.environ.get("LIVE_AVATAR_KEEP_DAYS", KEPT_DAYS))
    except ValueError:
        return KEPT_DAYS
    return days if days > 0 else KEPT_DAYS


def library() -> RigLibrary:
    """The one rig library of this server."""
    return _library(str(rig_folder()))


@st.cache_resource(max_entries=8, show_spinner=False)
def _load_rig(folder: str, rig_id: str) -> HeadRig:
    return _library(folder).load(rig_id)


def rig_entries() -> tuple[RigEntry, ...]:
    """The kept rigs, as the library lists them."""
    return library().list()


def rig_name(rig_id: str) -> str:
    """The name a person reads for this id."""
    names = {entry.id: entry.name for entry in rig_entries()}
    return names.get(rig_id, "Mannequin")


def chosen_rig_id() -> str:
    """Id of the rig this visitor works with: their choice, else the demo rig, else the mannequin."""
    entries = rig_entries()
    chosen = st.session_state.get(CHOSEN_RIG)
    if chosen == BUILTIN_ID or any(entry.id == chosen for entry in entries):
        return str(chosen)
    return next((entry.id for entry in entries if entry.is_demo), BUILTIN_ID)


def choose_rig(rig_id: str) -> None:
    """Makes this rig the one that every page uses."""
    st.session_state[CHOSEN_RIG] = rig_id


def load_rig_by_id(rig_id: str) -> HeadRig:
    """The rig of this id; rigs are kept in memory between pages and visitors."""
    if rig_id == BUILTIN_ID:
        return load_builtin_rig()
    return _load_rig(str(rig_folder()), rig_id)


def chosen_rig() -> HeadRig:
    """The rig this visitor works with; the mannequin where its file cannot be read."""
    try:
        return load_rig_by_id(chosen_rig_id())
    except LiveAvatarError:
        return load_builtin_rig()


def forget_loaded_rigs() -> None:
    """Drops rigs held in memory, so that a deleted face is gone everywhere."""
    _load_rig.clear()
