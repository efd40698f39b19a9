"""FLAME as a head: files to rig, on a synthetic model that wears the built-in head's form."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from core.blendshapes import ARKIT_NAMES, INDEX
from core.errors import ModelPackError
from core.head_model.builtin import load_builtin_rig
from core.head_model.flame import assemble, load_flame_model, load_flame_pack, load_flame_rig
from core.head_model.flame_arkit import posed_vertices
from core.head_model.flame_files import IBUG_FILE, MEDIAPIPE_FILE
from core.head_model.heads import FLAME_FILES, available_heads, load_head
from core.head_model.personalise import personalise
from core.head_model.rig import PART_NAMES
from core.head_model.rig_glb import load_rig, save_rig
from core.structures import FaceState
from tests.core.head_model.flame_builder import (
    flame_arrays,
    flame_file,
    ibug_embedding,
    mediapipe_embedding,
    write_flame,
    write_ibug,
    write_mediapipe,
)


@pytest.fixture(scope="module")
def pack():
    return assemble("FLAME", flame_file(), ibug_embedding(), mediapipe_embedding())


@pytest.fixture(scope="module")
def rig(pack):
    return pack.model.rig()


def relative_error(rig, name):
    wanted = load_builtin_rig().shape_landmarks()[INDEX[name], :468]
    return np.linalg.norm(rig.shape_landmarks()[INDEX[name], :468] - wanted) / np.linalg.norm(wanted)


def test_parts_are_those_of_every_head_without_gaps(pack):
    parts = pack.model.parts
    assert tuple(part.name for part in parts) == PART_NAMES
    for part in parts:
        used = pack.model.faces[part.faces]
        assert used.min() == part.vertices.start and used.max() == part.vertices.stop - 1
    centres = [pack.model.template[part.vertices].mean(axis=0) for part in parts[1:3]]
    assert np.allclose(centres, flame_file().joints()[3:], atol=1e-4) and centres[0][0] > centres[1][0]


def test_no_triangle_reaches_across_the_atlas_and_doubles_are_one_point(pack):
    model = pack.model
    skin = model.parts[0]
    corners = model.uv[model.faces[skin.faces]]
    assert np.ptp(corners[:, :, 0], axis=1).max() < 0.5
    assert model.uv.min() >= 0 and model.uv.max() <= 1
    assert np.array_equal(model.template[model.seam_groups], model.template)
    assert len(model.template) > 5023
    nose = model.faces[model.landmark_faces[1]]
    assert abs(model.uv[nose, 0].mean() - 0.5) < 0.02


def test_landmarks_come_to_lie_where_the_builtin_head_has_them(rig):
    off = np.linalg.norm(rig.landmarks() - load_builtin_rig().landmarks(), axis=1)
    assert off[:468].max() < 2e-4 and off[468:].max() < 1e-3
    for iris, part in ((slice(468, 473), "rightEye"), (slice(473, 478), "leftEye")):
        own = rig.part(part).faces
        assert ((rig.landmark_faces[iris] >= own.start) & (rig.landmark_faces[iris] < own.stop)).all()


@pytest.mark.parametrize("without", ["ibug", "mediapipe"])
def test_either_embedding_is_enough_and_none_is_refused(without):
    ibug = None if without == "ibug" else ibug_embedding()
    mediapipe = None if without == "mediapipe" else mediapipe_embedding()
    other = assemble("FLAME", flame_file(), ibug, mediapipe).model.rig()
    assert np.linalg.norm(other.landmarks() - load_builtin_rig().landmarks(), axis=1).max() < 1e-3
    with pytest.raises(ModelPackError, match="landmarks"):
        assemble("FLAME", flame_file(), None, None)


def test_shapes_in_reach_move_the_face_as_the_builtin_head_does(pack, rig):
    assert {"cheekPuff", "tongueOut"} <= set(pack.arkit.unreachable)
    posed = [n for n in ARKIT_NAMES if n not in pack.arkit.unreachable and not n.startswith(("jaw", "cheek"))]
    assert max(relative_error(rig, name) for name in posed) < 0.1
    assert relative_error(rig, "jawOpen") < 0.15
    assert 0.3 < pack.arkit.jaw[INDEX["jawOpen"], 0] < 0.5


def test_unreachable_shapes_are_named_and_carried(pack, rig):
    assert rig.details["unreachable"] == list(pack.arkit.unreachable)
    assert relative_error(rig, "cheekPuff") < 0.1  # the built-in head's own motion
    assert not rig.shapes[INDEX["cheekPuff"], rig.part("leftEye").vertices].any()
    assert set(rig.details["made"]) == set(pack.arkit.unreachable)
    blank = [INDEX[name] for name in pack.arkit.unreachable]
    assert not pack.arkit.expression[blank].any() and not pack.arkit.jaw[blank].any()


def test_the_grafted_mouth_opens_with_the_lips_and_goes_along_with_the_form(pack, rig):
    teeth = rig.part("lowerTeeth").vertices
    builtin = load_builtin_rig()
    assert np.abs(rig.vertices[teeth] - builtin.vertices[builtin.part("lowerTeeth").vertices]).max() < 1e-3
    dropped = rig.shapes[INDEX["jawOpen"], teeth, 1].mean()
    lip = rig.shape_landmarks()[INDEX["jawOpen"], 14, 1]
    assert 0.4 < dropped / lip < 1.3
    person = pack.model.shaped(np.array([0.0, 3.0])) - pack.model.template
    inside = person[pack.model.parts[3].vertices.start :]
    assert np.abs(inside - inside[0]).max() < 1e-7 and np.linalg.norm(inside[0]) > 1e-5


def test_codes_and_coefficients_lead_to_each_other(pack):
    for name in ("mouthSmileLeft", "eyeBlinkRight", "browInnerUp", "eyeLookOutLeft", "eyeLookDownRight", "mouthPucker"):
        given = np.zeros(52)
        given[INDEX[name]] = 0.7
        back = pack.arkit.to_arkit(*pack.arkit.to_flame(given))
        assert np.abs(back - given).max() < 0.08, name
    expression, jaw, eyes = pack.arkit.to_flame(np.zeros((4, 52)))
    assert expression.shape == (4, 100) and jaw.shape == (4, 3) and eyes.shape == (4, 6)
    back = pack.arkit.to_arkit(np.zeros(50), np.array([0.25, 0.0, 0.0]), np.zeros(6))
    assert 0.4 < back[INDEX["jawOpen"]] < 0.9


def test_numpy_and_torch_decode_alike(pack):
    torch = pytest.importorskip("torch", reason="torch decodes FLAME's codes; the app runs without it")
    from core.head_model.flame_decoder import FlameDecoder

    rng = np.random.default_rng(0)
    expression, jaw = rng.normal(0, 1, 100), rng.normal(0, 0.2, 3)
    pose = np.zeros((1, 15))
    pose[0, 6:9] = jaw
    decode = FlameDecoder(pack.file, dtype="float64")
    out = decode(expression=torch.as_tensor(expression[None]), pose=torch.as_tensor(pose))
    assert np.abs(out.vertices[0].numpy() - posed_vertices(pack.file, expression, jaw)).max() < 1e-10


def test_rig_can_be_shaped_saved_personalised_and_moved(tmp_path, pack, rig):
    code = np.array([2.0, -1.0, 0.5])
    person = pack.model.rig(code, "Ada")
    expected = flame_file().template + flame_file().shape_basis[:, :, :3] @ code
    expected -= (flame_file().joint_regressor @ expected)[3:].mean(axis=0)
    assert person.name == "Ada"
    assert cKDTree(person.vertices).query(expected)[0].max() < 1e-6
    assert np.allclose(rig.joints[3:].mean(axis=0), 0, atol=1e-6)
    save_rig(rig, tmp_path / "rig.glb")
    assert np.array_equal(load_rig(tmp_path / "rig.glb").vertices, rig.vertices)
    target = rig.landmarks() * (1.05, 0.97, 1.02)
    head = personalise(rig, target, "other")
    off = head.landmarks()[:468] - target[:468]
    assert np.median(np.linalg.norm(off - np.median(off, axis=0), axis=1)) < 1e-3
    mesh = rig.deform(FaceState(0.0, blendshapes=np.full(52, 0.3, np.float32)))
    assert np.isfinite(mesh.vertices).all()


def test_files_to_rig_by_name(tmp_path):
    path = tmp_path / FLAME_FILES[0]
    path.parent.mkdir(parents=True)
    write_flame(path, flame_arrays(), protocol=4)
    with pytest.raises(ModelPackError, match=IBUG_FILE):
        load_flame_model(path)
    write_ibug(path.parent / IBUG_FILE, tensors=False)
    write_mediapipe(tmp_path / MEDIAPIPE_FILE)  # the folder above serves all versions
    pack = load_flame_pack(path)
    assert pack.ibug is not None and pack.mediapipe is not None and load_flame_pack(path) is pack
    assert pack.name == "FLAME (flame2023_Open)" and load_flame_model(path) is pack.model
    assert "flame" in available_heads(tmp_path)
    rig = load_head("flame", tmp_path)
    assert rig.part("skin").material.texture is not None and not rig.vertices.flags.writeable
    assert np.array_equal(load_flame_rig(path).vertices, rig.vertices)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ModelPackError, match="damaged"):
        load_flame_model(path)
    with pytest.raises(ModelPackError, match="no FLAME model"):
        load_flame_model(tmp_path / "absent.pkl")
