from __future__ import annotations

from dataclasses import replace

import pytest

from core.head_model.builtin import load_builtin_rig
from core.head_model.heads import load_head
from training.compare_heads import measure


@pytest.mark.parametrize("refined", [False, True])
def test_a_head_of_another_size_is_the_same_head(refined):
    rig = load_builtin_rig()
    found = measure(replace(rig, vertices=rig.vertices * 0.9 + 0.02), rig, refined)
    assert found.scale == pytest.approx(1 / 0.9, rel=1e-4)
    assert max(found.face_p90, found.cranium_p90) < 0.01


def test_a_step_out_of_the_face_is_measured():
    rig = load_builtin_rig()
    bulged = rig.vertices.copy()
    bulged[:, 2] += 0.004 * (bulged[:, 2] < -0.14)
    found = measure(replace(rig, vertices=bulged), rig)
    assert found.face_median < 0.01 < 0.5 < found.cranium_p90 < 4.0


def test_the_builtin_head_is_within_its_bounds_of_the_ict_mean(shared_file):
    ict = load_head("ict", shared_file("models/ict_facekit.npz").parent)
    found = measure(load_builtin_rig(), ict)
    assert found.face_median <= 2.0 and found.cranium_median <= 6.0
