"""A close photo's pores survive on the head."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.bench.likeness import photo_likeness
from core.head_model.builtin import load_builtin_rig
from core.head_model.personalise import personalise
from core.rigging.build import observe_all
from core.rigging.face_shape import estimate_shape
from core.rigging.fine_texture import is_fine
from core.rigging.person_mask import person_masks
from core.rigging.texture import make_texture, with_texture
from core.rigging.unprojection import blurred_to_texels


@pytest.fixture(scope="module")
def close(astronaut):
    """The portrait from near, with grain as fine as a pore: its face is 840 pixels wide."""
    large = cv2.resize(astronaut.image[20:260, 100:350], None, fx=9, fy=9, interpolation=cv2.INTER_CUBIC)
    grain = cv2.GaussianBlur(np.random.default_rng(0).normal(0, 40, large.shape[:2]), (0, 0), 0.8)
    return observe_all([np.clip(large + grain[..., None], 0, 255).astype(np.uint8)])[0]


def test_the_larger_texture_keeps_what_the_smaller_one_loses(close):
    shape = estimate_shape([close])
    rig = personalise(load_builtin_rig(), shape.landmarks, "close")
    texture, _ = make_texture(rig, [close], person_masks([close]), shape.estimate.size)
    assert texture.shape == (2048, 2048, 3)
    coarse = cv2.resize(texture, (1024, 1024), interpolation=cv2.INTER_AREA)
    fine, lost = (photo_likeness(with_texture(rig, t), close, shape.estimate.size) for t in (texture, coarse))
    assert fine > 0.85
    assert fine > lost + 0.1


def test_only_close_faces_get_it(close, astronaut):
    assert is_fine([close], 1024) and not is_fine([close], 2048)
    assert not is_fine(observe_all([astronaut.image]), 1024)


def test_grain_finer_than_the_texels_is_averaged(close):
    def grain(image):
        return float(np.abs(np.diff(image[900:1100, 900:1100].astype(float), axis=1)).mean())

    assert grain(blurred_to_texels(close, 512)) < 0.4 * grain(close.image)
    assert blurred_to_texels(close, 2048) is close.image
