"""Highlights leave the skin, its pores and wrinkles do not."""

from __future__ import annotations

import numpy as np

from core.rigging.skin_colour import HIGHLIGHT_L, _matt

SIZE = 512
ROWS, COLUMNS = np.mgrid[0:SIZE, 0:SIZE]


def test_a_highlight_is_damped_and_the_grain_on_it_is_not():
    broad = np.broadcast_to(np.array([60.0, 15.0, 20.0], np.float32), (SIZE, SIZE, 3))
    shine = 20 * np.exp(-((ROWS - 256.0) ** 2 + (COLUMNS - 256.0) ** 2) / (2 * 20**2))
    grain = 2.0 * np.sign(np.sin(ROWS * np.pi / 2 + 0.1))
    lab = broad.copy()
    lab[..., 0] += shine + grain
    matt = _matt(lab, lab, broad, np.ones((SIZE, SIZE), np.float32))
    place = np.s_[250:262, 250:262]
    left = matt[place][..., 0] - 60 - grain[place]
    assert np.allclose(left, HIGHLIGHT_L + 0.35 * (20 - HIGHLIGHT_L), atol=1.2)
    assert np.ptp(matt[place][..., 0], axis=0).min() > 3.8
    far = np.s_[:150, :150]
    assert np.allclose(matt[far], lab[far], atol=1e-4)


def test_features_and_unseen_texels_are_left_alone():
    rng = np.random.default_rng(1)
    lab = rng.uniform(10, 90, (64, 64, 3)).astype(np.float32)
    broad = np.full_like(lab, 20)
    assert np.array_equal(_matt(lab, lab, broad, np.zeros((64, 64), np.float32)), lab)
