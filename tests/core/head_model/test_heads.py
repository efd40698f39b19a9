from __future__ import annotations

import pytest

from core.errors import ModelPackError
from core.head_model import heads
from core.head_model.builtin import load_builtin_rig
from core.head_model.heads import FLAME_FILES, ICT_FILE, ICT_FOLDER, available_heads, load_head
from core.head_model.ict_obj import NEUTRAL_FILE


def put(folder, name):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"not a model")


def test_the_builtin_head_needs_no_file(tmp_path):
    assert available_heads(tmp_path / "absent") == ("builtin",)
    assert load_head("builtin", tmp_path / "absent") is load_builtin_rig()


def test_a_head_is_offered_when_its_file_is_there(tmp_path):
    put(tmp_path, ICT_FILE)
    assert available_heads(tmp_path) == ("builtin", "ict")


def test_the_published_folder_counts_as_the_ict_head(tmp_path):
    put(tmp_path, f"{ICT_FOLDER}/{NEUTRAL_FILE}")
    assert available_heads(tmp_path) == ("builtin", "ict")
    with pytest.raises(ModelPackError, match=NEUTRAL_FILE):
        load_head("ict", tmp_path)


def test_a_flame_file_is_offered_only_by_a_version_that_reads_it(tmp_path, monkeypatch):
    put(tmp_path, FLAME_FILES[0])
    monkeypatch.setattr(heads, "FLAME_MODULE", "core.head_model.no_such_module")
    assert available_heads(tmp_path) == ("builtin",)
    with pytest.raises(ModelPackError, match="cannot read FLAME"):
        load_head("flame", tmp_path)


@pytest.mark.parametrize(
    "name, words", [("ict", "ICT-FaceKit"), ("flame", "flame.is.tue.mpg.de"), ("smpl", "builtin, ict, flame")]
)
def test_an_absent_or_unknown_head_says_what_to_do(tmp_path, name, words):
    with pytest.raises(ModelPackError, match=words) as caught:
        load_head(name, tmp_path)
    assert "\n" not in str(caught.value)


def test_a_damaged_file_is_named(tmp_path):
    put(tmp_path, ICT_FILE)
    with pytest.raises(ModelPackError, match=ICT_FILE):
        load_head("ict", tmp_path)


def test_the_real_file_is_found_by_name(shared_file):
    models = shared_file(f"models/{ICT_FILE}").parent
    assert "ict" in available_heads(models)
    assert load_head("ict", models).details["head"] == "ict"
