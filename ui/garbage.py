"""Keeps Streamlit's garbage collection short: it collects everything after every run of a page or fragment, and on a
heap of 250 000 objects that takes 0.15 s of the one interpreter lock, four times a second where a fragment polls."""

from __future__ import annotations

import gc
import sys


def spare_lasting_objects() -> None:
    """Once the networks' library is loaded to its end (its version comes last): what is alive then, mostly modules, is
    never searched again. Objects are still freed when nothing refers to them; only cycles among the spared ones would
    stay."""
    if hasattr(sys.modules.get("mediapipe"), "__version__") and gc.get_freeze_count() == 0:
        gc.collect()
        gc.freeze()
