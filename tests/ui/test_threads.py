"""The app's matrix products stay on one thread: a fresh process, because NumPy reads the choice when it is loaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

REPORT = """
import json, os, sys
import streamlit.web.bootstrap, streamlit.web.server, core.errors  # what stands before `ui` when the app starts
loaded = "numpy" in sys.modules
import ui
print(json.dumps([loaded, os.environ["OPENBLAS_NUM_THREADS"]]))
"""


@pytest.mark.parametrize(("given", "expected"), [({}, "1"), ({"OPENBLAS_NUM_THREADS": "2"}, "2")])
def test_numpy_is_told_before_it_is_loaded_and_a_given_choice_stands(given, expected):
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"} | given
    done = subprocess.run(
        [sys.executable, "-c", REPORT], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert json.loads(done.stdout) == [False, expected]
