from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.blendshapes import ARKIT_NAMES, INDEX, MIRROR
from core.export.glb_check import check_glb
from core.head_model.glb import pack_glb, read_glb
from core.head_model.rig_glb import save_rig
from tests.builders import tiny_rig


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "rig.glb"
    save_rig(tiny_rig(), path)
    return path


def rename(path, change):
    document, binary = read_glb(path)
    for mesh in document["meshes"]:
        if "extras" in mesh:
            change(mesh)
    path.write_bytes(pack_glb(document, binary))


def test_a_sound_rig_has_no_problems(path):
    assert check_glb(path) == []
    save_rig(tiny_rig(), path, compact=True)
    assert check_glb(path) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda mesh: mesh.pop("extras"), "does not name"),
        (
            lambda mesh: mesh["extras"].update(targetNames=ARKIT_NAMES[:50]),
            "missing are ['noseSneerRight', 'tongueOut']",
        ),
        (lambda mesh: mesh["extras"].update(targetNames=["jawOpen"] * 52), "missing are"),
        (
            lambda mesh: mesh["extras"].update(targetNames=[name.lower() for name in ARKIT_NAMES]),
            "unknown are ['eyeblinkleft",
        ),
        (lambda mesh: mesh["extras"].update(targetNames=[*ARKIT_NAMES, "jawOpen"]), "repeated"),
        (lambda mesh: mesh["extras"]["targetNames"].reverse(), "another place"),
        (lambda mesh: mesh["extras"].update(targetNames=[{}] * 52), "unknown are"),
        (lambda mesh: mesh["primitives"][0].update(extras=mesh.pop("extras")), "mesh.extras.targetNames"),
        (lambda mesh: mesh["primitives"][0]["targets"].pop(), "[51] morph targets"),
        (lambda mesh: mesh["primitives"][0].pop("targets"), "No mesh has morph targets"),
        (lambda mesh: mesh["primitives"][0]["attributes"].pop("NORMAL"), "no normals"),
        (
            lambda mesh: mesh["primitives"][0]["attributes"].update(
                NORMAL=mesh["primitives"][0]["attributes"]["POSITION"]
            ),
            "normals of length",
        ),
    ],
)
def test_what_the_validator_does_not_see_is_said(path, change, said):
    rename(path, change)
    assert any(said in problem for problem in check_glb(path))


def changed_shape(name, displacement):
    shapes = tiny_rig().shapes.copy()
    shapes[INDEX[name]] = displacement
    return replace(tiny_rig(), shapes=shapes)


@pytest.mark.parametrize("name", ["jawOpen", "eyeBlinkLeft", "tongueOut"])
def test_shapes_that_move_nothing_are_named(path, name):
    save_rig(changed_shape(name, 0.0), path)
    (problem,) = check_glb(path)
    assert f"'{name}' moves nothing" in problem


def test_shapes_that_tear_the_head_apart_are_named(path):
    save_rig(changed_shape("jawOpen", 1.0), path)
    (problem,) = check_glb(path)
    assert "'jawOpen' moves vertices by 1732 mm" in problem


def test_swapped_sides_are_all_named(path):
    save_rig(replace(tiny_rig(), shapes=tiny_rig().shapes[list(MIRROR)]), path)
    problems = check_glb(path)
    sided = [name for i, name in enumerate(ARKIT_NAMES) if MIRROR[i] != i]
    assert len(problems) == len(sided)
    assert all(any(f"'{name}'" in problem for problem in problems) for name in sided)


def test_a_mirrored_head_names_eyes_and_joints(path):
    flip = np.float32([-1, 1, 1])
    rig = tiny_rig()
    save_rig(replace(rig, vertices=rig.vertices * flip, joints=rig.joints * flip, faces=rig.faces[:, ::-1]), path)
    problems = "\n".join(check_glb(path))
    for eye in ("leftEye", "rightEye"):
        assert f"The mesh '{eye}' acts on" in problems and f"The joint '{eye}' acts on" in problems


def test_files_that_cannot_be_read_are_one_problem(path, tmp_path):
    path.write_bytes(path.read_bytes()[:1000])
    assert len(check_glb(path)) == 1
    assert "could not be read" in check_glb(tmp_path / "absent.glb")[0]
