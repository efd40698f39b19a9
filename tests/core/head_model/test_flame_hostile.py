"""FLAME's readers against files made to hurt, and against thousands of damaged ones."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import ModelPackError
from core.head_model import flame_worker
from core.head_model.flame import load_flame_pack
from core.head_model.flame_child import ChildLimits
from core.head_model.flame_embedding import read_ibug_embedding, read_mediapipe_embedding
from core.head_model.flame_file import read_flame_file
from core.head_model.flame_pickle import STAND_INS, StandIns, load_inert
from core.head_model.flame_tensor import TENSOR_STAND_INS
from core.head_model.heads import load_head
from core.head_model.ict import load_ict_rig
from tests.core.head_model.flame_builder import write_flame, write_ibug, write_mediapipe

SMALL_SHAPES = {
    "v_template": (6, 3), "shapedirs": (6, 3, 4), "posedirs": (6, 3, 2), "J_regressor": (2, 6), "weights": (6, 2),
}  # fmt: skip
TEN_GIGABYTES = 10 << 30


@cache
def small_model(protocol: int, python2: bool) -> bytes:
    """A file of FLAME's keys and classes, small enough to be read thousands of times."""
    rng = np.random.default_rng(0)
    arrays = {key: rng.normal(size=shape) for key, shape in SMALL_SHAPES.items()}
    arrays["f"] = np.arange(6, dtype=np.uint32).reshape(2, 3)
    arrays["kintree_table"] = np.array([[-1, 0], [0, 1]])
    with TemporaryDirectory() as folder:
        return write_flame(Path(folder) / "small.pkl", arrays, protocol, python2).read_bytes()


@cache
def landmark_bytes() -> bytes:
    with TemporaryDirectory() as folder:
        return write_ibug(Path(folder) / "landmark_embedding.npy", tensors=False).read_bytes()


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "insert", "copy", "swap"]),
        st.integers(0, 1 << 20),
        st.integers(0, 1 << 20),
        st.binary(min_size=1, max_size=8),
    ),
    min_size=1,
    max_size=6,
)


def changed(data: bytes, changes: list[tuple[str, int, int, bytes]]) -> bytes:
    """The data with bytes changed, cut out, put in, repeated, or exchanged."""
    for kind, first, second, some in changes:
        size = max(len(data), 1)
        a, b = sorted((first % size, second % size))
        if kind == "flip":
            data = data[:a] + some + data[a + len(some) :]
        elif kind == "cut":
            data = data[:a] + data[min(b, a + 64) :]
        elif kind == "insert":
            data = data[:a] + some + data[a:]
        elif kind == "copy":
            data = data[:a] + data[a : a + 32] + data[a:]
        else:
            data = data[:a] + data[b : b + 16] + data[a + 16 :]
    return data


@pytest.fixture
def no_way_out(monkeypatch):
    """Fails at once when reading a file reaches for anything that a hostile file wants."""

    def reached(*arguments, **_):
        raise AssertionError(f"a file reached {arguments}")

    for module, name in ((os, "system"), (os, "popen"), (os, "execv"), (subprocess, "Popen")):
        monkeypatch.setattr(module, name, reached)


def assert_inert(data: bytes, stand_ins: StandIns) -> bool:
    """Whether the pickle was accepted; any error but ours fails the test."""
    before = set(sys.modules)
    try:
        load_inert(data, stand_ins)
    except ModelPackError as error:
        assert "\n" not in str(error) and len(str(error)) < 300
        return False
    finally:
        new = {name.split(".")[0] for name in set(sys.modules) - before}
        assert not new & {"chumpy", "scipy", "torch", "numpy", "os", "subprocess"}, new
    return True


@pytest.mark.usefixtures("no_way_out")
@pytest.mark.parametrize(("protocol", "python2"), [(2, True), (2, False), (4, False)])
@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(changes=CHANGES)
def test_a_damaged_pickle_is_read_or_refused_and_imports_nothing(protocol, python2, changes):
    assert_inert(changed(small_model(protocol, python2), changes), STAND_INS)


@pytest.mark.usefixtures("no_way_out")
@pytest.mark.parametrize("kind", ["model", "landmarks", "mediapipe", "eyelid"])
@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(changes=CHANGES)
def test_the_child_has_an_answer_to_every_damaged_file(kind, changes):
    whole = {"model": small_model(4, False), "landmarks": landmark_bytes()}.get(kind) or other_bytes(kind)
    answer = flame_worker.answer(kind, changed(whole, changes))
    assert answer[:1] in (flame_worker.ACCEPTED, flame_worker.REFUSED)
    if answer[:1] == flame_worker.ACCEPTED:
        with np.load(io.BytesIO(answer[1:]), allow_pickle=False) as arrays:
            assert all(array.dtype.kind in "fiub" for array in arrays.values())


@cache
def other_bytes(kind: str) -> bytes:
    stream = io.BytesIO()
    if kind == "mediapipe":
        np.savez(stream, lmk_face_idx=np.arange(105), lmk_b_coords=np.ones((105, 3)), landmark_indices=np.arange(105))
    else:
        np.save(stream, np.zeros(flame_worker.LID_SHAPE, np.float32))
    return stream.getvalue()


@pytest.mark.usefixtures("no_way_out")
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data=st.binary(max_size=200))
def test_any_bytes_are_no_pickle_of_ours_or_do_nothing(data):
    assert_inert(b"\x80\x02" + data, TENSOR_STAND_INS)


def test_the_whole_small_model_is_accepted():
    for protocol, python2 in ((2, True), (2, False), (4, False)):
        assert assert_inert(small_model(protocol, python2), STAND_INS)
        assert flame_worker.answer("model", small_model(protocol, python2))[:1] == flame_worker.ACCEPTED


def reduce_of(module: str, name: str, arguments: bytes = b"(S'touch witness'\nt") -> bytes:
    return f"c{module}\n{name}\n".encode() + arguments + b"R."


GADGETS = (
    ("os", "system"), ("posix", "system"), ("subprocess", "Popen"), ("builtins", "exec"), ("__builtin__", "eval"),
    ("builtins", "getattr"), ("builtins", "__import__"), ("importlib", "import_module"), ("numpy", "load"),
    ("numpy.core.multiarray", "fromfile"), ("numpy.testing._private.utils", "runstring"), ("operator", "attrgetter"),
    ("functools", "partial"), ("pickle", "loads"), ("torch", "load"), ("torch.storage", "_load_from_bytes"),
    ("scipy.sparse", "load_npz"), ("chumpy.utils", "timer"), ("types", "FunctionType"), ("pathlib", "Path"),
)  # fmt: skip


@pytest.mark.parametrize(("module", "name"), GADGETS)
def test_known_gadgets_are_named_and_not_run(module, name, no_way_out):
    with pytest.raises(ModelPackError, match="Nothing was run") as caught:
        load_inert(reduce_of(module, name), STAND_INS)
    assert f"{module}.{name}" in str(caught.value)


def bomb_of_lists() -> bytes:
    """Each list holds the one before it ten times: a walk over it would never end."""
    return b"\x80\x02]q\x00" + b"".join(
        b"]" + b"(" + b"h" + bytes([k]) + (b"h" + bytes([k])) * 9 + b"eq" + bytes([k + 1]) for k in range(60)
    ) + b"."  # fmt: skip


HOSTILE = {
    "a bomb of lists": bomb_of_lists(),
    "deeper than any stack": b"\x80\x02" + b"(" * 50_000 + b"N" + b"t" * 50_000 + b".",
    "text that says to be 10 GB": b"\x80\x04\x8d" + TEN_GIGABYTES.to_bytes(8, "little") + b"abc.",
    "bytes that say to be 10 GB": b"\x80\x04\x8e" + TEN_GIGABYTES.to_bytes(8, "little") + b"abc.",
    "a frame that says to be 10 GB": b"\x80\x04\x95" + TEN_GIGABYTES.to_bytes(8, "little") + b"N.",
    "a place in the memo beyond all memory": b"\x80\x02Nr\xff\xff\xff\xff.",
    "a long number without end": b"\x80\x02\x8b\xff\xff\xff\x7f\x01.",
    "no end": b"\x80\x02N",
    "nothing": b"",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_costs_memory_or_time_is_one_line_within_small_limits(tmp_path, what):
    path = tmp_path / "generic_model.pkl"
    path.write_bytes(HOSTILE[what])
    limits = ChildLimits(memory_bytes=1 << 30, cpu_s=20, patience_s=60.0)
    with pytest.raises(ModelPackError) as caught:
        read_flame_file(path, limits)
    assert "\n" not in str(caught.value) and path.name in str(caught.value)


def test_an_array_that_says_to_be_ten_gigabytes_is_refused_before_it_is_made(tmp_path):
    model = small_model(4, False)
    lying = model.replace(b"K\x06K\x03K\x04\x87", b"M\x60\xeaM\xb8\x0bK\x38\x87")
    assert lying != model
    answer = flame_worker.answer("model", lying)
    assert answer[:1] == flame_worker.REFUSED and b"do not fit" in answer
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1342177280,), }"
    array = b"\x93NUMPY\x01\x00" + (len(header) + 1).to_bytes(2, "little") + header + b"\n"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in flame_worker.MEDIAPIPE_KEYS:
            archive.writestr(f"{name}.npy", array)
    path = tmp_path / "mediapipe_landmark_embedding.npz"
    path.write_bytes(packed.getvalue())
    with pytest.raises(ModelPackError, match=r"damaged|memory"):
        read_mediapipe_embedding(path, ChildLimits(memory_bytes=1 << 30))
    embedding = tmp_path / "landmark_embedding.npy"
    embedding.write_bytes(array)
    with pytest.raises(ModelPackError, match="one dictionary"):
        read_ibug_embedding(embedding)


def test_an_archive_that_unpacks_to_ten_gigabytes_is_refused(tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("lmk_face_idx.npy", bytes(flame_worker.MAX_UNPACKED_BYTES + 1))
    path = tmp_path / "mediapipe_landmark_embedding.npz"
    path.write_bytes(packed.getvalue())
    with pytest.raises(ModelPackError, match="unpacks to more"):
        read_mediapipe_embedding(path)


def test_a_hole_of_ten_gigabytes_is_not_read_whole(tmp_path):
    folder = tmp_path / "flame2020"
    folder.mkdir()
    with (folder / "generic_model.pkl").open("wb") as file:
        file.truncate(TEN_GIGABYTES)
    write_mediapipe(tmp_path / "mediapipe_landmark_embedding.npz")
    with pytest.raises(ModelPackError, match="larger than 512 MB"):
        load_head("flame", tmp_path)


@pytest.mark.parametrize("load", [read_flame_file, load_flame_pack, load_ict_rig, read_ibug_embedding])
def test_folders_dead_links_and_pipes_are_one_line_and_no_wait(tmp_path, load):
    folder, dead, pipe = tmp_path / "generic_model.pkl", tmp_path / "dead.pkl", tmp_path / "pipe.pkl"
    folder.mkdir()
    dead.symlink_to(tmp_path / "nowhere")
    os.mkfifo(pipe)
    for path in (folder, dead, pipe):
        with pytest.raises(ModelPackError) as caught:
            load(path)
        assert "\n" not in str(caught.value)


def test_a_link_to_a_good_file_is_as_good(tmp_path):
    real = tmp_path / "real.npz"
    write_mediapipe(real)
    link = tmp_path / "mediapipe_landmark_embedding.npz"
    link.symlink_to(real)
    assert len(read_mediapipe_embedding(link).ids) == 105
