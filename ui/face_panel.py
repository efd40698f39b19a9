"""The numbers of the faces in view: lights of the regions, coefficients, feeling, action units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import streamlit as st

from core.session import LiveSession
from core.session_parts import SessionStats
from core.structures import FaceState
from core.tracking.view_quality import ViewQuality
from ui.action_unit_bars import action_units_html
from ui.affect_panel import AffectTrail, affect_html
from ui.coefficient_bars import bars_html
from ui.live_panels import pose_line
from ui.view_lights import lights_html

FACE, FEELING, UNITS = "Face", "Feeling", "Action units"
LISTS = (FACE, FEELING, UNITS)
LIST_HELP = (
    "Face: the 52 blendshapes. Feeling: pleasant or not, calm or awake, and eight emotions, guessed from the "
    "movement. Action units: what FACS, the scientists' alphabet of faces, calls each movement, with its grade A to E."
)


def views_by_face(stats: SessionStats) -> dict[int, ViewQuality]:
    """How well each face is seen, by its number; a face that fades out is seen no more and has none."""
    return {face.face_id: view for face, view in zip(stats.landmarks, stats.views, strict=False)}


def keep_trails(trails: dict[int, AffectTrail], faces: Iterable[FaceState]) -> None:
    """Goes on with the trail of each of these faces and drops those of others, so that no visitor's list grows."""
    present = {face.face_id: face for face in faces}
    for gone in set(trails) - set(present):
        del trails[gone]
    for face_id, face in present.items():
        trails.setdefault(face_id, AffectTrail()).add(face)


def show_numbers(session: LiveSession, page: str, playing: bool) -> None:
    """Live values of the faces in view, and the choice of the list."""
    stats = session.stats()
    faces = [state for state in stats.states if state.has_face]
    trails: dict[int, AffectTrail] = st.session_state.setdefault(f"{page}_trails", {})
    keep_trails(trails, faces)
    if not playing or not faces:
        st.caption("The 52 coefficients of the face move here while the camera runs.")
        return
    chosen = faces[0]
    if len(faces) > 1:
        numbers = {face.face_id: f"Face {place + 1}" for place, face in enumerate(faces)}
        if st.session_state.get(f"{page}_which_face") not in numbers:
            st.session_state.pop(f"{page}_which_face", None)  # the face that was looked at has gone
        number = st.segmented_control(
            "Which face", list(numbers), default=faces[0].face_id, required=True, format_func=numbers.__getitem__,
            key=f"{page}_which_face", label_visibility="collapsed",
        )  # fmt: skip
        chosen = next((face for face in faces if face.face_id == number), chosen)
    show_face(chosen, views_by_face(stats), trails, page)


def show_face(face: FaceState, views: Mapping[int, ViewQuality], trails: Mapping[int, AffectTrail], page: str) -> None:
    """One face: how well it is seen, where it looks, and one of the lists."""
    view = views.get(face.face_id)
    if view is not None:
        st.html(lights_html(view))
    st.caption(f"{pose_line(face)} · face score {100 * face.confidence:.0f} %")
    chosen = st.segmented_control(
        "Show", LISTS, default=FACE, required=True, key=f"{page}_list", label_visibility="collapsed", help=LIST_HELP
    )
    if chosen == FEELING:
        st.html(affect_html(trails[face.face_id].places, face.emotion))
    elif chosen == UNITS:
        st.html(action_units_html(face.blendshapes))
    else:
        st.html(bars_html(face.blendshapes))
