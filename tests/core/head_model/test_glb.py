from __future__ import annotations

import struct

import pytest

from core.errors import RigError
from core.head_model.glb import MAX_JSON_BYTES, pack_glb, read_glb, unpack_glb, write_atomically

GLB = pack_glb({"asset": {"version": "2.0"}, "text": "ä"}, b"12345")


def test_what_is_packed_is_unpacked():
    assert unpack_glb(GLB, "a.glb") == ({"asset": {"version": "2.0"}, "text": "ä"}, b"12345\0\0\0")
    assert len(GLB) % 4 == 0


def test_every_truncation_is_refused():
    for length in range(len(GLB)):
        with pytest.raises(RigError):
            unpack_glb(GLB[:length], "a.glb")


@pytest.mark.parametrize("offset", [8, 12])
@pytest.mark.parametrize("length", [0, 1, 2**31 - 1, 2**32 - 1])
def test_lying_lengths_are_refused(offset, length):
    with pytest.raises(RigError):
        unpack_glb(GLB[:offset] + struct.pack("<I", length) + GLB[offset + 4 :], "a.glb")


@pytest.mark.parametrize(
    "text", [b"[]  ", b"{{{{", b'{"a":NaN}   ', b"\xff\xfe\xff\xff", b"[" * 100_000], ids=lambda text: str(text[:9])
)
def test_json_that_is_no_object_is_refused(text):
    body = struct.pack("<II", len(text), 0x4E4F534A) + text
    with pytest.raises(RigError, match="JSON"):
        unpack_glb(struct.pack("<III", 0x46546C67, 2, 12 + len(body)) + body, "a.glb")


def test_too_much_json_is_refused_both_ways():
    with pytest.raises(RigError, match="JSON part"):
        pack_glb({"text": "x" * MAX_JSON_BYTES}, b"")
    text = b'{"a":"' + b"x" * MAX_JSON_BYTES + b'"}'
    body = struct.pack("<II", len(text), 0x4E4F534A) + text
    with pytest.raises(RigError, match="JSON part"):
        unpack_glb(struct.pack("<III", 0x46546C67, 2, 12 + len(body)) + body, "a.glb")


def test_other_files_are_named_as_such(tmp_path):
    path = tmp_path / "picture.glb"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    with pytest.raises(RigError, match=r"picture\.glb is not a GLB file"):
        read_glb(path)
    with pytest.raises(RigError, match=r"absent\.glb could not be read"):
        read_glb(tmp_path / "absent.glb")


def test_writing_leaves_one_file_or_none(tmp_path):
    path = tmp_path / "a.bin"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    (tmp_path / "folder").mkdir()
    with pytest.raises(RigError, match="could not be written"):
        write_atomically(tmp_path / "folder", b"x")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.bin", "folder"]
