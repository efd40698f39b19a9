from __future__ import annotations

import os
import sys

import psutil
import pytest

from core.commands.native_log import STDERR, quiet_native_log


def test_only_python_is_heard(capfd):
    stderr = sys.stderr
    with quiet_native_log():
        os.write(STDERR, b"native chatter\n")
        sys.stderr.write("from python\n")
    os.write(STDERR, b"native again\n")
    sys.stderr.write("python again\n")
    assert sys.stderr is stderr
    assert capfd.readouterr().err.splitlines() == ["from python", "native again", "python again"]


def test_everything_is_put_back_after_an_error(capfd):
    stderr = sys.stderr
    before = psutil.Process().num_fds()
    with pytest.raises(ZeroDivisionError), quiet_native_log():
        raise ZeroDivisionError
    after = psutil.Process().num_fds()
    os.write(STDERR, b"heard\n")
    assert sys.stderr is stderr
    assert before == after
    assert capfd.readouterr().err == "heard\n"


def test_all_is_heard_when_asked_for(capfd, monkeypatch):
    monkeypatch.setenv("LIVE_AVATAR_VERBOSE", "1")
    with quiet_native_log():
        os.write(STDERR, b"native chatter\n")
    assert capfd.readouterr().err == "native chatter\n"
