"""Silence for the libraries below Python."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

STDERR = 2


@contextmanager
def quiet_native_log() -> Iterator[None]:
    """What native code writes to stderr goes nowhere; what Python writes there still arrives.

    mediapipe greets every start with warnings that nobody can act on, before any of its log settings count. Set
    LIVE_AVATAR_VERBOSE=1 to see them.
    """
    if os.environ.get("LIVE_AVATAR_VERBOSE"):
        yield
        return
    python_stderr = sys.stderr
    with ExitStack() as undo:
        kept = os.dup(STDERR)
        undo.callback(os.close, kept)
        sys.stderr = undo.enter_context(os.fdopen(os.dup(kept), "w", buffering=1))
        undo.callback(setattr, sys, "stderr", python_stderr)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        undo.callback(os.close, nowhere)
        os.dup2(nowhere, STDERR)
        undo.callback(os.dup2, kept, STDERR)
        yield
