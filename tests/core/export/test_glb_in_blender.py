"""Exported heads in Blender, the program most of them end up in."""

from __future__ import annotations

import json
import shutil
import subprocess

import numpy as np
import pytest

from core.blendshapes import ARKIT_NAMES
from core.export.glb import export_glb
from core.head_model.skinning import JOINT_NAMES
from tests.core.export.conftest import TOOLS
from tests.core.export.heads import SHOWN, head, node_name, shown_vertices

__all__ = ["head"]


@pytest.mark.slow
@pytest.mark.parametrize("compact", [False, True])
def test_blender_shows_the_same_head(head, compact, tmp_path):
    blender = shutil.which("blender")
    if blender is None:
        pytest.skip("'blender' is not installed; on Debian or Ubuntu: sudo apt-get install blender python3-numpy")
    path, answer = tmp_path / "head.glb", tmp_path / "answer.json"
    export_glb(head, path, compact=compact)
    command = [blender, "--background", "--factory-startup", "--python-exit-code", "1", "--python"]
    command += [TOOLS / "load_in_blender.py", "--", path, json.dumps(SHOWN), answer]
    run = subprocess.run(command, check=False, capture_output=True, text=True, timeout=240)
    assert run.returncode == 0, (run.stdout + run.stderr)[-1500:]
    found = json.loads(answer.read_text())
    ((_, bones),) = found["armatures"].items()
    assert set(bones) == set(JOINT_NAMES)
    assert set(found["meshes"]) == {node_name(part.name) for part in head.parts}
    assert found["meshes"]["head"]["shapes"] == list(ARKIT_NAMES)
    expected = shown_vertices(head, SHOWN)
    for part in head.parts:
        mesh = found["meshes"][node_name(part.name)]
        assert np.abs(np.array(mesh["positions"]) - expected[part.vertices]).max() < 1e-5, part.name
        texture = part.material.texture
        assert mesh["pictures"] == ([] if texture is None else [[texture.shape[1], texture.shape[0]]])
        assert len(mesh["materials"]) == 1
