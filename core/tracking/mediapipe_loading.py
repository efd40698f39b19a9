"""The one place where mediapipe is imported: late, because it takes half a second and 100 MB, and quietly."""

from __future__ import annotations

import os
import threading
from types import ModuleType

_lock = threading.Lock()

QUIET_ENVIRONMENT = {
    "GLOG_minloglevel": "3",  # mediapipe's C++ log: fatal errors only
    "TF_CPP_MIN_LOG_LEVEL": "3",  # TensorFlow's
    "ABSL_MIN_LOG_LEVEL": "3",  # what comes before their logs are set up
}


def _quieten() -> None:
    for name, value in QUIET_ENVIRONMENT.items():
        os.environ.setdefault(name, value)


def load_face_mesh() -> ModuleType:
    """The module `mediapipe.python.solutions.face_mesh`."""
    with _lock:
        _quieten()
        from mediapipe.python.solutions import face_mesh

        return face_mesh


def load_selfie_segmentation() -> ModuleType:
    """The module `mediapipe.python.solutions.selfie_segmentation`."""
    with _lock:
        _quieten()
        from mediapipe.python.solutions import selfie_segmentation

        return selfie_segmentation


def load_mediapipe() -> ModuleType:
    """The module `mediapipe`, with its `tasks`."""
    with _lock:
        _quieten()
        import mediapipe

        return mediapipe
