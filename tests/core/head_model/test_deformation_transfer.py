"""Deformation transfer on sheets whose right answer is known, and on heads: what it keeps and where it must meet."""

from __future__ import annotations

import numpy as np
import pytest

from core.blendshapes import ARKIT_NAMES, INDEX
from core.geometry.mesh import face_normals
from core.head_model.builtin import load_builtin_rig
from core.head_model.deformation_transfer import DeformationTransfer, Motion
from core.head_model.lid_clearance import CLEARANCE_M, rest_off_eyes, shapes_off_eyes
from core.head_model.personal_shapes import MADE_BY, NEGLIGIBLE_MOTION_M, PersonalShapes
from core.head_model.personalise import BiharmonicWarp, personalise
from core.head_model.rig import HeadRig
from core.head_model.skinning import LEFT_EYE
from tests.core.head_model.test_personalise import someone
from tests.movements import LID_PAIRS, gaps, shaped

SIDE = 9


def sheet() -> tuple[np.ndarray, np.ndarray]:
    """(81, 3) points 5 mm apart on a gentle hill and (128, 3) triangles."""
    x, y = np.meshgrid(np.arange(SIDE), np.arange(SIDE), indexing="ij")
    points = 0.005 * np.stack([x.ravel(), y.ravel(), np.sin(0.4 * x + 0.3 * y).ravel()], axis=1)
    corner = (x[:-1, :-1] * SIDE + y[:-1, :-1]).ravel()
    one = np.stack([corner, corner + SIDE, corner + SIDE + 1], axis=1)
    other = np.stack([corner, corner + SIDE + 1, corner + 1], axis=1)
    return points, np.concatenate([one, other])


def inside() -> np.ndarray:
    x, y = np.divmod(np.arange(SIDE * SIDE), SIDE)
    return np.flatnonzero((x > 0) & (x < SIDE - 1) & (y > 0) & (y < SIDE - 1))


def motion(rows: np.ndarray, after: np.ndarray, tie: float = 0.0) -> Motion:
    still = np.zeros_like(after)
    return Motion(rows, still, after, still, np.zeros((len(rows), 3)), np.full(len(rows), tie))


def bump(points: np.ndarray, rows: np.ndarray, height: float = 0.004) -> np.ndarray:
    moved = np.zeros_like(points)
    moved[rows] = np.random.default_rng(0).normal(0, 0.0004, (len(rows), 3))
    moved[rows, 2] += height
    return moved


def test_onto_itself_every_motion_stays_what_it_was() -> None:
    points, faces = sheet()
    after = bump(points, inside())
    found = DeformationTransfer(points, points, faces, np.arange(len(points)))(motion(inside(), after))
    np.testing.assert_allclose(found, after[inside()], atol=1e-12)


def test_a_larger_surface_moves_as_much_farther() -> None:
    points, faces = sheet()
    after = bump(points, inside())
    found = DeformationTransfer(points, 1.7 * points + 0.3, faces, np.arange(len(points)))(motion(inside(), after))
    np.testing.assert_allclose(found, 1.7 * after[inside()], atol=1e-12)


def test_an_affine_motion_is_the_same_on_any_surface() -> None:
    """Every triangle turns and stretches alike, so another surface does the very same; where it lies is the tie's."""
    points, faces = sheet()
    other = points * (1.4, 0.8, 2.0) + np.random.default_rng(1).normal(0, 0.0005, points.shape)
    change = np.array([[0.1, -0.2, 0.05], [0.15, 0.05, 0.1], [-0.05, 0.1, 0.2]])
    rows, after = np.arange(len(points)), points @ change.T
    # The height of a triangle grows with the root of its area, not with the motion: the plane parts are what is asked.
    transfer = DeformationTransfer(points, other, faces, rows)
    found = transfer(motion(rows, after, tie=1e-12))
    flat = points * (1, 1, 0)
    plain = DeformationTransfer(flat, other * (1, 1, 0), faces, rows)(motion(rows, flat @ change.T, tie=1e-12))
    wanted = (other * (1, 1, 0)) @ change.T
    np.testing.assert_allclose(plain - plain.mean(axis=0), wanted - wanted.mean(axis=0), atol=1e-6)
    assert np.corrcoef(found[:, 0], (other @ change.T)[:, 0])[0, 1] > 0.98


def test_doubles_along_a_seam_move_as_one() -> None:
    points, faces = sheet()
    seam = np.flatnonzero(np.arange(len(points)) // SIDE == SIDE // 2)
    count = len(points)
    doubled, weld = np.concatenate([points, points[seam]]), np.concatenate([np.arange(count), seam])
    right = points[faces].mean(axis=1)[:, 0] > points[seam[0], 0]
    cut = faces.copy()
    for k, vertex in enumerate(seam):
        cut[right] = np.where(cut[right] == vertex, count + k, cut[right])
    rows = np.flatnonzero(np.isin(weld, inside()))
    after = bump(points, inside())[weld]
    target = doubled * (1.2, 0.9, 1.0)
    found = DeformationTransfer(doubled, target, cut, weld)(motion(rows, after))
    whole = DeformationTransfer(points, target[:count], faces, np.arange(count))(motion(inside(), after[:count]))
    np.testing.assert_allclose(found[: len(inside())], whole, atol=1e-12)
    twins = {int(weld[row]): found[k] for k, row in enumerate(rows) if row < count}
    for k, row in enumerate(rows):
        np.testing.assert_array_equal(found[k], twins[int(weld[row])])


def test_triangles_that_would_turn_over_do_not() -> None:
    """A crooked target, pressed together as far as the source goes without a fold."""
    points, faces = sheet()
    rows, after = inside(), np.zeros_like(points)
    after[rows, 0] = 0.010 * np.sin(np.pi * points[rows, 0] / points[:, 0].max()) ** 2
    target = points + np.random.default_rng(2).normal(0, 0.0012, points.shape)
    transferred = np.zeros_like(points)
    transferred[rows] = DeformationTransfer(points, target, faces, np.arange(len(points)))(motion(rows, after))
    over = [
        int(((face_normals(rest, faces) * face_normals(rest + moved, faces)).sum(axis=1) <= 0).sum())
        for rest, moved in ((points, after), (target, after), (target, transferred))
    ]
    assert over[0] == 0 and over[1] > 0 and over[2] == 0, over


@pytest.fixture(scope="module")
def rig() -> HeadRig:
    return load_builtin_rig()


def test_the_template_itself_keeps_its_shapes_and_correctives(rig: HeadRig) -> None:
    points = rig.landmarks().astype(np.float64)
    still = BiharmonicWarp(points[:100], points[:100])
    maker = PersonalShapes(rig, still, rig.vertices.astype(np.float64), rig.joints.astype(np.float64))
    shapes = maker.shapes()
    assert np.abs(shapes - rig.shapes).max() <= 1.01 * NEGLIGIBLE_MOTION_M
    for found, own in zip(maker.correctives(shapes), rig.correctives, strict=True):
        assert np.abs(found.displacement - own.displacement).max() < 2 * NEGLIGIBLE_MOTION_M


@pytest.fixture(scope="module")
def person(rig: HeadRig) -> HeadRig:
    return personalise(rig, someone(rig, 1), "person")


def test_what_rests_on_the_template_rests_on_a_person_and_the_rig_tells_how_it_was_made(
    rig: HeadRig, person: HeadRig
) -> None:
    still = np.abs(rig.shapes).max(axis=2) == 0
    assert np.abs(person.shapes[still]).max() == 0
    assert person.details["shapes"] == MADE_BY and "shapes" not in rig.details


def test_triangles_turn_and_stretch_as_on_the_template(rig: HeadRig, person: HeadRig) -> None:
    """Slopes of what a smile does, against the warp's own: a person with another nose and mouth."""
    faces = rig.faces[rig.part("skin").faces]
    for name in ("mouthSmileLeft", "jawOpen", "mouthPucker", "browInnerUp", "cheekPuff"):
        own, found = rig.shapes[INDEX[name]], person.shapes[INDEX[name]]
        moved = (own[faces] != 0).any(axis=(1, 2))
        size = np.sqrt(
            np.linalg.norm(face_normals(person.vertices, faces), axis=1).sum()
            / np.linalg.norm(face_normals(rig.vertices, faces), axis=1).sum()
        )
        stretch = np.linalg.norm(own[faces][:, 1] - own[faces][:, 0], axis=1)[moved]
        there = np.linalg.norm(found[faces][:, 1] - found[faces][:, 0], axis=1)[moved]
        assert np.corrcoef(stretch, there)[0, 1] > 0.95, name
        assert 0.85 < there.sum() / (size * stretch.sum()) < 1.15, name


def test_lids_meet_and_stay_off_eyeballs_that_are_too_large_for_them(rig: HeadRig) -> None:
    """A head of four fifths, whose eyes are as large as everybody's."""
    child = personalise(rig, 0.8 * rig.landmarks().astype(np.float64), "child")
    assert np.abs(gaps(shaped(child, eyeBlinkLeft=1.0, eyeBlinkRight=1.0), LID_PAIRS)).max() < 5e-4
    skin = rig.part("skin").vertices
    before = np.linalg.norm(rig.vertices[skin] - rig.joints[LEFT_EYE], axis=1)
    lids = np.flatnonzero((before > 0.0126) & (before < 0.02) & (rig.vertices[skin, 2] > rig.joints[LEFT_EYE, 2]))
    for name in (n for n in ARKIT_NAMES if n.startswith(("eye", "brow", "cheekSquint"))):
        for weight in (0.0, 0.5, 1.0):
            there = shaped(child, **{name: weight})[lids] - child.joints[LEFT_EYE]
            assert np.linalg.norm(there, axis=1).min() > 0.0120 + 0.9 * CLEARANCE_M, (name, weight)


def test_lids_far_enough_off_are_left_alone(rig: HeadRig) -> None:
    rest, joints = rig.vertices.astype(np.float64), rig.joints.astype(np.float64)
    np.testing.assert_array_equal(rest_off_eyes(rig, rest, joints), rest)
    shapes = rig.shapes.astype(np.float64)
    np.testing.assert_allclose(shapes_off_eyes(rig, rest, joints, shapes), shapes, atol=1e-12)
