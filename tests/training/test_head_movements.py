"""How the built-in head moves: no fold, no lid through an eye, lids and lips that meet, alone and in pairs; and the
same on persons made of it. The numbers show with `-o log_cli=true -o log_cli_level=INFO`."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from core.blendshapes import ARKIT_NAMES
from core.geometry.mesh import face_normals
from core.geometry.rotation import rotation_from_vector
from core.head_model.builtin import load_builtin_rig
from core.head_model.personalise import personalise
from core.head_model.rig import HeadRig
from core.head_model.rig_glb import load_rig
from core.head_model.skinning import NECK, ROOT
from core.structures import FaceState
from tests.core.head_model.test_personalise import someone
from tests.movements import (
    INNER_LIP_PAIRS,
    LID_PAIRS,
    TOGETHER,
    WEIGHTS,
    gaps,
    lid_clearance,
    shaped,
    shown_together,
    turned_over,
)
from training.build_demo_rig import FOLDER
from training.head.neck import bent

LOG = logging.getLogger(__name__)
MM = 1e3
EVERYTHING = [(name,) for name in ARKIT_NAMES] + list(TOGETHER)


@pytest.fixture(scope="module")
def rig() -> HeadRig:
    return load_builtin_rig()


@pytest.mark.parametrize("names", EVERYTHING, ids="+".join)
def test_nothing_folds_and_no_lid_enters_an_eye(rig: HeadRig, names: tuple[str, ...]) -> None:
    for weight in WEIGHTS:
        vertices = shown_together(rig, names, weight)
        over, clearance = turned_over(rig, vertices), lid_clearance(rig, vertices)
        LOG.info(f"{'+'.join(names)} at {weight}: {len(over)} turned over, lids {MM * clearance:.2f} mm off the eyes")
        assert len(over) == 0, (MM * over).round()
        assert clearance > 3e-4


LID_SHAPES = [n for n in ARKIT_NAMES if n.startswith(("eye", "cheekSquint", "brow"))]


@pytest.mark.parametrize("name", LID_SHAPES)
def test_lids_stay_outside_the_eyeballs_all_the_way(rig: HeadRig, name: str) -> None:
    for weight in np.linspace(0.0, 1.0, 11):
        assert lid_clearance(rig, shaped(rig, **{name: float(weight)})) > 3e-4, weight


@pytest.mark.parametrize("mood", ["eyeBlink", "eyeLookDown", "eyeLookUp", "eyeSquint", "cheekSquint", "eyeWide"])
def test_a_blink_closes_the_lids_in_every_mood(rig: HeadRig, mood: str) -> None:
    closed = shown_together(rig, {"eyeBlink", mood}, 1.0)
    height = gaps(closed, LID_PAIRS)
    LOG.info(f"eyeBlink with {mood}: lids {(MM * height).round(2)} mm apart")
    assert np.abs(height).max() < 5e-4
    depth = [abs(closed[upper, 2] - closed[lower, 2]) for upper, lower in LID_PAIRS]
    assert max(depth) < 1.2e-3


def test_lids_do_not_cross_while_they_close_under_a_lowered_gaze(rig: HeadRig) -> None:
    for gaze in (0.25, 0.5, 0.75, 1.0):
        for blink in (0.25, 0.5, 0.75, 1.0):
            moved = shaped(rig, eyeBlinkLeft=blink, eyeLookDownLeft=gaze)
            assert gaps(moved, LID_PAIRS).min() > -5e-4, (blink, gaze)


def test_resting_lips_are_sealed(rig: HeadRig) -> None:
    height = gaps(rig.vertices.astype(np.float64), INNER_LIP_PAIRS)
    assert height.min() >= 0 and height.max() < 5e-4


def test_jaw_open_opens_as_wide_as_people_do(rig: HeadRig) -> None:
    opened = shaped(rig, jawOpen=1.0)
    assert 0.025 < opened[13, 1] - opened[14, 1] < 0.045
    upper, lower = (opened[rig.part(name).vertices] for name in ("upperTeeth", "lowerTeeth"))
    edges = [teeth[np.abs(teeth[:, 0]) < 0.006][:, 1] for teeth in (upper, lower)]
    assert 0.025 < edges[0].min() - edges[1].max() < 0.045


@pytest.mark.parametrize("weight", [0.1, 0.3, 0.6, 0.8, 1.0])
def test_mouth_close_seals_an_open_jaw(rig: HeadRig, weight: float) -> None:
    height = gaps(shaped(rig, jawOpen=weight, mouthClose=weight), INNER_LIP_PAIRS)
    LOG.info(f"jawOpen and mouthClose at {weight}: lips {(MM * height).round(2)} mm apart")
    assert height.min() > -3e-4 and height.max() < 5e-4


@pytest.mark.parametrize("jaw", [0.0, 0.3])
def test_lips_that_close_farther_than_the_jaw_is_open_do_not_cross(rig: HeadRig, jaw: float) -> None:
    height = gaps(shaped(rig, jawOpen=jaw, mouthClose=1.0), INNER_LIP_PAIRS)
    LOG.info(f"mouthClose 1 over jawOpen {jaw}: lips {(MM * height).round(2)} mm apart")
    assert height.min() > -1e-3 and height.max() < 5e-4


def demo_person() -> HeadRig:
    """A real face, with the unlike sides and the noise that a landmark network gives it."""
    return personalise(load_builtin_rig(), load_rig(FOLDER / "rig.glb").landmarks().astype(np.float64), "person")


@pytest.fixture(scope="module", params=["demo", 0, 1, 2])
def person(request: pytest.FixtureRequest, rig: HeadRig) -> HeadRig:
    return demo_person() if request.param == "demo" else personalise(rig, someone(rig, request.param), "relative")


def test_a_person_folds_almost_nowhere_and_only_about_the_mouth(person: HeadRig) -> None:
    """Up to 4 of 10 462 triangles in pairs of shapes, none in single ones, as on the built-in head."""
    corners = person.landmarks().astype(np.float64)[[61, 291]]
    most = {1: 0, 2: 4}
    for names in EVERYTHING:
        for weight in WEIGHTS:
            vertices = shown_together(person, names, weight)
            over, clearance = turned_over(person, vertices), lid_clearance(person, vertices)
            LOG.info(f"{'+'.join(names)} at {weight}: {len(over)} over, lids {MM * clearance:.2f} mm off the eyes")
            assert len(over) <= most[len(names)], (names, weight)
            if len(over):
                assert np.linalg.norm(over[:, None] - corners, axis=2).min(axis=1).max() < 0.035, names
            assert clearance > 4e-4, names


def test_a_persons_lids_and_lips_meet(person: HeadRig) -> None:
    for mood in ("eyeBlink", "eyeLookDown", "eyeSquint"):
        height = gaps(shown_together(person, {"eyeBlink", mood}, 1.0), LID_PAIRS)
        LOG.info(f"eyeBlink with {mood}: lids {(MM * height).round(2)} mm apart")
        assert np.abs(height).max() < 6e-4, mood
    for weight in (0.3, 0.6, 1.0):
        height = gaps(shaped(person, jawOpen=weight, mouthClose=weight), INNER_LIP_PAIRS)
        assert np.abs(height).max() < 5e-4, weight


TURNS = {"turned": (0, 0.7, 0), "nodding": (0.5, 0, 0), "looking up": (-0.5, 0, 0), "tilted": (0, 0, 0.4)}


@pytest.mark.parametrize("name", TURNS)
def test_the_neck_bends_along_an_arc(rig: HeadRig, name: str) -> None:
    """Each vertex goes where its share of the angle takes it, to a fifth of a millimetre, and nothing folds."""
    turn = np.array(TURNS[name])
    skin = rig.part("skin").vertices
    share, joint = 1.0 - rig.skin_weights[skin, ROOT].astype(np.float64), rig.joints[NECK].astype(np.float64)
    rest = rig.vertices[skin].astype(np.float64)
    wanted = np.stack([bent(s, turn) @ (p - joint) for s, p in zip(share, rest, strict=True)]) + joint
    mesh = rig.deform(FaceState(0.0, head_rotation=rotation_from_vector(turn).astype(np.float32)))
    off = np.linalg.norm(mesh.vertices[skin] - wanted, axis=1)
    LOG.info(f"{name}: at most {MM * off.max():.2f} mm off the arc")
    assert off.max() < 2e-4
    faces = rig.faces[rig.part("skin").faces]
    follows = np.stack([bent(s, turn) for s in share[faces].mean(axis=1)])
    turned_rest = np.einsum("fab,fb->fa", follows, face_normals(rig.vertices.astype(np.float64), faces))
    assert (turned_rest * face_normals(mesh.vertices.astype(np.float64), faces)).sum(axis=1).min() > 0


def test_shapes_and_correctives_mirror_each_other(rig: HeadRig) -> None:
    from scipy.spatial import cKDTree

    from core.blendshapes import mirror_name

    skin = rig.part("skin").vertices
    distance, partner = cKDTree(rig.vertices[skin]).query(rig.vertices[skin] * (-1, 1, 1))
    found = {(c.first, c.second): c for c in rig.correctives}
    worst = distance.max()
    for (first, second), one in found.items():
        names = mirror_name(first), mirror_name(second)
        other = found.get(names) or found[names[::-1]]
        dense = np.zeros((2, len(rig.vertices), 3))
        dense[0, one.rows], dense[1, other.rows] = one.displacement, other.displacement
        worst = max(worst, np.abs(dense[0][partner] * (-1, 1, 1) - dense[1][skin]).max())
    LOG.info(f"correctives mirror to {MM * worst:.4f} mm")
    assert worst < 5e-5
