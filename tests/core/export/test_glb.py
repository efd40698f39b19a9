"""Exported rigs through readers that are not ours: pygltflib and the Khronos validator."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pygltflib
import pytest

from core.blendshapes import ARKIT_NAMES, MIRROR
from core.errors import RigError
from core.export.glb import export_glb
from core.geometry.mesh import VertexNormals
from core.head_model.builtin import load_builtin_rig
from core.head_model.rig import HeadRig
from core.head_model.skinning import JOINT_NAMES
from tests.builders import tiny_rig

COMPONENTS = {5121: "<u1", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}


class SecondReader:
    """Accessors by the specification's words, over pygltflib's view of the file."""

    def __init__(self, path: Path) -> None:
        self.gltf = pygltflib.GLTF2().load(str(path))
        self.binary = self.gltf.binary_blob()

    def read(self, index: int) -> np.ndarray:
        accessor = self.gltf.accessors[index]
        width = WIDTHS[accessor.type]
        values = self._items(accessor.bufferView, accessor.byteOffset, accessor.componentType, accessor.count, width)
        if accessor.sparse is not None:
            sparse = accessor.sparse
            where, what = sparse.indices, sparse.values
            rows = self._items(where.bufferView, where.byteOffset, where.componentType, sparse.count, 1)[:, 0]
            values[rows] = self._items(what.bufferView, what.byteOffset, accessor.componentType, sparse.count, width)
        if accessor.min:
            assert accessor.min == values.min(0).tolist() and accessor.max == values.max(0).tolist()
        return values

    def _items(self, view_index, offset, component, count, width):
        view = self.gltf.bufferViews[view_index]
        size = np.dtype(COMPONENTS[component]).itemsize * width
        start = (view.byteOffset or 0) + (offset or 0)
        stride = view.byteStride or size
        rows = [np.frombuffer(self.binary, COMPONENTS[component], width, start + stride * row) for row in range(count)]
        return np.array(rows)

    def mesh(self, name: str) -> pygltflib.Mesh:
        return next(mesh for mesh in self.gltf.meshes if mesh.name == name)


@pytest.fixture(params=[tiny_rig, load_builtin_rig], ids=["tiny", "builtin"])
def rig(request) -> HeadRig:
    return request.param()


@pytest.mark.parametrize("compact", [False, True])
def test_a_second_reader_finds_the_same_head(tmp_path, rig, compact):
    path = tmp_path / "rig.glb"
    export_glb(rig, path, compact=compact)
    reader = SecondReader(path)
    normals = VertexNormals(rig.faces, len(rig.vertices), rig.seam_groups)(rig.vertices)
    for part in rig.parts:
        mesh = reader.mesh("head" if part.name == "skin" else part.name)
        (primitive,) = mesh.primitives
        own, attributes = part.vertices, primitive.attributes
        faces = reader.read(primitive.indices).reshape(-1, 3).astype(int) + own.start
        assert np.array_equal(faces, rig.faces[part.faces])
        for found, wanted in (
            (attributes.POSITION, rig.vertices),
            (attributes.NORMAL, normals),
            (attributes.TEXCOORD_0, rig.uv),
        ):
            assert np.abs(reader.read(found) - wanted[own]).max() <= 1e-6
        weights = np.zeros((len(rig.vertices[own]), len(JOINT_NAMES)))
        rows = np.arange(len(weights))[:, None]
        np.add.at(weights, (rows, reader.read(attributes.JOINTS_0)), reader.read(attributes.WEIGHTS_0))
        assert np.abs(weights.sum(1) - 1.0).max() <= 1e-6
        few = np.count_nonzero(rig.skin_weights[own], axis=1) <= 4
        assert np.abs(weights - rig.skin_weights[own])[few].max(initial=0) <= 1e-6
        check_shapes(reader, mesh, rig.shapes[:, own])


def check_shapes(reader: SecondReader, mesh: pygltflib.Mesh, shapes: np.ndarray) -> None:
    if not shapes.any():
        assert not mesh.primitives[0].targets
        return
    assert mesh.extras["targetNames"] == list(ARKIT_NAMES)
    for name, target, shape in zip(ARKIT_NAMES, mesh.primitives[0].targets, shapes, strict=True):
        # pygltflib gives targets as plain dictionaries
        found = reader.read(target["POSITION"] if isinstance(target, dict) else target.POSITION)
        assert np.abs(found - shape).max() <= 1e-6, name


def test_a_second_reader_finds_the_same_skeleton(tmp_path, rig):
    path = tmp_path / "rig.glb"
    export_glb(rig, path)
    reader = SecondReader(path)
    (skin,) = reader.gltf.skins
    nodes = reader.gltf.nodes
    assert tuple(nodes[joint].name for joint in skin.joints) == JOINT_NAMES
    places = {skin.joints[0]: np.array(nodes[skin.joints[0]].translation)}
    for joint in skin.joints:
        for child in nodes[joint].children or []:
            places[child] = places[joint] + nodes[child].translation
    found = np.array([places[joint] for joint in skin.joints])
    assert np.abs(found - rig.joints).max() <= 1e-6
    matrices = reader.read(skin.inverseBindMatrices).reshape(-1, 4, 4).transpose(0, 2, 1)
    for matrix, place in zip(matrices, rig.joints, strict=True):
        assert np.abs(matrix @ [*place, 1.0] - [0, 0, 0, 1]).max() <= 1e-6


@pytest.mark.parametrize("compact", [False, True])
def test_the_khronos_validator_finds_nothing(tmp_path, validate_gltf, rig, compact):
    path = tmp_path / "rig.glb"
    export_glb(rig, path, compact=compact)
    issues = validate_gltf(path)
    assert (issues["numErrors"], issues["numWarnings"]) == (0, 0), issues["messages"]


def test_the_khronos_validator_is_really_asked(tmp_path, validate_gltf):
    path = tmp_path / "rig.glb"
    export_glb(tiny_rig(), path)
    data = bytearray(path.read_bytes())
    (json_length,) = struct.unpack_from("<I", data, 12)
    start = 12 + 8 + json_length + 8
    data[start : start + 4] = struct.pack("<f", 9.0)  # the first vertex's x leaves its min and max
    path.write_bytes(data)
    assert validate_gltf(path)["numErrors"] > 0


def test_a_mirrored_rig_is_not_exported_and_the_old_file_stays(tmp_path):
    path = tmp_path / "rig.glb"
    path.write_bytes(b"old")
    mirrored = replace(tiny_rig(), shapes=tiny_rig().shapes[list(MIRROR)])
    with pytest.raises(RigError, match="side"):
        export_glb(mirrored, path)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_an_absent_folder_is_named(tmp_path):
    with pytest.raises(RigError, match="could not be written"):
        export_glb(tiny_rig(), tmp_path / "absent" / "rig.glb")
