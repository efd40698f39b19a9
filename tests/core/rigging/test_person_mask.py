"""Background is taken off the skin, never more than off its rim, and never at the price of a head."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from core.head_model.builtin import load_builtin_rig
from core.rigging import person_mask
from core.rigging.build import observe_all
from core.rigging.person_mask import person_masks
from core.rigging.unprojection import TextureParameters, face_texels, feature_mask, trusted_mask, unproject

SIZE = 256


@pytest.fixture(scope="module")
def seen(astronaut):
    return observe_all([astronaut.image])[0]


class Network:
    """A network that answers as it is told, and knows whether it was closed."""

    def __init__(self, answer):
        self.answer, self.closed = answer, False

    def process(self, image):
        if isinstance(self.answer, Exception):
            raise self.answer
        return SimpleNamespace(segmentation_mask=self.answer(image))

    def close(self):
        self.closed = True


def with_network(monkeypatch, network):
    library = SimpleNamespace(SelfieSegmentation=lambda model_selection: network)
    monkeypatch.setattr(person_mask, "load_selfie_segmentation", lambda: library)
    return network


def test_the_wheels_network_tells_the_face_from_the_wall_behind(seen):
    (mask,) = person_masks([seen])
    assert mask.shape == seen.image.shape[:2] and mask.dtype == np.float32
    assert mask.min() >= 0 and mask.max() <= 1
    x, y = np.round(seen.landmarks.points[:468, :2]).astype(int).T
    assert (mask[y, x] > 0.9).mean() > 0.95
    low, high = x.min(), x.max()
    beside = mask[y.min() : y.max(), [low - (high - low), high + (high - low)]]
    assert (beside < 0.1).mean() > 0.9


def test_a_mask_only_takes_away_and_leaves_the_middle_of_the_face(seen):
    rig, parameters = load_builtin_rig(), TextureParameters(size=SIZE)
    texels, features = face_texels(rig, parameters), feature_mask(rig, SIZE)
    middle = int(seen.landmarks.points[1, 0])
    half = np.ones(seen.image.shape[:2], np.float32)
    half[:, :middle] = 0.0
    plain = unproject(rig, seen, 1.0, texels, features, parameters)
    whole = unproject(rig, seen, 1.0, texels, features, parameters, np.ones_like(half))
    masked = unproject(rig, seen, 1.0, texels, features, parameters, half)
    assert np.array_equal(whole.weights, plain.weights)
    trusted = trusted_mask(rig, features)[texels.rows, texels.columns]
    taken = ~trusted & (plain.at[:, 0] < middle - 1)
    assert (plain.weights[taken] > 0.1).sum() > 50
    assert (masked.weights[taken] == 0).all()
    assert np.array_equal(masked.weights[trusted], plain.weights[trusted])
    assert (masked.weights <= plain.weights).all()


@pytest.mark.parametrize(
    "answer",
    [
        RuntimeError("graph"),
        ValueError("timestamp"),
        lambda image: None,
        lambda image: np.zeros(image.shape[:2], np.float32),
        lambda image: np.ones((4, 4), np.float32),
        lambda image: np.full(image.shape[:2], np.nan, np.float32),
    ],
)
def test_a_network_that_fails_or_misses_the_face_gives_no_mask_and_is_closed(seen, monkeypatch, answer):
    network = with_network(monkeypatch, Network(answer))
    assert person_masks([seen, seen]) == [None, None]
    assert network.closed


def test_a_network_that_cannot_be_had_gives_no_masks(seen, monkeypatch):
    def absent():
        raise ImportError("no such module")

    monkeypatch.setattr(person_mask, "load_selfie_segmentation", absent)
    assert person_masks([seen]) == [None]


def test_what_the_network_did_not_look_at_counts_as_person(seen, monkeypatch):
    with_network(monkeypatch, Network(lambda image: np.ones(image.shape[:2], np.float32)))
    (mask,) = person_masks([seen])
    assert (mask == 1).all()
