from __future__ import annotations

import json

import pytest

from core.assets.registry import MODELS_VARIABLE, PACKS
from core.cli import main


@pytest.fixture(autouse=True)
def models_dir(tmp_path, monkeypatch):
    monkeypatch.setenv(MODELS_VARIABLE, str(tmp_path))
    return tmp_path


def test_the_list_tells_of_every_pack(capsys):
    assert main(["models", "list"]) == 0
    text = capsys.readouterr().out
    for pack in PACKS:
        for words in (f"\n{pack.name}: absent", pack.licence, pack.page, pack.improves):
            assert words in text


def test_the_list_as_json(capsys, models_dir):
    (models_dir / "face_landmarker.task").write_bytes(b"something else")
    assert main(["models", "list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["name"]: row["status"] for row in rows} == {
        **{pack.name: "absent" for pack in PACKS},
        "face_landmarker": "damaged",
    }


def test_a_present_pack_is_not_fetched_again(capsys, shared_file, monkeypatch):
    folder = shared_file("models/face_landmarker.task").parent
    monkeypatch.setenv(MODELS_VARIABLE, str(folder))
    assert main(["models", "fetch", "face_landmarker"]) == 0
    assert "there already" in capsys.readouterr().out


def test_a_flame_model_says_what_lacks_beside_it(capsys, models_dir):
    (models_dir / "FLAME2020").mkdir()
    (models_dir / "FLAME2020" / "generic_model.pkl").write_bytes(b"a model")
    main(["models", "list"])
    text = capsys.readouterr().out
    assert "flame2020: present" in text and "needs landmark_embedding.npy or" in text
    for name in ("landmark_embedding.npy", "FLAME_texture.npz"):
        (models_dir / name).write_bytes(b"something")
    main(["models", "list"])
    text = capsys.readouterr().out
    assert "needs landmark_embedding.npy" not in text
    assert "l_eyelid.npy" in text and "FLAME_texture.npz is not used" in text
