"""Highlights leave the skin, its pores and wrinkles do not; what shades its outline leaves no seam."""

from __future__ import annotations

import numpy as np

from core.rigging.skin_colour import HIGHLIGHT_L, SkinColour, _matt, fill_skin

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


def test_hairs_shade_along_the_outline_is_taken_off_and_a_brow_in_it_stays():
    skin = SkinColour(np.array([70.0, 10.0, 16.0], np.float32), np.array([9.0, 4.5, 5.0]))
    distance = np.hypot(ROWS - 256.0, COLUMNS - 256.0)
    shade = 1 - 0.5 * np.clip((distance - 135) / 25, 0, 1)
    brow = (np.hypot(ROWS - 256.0, COLUMNS - 400.0) < 8).astype(np.float32)
    seen = (np.array([0.80, 0.65, 0.57]) * shade[..., None]).astype(np.float32)
    seen[brow > 0] = (0.3, 0.2, 0.1)
    weight = (distance < 160).astype(np.float32)
    whole = fill_skin(seen, weight, brow, np.zeros_like(weight), skin, np.full((8, 8, 3), 128, np.uint8))
    rows = whole[:, 246:266].mean(axis=(1, 2))  # across the middle, and the shade twice
    middle = float(np.median(rows[226:286]))
    assert np.abs(rows - middle).max() < 0.2 * middle, "0.33 where the shade is believed"
    assert np.abs(rows[3:] - rows[:-3]).max() < 0.1 * middle, "0.16 where the shade is believed"
    assert whole[256, 400].mean() < 0.5 * middle
