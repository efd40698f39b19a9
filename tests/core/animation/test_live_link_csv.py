from __future__ import annotations

import numpy as np
import pytest

from core.animation.live_link_csv import CSV_NAMES
from core.animation.take_files import load_take, save_take
from core.blendshapes import INDEX, LIVE_LINK_NAMES
from core.errors import TakeError
from core.geometry.gaze_shapes import gaze_from_blendshapes
from core.structures import FaceState

HEADER = "Timecode,BlendShapeCount," + ",".join(CSV_NAMES)


def row(timecode: str, separator: str = ",", count: str = "61", **values: float) -> str:
    return separator.join([timecode, count, *(str(values.get(name, 0.0)) for name in CSV_NAMES)])


def write(tmp_path, *lines, end="\n", name="a.csv"):
    path = tmp_path / name
    path.write_bytes((end.join(lines) + end).encode())
    return path


def test_round_trip_to_the_precision_of_the_file(rich_take, tmp_path):
    path = tmp_path / "rich.csv"
    save_take(rich_take, path)
    assert [p.name for p in tmp_path.iterdir()] == ["rich.csv"]
    read = load_take(path)
    assert (read.name, read.skipped_rows) == ("rich", 0)
    assert read.rate_hz == pytest.approx(24.0, rel=1e-3)
    assert read.timecode_start_s == pytest.approx(86395.0)
    np.testing.assert_allclose(read.times_s, rich_take.times_s, atol=1e-3 / 60)
    for before, after in zip(rich_take.states, read.states, strict=True):
        assert after.has_face == before.has_face
        np.testing.assert_allclose(after.blendshapes, before.blendshapes, atol=1e-7)
        np.testing.assert_allclose(after.head_rotation, before.head_rotation, atol=1e-6)
        np.testing.assert_allclose(after.gaze, before.gaze, atol=1e-7)
    again = tmp_path / "again.csv"
    save_take(read, again)
    first, second = (np.loadtxt(p, delimiter=",", skiprows=1, usecols=range(1, 63)) for p in (path, again))
    np.testing.assert_allclose(second, first, atol=2e-7)


def test_every_row_has_63_columns_and_there_is_one_a_state(rich_take, tmp_path):
    path = tmp_path / "rich.csv"
    save_take(rich_take, path)
    rows = [line.split(",") for line in path.read_text().splitlines()]
    assert len(rows) == 21 and {len(cells) for cells in rows} == {63}
    assert [cells[1] for cells in rows[1:]].count("0") == 1


def test_header_is_the_apps_own(shared_file, rich_take, tmp_path):
    path = tmp_path / "rich.csv"
    save_take(rich_take, path)
    with shared_file("takes/alex_rom_3.csv").open() as recorded:
        assert path.read_text().splitlines()[0] == recorded.readline().strip()


@pytest.mark.parametrize("name", ["JawLeft", "JawRight", "MouthLeft", "MouthRight", "TongueOut"])
def test_columns_are_read_by_name(name, tmp_path):
    blendshapes = load_take(write(tmp_path, HEADER, row("00:00:00:00.000", **{name: 0.5}))).states[0].blendshapes
    assert blendshapes[INDEX[name[0].lower() + name[1:]]] == 0.5 and blendshapes.sum() == 0.5


def test_case_and_order_of_columns_play_no_part(tmp_path):
    names = list(reversed(CSV_NAMES))
    header = ",".join([*names, "BLENDSHAPECOUNT"]).lower()
    values = {name: k / 100 for k, name in enumerate(LIVE_LINK_NAMES)}
    line = ",".join([*(str(values[n]) for n in names), "61"])
    with pytest.raises(TakeError, match="first column must be Timecode"):
        load_take(write(tmp_path, header, line))
    state = load_take(write(tmp_path, "timecode," + header, "00:00:00:00," + line)).states[0]
    np.testing.assert_allclose(state.blendshapes, [k / 100 for k in range(52)], atol=1e-7)


def test_unreals_own_dialect(tmp_path):
    header = ", ".join(["Timecode", "FrameRate", *LIVE_LINK_NAMES])
    lines = [
        ", ".join([f"1:2:3:{k}", "24", *(f"{0.5 if n == 'JawOpen' else 0:.3f}" for n in LIVE_LINK_NAMES)])
        for k in range(24)
    ]
    take = load_take(write(tmp_path, header, *lines, end="\r\n"))
    assert (len(take.states), take.rate_hz) == (24, 24.0)
    assert take.timecode_start_s == 3723.0
    assert take.states[5].blendshapes[INDEX["jawOpen"]] == 0.5


def test_the_other_plugins_dialect(tmp_path):
    header = HEADER.replace("BlendShapeCount", "NumProperties")
    take = load_take(write(tmp_path, header, row("00:00:00:00.000", JawOpen=0.25)))
    assert take.states[0].blendshapes[INDEX["jawOpen"]] == 0.25


def test_the_apps_short_rows_without_a_face(tmp_path):
    take = load_take(write(tmp_path, HEADER, row("00:00:00:00.000"), "00:00:00:02.000,0", row("00:00:00:04.000")))
    assert [s.has_face for s in take.states] == [True, False, True]
    np.testing.assert_allclose(take.times_s, [0, 1 / 30, 2 / 30], atol=1e-9)


def test_midnight(tmp_path):
    codes = ["23:59:59:30.000", "23:59:59:59.000", "00:00:00:28.000", "00:00:01:00.000"]
    take = load_take(write(tmp_path, HEADER, *map(row, codes)))
    np.testing.assert_allclose(take.times_s, [0, 29 / 60, 58 / 60, 1.5], atol=1e-9)


def test_eyes_turn_by_coefficients_where_there_are_no_angles(tmp_path):
    path = write(tmp_path, HEADER, row("0:0:0:0", EyeLookOutLeft=0.5, EyeLookUpRight=1.0), row("0:0:0:2"))
    state = load_take(path).states[0]
    np.testing.assert_allclose(np.rad2deg(state.gaze), [[15, 0], [0, 25]], atol=1e-4)
    angles = write(tmp_path, HEADER, row("0:0:0:0", EyeLookOutLeft=0.5), row("0:0:0:2", LeftEyeYaw=-0.3))
    states = load_take(angles).states
    np.testing.assert_allclose(states[0].gaze, 0)
    assert states[1].gaze[0, 0] == pytest.approx(0.3)


def test_bad_rows_are_left_out_and_counted(tmp_path):
    good = [row(f"00:00:0{k}:00.000", JawOpen=k / 10) for k in range(6)]
    bad = ["nonsense", "00:00:03:30.000,61,0.5", row("00:00:04:10", JawOpen=float("nan")), row("00:00:01:00.000")]
    take = load_take(write(tmp_path, HEADER, *good[:5], *bad, good[5]))
    assert (len(take.states), take.skipped_rows) == (6, 4)


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "is empty"),
        (b"\n\n", "first column must be Timecode"),
        (bytes(range(256)) * 20, "not a text file"),
        (b"\xff\xfe\x00a\x00b", "not a text file"),
        (b"name,age\nme,3\n", "first column must be Timecode"),
        (b"Timecode,BlendShapeCount,EyeBlinkLeft\n", "51 of 52 columns are absent"),
        (HEADER.encode(), "holds no frames"),
        (HEADER.encode() + b"\na\nb\nc\n", "3 of 3 rows cannot be read; line 2"),
        (HEADER.encode() + b"\n" + b"9" * 200_000, "too long"),
        (HEADER.encode() + b"\n" + row("0:0:0:0", JawOpen=50.0).encode(), "far beyond 1"),
        (HEADER.encode() + b"\n" + row("0:0:0:0", JawOpen=float("inf")).encode(), "no number"),
    ],
)
def test_hostile_files_give_one_line(content, words, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(TakeError, match=words) as caught:
        load_take(path)
    assert "\n" not in str(caught.value) and "'a.csv'" in str(caught.value)


@pytest.mark.parametrize(
    "name, count, faceless", [("S88-001", 1939, 277), ("alex_rom_3", 4030, 0), ("apfel", 1926, 35)]
)
def test_recorded_takes(shared_file, name, count, faceless, tmp_path):
    path = shared_file(f"takes/{name}.csv")
    take = load_take(path)
    assert (len(take.states), take.skipped_rows, take.rate_hz) == (count, 0, 30.0)
    assert sum(not s.has_face for s in take.states) == faceless
    # the eye angles and the eyeLook coefficients of the app turn our eyes the same way
    faces = [s for s in take.states if s.has_face]
    angles = np.array([s.gaze for s in faces]).reshape(len(faces), 4)
    looked = gaze_from_blendshapes(np.array([s.blendshapes for s in faces])).reshape(len(faces), 4)
    for k in range(4):
        assert np.corrcoef(angles[:, k], looked[:, k])[0, 1] > 0.99
    save_take(take, tmp_path / "copy.csv")
    originals = [line.split(",") for line in path.read_text().splitlines()]
    copies = [line.split(",") for line in (tmp_path / "copy.csv").read_text().splitlines()]
    assert [c[:2] for c in copies] == [o[:2] for o in originals]


def test_saving_does_not_leave_half_a_file(rich_take, tmp_path):
    path = tmp_path / "absent" / "a.csv"
    with pytest.raises(TakeError, match="could not be written"):
        save_take(rich_take, path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("act", [lambda p: load_take(p), lambda p: save_take(None, p)])
def test_other_suffixes_are_refused(act, tmp_path):
    with pytest.raises(TakeError, match=r"\.csv or \.jsonl"):
        act(tmp_path / "a.txt")


def test_absent_file(tmp_path):
    with pytest.raises(TakeError, match="was not found"):
        load_take(tmp_path / "absent.csv")


def test_no_face_is_not_a_resting_face(tmp_path):
    path = write(tmp_path, HEADER, row("0:0:0:0"))
    assert load_take(path).states[0].has_face
    assert FaceState(0.0).has_face
