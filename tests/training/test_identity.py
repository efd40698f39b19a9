"""What the face Gaussian is learned from."""

from __future__ import annotations

import numpy as np

from core.blendshapes import ARKIT_NAMES, COUNT
from core.rigging.face_gaussian import DIRECTIONS_DEG
from training.identity.draw import EXPRESSIVE, person, random_expression, shots
from training.identity.learn import MIRRORED_DIRECTION, anchor_weights, mirrored_shapes


def test_mirrored_shapes_and_directions_are_their_own_inverse():
    swap = mirrored_shapes()
    assert np.array_equal(swap[swap], np.arange(COUNT))
    assert ARKIT_NAMES[swap[ARKIT_NAMES.index("mouthSmileLeft")]] == "mouthSmileRight"
    for number, other in enumerate(MIRRORED_DIRECTION):
        (yaw, pitch), (other_yaw, other_pitch) = DIRECTIONS_DEG[number], DIRECTIONS_DEG[other]
        assert (yaw, pitch) == (-other_yaw, other_pitch)


def test_still_points_weigh_more_than_the_mouth():
    weights = anchor_weights()
    assert weights[168] > 0.5 > 5 * weights[61] and weights[14] < 0.1


def test_everybody_sits_for_all_directions_and_some_expressions():
    planned = shots(np.random.default_rng(0), 0.7)
    assert sorted(number for number, _ in planned if number >= 0) == list(range(len(DIRECTIONS_DEG)))
    assert sum(number < 0 for number, _ in planned) == EXPRESSIVE
    for _ in range(20):
        values = random_expression(np.random.default_rng(1))
        assert values.shape == (COUNT,) and values.min() >= 0 and values.max() <= 1


def test_people_come_again_and_wear_paint_by_their_number():
    first, again = person(500_003, None), person(500_003, None)
    assert np.array_equal(first.vertices, again.vertices)
    bare, painted = person(500_003, None), person(700_003, None)
    assert bare.part("skin").material.texture.shape == painted.part("skin").material.texture.shape
