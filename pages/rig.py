"""Rig: photos or a short video become a head that can be animated; kept heads are managed here."""

from __future__ import annotations

import importlib.util
import time

import streamlit as st

from core.assets.registry import models_folder
from core.errors import LiveAvatarError, RenderError
from core.head_model.heads import HEAD_TITLES, available_heads
from core.head_model.rig import HeadRig
from core.rendering.pictures import compose_sheet
from ui.frame import require_frame
from ui.guided_panel import WHY, finished_job, is_guided, show_camera, show_prompt, start_guided
from ui.pyvista_view import show_in_stpyvista
from ui.rig_job import PHOTO_LIMIT_MIB, VIDEO_LIMIT_MIB, RefineJob, RigJob, Upload, require_fitting
from ui.rig_pictures import (
    THUMBNAIL_SIZE,
    THUMBNAIL_VIEW,
    download_glb,
    draw_stills,
    forget_pictures,
    still_png,
    three_sides,
    viewer_glb,
)
from ui.rig_report import absent_heads, head_title, report_lines
from ui.state import (
    BUILTIN_ID,
    choose_rig,
    chosen_rig,
    chosen_rig_id,
    forget_loaded_rigs,
    library,
    rig_entries,
    rig_name,
)
from ui.viewer.component import show_head

JOB, DRAFT, DRAFT_KIND, PROBLEM, NEWS = "rig_job", "rig_draft", "rig_draft_kind", "rig_problem", "rig_news"
POLL_S = 0.4
PHOTO_HELP = (
    "Front view, even light, nothing over the face. Several photos or a short video make it more like you. "
    f"Photos up to {PHOTO_LIMIT_MIB} MB each, a video up to {VIDEO_LIMIT_MIB} MB."
)
HEAD_HELP = "The head that is reshaped to the face in the photos. It decides how fine the mesh and its 52 shapes are."
REFINE_HELP = (
    "Fits the form to light and shade on the skin as well as to the points of the face. "
    "Untick it where a beard, make-up or hard shadows mislead it."
)


def start_job(files: list, name: str, head: str, refine: bool) -> None:
    """Starts building; a job that still runs is told to stop."""
    running = st.session_state.get(JOB)
    if running is not None:
        running.stop()
    uploads = [Upload(file.name, file.getvalue()) for file in files]
    require_fitting(uploads)
    for key in (DRAFT, PROBLEM, NEWS):
        st.session_state.pop(key, None)
    st.session_state[JOB] = RigJob(uploads, name.strip() or "My head", head, refine)


def show_form() -> None:
    """Upload, name, base head, refinement, go."""
    with st.form("rig_form", border=False):
        files = st.file_uploader("Photos, or one short video", accept_multiple_files=True, help=PHOTO_HELP)
        name = st.text_input("Name", value="My head", max_chars=80)
        head = choose_head()
        refine = st.checkbox("Refine by shading", value=True, help=REFINE_HELP)
        is_sent = st.form_submit_button("Make my head", type="primary", icon=":material/face:", width="stretch")
    if not is_sent:
        return
    if not files:
        st.warning("Choose a photo first.", icon=":material/add_a_photo:")
        return
    try:
        start_job(files, name, head, refine)
    except LiveAvatarError as error:
        st.error(str(error), icon=":material/error:")
        return
    st.rerun()


def choose_head() -> str:
    """The base head, of those that are here; what would bring the others, in one line each."""
    heads = available_heads(models_folder())
    chosen = heads[0]
    if len(heads) > 1:
        chosen = st.radio("Base head", heads, format_func=HEAD_TITLES.__getitem__, horizontal=True, help=HEAD_HELP)
    for line in absent_heads(models_folder()):
        st.caption(line)
    return chosen


def cancel_job() -> None:
    """Forgets the work at once; its thread ends at its next step."""
    job = st.session_state.pop(JOB, None)
    if job is not None:
        job.stop()
        st.session_state[NEWS] = "Stopped. Nothing was kept."


@st.fragment(run_every=POLL_S)
def show_progress() -> None:
    """The phase, the bar, and a way out."""
    job: RigJob | RefineJob | None = st.session_state.get(JOB)
    if job is None or job.is_done:
        st.rerun(scope="app")
        return
    st.progress(job.fraction, text=job.phase)
    st.button("Cancel", icon=":material/close:", on_click=cancel_job)


def collect_job() -> None:
    """Takes what a finished job left into the session: a rig, or the problem in plain words."""
    job: RigJob | RefineJob | None = st.session_state.get(JOB)
    if job is None or not job.is_done:
        return
    # Everything is put down before the job goes: another run of the page may cut this one off between two lines.
    if job.result is not None:
        st.session_state[DRAFT_KIND], st.session_state[DRAFT] = job.source_kind, job.result
    st.session_state[PROBLEM] = job.problem
    st.session_state.pop(JOB, None)


def thumbnail_of(rig: HeadRig):
    """A small front picture; None where nothing can be drawn."""
    try:
        return draw_stills(rig, (THUMBNAIL_VIEW,), THUMBNAIL_SIZE)[0]
    except RenderError:
        return None


def keep_draft() -> None:
    """Puts the new head into the library and uses it. A press is worked on even when the page is just being drawn
    anew, because callbacks come before the page."""
    draft = st.session_state.get(DRAFT)
    if draft is None:
        return
    kind, thumbnail = st.session_state[DRAFT_KIND], thumbnail_of(draft)
    try:
        entry = library().add(draft, time.time(), source_kind=kind, quality=draft.details, thumbnail=thumbnail)
    except LiveAvatarError as error:
        st.session_state[PROBLEM] = str(error)
        return
    choose_rig(entry.id)
    for key in (DRAFT, PROBLEM):
        st.session_state.pop(key, None)


def discard_draft() -> None:
    """Forgets the new head and its pictures."""
    for key in (DRAFT, PROBLEM):
        st.session_state.pop(key, None)
    forget_pictures()


def offer_guided(rig: HeadRig) -> None:
    """The way to the guided recording."""
    st.button("Record how I move", icon=":material/videocam:", width="stretch", on_click=start_guided, args=(rig,))
    st.caption(WHY)


def show_draft(rig: HeadRig) -> None:
    """The new head waits here: nothing is stored before the visitor says so."""
    st.success(f"**{rig.name}** is ready.", icon=":material/check_circle:")
    st.button("Keep this head", type="primary", icon=":material/save:", width="stretch", on_click=keep_draft)
    st.button("Discard", icon=":material/delete:", width="stretch", on_click=discard_draft)
    offer_guided(rig)
    show_report(rig)


def show_report(rig: HeadRig) -> None:
    """What it was made from, and how well."""
    lines = report_lines(rig.details)
    if lines:
        with st.container(border=True):
            st.markdown("**How it was made**")
            st.caption("\n".join(f"- {line}" for line in lines))
    elif chosen_rig_id() == BUILTIN_ID:
        st.caption(f"Base head: {head_title(rig.details)}.")


@st.dialog("Rename")
def rename_dialog(rig_id: str) -> None:
    """Asks for another name."""
    name = st.text_input("Name", value=rig_name(rig_id), max_chars=80)
    if st.button("Rename", type="primary"):
        try:
            library().rename(rig_id, name)
        except LiveAvatarError as error:
            st.error(str(error))
            return
        forget_loaded_rigs()
        st.rerun()


def delete_heads(rig_id: str | None) -> None:
    """Deletes one head, or all where `rig_id` is None, from disk and from memory."""
    try:
        if rig_id is None:
            library().delete_all()
        else:
            library().delete(rig_id)
    except LiveAvatarError as error:
        st.session_state[PROBLEM] = str(error)
    forget_loaded_rigs()
    forget_pictures()
    choose_rig(BUILTIN_ID)


@st.dialog("Delete")
def delete_dialog(rig_id: str | None) -> None:
    """Asks once, then deletes one head, or all where `rig_id` is None."""
    what = "all kept heads" if rig_id is None else f"**{rig_name(rig_id)}**"
    st.markdown(f"This deletes {what} from this machine, whole and at once.")
    if st.button("Delete", type="primary", icon=":material/delete:", on_click=delete_heads, args=(rig_id,)):
        st.rerun()


def show_kept(rig: HeadRig) -> None:
    """What can be done with the chosen head, and with all; how it was made."""
    rig_id = chosen_rig_id()
    entry = next((entry for entry in rig_entries() if entry.id == rig_id), None)
    st.download_button(
        "Download as GLB",
        lambda: download_glb(rig),
        file_name=f"{rig_id}.glb",
        mime="model/gltf-binary",
        icon=":material/download:",
        width="stretch",
        on_click="ignore",
        help="For Blender, Unity, Unreal and every other program that reads glTF; 52 ARKit blendshapes inside.",
    )
    if entry is not None and not entry.is_demo:
        offer_guided(rig)
        row = st.container(horizontal=True)
        if row.button("Rename", icon=":material/edit:"):
            rename_dialog(rig_id)
        if row.button("Delete", icon=":material/delete:"):
            delete_dialog(rig_id)
    if any(not entry.is_demo for entry in rig_entries()):
        if st.button("Delete all kept heads", type="tertiary", icon=":material/delete_forever:"):
            delete_dialog(None)
    else:
        st.caption("No head of yours is kept here. Heads you make stay on this machine only.")
    show_report(rig)


def show_picture(rig: HeadRig, key: str) -> None:
    """The head to turn and move, and from three sides."""
    show_head(viewer_glb(rig), key=key, height_px=640, still_png=still_png(rig))
    try:
        stills = three_sides(rig)
    except RenderError as error:
        st.info(str(error), icon=":material/info:")
        return
    st.image(compose_sheet(stills, len(stills)), caption="Front, three quarters, side", width="stretch")


def show_pyvista(rig: HeadRig) -> None:
    """The same mesh in stpyvista, where it is installed."""
    if importlib.util.find_spec("stpyvista") is None:
        return
    with st.expander("View with PyVista"):
        st.caption("This view loads its program from the internet in your browser; the one above does not.")
        if st.toggle("Show"):
            show_in_stpyvista(rig)


require_frame()
if (refining := finished_job()) is not None:
    st.session_state[JOB] = refining
collect_job()
draft = st.session_state.get(DRAFT)
rig = draft if draft is not None else chosen_rig()
st.title("Rig", anchor=False)
picture, controls = st.columns([2, 1], gap="medium")
with controls:
    if problem := st.session_state.get(PROBLEM):
        st.error(problem, icon=":material/error:")
    if news := st.session_state.pop(NEWS, ""):
        st.info(news, icon=":material/info:")
if is_guided():
    with picture:
        is_playing = show_camera()
    with controls:
        show_prompt(is_playing)
    st.stop()
with controls:
    if st.session_state.get(JOB) is not None:
        show_progress()
    elif draft is not None:
        show_draft(draft)
    else:
        show_form()
        st.subheader(rig_name(chosen_rig_id()), anchor=False)
        show_kept(rig)
with picture:
    show_picture(rig, key="rig_view")
    show_pyvista(rig)
