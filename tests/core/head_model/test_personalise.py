from __future__ import annotations

import numpy as np
import pytest

from core.blendshapes import INDEX
from core.head_model.builtin import load_builtin_rig
from core.head_model.identity import INNER_LIP_PAIRS, fit_identity, mirrored_landmarks
from core.head_model.personalise import BiharmonicWarp, personalise


@pytest.fixture(scope="module")
def rig():
    return load_builtin_rig()


def someone(rig, seed: int = 0) -> np.ndarray:
    """(478, 3) another person's rest points: a smooth symmetric change of the template."""
    p = rig.landmarks().astype(float)
    rng = np.random.default_rng(seed)
    wide, tall, deep = rng.uniform(0.93, 1.08, 3)
    changed = p * (wide, tall, deep)
    changed[:, 1] += 0.004 * rng.normal() * np.exp(-(((p[:, 1] + 0.07) / 0.03) ** 2))
    changed[:, 2] += 0.004 * rng.normal() * np.exp(-((p[:, 0] / 0.02) ** 2)) * np.exp(-(((p[:, 1] + 0.03) / 0.02) ** 2))
    return changed


def test_warp_takes_centres_to_targets_and_keeps_affine_motion():
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 0.1, (60, 3))
    targets = centres + rng.normal(0, 0.01, (60, 3))
    assert np.allclose(BiharmonicWarp(centres, targets)(centres), targets, atol=1e-9)
    matrix = np.eye(3) + rng.normal(0, 0.1, (3, 3))
    affine = BiharmonicWarp(centres, centres @ matrix.T + 0.3)
    elsewhere = rng.normal(0, 0.3, (20, 3))
    assert np.allclose(affine(elsewhere), elsewhere @ matrix.T + 0.3, atol=1e-8)


def test_own_points_give_the_same_head(rig):
    same = personalise(rig, rig.landmarks(), "same")
    assert np.abs(same.vertices - rig.vertices).max() < 5e-4
    assert np.abs(same.shapes - rig.shapes).max() < 5e-4


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_face_follows_and_the_rest_stays_a_head(rig, seed):
    target = someone(rig, seed)
    head = personalise(rig, target, "other")
    off = head.landmarks()[:468] - target[:468]
    assert np.median(np.linalg.norm(off - np.median(off, axis=0), axis=1)) < 2e-4
    ratio = np.ptp(head.vertices, axis=0) / np.ptp(rig.vertices, axis=0)
    assert (ratio > 0.85).all() and (ratio < 1.15).all()
    blink = head.landmarks(head.vertices + head.shapes[INDEX["eyeBlinkLeft"]])
    assert blink[386, 1] - blink[374, 1] < 0.2 * (head.landmarks()[386, 1] - head.landmarks()[374, 1])


def test_mirror_table_is_an_involution(rig):
    other = mirrored_landmarks(rig.landmarks().astype(float)[:468])
    assert (other[other] == np.arange(468)).all()
    assert other[33] == 263 and other[61] == 291 and other[1] == 1


def test_rest_stays_rest(rig):
    fit = fit_identity(rig.landmarks().astype(float), rig)
    assert fit.blendshapes.max() < 0.02
    assert np.abs(fit.neutral_landmarks - rig.landmarks()).max() < 5e-4


@pytest.mark.parametrize("shown", [{"jawOpen": 0.5}, {"mouthSmileLeft": 0.8, "mouthSmileRight": 0.8}])
def test_expression_is_told_from_the_person(rig, shown):
    """A made-up person who smiles or speaks: half of what the mouth does, or more, is taken away again."""
    person = personalise(rig, someone(rig, 1), "person")
    values = np.zeros(52, np.float32)
    for name, value in shown.items():
        values[INDEX[name]] = value
    seen = person.landmarks(person.shaped_vertices(values))
    fit = fit_identity(seen.astype(float), rig)
    mouth = [0, 17, 61, 291, 13, 14, 40, 270, 91, 321]
    before = np.linalg.norm(seen[mouth] - person.landmarks()[mouth], axis=1).mean()
    after = np.linalg.norm(fit.neutral_landmarks[mouth] - person.landmarks()[mouth], axis=1).mean()
    assert after < 0.5 * before


def test_identity_of_a_crooked_face_is_found_too(rig):
    crooked = someone(rig, 1) + np.random.default_rng(3).normal(0, 0.0015, (478, 3))
    own = personalise(rig, crooked, "crooked")
    fit = fit_identity(own.landmarks().astype(float), own)
    assert fit.blendshapes.max() < 0.05
    off = np.abs(fit.neutral_landmarks - own.landmarks())[:468]
    off[[point for pair in INNER_LIP_PAIRS for point in pair]] = 0.0  # crooked lips are closed
    assert off.max() < 1e-3
