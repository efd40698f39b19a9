"""Every head as GLB: small enough, faultless to the Khronos validator, and the same head in three.js."""

from __future__ import annotations

import base64

import numpy as np

from core.blendshapes import ARKIT_NAMES
from core.export.glb import export_glb
from core.export.glb_check import check_glb
from core.head_model.rig_glb import load_rig
from core.head_model.skinning import JOINT_NAMES
from tests.core.export.heads import SHOWN, head, node_name, shown_vertices

__all__ = ["head"]
MOST_BYTES = 8 * 10**6


def test_a_head_is_small_whole_and_valid(head, tmp_path, validate_gltf):
    path = tmp_path / "head.glb"
    export_glb(head, path)
    assert path.stat().st_size < MOST_BYTES
    assert head.part("skin").material.texture is not None
    issues = validate_gltf(path)
    assert (issues["numErrors"], issues["numWarnings"]) == (0, 0), issues["messages"][:3]
    assert check_glb(path) == []
    again = load_rig(path)
    assert np.array_equal(again.vertices, head.vertices) and np.array_equal(again.shapes, head.shapes)
    assert np.array_equal(again.landmarks(), head.landmarks())


def test_three_js_shows_the_same_head(head, tmp_path, load_in_three):
    path = tmp_path / "head.glb"
    export_glb(head, path)
    meshes = load_in_three(path, SHOWN)
    assert set(meshes) == {node_name(part.name) for part in head.parts}
    assert meshes["head"]["shapes"] == list(ARKIT_NAMES)
    expected = shown_vertices(head, SHOWN)
    assert np.abs(expected - head.vertices).max() > 0.01
    for part in head.parts:
        mesh = meshes[node_name(part.name)]
        found = np.frombuffer(base64.b64decode(mesh["positions"]), np.float32).reshape(-1, 3)
        assert np.abs(found - expected[part.vertices]).max() < 1e-5, part.name
        assert mesh["triangles"] == part.faces.stop - part.faces.start
        assert mesh["bones"] == list(JOINT_NAMES)
        texture = part.material.texture
        assert (mesh["texture"] is None) == (texture is None)
        if texture is not None:
            assert (mesh["texture"]["height"], mesh["texture"]["width"]) == texture.shape[:2]
