"""The ICT-FaceKit head through the exporter, where its file is there."""

from __future__ import annotations

import numpy as np

from core.export.glb import export_glb
from core.head_model.heads import load_head
from core.head_model.rig_glb import load_rig


def test_the_ict_head_is_exported_whole_and_valid(shared_file, tmp_path, validate_gltf):
    rig = load_head("ict", shared_file("models/ict_facekit.npz").parent)
    path = tmp_path / "ict.glb"
    export_glb(rig, path, compact=True)
    issues = validate_gltf(path)
    assert issues["numErrors"] == 0, issues["messages"][:3]
    again = load_rig(path)
    assert np.abs(again.vertices - rig.vertices).max() < 1e-6
    assert np.abs(again.shapes - rig.shapes).max() < 1e-6
    assert np.abs(again.landmarks() - rig.landmarks()).max() < 1e-6
