from __future__ import annotations

import json

import numpy as np
import pytest

from core.animation.demo import demo_take
from core.animation.take_edits import at_speed, loop, mix, retime, trim
from core.animation.take_files import load_take, save_take
from core.cli import main
from core.head_model.rig_glb import load_rig, save_rig
from tests.builders import tiny_rig


@pytest.fixture
def folder(tmp_path):
    save_take(demo_take(2.0, 30.0, seed=1), tmp_path / "in.jsonl")
    save_take(demo_take(2.0, 30.0, seed=2), tmp_path / "other.csv")
    save_rig(tiny_rig(), tmp_path / "rig.glb")
    return tmp_path


def run(folder, output: str, *words: str) -> int:
    return main(["take", str(folder / "in.jsonl"), "-o", str(folder / output), *words])


def test_a_take_changes_its_format(folder, capsys):
    assert run(folder, "out.csv") == 0
    assert capsys.readouterr().out.strip() == str(folder / "out.csv")
    np.testing.assert_allclose(
        load_take(folder / "out.csv").blendshapes, load_take(folder / "in.jsonl").blendshapes, atol=1e-6
    )


def test_json_lines_have_the_promised_form(folder):
    assert run(folder, "out.jsonl") == 0
    for line in (folder / "out.jsonl").read_text().splitlines():
        record = json.loads(line)
        assert isinstance(record["timestamp"], float)
        assert len(record["blendshapes"]) == 52 and all(0 <= value <= 1 for value in record["blendshapes"])


def test_options_do_what_the_functions_do(folder):
    source, other = load_take(folder / "in.jsonl"), load_take(folder / "other.csv")
    cases = {
        ("--trim", "0.5:1.5"): trim(source, 0.5, 1.5),
        ("--trim", ":1"): trim(source, 0.0, 1.0),
        ("--trim", "1:"): trim(source, 1.0, 99.0),
        ("--rate", "60"): retime(source, 60.0),
        ("--speed", "2"): retime(at_speed(source, 2.0), 30.0),
        ("--speed", "0.5", "--rate", "24"): retime(at_speed(source, 0.5), 24.0),
        ("--loop", "3"): loop(source, 3),
        ("--loop", "2", "--fade", "0.25"): loop(source, 2, 0.25),
        ("--mix", str(folder / "other.csv"), "0.25"): mix(source, other, 0.25),
        ("--mix", str(folder / "other.csv"), "mouth=1, head=0.5"): mix(source, other, {"mouth": 1.0, "head": 0.5}),
    }
    for words, expected in cases.items():
        assert run(folder, "out.jsonl", *words) == 0
        take = load_take(folder / "out.jsonl")
        np.testing.assert_allclose(take.times_s, expected.times_s, atol=1e-6)
        np.testing.assert_allclose(take.blendshapes, expected.blendshapes, atol=1e-6)
        assert take.rate_hz == pytest.approx(expected.rate_hz)


def test_glb_and_bvh_are_written(folder):
    assert run(folder, "out.glb", "--rig", str(folder / "rig.glb")) == 0
    assert load_rig(folder / "out.glb").name == "Tiny head"
    assert run(folder, "out.bvh") == 0
    assert (folder / "out.bvh").read_text().startswith("HIERARCHY")


def test_recorded_packets_are_read(folder, shared_file):
    source = shared_file("takes/dao.gesichter")
    assert main(["take", str(source), "-o", str(folder / "out.csv")]) == 0
    assert len(load_take(folder / "out.csv").states) == 180


@pytest.mark.parametrize(
    "output, words, reason",
    [
        ("out.fbx", (), "must end in"),
        ("absent/out.csv", (), "folder"),
        ("out.csv", ("--rig", "rig.glb"), "--rig goes with"),
        ("out.csv", ("--fade", "0.5"), "--fade goes with"),
        ("out.csv", ("--mix", "absent.csv", "0.5"), "no file"),
        ("out.csv", ("--mix", "OTHER", "half"), "looks like"),
        ("out.csv", ("--mix", "OTHER", "mouth=1=2"), "looks like"),
        ("out.csv", ("--mix", "OTHER", "chin=1"), "parts"),
        ("out.csv", ("--speed", "0"), "speed"),
        ("out.csv", ("--rate", "nan"), "frames a second"),
        ("out.csv", ("--loop", "0"), "repeated"),
        ("out.csv", ("--trim", "50:60"), "nothing"),
    ],
)
def test_what_cannot_be_done_is_one_line(folder, capsys, output, words, reason):
    words = [str(folder / "other.csv") if word == "OTHER" else word for word in words]
    assert run(folder, output, *words) == 1
    error = capsys.readouterr().err
    assert error.startswith("Error: ") and error.count("\n") == 1 and reason in error
    assert not (folder / output).exists()


@pytest.mark.parametrize("span", ["1", "2:1", "a:b", "-1:2", "1:2:3", ":"])
def test_spans_that_are_none(folder, span):
    if span == ":":
        assert run(folder, "out.csv", f"--trim={span}") == 0
        return
    with pytest.raises(SystemExit):
        run(folder, "out.csv", f"--trim={span}")
