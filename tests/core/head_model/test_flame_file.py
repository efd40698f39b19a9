from __future__ import annotations

import os
import pickle
import pickletools
import sys

import numpy as np
import pytest

from core.errors import ModelPackError
from core.head_model import flame_worker
from core.head_model.flame_child import ChildLimits
from core.head_model.flame_embedding import contour_sign, read_ibug_embedding, read_mediapipe_embedding
from core.head_model.flame_file import read_flame_file
from tests.core.head_model.flame_builder import (
    flame_arrays,
    flame_file,
    ibug_embedding,
    write_flame,
    write_ibug,
    write_mediapipe,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("flame")


def in_float32(**changes):
    """A smaller file for the tests of what is refused."""
    arrays = {key: value.astype(np.float32) if value.dtype == float else value for key, value in flame_arrays().items()}
    return {**arrays, **changes}


def assert_refused(path, part, read=read_flame_file, **options):
    with pytest.raises(ModelPackError) as caught:
        read(path, **options)
    text = str(caught.value)
    assert part in text and "\n" not in text and path.name in text


@pytest.mark.parametrize(("protocol", "python2"), [(2, True), (2, False), (4, False)])
def test_model_is_read_exactly_however_it_was_pickled(folder, protocol, python2):
    path = write_flame(folder / "generic_model.pkl", flame_arrays(), protocol, python2)
    names = {argument for operation, argument, _ in pickletools.genops(path.read_bytes()) if operation.name == "GLOBAL"}
    assert protocol == 4 or {"chumpy.ch Ch", "__builtin__ set"} <= names
    assert not python2 or "scipy.sparse.csc csc_matrix" in names
    model, expected = read_flame_file(path), flame_file()
    for field in type(model).__dataclass_fields__:
        assert np.array_equal(getattr(model, field), getattr(expected, field)), field
    assert "chumpy" not in sys.modules


def test_truncated_anywhere_is_one_clear_line(folder):
    data = write_flame(folder / "whole.pkl", in_float32(), 2, True).read_bytes()
    path = folder / "cut.pkl"
    for share in (0.0, 0.0001, 0.3, 0.999999):
        path.write_bytes(data[: int(share * len(data))])
        assert_refused(path, "damaged or cut short")


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_code_in_a_file_is_not_run(folder, protocol):
    witness = folder / f"witness{protocol}"

    class Hostile:
        def __reduce__(self):
            return os.system, (f"touch {witness}",)

    path = folder / "hostile.pkl"
    path.write_bytes(pickle.dumps({"v_template": Hostile()}, protocol=protocol))
    assert_refused(path, "system")
    assert not witness.exists()


HOSTILE = {
    "a huge array from few bytes": (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I1000000000\ntS'd'\ntR.", "array of its own size",
    ),
    "eval by an alias": (b"c__builtin__\neval\n(S'1'\ntR.", "__builtin__.eval"),
    "a name that only starts as an allowed one": (b"cnumpy.core.multiarray_reconstruct\nx\n.", "Nothing was run"),
    "a dotted way through a module": (b"\x80\x04\x8c\x05numpy\x8c\x0bndarray.sum\x93.", "Nothing was run"),
    "a name made while it runs": (b"\x80\x04\x8c\x05numpy\x8c\x04load\x8c\x05dtype0\x93.", "Nothing was run"),
    "an old class instance": (b"(S'x'\niposix\nsystem\n.", "Nothing was run"),
    "a registered extension": (b"\x80\x02\x82\x01.", "Nothing was run"),
    "a thing outside of the file": (b"Pelsewhere\n.", "Nothing was run"),
    "a bare object": (b"c__builtin__\nobject\n(tR.", "bare object"),
    "something else": (pickle.dumps([1, 2]), "not a FLAME model"),
    "another model": (pickle.dumps({"v_template": 1}), "shapedirs"),
    "no pickle": (b"PK\x03\x04" + bytes(100), "damaged"),
    "too many operations": (b"\x80\x02" + b"N0" * 60_000 + b"N.", "Nothing was run"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_and_foreign_files_are_refused(tmp_path, name):
    data, part = HOSTILE[name]
    path = tmp_path / "generic_model.pkl"
    path.write_bytes(data)
    assert_refused(path, part)


def test_memory_time_and_size_are_bounded(tmp_path):
    path = tmp_path / "generic_model.pkl"
    path.write_bytes(b"\x80\x02" + b"]" + b"(" + b"N" * 50 + b"e" + b".")
    assert_refused(path, "larger than 0 MB", limits=ChildLimits(max_bytes=10))
    assert_refused(path, "took longer", limits=ChildLimits(patience_s=0.01))
    path.write_bytes(b"X\x00\x00\x00\x10" + bytes(1 << 28) + b".")  # 256 MB of text
    assert_refused(path, "memory", limits=ChildLimits(memory_bytes=1 << 29))
    assert_refused(tmp_path / "absent.pkl", "could not be read")


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"v_template": np.zeros((5000, 3))}, "v_template of shape"),
        ({"v_template": 1000 * flame_arrays()["v_template"]}, "metres"),
        ({"weights": np.full((5023, 5), np.nan)}, "NaN"),
        ({"weights": np.full((5023, 5), 0.3)}, "sum to 1"),
        ({"f": np.full((9976, 3), 5023)}, "below 5023"),
        ({"kintree_table": np.array([[-1, 0, 1, 2, 3], [0, 1, 2, 3, 4]])}, "parents"),
    ],
)
def test_what_is_not_flame_is_refused(tmp_path, monkeypatch, changes, part):
    # The child's way back is covered above; here only the check of what came back.
    arrays = in_float32(**changes)
    monkeypatch.setattr("core.head_model.flame_file.read_in_child", lambda path, kind, limits: arrays)
    assert_refused(tmp_path / "generic_model.pkl", part)


@pytest.mark.parametrize("tensors", [False, True])
def test_ibug_embedding_is_read_with_and_without_tensors(tmp_path, tensors):
    if tensors:
        pytest.importorskip("torch", reason="torch writes the tensors of this file; it is not needed to read them")
    found = read_ibug_embedding(write_ibug(tmp_path / "landmark_embedding.npy", tensors))
    expected = ibug_embedding()
    for name in ("features", "contours", "whole"):
        assert np.array_equal(getattr(found, name).faces, getattr(expected, name).faces)
        assert np.allclose(getattr(found, name).weights, getattr(expected, name).weights, atol=1e-6)


def test_mediapipe_embedding_and_swapped_files(tmp_path):
    ibug = write_ibug(tmp_path / "landmark_embedding.npy", tensors=False)
    mediapipe = write_mediapipe(tmp_path / "mediapipe_landmark_embedding.npz")
    assert len(read_mediapipe_embedding(mediapipe).ids) == 105
    assert_refused(mediapipe, "damaged or of another kind", read_ibug_embedding)
    assert_refused(ibug, "damaged or of another kind", read_mediapipe_embedding)
    np.save(ibug, np.array({"v": os.system}, dtype=object), allow_pickle=True)
    assert_refused(ibug, "Nothing was run", read_ibug_embedding)


def test_the_file_says_to_which_side_its_contours_turn():
    assert contour_sign(flame_file(), ibug_embedding().contours) == 1
    assert contour_sign(flame_file(), ibug_embedding(turned=True).contours) == -1


def test_any_flipped_byte_gives_an_answer_and_never_an_error(tmp_path):
    data = write_ibug(tmp_path / "landmark_embedding.npy", tensors=False).read_bytes()
    rng = np.random.default_rng(0)
    answers = set()
    for _ in range(300):
        flipped = bytearray(data)
        flipped[rng.integers(min(len(data), 3000))] = rng.integers(256)
        answers.add(flame_worker.answer("landmarks", bytes(flipped))[:1])
    assert answers == {flame_worker.ACCEPTED, flame_worker.REFUSED}
