from __future__ import annotations

import json

import numpy as np
import pytest

from core.animation.take_files import load_take, save_take
from core.blendshapes import ARKIT_NAMES, INDEX, MEDIAPIPE_NAMES
from core.errors import TakeError
from core.geometry.gaze_shapes import gaze_from_blendshapes

ZEROS = [0.0] * 52


def write(tmp_path, *records):
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(r if isinstance(r, str) else json.dumps(r) for r in records) + "\n")
    return path


def test_round_trip_keeps_everything(rich_take, tmp_path):
    path = tmp_path / "rich.jsonl"
    save_take(rich_take, path)
    read = load_take(path)
    assert (read.name, read.rate_hz, read.timecode_start_s, read.skipped_rows) == ("rich", 24.0, 86395.0, 0)
    np.testing.assert_array_equal(read.times_s, rich_take.times_s)
    for before, after in zip(rich_take.states, read.states, strict=True):
        for name in ("blendshapes", "head_rotation", "head_translation", "gaze", "emotion"):
            np.testing.assert_allclose(getattr(after, name), getattr(before, name), atol=1e-6)
        for name in ("valence", "arousal", "confidence", "face_id"):
            assert getattr(after, name) == getattr(before, name)


def test_every_line_is_a_frame(rich_take, tmp_path):
    path = tmp_path / "rich.jsonl"
    save_take(rich_take, path)
    records = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(records) == 20
    assert all(len(r["blendshapes"]) == 52 and isinstance(r["timestamp"], float) for r in records)
    assert records[0]["names"] == list(ARKIT_NAMES)
    assert records[7]["confidence"] == 0.0


def test_a_bare_file_is_read_and_its_eyes_turn(tmp_path):
    values = np.zeros(52)
    values[INDEX["eyeLookInLeft"]] = 0.5
    lines = [{"timestamp": k / 30, "blendshapes": values.tolist()} for k in range(5)]
    take = load_take(write(tmp_path, *lines))
    assert (take.name, len(take.states), take.rate_hz) == ("a", 5, pytest.approx(30.0))
    np.testing.assert_allclose(take.states[0].gaze, gaze_from_blendshapes(values))
    assert take.states[0].gaze[0, 0] < 0 and take.states[0].has_face


@pytest.mark.parametrize("form", ["list", "object", "field"])
def test_other_orders_are_mapped_by_name(form, tmp_path):
    names = list(reversed(ARKIT_NAMES))
    frame = {"timestamp": 0.0, "blendshapes": [k / 100 for k in range(52)]}
    records = {"list": [names, frame], "object": [{"names": names}, frame], "field": [{**frame, "names": names}]}[form]
    blendshapes = load_take(write(tmp_path, *records)).states[0].blendshapes
    np.testing.assert_allclose(blendshapes, [(51 - k) / 100 for k in range(52)], atol=1e-7)


def test_mediapipes_list_is_mapped_by_name(tmp_path):
    values = [0.9 if name == "_neutral" else 0.3 if name == "jawOpen" else 0.0 for name in MEDIAPIPE_NAMES]
    path = write(tmp_path, {"names": list(MEDIAPIPE_NAMES)}, {"timestamp": 0, "blendshapes": values})
    blendshapes = load_take(path).states[0].blendshapes
    assert blendshapes[INDEX["jawOpen"]] == pytest.approx(0.3) and blendshapes.sum() == pytest.approx(0.3)


def test_bad_lines_are_left_out_and_counted(tmp_path):
    good = [{"timestamp": float(k), "blendshapes": ZEROS} for k in range(12)]
    bad = [
        "{not json",
        "[" * 5000,
        '{"timestamp": 3.5, "blendshapes": [NaN' + ", 0" * 51 + "]}",
        {"timestamp": 3.5, "blendshapes": ZEROS[:-1]},
        {"timestamp": 3.5, "blendshapes": [5.0, *ZEROS[1:]]},
        {"timestamp": 3.5, "blendshapes": ZEROS, "head_rotation": [[0, 0, 0]] * 3},
        {"timestamp": 3.5, "blendshapes": ZEROS, "emotion": [1, 2]},
        {"timestamp": 1.0, "blendshapes": ZEROS},
        {"blendshapes": ZEROS},
        '{"timestamp": 1e999, "blendshapes": ' + str(ZEROS) + "}",
    ]
    take = load_take(write(tmp_path, *good[:4], *bad, *good[4:]))
    assert (len(take.states), take.skipped_rows) == (12, 10)


@pytest.mark.parametrize(
    "records, words",
    [
        (["not json at all"], "1 of 1 rows cannot be read; line 1"),
        ([{"names": ["jawOpen"]}, {"timestamp": 0, "blendshapes": ZEROS}], "names other values"),
        ([{"names": [*ARKIT_NAMES[:-1], ARKIT_NAMES[0]]}], "names other values"),
        ([{"names": 3}], "no list of texts"),
        ([{"take": {"version": 99}}], "newer version"),
        ([{"names": list(ARKIT_NAMES)}], "holds no frames"),
        (["7" * 100_000], "too long"),
    ],
)
def test_hostile_files_give_one_line(records, words, tmp_path):
    with pytest.raises(TakeError, match=words) as caught:
        load_take(write(tmp_path, *records))
    assert "\n" not in str(caught.value) and "'a.jsonl'" in str(caught.value)


def test_binary_junk(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(np.random.default_rng(0).bytes(5000))
    with pytest.raises(TakeError, match=r"not a text file|too long"):
        load_take(path)
