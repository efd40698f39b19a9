from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from core.blendshapes import ARKIT_NAMES
from core.errors import RigError
from core.head_model.builtin import load_builtin_rig
from core.head_model.glb import pack_glb, read_glb
from core.head_model.rig import Part
from core.head_model.rig_glb import load_rig, save_rig
from core.head_model.rig_to_gltf import strongest_influences
from core.head_model.skinning import JOINT_NAMES
from tests.builders import gradient_texture, tiny_rig, with_skin_texture

EXACT = (
    "vertices", "faces", "uv", "shapes", "joints", "landmark_faces", "landmark_weights", "seam_groups",
)  # fmt: skip


def assert_equal_but_for_skin_weights(found, rig):
    for name in EXACT:
        assert np.array_equal(getattr(found, name), getattr(rig, name)), name
        assert getattr(found, name).dtype == getattr(rig, name).dtype, name
    assert found.name == rig.name and dict(found.details) == dict(rig.details)
    for part, wanted in zip(found.parts, rig.parts, strict=True):
        assert (part.name, part.vertices, part.faces) == (wanted.name, wanted.vertices, wanted.faces)
        assert part.material.color == wanted.material.color and part.material.roughness == wanted.material.roughness


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "rig.glb"
    save_rig(tiny_rig(), path)
    return path


@pytest.mark.parametrize("compact", [False, True])
def test_a_rig_comes_back_as_it_was(tmp_path, compact):
    path = tmp_path / "rig.glb"
    save_rig(tiny_rig(), path, compact=compact)
    found = load_rig(path)
    assert_equal_but_for_skin_weights(found, tiny_rig())
    assert np.array_equal(found.part("skin").material.texture, tiny_rig().part("skin").material.texture)
    assert found.part("tongue").material.texture is None
    again = tmp_path / "again.glb"
    save_rig(found, again, compact=compact)
    assert again.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("compact", [False, True])
def test_the_builtin_head_comes_back_whole_and_small(tmp_path, compact):
    rig, path = load_builtin_rig(), tmp_path / "rig.glb"
    save_rig(rig, path, compact=compact)
    found = load_rig(path)
    assert_equal_but_for_skin_weights(found, rig)
    few = np.count_nonzero(rig.skin_weights, axis=1) <= 4
    assert np.abs(found.skin_weights - rig.skin_weights)[few].max() <= 1e-6
    for part, wanted in zip(found.parts, rig.parts, strict=True):
        assert np.array_equal(part.material.texture, wanted.material.texture)
    assert path.stat().st_size < 8e6


def test_the_worst_texture_of_1024_still_fits(tmp_path):
    texture = np.random.default_rng(2).integers(0, 256, (1024, 1024, 3), np.uint8)
    save_rig(with_skin_texture(load_builtin_rig(), texture), tmp_path / "rig.glb")
    assert (tmp_path / "rig.glb").stat().st_size < 8e6
    assert np.array_equal(load_rig(tmp_path / "rig.glb").part("skin").material.texture, texture)


def test_loaded_rigs_can_be_shared(saved):
    rig = load_rig(saved)
    with pytest.raises(ValueError, match="read-only"):
        rig.vertices[0] = 0.0


def test_compact_is_much_smaller(tmp_path):
    rig = with_skin_texture(tiny_rig(), None)
    save_rig(rig, tmp_path / "dense.glb")
    save_rig(rig, tmp_path / "compact.glb", compact=True)
    assert (tmp_path / "compact.glb").stat().st_size < 0.6 * (tmp_path / "dense.glb").stat().st_size


def test_the_strongest_four_weights_are_kept():
    weights = tiny_rig().skin_weights
    joints, kept = strongest_influences(weights)
    full = np.zeros_like(weights)
    np.add.at(full, (np.arange(len(weights))[:, None], joints), kept)
    assert (np.count_nonzero(weights, axis=1) == 5).any(), "the builder must exercise the cut"
    assert np.abs(kept.astype(np.float64).sum(1) - 1.0).max() <= 2e-7
    assert (joints[kept == 0] == 0).all()
    fits = np.count_nonzero(weights, axis=1) <= 4
    assert np.allclose(full[fits], weights[fits], rtol=0, atol=2e-7)
    dropped = weights[~fits] * (full[~fits] == 0)
    assert np.array_equal(dropped.sum(1), weights[~fits].min(1))
    rest = weights[~fits] - dropped
    assert np.allclose(full[~fits], rest / rest.sum(1, keepdims=True), rtol=0, atol=2e-7)


def test_weights_that_fit_are_kept_bit_by_bit(saved):
    once = load_rig(saved)
    joints, kept = strongest_influences(once.skin_weights)
    assert np.array_equal(np.take_along_axis(once.skin_weights, joints.astype(int), 1)[kept > 0], kept[kept > 0])


def test_parts_may_share_a_picture_and_may_be_absent(tmp_path):
    texture = gradient_texture()
    rig = with_skin_texture(tiny_rig(), texture)
    eye = replace(rig.parts[1], material=rig.parts[0].material)
    stop, face_stop = eye.vertices.stop, eye.faces.stop
    small = replace(
        rig,
        vertices=rig.vertices[:stop],
        faces=rig.faces[:face_stop],
        uv=rig.uv[:stop],
        shapes=rig.shapes[:, :stop],
        skin_weights=rig.skin_weights[:stop],
        seam_groups=rig.seam_groups[:stop],
        parts=(rig.parts[0], eye),
    )
    save_rig(small, tmp_path / "small.glb")
    document, _ = read_glb(tmp_path / "small.glb")
    assert len(document["images"]) == 1
    found = load_rig(tmp_path / "small.glb")
    assert found.parts[0].material.texture is found.parts[1].material.texture
    assert np.array_equal(found.parts[1].material.texture, texture)


def test_a_large_photograph_becomes_jpeg(tmp_path):
    smooth = np.linspace(0, 200, 2000)[:, None] + np.linspace(0, 40, 2000)
    noise = np.random.default_rng(3).integers(0, 8, (2000, 2000, 3))
    texture = (smooth[:, :, None] + noise).astype(np.uint8)
    path = tmp_path / "photo.glb"
    save_rig(with_skin_texture(tiny_rig(), texture), path)
    document, _ = read_glb(path)
    assert document["images"][0]["mimeType"] == "image/jpeg"
    found = load_rig(path).part("skin").material.texture
    assert found.shape == texture.shape
    assert np.abs(found.astype(int) - texture).mean() < 3.0


@pytest.mark.parametrize("compact", [False, True])
def test_the_document_follows_the_conventions(tmp_path, compact):
    path = tmp_path / "rig.glb"
    save_rig(tiny_rig(), path, compact=compact)
    document, _ = read_glb(path)
    meshes = {mesh["name"]: mesh for mesh in document["meshes"]}
    assert list(meshes) == ["head", "leftEye", "rightEye", "mouth", "upperTeeth", "lowerTeeth", "tongue"]
    for name, mesh in meshes.items():
        moves = not name.endswith("Eye")
        assert len(mesh["primitives"]) == 1
        assert ("targets" in mesh["primitives"][0]) == moves and ("extras" in mesh) == moves
        if moves:
            assert mesh["extras"]["targetNames"] == list(ARKIT_NAMES)
            assert len(mesh["primitives"][0]["targets"]) == 52
    joints = [document["nodes"][node]["name"] for node in document["skins"][0]["joints"]]
    assert joints == list(JOINT_NAMES)
    names = [node["name"] for node in document["nodes"]]
    assert len(set(names)) == len(names)
    mesh_nodes = [i for i, node in enumerate(document["nodes"]) if "mesh" in node]
    assert set(mesh_nodes) < set(document["scenes"][0]["nodes"])
    assert all("bufferView" in accessor for accessor in document["accessors"])
    assert any("sparse" in accessor for accessor in document["accessors"]) == compact
    for accessor in document["accessors"]:
        if "sparse" in accessor:
            assert accessor["sparse"]["count"] >= 1 and accessor["sparse"]["indices"]["componentType"] == 5123


@pytest.mark.parametrize("damage", ["truncate", "flip"])
def test_damaged_files_end_in_one_line(saved, damage):
    data = saved.read_bytes()
    random = np.random.default_rng(5)
    for position in random.integers(0, len(data), 60):
        if damage == "truncate":
            saved.write_bytes(data[:position])
            with pytest.raises(RigError) as caught:
                load_rig(saved)
            assert "\n" not in str(caught.value)
        else:
            flipped = bytearray(data)
            flipped[position] ^= 1 << int(position % 8)
            saved.write_bytes(flipped)
            try:
                load_rig(saved)
            except RigError as error:
                assert "\n" not in str(error)


def mutate(path, change):
    document, binary = read_glb(path)
    change(document)
    path.write_bytes(pack_glb(document, binary))


def own(document):
    return document["asset"]["extras"]["liveAvatar"]


def primitive(document):
    return document["meshes"][0]["primitives"][0]


MUTATIONS = {
    "no mesh": lambda d: d.update(meshes=[]),
    "mesh twice": lambda d: d["meshes"].append(d["meshes"][0]),
    "foreign mesh": lambda d: d["meshes"][1].update(name="hat"),
    "mesh name is a list": lambda d: d["meshes"][1].update(name=[]),
    "two primitives": lambda d: d["meshes"][0]["primitives"].append({}),
    "points, not triangles": lambda d: primitive(d).update(mode=0),
    "no attributes": lambda d: primitive(d).update(attributes={}),
    "attributes are a list": lambda d: primitive(d).update(attributes=[]),
    "51 targets": lambda d: primitive(d)["targets"].pop(),
    "target of another mesh": lambda d: primitive(d)["targets"].__setitem__(
        3, d["meshes"][3]["primitives"][0]["targets"][0]
    ),
    "target without place": lambda d: primitive(d)["targets"].__setitem__(3, {}),
    "target that is a matrix": lambda d: d["accessors"][primitive(d)["targets"][0]["POSITION"]].update(type="MAT4"),
    "other names": lambda d: d["meshes"][0]["extras"]["targetNames"].reverse(),
    "no names": lambda d: d["meshes"][0].pop("extras"),
    "weights for joints": lambda d: primitive(d)["attributes"].update(JOINTS_0=primitive(d)["attributes"]["WEIGHTS_0"]),
    "no skin": lambda d: d.update(skins=[]),
    "other joints": lambda d: own(d).update(joints=["a"]),
    "matrices of vertices": lambda d: d["skins"][0].update(inverseBindMatrices=0),
    "newer version": lambda d: own(d).update(version=2),
    "no version": lambda d: own(d).pop("version"),
    "no name": lambda d: own(d).pop("name"),
    "details are a text": lambda d: own(d).update(details="x"),
    "no landmarks": lambda d: own(d).pop("landmarkFaces"),
    "landmarks are no base64": lambda d: own(d).update(landmarkFaces="ä*"),
    "landmarks elsewhere": lambda d: own(d).update(landmarkFaces="////" * 637 + "/w=="),
    "short seams": lambda d: own(d).update(seamGroups="AAAAAA=="),
    "material number": lambda d: primitive(d).update(material=99),
    "bright material": lambda d: d["materials"][0]["pbrMetallicRoughness"].update(baseColorFactor=[9, 1, 1, 1]),
    "colour of texts": lambda d: d["materials"][0]["pbrMetallicRoughness"].update(baseColorFactor=["1"] * 4),
    "texture number": lambda d: d["textures"][0].update(source=5),
    "texture number is true": lambda d: d["textures"][0].update(source=[True]),
    "image elsewhere": lambda d: d["images"][0].update(uri="file:///etc/passwd"),
    "buffer elsewhere": lambda d: d["buffers"][0].update(uri="http://localhost/x.bin"),
    "huge count": lambda d: d["accessors"][0].update(count=10**9),
    "asset is a list": lambda d: d.update(asset=[]),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_documents_that_lie_end_in_one_line(saved, name):
    mutate(saved, MUTATIONS[name])
    with pytest.raises(RigError) as caught:
        load_rig(saved)
    assert "\n" not in str(caught.value)


def test_joints_out_of_range_are_refused(saved):
    document, binary = read_glb(saved)
    view = document["bufferViews"][document["accessors"][primitive(document)["attributes"]["JOINTS_0"]]["bufferView"]]
    changed = bytearray(binary)
    changed[view["byteOffset"]] = 5
    saved.write_bytes(pack_glb(document, bytes(changed)))
    with pytest.raises(RigError, match="joint 5"):
        load_rig(saved)


def test_heads_of_other_programs_are_told_apart(saved):
    mutate(saved, lambda document: document["asset"].pop("extras"))
    with pytest.raises(RigError, match="not yet supported"):
        load_rig(saved)
    mutate(saved, lambda document: [mesh.pop("extras", None) for mesh in document["meshes"]])
    with pytest.raises(RigError, match="not made by Live Avatar"):
        load_rig(saved)


def unsound_rigs():
    rig = tiny_rig()
    count = len(rig.vertices)
    first, second, *rest = rig.parts
    yield "weights", replace(rig, skin_weights=rig.skin_weights * 0.5)
    yield "negative weights", replace(rig, skin_weights=rig.skin_weights - np.float32([0.5, -0.5, 0, 0, 0]))
    yield "landmarks", replace(rig, landmark_faces=rig.landmark_faces + len(rig.faces))
    yield "seams", replace(rig, seam_groups=rig.seam_groups + count)
    yield "gap", replace(rig, parts=(first, *rest))
    yield "order", replace(rig, parts=(second, first, *rest))
    yield "rest left over", replace(rig, parts=rig.parts[:-1])
    yield "foreign part", replace(rig, parts=(Part("hat", first.vertices, first.faces), second, *rest))
    yield "crossing faces", replace(rig, faces=rig.faces[::-1])
    yield "details", replace(rig, details={"numbers": np.zeros(3)})
    yield "infinite detail", replace(rig, details={"number": float("inf")})
    yield "uv", replace(rig, uv=rig.uv * np.float32(np.nan))
    material = replace(first.material, color=(1.0, 1.0, 1.5))
    yield "colour", replace(rig, parts=(replace(first, material=material), second, *rest))


@pytest.mark.parametrize(
    ("name", "rig"), list(unsound_rigs()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_unsound_rigs_are_not_written(tmp_path, name, rig):
    with pytest.raises(RigError):
        save_rig(rig, tmp_path / "rig.glb")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_save_leaves_the_old_file(saved):
    before = saved.read_bytes()
    with pytest.raises(RigError):
        save_rig(replace(tiny_rig(), details={"bad": object()}), saved)
    assert saved.read_bytes() == before and [p.name for p in saved.parent.iterdir()] == ["rig.glb"]


def test_extras_are_plain_json(saved):
    document, _ = read_glb(saved)
    assert json.loads(json.dumps(own(document)))["name"] == "Tiny head"


def test_landmark_bias_travels_and_a_wild_one_is_refused(tmp_path):
    rig = tiny_rig()
    assert rig.landmark_bias is None
    save_rig(rig, tmp_path / "without.glb")
    assert load_rig(tmp_path / "without.glb").landmark_bias is None
    bias = np.random.default_rng(0).normal(0, 0.003, (478, 3)).astype(np.float32)
    save_rig(replace(rig, landmark_bias=bias), tmp_path / "with.glb")
    assert np.array_equal(load_rig(tmp_path / "with.glb").landmark_bias, bias)
    with pytest.raises(RigError, match="landmark bias"):
        save_rig(replace(rig, landmark_bias=bias * np.float32(np.nan)), tmp_path / "wild.glb")
