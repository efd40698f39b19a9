"""FLAME's lids: from files, or by a form of our own that closes the eye."""

from __future__ import annotations

import os

import numpy as np
import pytest

from core.blendshapes import INDEX
from core.errors import ModelPackError
from core.head_model.builtin import load_builtin_rig
from core.head_model.flame import assemble, load_flame_pack
from core.head_model.flame_arkit import BLINKS
from core.head_model.flame_lids import (
    CLOSED_SHARE,
    LID_ABOVE_EYE_M,
    LidShapes,
    lid_gap,
    outside_the_eyes,
    read_lids,
)
from core.head_model.heads import load_head
from core.head_model.skinning import LEFT_EYE, RIGHT_EYE
from tests.core.head_model.flame_builder import (
    EYE_VERTICES,
    flame_arrays,
    flame_file,
    ibug_embedding,
    lid_displacements,
    mediapipe_embedding,
    without_lids,
    write_flame,
    write_lids,
    write_mediapipe,
)


def closed_share(rig, name):
    """Gap between the lids at coefficient 1 over the gap at rest."""
    rest = rig.landmarks()
    moved = rest + rig.shape_landmarks()[INDEX[name]]
    return lid_gap(moved, BLINKS.index(name)) / lid_gap(rest, BLINKS.index(name))


@pytest.mark.parametrize("swapped", [False, True])
def test_the_eye_of_a_file_is_told_by_where_it_moves_the_skin(tmp_path, swapped):
    lids = read_lids(*write_lids(tmp_path, swapped), flame_file())
    assert np.allclose(lids.displacements, lid_displacements(), atol=1e-8)


def test_a_blink_is_the_files_lid_and_codes_lead_back():
    lids = LidShapes(lid_displacements())
    pack = assemble("FLAME", without_lids(), ibug_embedding(), mediapipe_embedding(), lids)
    rig, arkit = pack.model.rig(), pack.arkit
    assert not set(BLINKS) & set(arkit.unreachable) and rig.details["lids"] == "files"
    for side, name in enumerate(BLINKS):
        row = INDEX[name]
        assert arkit.lids[row].tolist() == np.eye(2)[side].tolist()
        assert not arkit.expression[row].any() and not arkit.jaw[row].any()
        wanted = load_builtin_rig().shape_landmarks()[row, :468]
        assert np.abs(rig.shape_landmarks()[row, :468] - wanted).max() < 2e-4
        assert closed_share(rig, name) < CLOSED_SHARE
    given = np.zeros(52)
    given[INDEX["eyeBlinkLeft"]] = 0.6
    assert np.allclose(arkit.to_lids(given), [0.6, 0.0])
    back = arkit.to_arkit(*arkit.to_flame(given), arkit.to_lids(given))
    assert np.abs(back - given).max() < 0.08
    assert (arkit.to_lids(np.ones((3, 52))) <= 1.0).all()


@pytest.mark.parametrize("scale", [(1.0, 1.0, 1.0), (1.0, 1.3, 1.0), (1.1, 0.85, 1.0)])
def test_without_files_the_lids_still_meet_and_do_not_cut_the_eyes(scale):
    model = without_lids(scale)
    pack = assemble("FLAME", model, ibug_embedding(), mediapipe_embedding())
    rig = pack.model.rig()
    assert set(BLINKS) <= set(pack.arkit.unreachable) and rig.details["lids"] == "own"
    assert closed_share(load_builtin_rig(), BLINKS[0]) < CLOSED_SHARE
    for name, joint in zip(BLINKS, (LEFT_EYE, RIGHT_EYE), strict=True):
        assert closed_share(rig, name) < CLOSED_SHARE, name
        shape = rig.shapes[INDEX[name], rig.part("skin").vertices]
        moved = np.linalg.norm(shape, axis=1) > 1e-4
        ends = (rig.vertices[rig.part("skin").vertices] + shape)[moved]
        eye = rig.vertices[rig.part("leftEye" if joint == LEFT_EYE else "rightEye").vertices]
        radius = np.linalg.norm(eye - rig.joints[joint], axis=1).max()
        assert np.linalg.norm(ends - rig.joints[joint], axis=1).min() > radius


def test_skin_that_would_end_in_the_eye_is_pushed_out_along_its_radius():
    model = flame_file()
    count = len(model.template)
    eyes = (
        np.arange(count - 2 * EYE_VERTICES, count - EYE_VERTICES),
        np.arange(count - EYE_VERTICES, count),
    )
    left = model.joints()[LEFT_EYE]
    nearest = int(np.argmin(np.linalg.norm(model.template[: eyes[0][0]] - left, axis=1)))
    displacements = np.zeros((count, 3))
    displacements[nearest] = left + np.array((0.0, 0.004, 0.003)) - model.template[nearest]
    pushed = outside_the_eyes(displacements, model, eyes)
    away = model.template[nearest] + pushed[nearest] - left
    eyeball = np.linalg.norm(model.template[eyes[0]] - left, axis=1).max()
    assert eyeball == pytest.approx(0.012, abs=5e-6)
    assert np.linalg.norm(away) == pytest.approx(eyeball + LID_ABOVE_EYE_M, abs=1e-9)
    assert np.allclose(away / np.linalg.norm(away), (0.0, 0.8, 0.6))
    assert not np.delete(pushed, nearest, axis=0).any()


def test_files_are_used_when_both_lie_beside_the_model_and_noticed_when_they_come(tmp_path):
    path = write_flame(tmp_path / "generic_model.pkl", flame_arrays(), protocol=4)
    write_mediapipe(tmp_path / "mediapipe_landmark_embedding.npz")
    left, right = write_lids(tmp_path)
    away = right.rename(tmp_path / "elsewhere.npy")
    assert load_flame_pack(path).lids is None
    away.rename(right)
    assert load_flame_pack(path).lids is not None
    assert load_head("flame", tmp_path).details["lids"] == "files"
    left.write_bytes(right.read_bytes())
    with pytest.raises(ModelPackError, match="both close the same"):
        load_flame_pack(path)


class Hostile:
    def __reduce__(self):
        return os.system, ("false",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (np.zeros((5023, 3)), "some millimetres"),
        (np.full((5023, 3), 2.0), "some millimetres"),
        (np.full((5023, 3), np.nan), "NaN"),
        (np.zeros((5023, 2)), "shape"),
        (np.zeros((5023, 3), int), "shape"),
        (np.array(Hostile(), dtype=object), "shape"),
    ],
)
def test_what_is_no_lid_is_refused_in_one_line(tmp_path, content, words):
    left, right = write_lids(tmp_path)
    np.save(right, content, allow_pickle=True)
    with pytest.raises(ModelPackError, match=words) as caught:
        read_lids(left, right, flame_file())
    assert "\n" not in str(caught.value) and "r_eyelid.npy" in str(caught.value)
