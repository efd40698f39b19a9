"""The app's frame around a page: title, navigation and sidebar come from `app.py`, also when a page is opened first."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager


def require_frame() -> None:
    """Runs the app again through `app.py` when Streamlit took the folder `pages/` for its older kind of app.

    It does so until `st.navigation` has been called once in the process: a link to a page, opened first after the
    start, would stand there without frame (streamlit/runtime/scriptrunner/script_runner.py, `_mpa_v1`, 1.60).
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()
