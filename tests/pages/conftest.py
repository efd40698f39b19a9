"""Pages run as scripts, without a browser."""

from __future__ import annotations

from contextlib import ExitStack
from unittest import mock

import pytest


@pytest.fixture
def without_browser():
    """streamlit-webrtc is told that there is no browser, and Streamlit that `pages/` is not its older kind of app."""
    with ExitStack() as patches:
        for module in ("component", "shutdown"):
            target = f"streamlit_webrtc.{module}.get_this_session_info"
            patches.enter_context(mock.patch(target, lambda: None))
        patches.enter_context(mock.patch("ui.frame.PagesManager.uses_pages_directory", False))
        yield
