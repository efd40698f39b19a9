"""The command line as a user meets it: words in, one line and an exit code out."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core import cli
from core.commands import doctor
from core.errors import LiveAvatarError

REPOSITORY = Path(__file__).resolve().parents[2]
COMMANDS = ("rig", "track", "render", "bench", "doctor", "models", "speak", "stream", "head")


def run(*words: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "core", *words], cwd=REPOSITORY, capture_output=True, text=True, timeout=120, **options
    )


def test_help_names_every_command():
    result = run("--help")
    assert result.returncode == 0
    assert all(f"    {command} " in result.stdout for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_own_help(command, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main([command, "--help"])
    assert ended.value.code == 0
    assert f"python -m core {command}" in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["dance"], ["track"], ["rig", "photo.jpg"], ["render", "a.csv", "--size", "3"]])
def test_words_that_are_not_understood_end_with_2(words, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["rig", "absent.jpg", "-o", "rig.glb"],
        ["rig", "absent.jpg", "-o", "rig.obj"],
        ["rig", "absent.jpg", "-o", "no/such/folder/rig.glb"],
        ["track", "absent.mp4", "-o", "take.csv"],
        ["render", "absent.csv", "-o", "out.mp4"],
        ["speak", "absent.wav", "-o", "take.csv"],
        ["speak", "absent.wav"],
        ["speak", "-o", "take.csv"],
        ["speak", "absent.wav", "--text", "hello", "-o", "take.csv"],
        ["speak", "absent.wav", "-o", "take.csv", "--look-ahead", "500"],
        ["speak", "absent.wav", "-o", "take.csv", "--keep-sound", "kept.wav"],
        ["bench", "nonsense"],
        ["bench", "--video", "absent.mp4"],
        ["models", "fetch", "nonsense"],
        ["models", "fetch", "flame2020"],
    ],
)
def test_what_cannot_be_done_is_one_line_and_1(words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(words) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Error: ")
    assert len(err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def raising(error):
    def run(_arguments):
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (LiveAvatarError("first line\nsecond   line"), 1, "Error: first line second line\n"),
        (PermissionError(13, "Permission denied", "/there/out.glb"), 1, "Error: /there/out.glb: Permission denied\n"),
        (KeyboardInterrupt(), 130, "Stopped.\n"),
    ],
)
def test_errors_become_one_line(error, code, words, capsys, monkeypatch):
    monkeypatch.setattr(doctor, "run", raising(error))
    assert cli.main(["doctor"]) == code
    assert capsys.readouterr().err == words


def test_a_programming_error_is_not_hidden(monkeypatch):
    monkeypatch.setattr(doctor, "run", raising(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        cli.main(["doctor"])


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to a child there")
def test_ctrl_c_ends_a_running_command_with_130(tmp_path):
    # Started in the background of a shell, tests inherit an ignored SIGINT; a terminal's child does not.
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    code += "import sys, time; import core.commands.doctor as doctor; from core import cli\n"
    code += "doctor.run = lambda _: (print('started', flush=True), time.sleep(60))\nsys.exit(cli.main(['doctor']))"
    child = subprocess.Popen(
        [sys.executable, "-c", code], cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with child:
        assert child.stdout.readline() == "started\n"
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert err == "Stopped.\n"


def test_a_reader_that_goes_away_is_no_traceback():
    result = subprocess.run(
        f"{sys.executable} -m core models list | head -n 1",
        cwd=REPOSITORY, shell=True, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert "Traceback" not in result.stderr
    assert len(result.stdout.splitlines()) == 1
