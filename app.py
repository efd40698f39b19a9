"""Live Avatar: `streamlit run app.py`."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.errors import LiveAvatarError
from ui.garbage import spare_lasting_objects
from ui.sidebar import show_sidebar

PAGES = (
    ("pages/home.py", "Home", ":material/home:"),
    ("pages/rig.py", "Rig", ":material/face:"),
    ("pages/capture.py", "Capture", ":material/videocam:"),
    ("pages/avatar.py", "Avatar", ":material/theater_comedy:"),
    ("pages/speech.py", "Speech", ":material/record_voice_over:"),
    ("pages/watch.py", "Watch", ":material/cast:"),
)

# An icon by name would be fetched from the internet by the visitor's browser.
FAVICON = Path(__file__).parent / "ui" / "favicon.png"
# On a small screen Streamlit's margins beside the page would take a fifth of the room that the sidebar leaves.
NARROW_MARGINS = """<style>
@media (min-width: 641px) and (max-width: 1360px) {
    [data-testid="stMainBlockContainer"] { padding-left: 2rem; padding-right: 2rem; }
}
</style>"""

st.set_page_config(page_title="Live Avatar", page_icon=str(FAVICON), layout="wide")
st.html(NARROW_MARGINS)
page = st.navigation([st.Page(path, title=title, icon=icon) for path, title, icon in PAGES])
show_sidebar()
spare_lasting_objects()
try:
    page.run()
except LiveAvatarError as error:
    st.error(str(error), icon=":material/error:")
