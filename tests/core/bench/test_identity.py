"""The yardstick of forms: nought for the truth itself, and it grows with the error."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.assets.registry import models_folder
from core.bench.face_distance import rig_distances_mm
from core.bench.identity import FILM_TURN_DEG, consistency, film, person
from core.bench.likeness import structural_similarity
from core.bench.studio import Studio, neutral_shot, random_lights
from core.bench.truth_heads import face_region, relative, with_makeup, with_skin
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.head_model.builtin import load_builtin_rig
from core.rigging.build import observe_all


def test_the_truth_has_no_error_wherever_it_stands_and_however_large():
    truth = relative(3)
    points = truth.vertices[truth.part("skin").vertices][face_region(truth)].astype(float)
    turn = rotation_from_yaw_pitch_roll(0.4, 0.2, -0.3)
    moved = replace(truth, vertices=(1.1 * truth.vertices @ turn.T + (0.1, 0.2, 0.3)).astype(np.float32))
    assert rig_distances_mm(truth, points, moved).max() < 0.01


def test_error_is_the_distance_in_true_millimetres():
    truth = relative(3)
    points = truth.vertices[truth.part("skin").vertices][face_region(truth)].astype(float)
    other = np.median(rig_distances_mm(truth, points, relative(4)))
    assert other > 0.5
    small = replace(relative(4), vertices=0.5 * relative(4).vertices)
    assert np.median(rig_distances_mm(truth, points, small)) == pytest.approx(other, rel=0.02)


def test_face_is_what_a_scanner_sees():
    rig = load_builtin_rig()
    region = face_region(rig)
    points = rig.vertices[rig.part("skin").vertices]
    assert 800 < region.sum() < 0.6 * len(region)
    assert points[region, 2].min() > rig.landmarks()[:468, 2].min() - 1e-6


def test_people_differ_and_come_again():
    assert np.array_equal(relative(1).vertices, relative(1).vertices)
    assert np.abs(relative(1).landmarks() - relative(2).landmarks()).max() > 0.003
    plain, painted = with_skin(relative(1), 1), with_makeup(with_skin(relative(1), 1), 1)
    assert (plain.part("skin").material.texture != painted.part("skin").material.texture).any()
    assert person(0, models_folder()).name == person(0, models_folder()).name


def test_a_film_turns_to_both_sides():
    yaws = np.degrees([shot.yaw for shot in film(np.random.default_rng(0))])
    assert yaws.max() == pytest.approx(FILM_TURN_DEG, abs=1) and yaws.min() == pytest.approx(-FILM_TURN_DEG, abs=1)


def test_steadiness_tells_one_person_from_two():
    rng = np.random.default_rng(0)
    people = [rng.normal(0, 0.05, (468, 3)) for _ in range(4)]
    halves = [tuple(p + rng.normal(0, 0.0001, p.shape) for _ in range(2)) for p in people]
    own, others = consistency(halves)
    assert own < 0.4 and others > 10


def test_likeness_is_one_for_the_same_picture_and_less_for_another():
    image = np.random.default_rng(0).integers(0, 255, (80, 80, 3)).astype(np.uint8)
    mask = np.ones((80, 80), bool)
    assert structural_similarity(image, image, mask) == pytest.approx(1.0)
    assert structural_similarity(image, image[::-1].copy(), mask) < 0.3


def test_a_head_of_known_turn_is_seen_turned_so():
    rng = np.random.default_rng(0)
    with Studio() as studio:
        studio.seat(with_skin(relative(7), 7), random_lights(rng))
        pictures = [studio.take(neutral_shot(yaw), studio.camera(0.6), rng) for yaw in (-25, 0, 25)]
    yaws = np.degrees([seen.aligned.turn[0] for seen in observe_all(pictures)])
    assert yaws == pytest.approx([-25, 0, 25], abs=6)
