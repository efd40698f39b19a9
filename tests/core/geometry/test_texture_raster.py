from __future__ import annotations

import numpy as np

from core.geometry.texture_raster import map_texels
from core.head_model.builtin import load_builtin_rig


def test_texels_lie_where_their_weights_say():
    rig = load_builtin_rig()
    skin = rig.part("skin")
    uv, faces = rig.uv[skin.vertices], rig.faces[skin.faces]
    texels = map_texels(uv, faces, 256)
    at = np.einsum("nk,nkd->nd", texels.weights, uv[faces[texels.faces]]) * 256 - 0.5
    error = np.abs(at - np.stack([texels.columns, texels.rows], 1)).max(axis=1)
    assert np.median(error) < 1e-3 and np.quantile(error, 0.9) < 0.8  # only texels at a border belong to it half


def test_two_triangles_fill_the_square_once():
    uv = np.array([[0, 0], [1, 0], [0, 1], [1, 1.0]])
    texels = map_texels(uv, np.array([[0, 1, 2], [1, 3, 2]]), 64)
    assert len(texels.rows) == 64 * 64
    below = texels.rows + texels.columns
    assert (texels.faces[below < 60] == 0).all() and (texels.faces[below > 66] == 1).all()
    assert np.allclose(texels.weights.sum(1), 1, atol=1e-6)
