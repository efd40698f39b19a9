"""Documents that lie. Each must end in one line of RigError before memory is asked for."""

from __future__ import annotations

import io
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from core.errors import RigError
from core.head_model.gltf_document import FLOAT, UNSIGNED, GltfDocument

FLOATS = np.arange(12, dtype="<f4").tobytes()  # 48 bytes
VIEW = {"buffer": 0, "byteOffset": 0, "byteLength": 48}
ACCESSOR = {"bufferView": 0, "componentType": 5126, "type": "VEC3", "count": 4}


def document(accessor=None, view=None, binary=FLOATS, **more) -> GltfDocument:
    content = {
        "buffers": [{"byteLength": len(binary)}],
        "bufferViews": [{**VIEW, **(view or {})}, VIEW],
        "accessors": [{**ACCESSOR, **(accessor or {})}],
        **more,
    }
    return GltfDocument(content, binary, "bad.glb")


def test_a_sound_accessor_is_read():
    assert np.array_equal(document().array(0, "VEC3", FLOAT, 4), np.arange(12).reshape(4, 3))
    strided = document({"count": 2, "byteOffset": 4}, {"byteStride": 24})
    assert np.array_equal(strided.array(0, "VEC3", FLOAT), [[1, 2, 3], [7, 8, 9]])


@pytest.mark.parametrize("without_view", [False, True])
@pytest.mark.parametrize("count", [10**9, 5 * 10**7, 2**31 - 1, 2**63, 10**30])
def test_huge_counts_cost_nothing(count, without_view):
    tracemalloc.start()
    try:
        with pytest.raises(RigError, match="bytes"):
            content = {"accessors": [{**ACCESSOR, "count": count}]}
            if without_view:
                del content["accessors"][0]["bufferView"]
            GltfDocument(content, b"", "bad.glb")
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_many_small_arrays_are_added_up():
    with pytest.raises(RigError, match="bytes"):
        GltfDocument({"accessors": [{**ACCESSOR, "count": 100_000}] * 1000}, b"", "bad.glb")
    with pytest.raises(RigError, match="4096 accessors"):
        GltfDocument({"accessors": [ACCESSOR] * 5000}, b"", "bad.glb")


@pytest.mark.parametrize(
    "accessor",
    [
        {"type": "MAT4"},
        {"type": "VEC4"},
        {"type": []},
        {"componentType": 5123},
        {"componentType": 1},
        {"componentType": None},
        {"componentType": []},
        {"count": 0},
        {"count": -1},
        {"count": True},
        {"count": "4"},
        {"count": 5},
        {"bufferView": 2},
        {"bufferView": -1},
        {"bufferView": None},
        {"bufferView": "0"},
        {"byteOffset": 4},
        {"byteOffset": -4},
        {"byteOffset": 2**64},
        {"normalized": True},
        {"sparse": []},
        {"sparse": {"count": 1}},
        {"sparse": {"count": 5, "indices": {}, "values": {}}},
        {"sparse": {"count": 1, "indices": {"componentType": [], "bufferView": 1}, "values": {"bufferView": 1}}},
        {"sparse": {"count": 2, "indices": {"componentType": 5121, "bufferView": 1}, "values": {"bufferView": 1}}},
        {"sparse": {"count": 1, "indices": {"componentType": 5125, "bufferView": 9}, "values": {"bufferView": 1}}},
        {"sparse": {"count": 4, "indices": {"componentType": 5125, "bufferView": 1}, "values": {"bufferView": 1}}},
    ],
    ids=str,
)
def test_wrong_accessors_are_refused(accessor):
    with pytest.raises(RigError) as caught:
        document(accessor).array(0, "VEC3", FLOAT, 4)
    assert "\n" not in str(caught.value) and "bad.glb" in str(caught.value)


@pytest.mark.parametrize(
    "view",
    [
        {"byteLength": 49},
        {"byteLength": None},
        {"byteOffset": 1},
        {"byteOffset": -1},
        {"buffer": 1},
        {"byteStride": 4},
        {"byteStride": 16},
        {"byteStride": 2**40},
        {"byteStride": "12"},
    ],
    ids=str,
)
def test_wrong_buffer_views_are_refused(view):
    with pytest.raises(RigError):
        document(view=view).array(0, "VEC3", FLOAT, 4)


def test_values_that_are_not_finite_are_refused():
    with pytest.raises(RigError, match="NaN"):
        document(binary=np.full(12, np.nan, "<f4").tobytes()).array(0, "VEC3", FLOAT)


@pytest.mark.parametrize(
    "content",
    [
        {"buffers": [{"byteLength": 1, "uri": "../../etc/passwd"}]},
        {"buffers": [{"byteLength": 1}, {"byteLength": 1}]},
        {"extensionsRequired": ["KHR_draco_mesh_compression"]},
        {"accessors": {}},
        {"accessors": [1]},
        {"buffers": None},
    ],
    ids=str,
)
def test_wrong_documents_are_refused(content):
    with pytest.raises(RigError):
        GltfDocument(content, b"", "bad.glb")


def image_document(data: bytes, **image) -> GltfDocument:
    view = {"buffer": 0, "byteLength": len(data)}
    return GltfDocument({"bufferViews": [view], "images": [{"bufferView": 0, **image}]}, data, "bad.glb")


def encoded(kind: str, size: tuple[int, int] = (8, 4)) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", size, (200, 10, 90)).save(data, kind)
    return data.getvalue()


def test_embedded_pictures_are_read():
    picture = image_document(encoded("PNG")).image(0)
    assert picture.shape == (4, 8, 3) and (picture == (200, 10, 90)).all()
    assert image_document(encoded("JPEG")).image(0).shape == (4, 8, 3)


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "EPS", "BMP"])
def test_other_picture_formats_are_refused_whatever_the_file_says(kind):
    with pytest.raises(RigError, match="PNG or JPEG"):
        image_document(encoded(kind), mimeType="image/png").image(0)


def test_wrong_pictures_are_refused():
    png = encoded("PNG")
    for data in (b"", b"x", png[:40], png[:-20] + bytes(20)):
        with pytest.raises(RigError, match="PNG or JPEG"):
            image_document(data).image(0)
    with pytest.raises(RigError, match="another file"):
        image_document(png, uri="face.png").image(0)
    with pytest.raises(RigError):
        image_document(png, bufferView=1).image(0)


def test_picture_bombs_are_refused_before_they_are_decoded():
    bomb = io.BytesIO()
    Image.new("1", (9000, 9000)).save(bomb, "PNG")
    tracemalloc.start()
    try:
        with pytest.raises(RigError, match="pixels"):
            image_document(bomb.getvalue()).image(0)
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()


def test_unsigned_types_are_told_from_floats():
    with pytest.raises(RigError):
        document().array(0, "VEC3", UNSIGNED)
