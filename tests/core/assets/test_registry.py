from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from core.assets.registry import (
    MODELS_VARIABLE,
    PACKS,
    ModelPack,
    PackStatus,
    find_pack,
    models_folder,
    pack,
    pack_status,
)
from core.errors import ModelPackError

CONTENT = b"a small model"


@pytest.fixture
def small_pack() -> ModelPack:
    return replace(
        pack("face_landmarker"), size_bytes=len(CONTENT), sha256=hashlib.sha256(CONTENT).hexdigest(), file="small.task"
    )


def test_names_and_files_are_unique_and_stay_inside_the_folder():
    assert len({p.name for p in PACKS}) == len({p.file for p in PACKS}) == len(PACKS)
    for p in PACKS:
        assert not Path(p.file).is_absolute()
        assert not any(".." in Path(place).parts or Path(place).is_absolute() for place in p.also)
        assert ".." not in Path(p.file).parts
        assert p.page.startswith("https://")
        assert p.improves
        assert p.licence
        # What is fetched must be checked.
        assert p.url is None or (p.size_bytes and p.sha256 and len(p.sha256) == 64 and p.url.startswith("https://"))


def test_status_follows_the_file(small_pack, tmp_path):
    path = small_pack.path(tmp_path)
    assert pack_status(small_pack, tmp_path) is PackStatus.ABSENT
    path.write_bytes(CONTENT)
    assert pack_status(small_pack, tmp_path) is PackStatus.PRESENT
    path.write_bytes(CONTENT[:-1])
    assert pack_status(small_pack, tmp_path) is PackStatus.DAMAGED
    path.write_bytes(CONTENT[:-1] + b"!")
    assert pack_status(small_pack, tmp_path) is PackStatus.DAMAGED


@pytest.mark.parametrize(
    "place", ["FLAME2020/generic_model.pkl", "Flame/Geometry/generic_model.pkl", "generic_model.pkl"]
)
def test_a_file_is_found_where_its_users_programs_put_it(tmp_path, place):
    flame = pack("flame2020")
    assert flame.path(tmp_path) == tmp_path / flame.file
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).write_bytes(b"x")
    assert flame.path(tmp_path) == tmp_path / place
    assert pack_status(flame, tmp_path) is PackStatus.PRESENT
    assert flame.path(tmp_path / place) == tmp_path / place / flame.file  # a file where the folder should be


def test_an_empty_file_is_damaged_even_where_no_checksum_is_known(tmp_path):
    flame = pack("flame2020")
    path = flame.path(tmp_path)
    path.parent.mkdir(parents=True)
    path.touch()
    assert pack_status(flame, tmp_path) is PackStatus.DAMAGED
    path.write_bytes(b"x")
    assert pack_status(flame, tmp_path) is PackStatus.PRESENT


def test_find_pack_is_none_when_absent_and_refuses_a_damaged_file(tmp_path):
    assert find_pack("face_landmarker", tmp_path) is None
    (tmp_path / "face_landmarker.task").write_bytes(b"not a model")
    with pytest.raises(ModelPackError, match="checksum"):
        find_pack("face_landmarker", tmp_path)


def test_the_published_face_landmarker_is_recognised(shared_file):
    path = shared_file("models/face_landmarker.task")
    assert find_pack("face_landmarker", path.parent) == path


def test_unknown_names_are_answered_with_the_known_ones():
    with pytest.raises(ModelPackError, match="face_landmarker"):
        pack("nonsense")


def test_the_folder_comes_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv(MODELS_VARIABLE, str(tmp_path))
    assert models_folder() == tmp_path
    monkeypatch.setenv(MODELS_VARIABLE, "")
    assert models_folder() == Path("models")
