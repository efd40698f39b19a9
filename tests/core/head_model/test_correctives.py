"""Correctives of pairs and poses: what they add, where they travel, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.blendshapes import INDEX
from core.errors import RigError
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.head_model import builtin
from core.head_model.builtin import load_builtin_rig, save_builtin
from core.head_model.correctives import EXCESS, PRODUCT, PairCorrective, PoseCorrectives, pose_features
from core.head_model.glb import pack_glb, read_glb
from core.head_model.personalise import personalise
from core.head_model.rig_glb import load_rig, save_rig
from core.head_model.skinning import NECK, linear_blend_skinning
from core.structures import FaceState
from tests.builders import tiny_rig

ROWS = np.array([2, 5, 40], np.int32)
MOVED = np.random.default_rng(0).normal(0, 0.002, (3, 3)).astype(np.float32)


def pair(weight: str = PRODUCT, first: str = "eyeBlinkLeft", second: str = "eyeLookDownLeft") -> PairCorrective:
    return PairCorrective(first, second, ROWS, MOVED, weight)


def pose() -> PoseCorrectives:
    directions = np.random.default_rng(1).normal(0, 0.002, (3, 3, 2)).astype(np.float32)
    return PoseCorrectives(np.array([0, 8], np.int32), ROWS, directions)


def corrected_rig():
    return replace(tiny_rig(), correctives=(pair(), pair(EXCESS, "mouthClose", "jawOpen")), pose_correctives=pose())


def coefficients(**values: float) -> np.ndarray:
    array = np.zeros(52, np.float32)
    for name, value in values.items():
        array[INDEX[name]] = value
    return array


@pytest.mark.parametrize(
    ("weight", "a", "b", "amount"),
    [(PRODUCT, 0.5, 0.4, 0.2), (EXCESS, 0.5, 0.4, 0.1), (EXCESS, 0.3, 0.4, 0.0)],
)
def test_the_amount_follows_both_coefficients(weight, a, b, amount):
    values = coefficients(eyeBlinkLeft=a, eyeLookDownLeft=b)
    assert pair(weight).amount(values.tolist()) == pytest.approx(amount, abs=1e-7)
    plain = tiny_rig().shaped_vertices(values)
    found = replace(tiny_rig(), correctives=(pair(weight),)).shaped_vertices(values)
    wanted = plain.copy()
    wanted[ROWS] += amount * MOVED
    np.testing.assert_allclose(found, wanted, atol=1e-8)


def test_pose_correctives_are_flames_formula_before_skinning():
    rig = corrected_rig()
    turn = rotation_from_yaw_pitch_roll(0.5, -0.2, 0.1)
    dense = np.zeros((len(rig.vertices), 3, 36))
    dense[np.ix_(ROWS, range(3), [0, 8])] = pose().directions
    rotations = np.tile(np.eye(3), (5, 1, 1))
    rotations[NECK] = turn
    shaped = rig.vertices + dense @ (rotations[1:] - np.eye(3)).ravel()
    wanted = linear_blend_skinning(shaped, rig.skin_weights, rotations, rig.joints)
    found = rig.deform(FaceState(0.0, head_rotation=turn)).vertices
    assert np.abs(found - wanted).max() < 1e-6
    sparse = PoseCorrectives.from_dense(dense)
    assert sparse.columns.tolist() == [0, 8] and np.array_equal(sparse.rows, ROWS)
    np.testing.assert_allclose(sparse.displacement(rotations), (dense @ pose_features(rotations))[ROWS], atol=1e-9)


@pytest.mark.parametrize("compact", [False, True])
def test_they_travel_in_the_file_beside_exactly_52_targets(tmp_path, compact):
    path = tmp_path / "rig.glb"
    save_rig(corrected_rig(), path, compact=compact)
    found = load_rig(path)
    assert_same_correctives(found, corrected_rig())
    with pytest.raises(ValueError, match="read-only"):
        found.correctives[0].displacement[0] = 0
    document, _ = read_glb(path)
    assert {len(p["targets"]) for m in document["meshes"] for p in m["primitives"] if "targets" in p} == {52}
    save_rig(found, tmp_path / "again.glb", compact=compact)
    assert (tmp_path / "again.glb").read_bytes() == path.read_bytes()


def assert_same_correctives(found, wanted):
    assert len(found.correctives) == len(wanted.correctives) > 0
    for one, other in zip(found.correctives, wanted.correctives, strict=True):
        assert (one.first, one.second, one.weight) == (other.first, other.second, other.weight)
        assert np.array_equal(one.rows, other.rows) and np.array_equal(one.displacement, other.displacement)
    for name in ("columns", "rows", "directions"):
        assert np.array_equal(getattr(found.pose_correctives, name), getattr(wanted.pose_correctives, name)), name


def test_a_rig_without_correctives_has_none_in_its_file(tmp_path):
    save_rig(tiny_rig(), tmp_path / "rig.glb")
    found = load_rig(tmp_path / "rig.glb")
    assert found.correctives == () and found.pose_correctives is None


def test_they_travel_in_the_array_file(tmp_path, monkeypatch):
    path = tmp_path / "head.npz"
    rig = load_builtin_rig()
    save_builtin(replace(rig, correctives=(pair(), pair(EXCESS)), pose_correctives=pose()), path)
    monkeypatch.setattr(builtin, "BUILTIN_PATH", path)
    found = load_builtin_rig.__wrapped__()
    assert [c.weight for c in found.correctives] == [PRODUCT, EXCESS]
    np.testing.assert_allclose(found.correctives[1].displacement, MOVED, atol=6e-7)
    np.testing.assert_allclose(found.pose_correctives.directions, pose().directions, atol=6e-7)
    save_builtin(replace(rig, correctives=(), pose_correctives=None), path)
    bare = load_builtin_rig.__wrapped__()
    assert bare.correctives == () and bare.pose_correctives is None


def test_a_person_shows_both_shapes_together_as_the_template_does():
    """A larger person: the pair's displacement grows with the head, and a weight of 1 and 1 is carried exactly."""
    template = load_builtin_rig()
    rows = np.arange(100, 130, dtype=np.int32)
    moved = np.tile(np.float32([0, 0.001, 0.002]), (30, 1))
    blink = PairCorrective("eyeBlinkLeft", "eyeLookDownLeft", rows, moved)
    rig = replace(template, correctives=(blink,), pose_correctives=pose())
    same = personalise(rig, rig.landmarks(), "same")
    np.testing.assert_allclose(same.correctives[0].displacement, moved, atol=6e-4)
    larger = personalise(rig, 1.1 * rig.landmarks(), "larger")
    np.testing.assert_allclose(larger.correctives[0].displacement, 1.1 * moved, atol=6e-4)
    np.testing.assert_allclose(larger.pose_correctives.directions, 1.1 * pose().directions, rtol=2e-3)


UNSOUND = {
    "unknown shape": lambda: pair(first="smile"),
    "one shape twice": lambda: pair(first="eyeLookDownLeft"),
    "unknown weight": lambda: pair("sum"),
    "falling rows": lambda: replace(pair(), rows=ROWS[::-1].copy()),
    "negative rows": lambda: replace(pair(), rows=ROWS - 3),
    "short displacement": lambda: replace(pair(), displacement=MOVED[:2]),
    "not finite": lambda: replace(pair(), displacement=MOVED * np.float32(np.nan)),
    "column 36": lambda: replace(pose(), columns=np.array([0, 36], np.int32)),
    "column twice": lambda: replace(pose(), columns=np.array([3, 3], np.int32)),
    "directions of three": lambda: replace(pose(), columns=np.array([0, 1, 2], np.int32)),
    "rows beyond the head": lambda: replace(tiny_rig(), correctives=(replace(pair(), rows=ROWS + 10**6),)),
    "pose beyond the head": lambda: replace(tiny_rig(), pose_correctives=replace(pose(), rows=ROWS + 10**6)),
}


@pytest.mark.parametrize("name", UNSOUND)
def test_unsound_ones_are_refused(name):
    with pytest.raises(RigError) as caught:
        UNSOUND[name]()
    assert "\n" not in str(caught.value)


def first(document):
    return document["asset"]["extras"]["liveAvatar"]["correctives"][0]


def of_pose(document):
    return document["asset"]["extras"]["liveAvatar"]["poseCorrectives"]


LIES = {
    "a text": lambda d: d["asset"]["extras"]["liveAvatar"].update(correctives="x"),
    "too many": lambda d: d["asset"]["extras"]["liveAvatar"].update(correctives=[first(d)] * 600),
    "three shapes": lambda d: first(d)["shapes"].append("jawOpen"),
    "foreign shape": lambda d: first(d)["shapes"].__setitem__(0, "smile"),
    "same shape": lambda d: first(d)["shapes"].__setitem__(0, first(d)["shapes"][1]),
    "weight": lambda d: first(d).update(weight=["product"]),
    "huge count": lambda d: first(d).update(count=10**9),
    "count is true": lambda d: first(d).update(count=True),
    "short rows": lambda d: first(d).update(rows="AAAA"),
    "rows that fall": lambda d: first(d).update(rows="BQAAAAIAAAAoAAAA"),
    "rows elsewhere": lambda d: first(d).update(rows="AgAAAAUAAAD///9/"),
    "no displacement": lambda d: first(d).pop("displacement"),
    "NaN": lambda d: first(d).update(displacement="AADAfwAAwH8AAMB/" * 3),
    "pose is a list": lambda d: d["asset"]["extras"]["liveAvatar"].update(poseCorrectives=[]),
    "column 36 in the file": lambda d: of_pose(d).update(columns=[0, 36]),
    "huge column": lambda d: of_pose(d).update(columns=[0, 10**30]),
    "columns fall": lambda d: of_pose(d).update(columns=[8, 0]),
    "one column more": lambda d: of_pose(d).update(columns=[0, 7, 8]),
}


@pytest.mark.parametrize("name", LIES)
def test_files_that_lie_about_them_end_in_one_line(tmp_path, name):
    path = tmp_path / "rig.glb"
    save_rig(corrected_rig(), path)
    document, binary = read_glb(path)
    LIES[name](document)
    path.write_bytes(pack_glb(document, binary))
    with pytest.raises(RigError) as caught:
        load_rig(path)
    assert "\n" not in str(caught.value) and "rig.glb" in str(caught.value)
