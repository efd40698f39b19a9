from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from core.blendshapes import ARKIT_NAMES, EMOTION_PROTOTYPES, INDEX
from core.cli import main
from core.commands import head
from core.commands.head import COLUMNS, TILE_PX, directions, people, rows, state_of
from core.head_model.builtin_model import load_builtin_model
from core.head_model.rig_glb import save_rig
from core.rendering.pictures import LABEL_HEIGHT_PX
from tests.builders import tiny_rig


def test_every_shape_viseme_and_emotion_has_its_place():
    labels = list(rows())
    assert labels[0] == "neutral" and labels[1:53] == list(ARKIT_NAMES)
    assert labels[-6:] == list(EMOTION_PROTOTYPES)
    assert sum(label.startswith("viseme") for label in labels) == 14


def test_a_name_without_a_side_is_both_and_eyes_turn_with_their_shapes():
    smile = state_of({"mouthSmile": 0.5}).blendshapes
    assert smile[INDEX["mouthSmileLeft"]] == smile[INDEX["mouthSmileRight"]] == 0.5 and smile.sum() == 1.0
    gaze = state_of({"eyeLookOutLeft": 1.0}).gaze
    assert gaze[0, 0] == pytest.approx(np.radians(30)) and not gaze[1].any()


def test_a_rig_gets_its_sheet(tmp_path, capsys):
    save_rig(tiny_rig(), tmp_path / "rig.glb")
    sheet = tmp_path / "sheet.png"
    assert main(["head", "--rig", str(tmp_path / "rig.glb"), "--sheet", str(sheet)]) == 0
    assert capsys.readouterr().out == f"{sheet}\n"
    count = 2 * len(rows())
    with Image.open(sheet) as picture:
        assert picture.size == (COLUMNS * TILE_PX, -(-count // COLUMNS) * (TILE_PX + LABEL_HEIGHT_PX))
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []


def test_a_head_that_is_not_there_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LIVE_AVATAR_MODELS", str(tmp_path))
    assert main(["head", "--head", "ict", "--sheet", str(tmp_path / "sheet.png")]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "sheet.png").exists()


@pytest.mark.parametrize("what", ["--people", "--directions"])
def test_people_and_directions_get_their_sheets(tmp_path, monkeypatch, what):
    monkeypatch.setattr(head, "PEOPLE", 2)
    monkeypatch.setattr(head, "directions", lambda model: list(directions(model))[:2])
    assert main(["head", what, str(tmp_path / "sheet.png")]) == 0
    with Image.open(tmp_path / "sheet.png") as picture:
        assert picture.size == (4 * TILE_PX, TILE_PX + LABEL_HEIGHT_PX)
        tiles = np.asarray(picture)
        assert np.abs(tiles[:TILE_PX, :TILE_PX].astype(int) - tiles[:TILE_PX, 2 * TILE_PX : 3 * TILE_PX]).max() > 50


def test_directions_go_both_ways_and_people_are_the_same_every_time():
    model = load_builtin_model()
    labels = [label for label, _ in directions(model)]
    assert labels[:2] == ["head width -2", "head width +2"] and len(labels) == 2 * len(model.named)
    first, again = (next(iter(people(model)))[1] for _ in range(2))
    assert np.array_equal(first.vertices, again.vertices)


def test_a_rig_has_no_relatives(tmp_path, capsys):
    save_rig(tiny_rig(), tmp_path / "rig.glb")
    assert main(["head", "--rig", str(tmp_path / "rig.glb"), "--people", str(tmp_path / "sheet.png")]) == 1
    assert "one person" in capsys.readouterr().err
