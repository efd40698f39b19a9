from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from core.commands.arguments import picture_size, require_file, require_output
from core.errors import InputError


@pytest.mark.parametrize(("text", "size"), [("512", (512, 512)), ("640x480", (640, 480)), ("1920X1080", (1920, 1080))])
def test_sizes_are_read(text, size):
    assert picture_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "x", "63", "511", "640x481", "640x480x3", "99999", "-640x480", "640x", "1e3", "8 x"]
)
def test_other_sizes_are_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="no size"):
        picture_size(text)


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(InputError, match="absent"):
        require_file(tmp_path / "absent")
    with pytest.raises(InputError, match="no file"):
        require_file(tmp_path)


def test_outputs_need_their_ending_and_their_folder(tmp_path):
    assert require_output(tmp_path / "a.GLB", (".glb",)) == tmp_path / "a.GLB"
    with pytest.raises(InputError, match=r"\.csv or \.jsonl"):
        require_output(Path("take.txt"), (".csv", ".jsonl"))
    with pytest.raises(InputError, match="folder"):
        require_output(tmp_path / "absent" / "a.glb", (".glb",))
