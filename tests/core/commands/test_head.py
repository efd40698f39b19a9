from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from core.blendshapes import ARKIT_NAMES, EMOTION_PROTOTYPES, INDEX
from core.cli import main
from core.commands.head import COLUMNS, TILE_PX, rows, state_of
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
