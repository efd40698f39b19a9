from __future__ import annotations

import importlib.metadata
import json
import socket
import sys

import pytest

from core.assets.registry import MODELS_VARIABLE
from core.cli import main
from core.commands import doctor, doctor_checks
from core.commands.doctor_checks import (
    Finding,
    Level,
    check_cameras,
    check_graphics,
    check_landmarks,
    check_model_packs,
    check_packages,
    check_ports,
    check_programs,
    check_python,
    check_speech,
    run_child,
)


def levels(findings) -> list[Level]:
    return [finding.level for finding in findings]


def test_this_python_and_its_packages_are_fine():
    assert levels(check_python()) == levels(check_packages()) == [Level.OK]


def test_an_old_python_is_a_problem(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 1))
    (finding,) = check_python()
    assert finding.level is Level.PROBLEM
    assert "3.11" in finding.advice


def test_absent_and_other_packages_are_told_apart(tmp_path):
    numpy = importlib.metadata.version("numpy")
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"# a comment\nnumpy=={numpy}\n\nscipy==0.0.1  # old\nnot-a-package-at-all==1.0\n")
    absent, other = check_packages(requirements)
    assert absent.level is Level.PROBLEM
    assert "not-a-package-at-all" in absent.text
    assert other.level is Level.NOTE
    assert "scipy" in other.text
    assert "numpy" not in other.text


@pytest.mark.parametrize(
    ("code", "worked", "said"),
    [
        ("print('first'); print('last')", True, "last"),
        ("pass", True, ""),
        ("raise ValueError('broken')", False, "ValueError: broken"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", False, "signal 9"),
    ],
)
def test_a_child_may_end_in_any_way(code, worked, said):
    result, words = run_child(code)
    assert result is worked
    assert said in words


def test_a_child_that_hangs_is_ended(monkeypatch):
    monkeypatch.setattr(doctor_checks, "CHILD_TIMEOUT_S", 0.5)
    assert run_child("import time; time.sleep(60)") == (False, "no answer within 0 s")


def test_graphics_and_landmarks_work_here():
    assert levels(check_graphics()) == [Level.OK]
    assert levels(check_landmarks()) == [Level.OK]


@pytest.mark.parametrize(("answer", "level"), [((True, "flat"), Level.PROBLEM), ((False, "died"), Level.PROBLEM)])
def test_a_flat_picture_and_a_dead_child_are_problems(monkeypatch, answer, level):
    monkeypatch.setattr(doctor_checks, "run_child", lambda code: answer)
    assert levels(check_graphics()) == [level]


def test_the_speech_network_is_tried(monkeypatch):
    assert levels(check_speech()) == [Level.OK]
    monkeypatch.setattr(doctor_checks, "run_child", lambda code: (False, "the weights are absent"))
    assert levels(check_speech()) == [Level.PROBLEM]


def test_cameras_are_listed(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    assert levels(check_cameras(tmp_path)) == [Level.NOTE]
    (tmp_path / "video0").touch()
    (finding,) = check_cameras(tmp_path)
    assert finding.level is Level.OK
    assert "video0" in finding.text


def test_a_taken_port_is_noted(monkeypatch):
    with socket.socket() as taken, socket.socket(type=socket.SOCK_DGRAM) as free:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        free.bind(("127.0.0.1", 0))
        free_port = free.getsockname()[1]
        free.close()
        ports = ((taken.getsockname()[1], socket.SOCK_STREAM, "a", "x"), (free_port, socket.SOCK_DGRAM, "b", "y"))
        monkeypatch.setattr(doctor_checks, "PORTS", ports)
        assert levels(check_ports()) == [Level.NOTE, Level.OK]


def test_absent_programs_are_only_notes(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert levels(check_programs()) == [Level.NOTE, Level.NOTE]


def test_a_damaged_pack_is_a_problem(tmp_path, monkeypatch):
    monkeypatch.setenv(MODELS_VARIABLE, str(tmp_path))
    assert levels(check_model_packs()) == [Level.NOTE]
    (tmp_path / "face_landmarker.task").write_bytes(b"half a mod")
    assert levels(check_model_packs()) == [Level.PROBLEM, Level.NOTE]


@pytest.mark.parametrize(("level", "code"), [(Level.OK, 0), (Level.NOTE, 0), (Level.PROBLEM, 1)])
def test_only_problems_change_the_exit_code(monkeypatch, capsys, level, code):
    monkeypatch.setattr(doctor, "CHECKS", (lambda: iter([Finding(level, "thing", "is so", "do this")]),))
    assert main(["doctor"]) == code
    assert f"{level.value:<8} thing: is so -> do this" in capsys.readouterr().out
    assert main(["doctor", "--json"]) == code
    assert json.loads(capsys.readouterr().out) == [
        {"level": level.value, "name": "thing", "text": "is so", "advice": "do this"}
    ]
