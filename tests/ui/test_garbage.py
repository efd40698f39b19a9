"""What lasts is searched for garbage once, not after every run of a page."""

from __future__ import annotations

import gc
import sys
from types import ModuleType

from ui.garbage import spare_lasting_objects


def test_lasting_objects_are_spared_once_the_library_is_there(monkeypatch):
    gc.unfreeze()
    library = ModuleType("mediapipe")
    monkeypatch.delitem(sys.modules, "mediapipe", raising=False)
    spare_lasting_objects()
    monkeypatch.setitem(sys.modules, "mediapipe", library)  # another thread is at it
    spare_lasting_objects()
    assert gc.get_freeze_count() == 0
    monkeypatch.setattr(library, "__version__", "0", raising=False)
    try:
        spare_lasting_objects()
        spared = gc.get_freeze_count()
        assert spared > 1000
        spare_lasting_objects()
        assert gc.get_freeze_count() <= spared
    finally:
        gc.unfreeze()
