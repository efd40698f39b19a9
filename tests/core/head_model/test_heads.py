from __future__ import annotations

import pytest

from core.errors import ModelPackError
from core.head_model.builtin import load_builtin_rig
from core.head_model.flame_files import IBUG_FILE, MEDIAPIPE_FILE
from core.head_model.heads import ICT_FILE, ICT_FOLDER, available_heads, load_head, load_model
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


@pytest.mark.parametrize(
    "place",
    ["flame2020/generic_model.pkl", "FLAME2020/generic_model.pkl", "FLAME/geometry/generic_model.pkl",
     "data/generic_model.pkl", "FLAME2023/FLAME2023.pkl", "flame2023/flame2023_no_jaw.pkl", "flame2023_open.pkl"],
)  # fmt: skip
def test_flame_is_offered_only_with_a_landmark_file_however_its_folder_is_spelled(tmp_path, place):
    put(tmp_path, place)
    assert available_heads(tmp_path) == ("builtin",)
    with pytest.raises(ModelPackError, match=MEDIAPIPE_FILE) as caught:
        load_head("flame", tmp_path)
    assert "\n" not in str(caught.value) and place.rsplit("/", 1)[-1] in str(caught.value)
    put(
        tmp_path,
        f"{place.rsplit('/', 1)[0]}/mediapipe_landmark_embedding/{MEDIAPIPE_FILE}" if "/" in place else MEDIAPIPE_FILE,
    )
    assert available_heads(tmp_path) == ("builtin", "flame")
    with pytest.raises(ModelPackError, match="damaged"):
        load_head("flame", tmp_path)


def test_the_freest_flame_is_taken(tmp_path):
    put(tmp_path, "flame2020/generic_model.pkl")
    put(tmp_path, "FLAME2023/flame2023_Open.pkl")
    put(tmp_path, IBUG_FILE)
    with pytest.raises(ModelPackError, match=r"flame2023_Open\.pkl"):
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


def test_every_head_is_also_a_model_or_says_why_not(tmp_path):
    model = load_model("builtin", tmp_path)
    assert model is load_model("builtin", tmp_path) and model.shape_count > 60
    for name, words in (("ict", "ICT-FaceKit"), ("flame", "flame.is.tue.mpg.de"), ("smpl", "builtin, ict, flame")):
        with pytest.raises(ModelPackError, match=words):
            load_model(name, tmp_path)
