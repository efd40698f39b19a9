"""A hand before the face is told by the other pictures; light, exposure and smiles are not taken for one."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.rigging.build import observe_all
from core.rigging.covering import FEWEST, covered_shares
from core.rigging.face_gaussian import load_face_gaussian
from core.rigging.face_shape import COVERED, picture_trust


def with_hand(image, landmarks):
    """Four fingers in a little less light than the cheek, darker between them."""
    covered = image.copy()
    points = landmarks.points[:, :2]
    width = float(np.ptp(points[:468, 0]))
    cheek = points[205]
    colour = np.median(image[int(cheek[1]) - 3 : int(cheek[1]) + 4, int(cheek[0]) - 3 : int(cheek[0]) + 4], axis=(0, 1))
    for finger in range(4):
        x = int(cheek[0] + (finger - 1.5) * 0.13 * width)
        ends = (x, int(cheek[1] - 0.15 * width)), (x - int(0.1 * width), int(cheek[1] + 0.6 * width))
        cv2.line(covered, *ends, tuple((0.55 * colour).tolist()), int(0.13 * width), cv2.LINE_AA)
        cv2.line(covered, *ends, tuple((0.85 * colour).tolist()), int(0.08 * width), cv2.LINE_AA)
    return covered


def lit_from_the_side(image, strength):
    across = np.linspace(1 - strength, 1 + strength, image.shape[1])[None, :, None]
    return np.clip(image * across, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def observations(astronaut):
    (plain,) = observe_all([astronaut.image])
    lights = [lit_from_the_side(astronaut.image, s) for s in (-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3)]
    dark = (0.8 * astronaut.image).astype(np.uint8)
    hand = with_hand(astronaut.image, plain.landmarks)
    return observe_all([*lights, dark, hand])


def test_the_hand_alone_is_found(observations):
    shares = covered_shares(observations)
    assert shares[-1] > 1.5 * COVERED, shares
    assert shares[:-1].max() < 0.3 * COVERED, shares


def test_such_a_picture_hardly_counts(observations):
    trust = picture_trust(observations, load_face_gaussian())
    assert trust[-1] < 0.15 * np.median(trust)


def test_few_pictures_tell_nothing(observations):
    assert not covered_shares(observations[-FEWEST + 1 :]).any()
