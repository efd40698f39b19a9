from __future__ import annotations

import numpy as np
import pytest

from core.head_model.glb import unpack_glb
from core.head_model.gltf_builder import VERTICES, GltfBuilder
from core.head_model.gltf_document import FLOAT, UNSIGNED, GltfDocument


def reopen(builder: GltfBuilder) -> GltfDocument:
    return GltfDocument(*unpack_glb(builder.to_glb(), "built"), "built")


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32"])
def test_whole_numbers_come_back(dtype):
    builder = GltfBuilder({})
    builder.add_view(b"x")  # so that the next view needs padding
    values = np.arange(12, dtype=dtype).reshape(3, 4)
    index = builder.add_accessor(values, VERTICES)
    assert np.array_equal(reopen(builder).array(index, "VEC4", UNSIGNED, 3), values)


@pytest.mark.parametrize("moved", [[], [0], [3, 99], list(range(100))])
def test_sparse_displacements_come_back(moved):
    values = np.zeros((100, 3), np.float32)
    values[moved] = np.random.default_rng(1).normal(size=(len(moved), 3))
    builder = GltfBuilder({})
    indices = [builder.add_sparse_accessor(values), builder.add_sparse_accessor(values)]
    gltf = reopen(builder)
    for index in indices:
        assert np.array_equal(gltf.array(index, "VEC3", FLOAT, 100), values)
        accessor = gltf.item("accessors", index)
        assert accessor["sparse"]["count"] == max(1, len(moved))
        assert accessor["sparse"]["indices"]["componentType"] == 5123
        assert accessor["min"] == values.min(0).tolist() and accessor["max"] == values.max(0).tolist()


def test_large_meshes_get_large_indices():
    builder = GltfBuilder({})
    faces = np.array([[0, 1, 70_000]])
    small, large = builder.add_indices(faces[:, :2], 10), builder.add_indices(faces, 70_001)
    gltf = reopen(builder)
    assert gltf.item("accessors", small)["componentType"] == 5123
    assert gltf.array(large, "SCALAR", UNSIGNED).tolist() == [0, 1, 70_000]
