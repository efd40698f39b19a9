"""The command line's matrix products stay on one thread: a fresh process, for NumPy reads the choice when loaded."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

REPORT = """
import os, runpy, sys
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "numpy":
            print(os.environ.get("OPENBLAS_NUM_THREADS"))
            sys.meta_path.remove(self)
sys.meta_path.insert(0, Watch())
sys.argv = ["core", "head", "--help"]
runpy.run_module("core", run_name="__main__")
"""


@pytest.mark.parametrize(("given", "expected"), [({}, "1"), ({"OPENBLAS_NUM_THREADS": "2"}, "2")])
def test_the_choice_stands_when_numpy_is_loaded(given, expected):
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"} | given
    command = [sys.executable, "-c", REPORT + "\nimport numpy"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == expected
