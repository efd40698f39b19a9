"""The fine half of a large texture: what close photos show between the texels of the coarse one, kept as it is.

Light, tone and holes are broad and are worked out on the coarse texture, from pictures blurred to its texels. What the
blur took away (pores, lashes, stubble) is laid on it again at twice the size.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from core.geometry.texture_raster import TexelMap
from core.rigging.observation import Observation, face_width
from core.rigging.unprojection import FACE_SHARE, SkinView, blurred_to_texels, sampled
from core.structures import FloatArray, IntArray

ENLARGED = 2
WORTH_IT = 1.15  # a face this many times as wide as the coarse texture's is worth the larger one
GAIN = (0.4, 2.5)  # by which light taken out of the skin may change its details


def is_fine(observations: Sequence[Observation], size: int) -> bool:
    """Whether some picture shows the face finer than a coarse texture of this size."""
    return any(face_width(seen.landmarks) > WORTH_IT * FACE_SHARE * size for seen in observations)


def with_fine_detail(
    coarse: FloatArray,
    texels: TexelMap,
    observations: Sequence[Observation],
    views: Sequence[SkinView],
    weights: Sequence[FloatArray],
    covered: FloatArray,
) -> FloatArray:
    """(2S, 2S, 3) the coarse texture (S, S, 3) in [0, 1] with its pictures' finest details.

    weights: (n,) of each view's texels; covered: (S, S) in [0, 1], where the texture comes from pictures.
    """
    size = (ENLARGED * texels.size,) * 2
    total, total_weight = np.zeros((*size, 3), np.float32), np.zeros(size, np.float32)
    for seen, view, weight in zip(observations, views, weights, strict=True):
        lost = seen.image.astype(np.float32) - blurred_to_texels(seen, texels.size)
        row, column, at, share = _fine_places(texels, view, weight)
        gain = coarse[texels.rows, texels.columns] / np.maximum(view.colours, 0.02)
        whole = _spread(texels, np.clip(gain, *GAIN).astype(np.float32))[row, column]
        total[row, column] += sampled(lost, at) * whole * share[:, None]
        total_weight[row, column] += share
    enlarged = np.asarray(cv2.resize(coarse.astype(np.float32), size, interpolation=cv2.INTER_CUBIC))
    fade = np.asarray(cv2.resize(covered.astype(np.float32), size, interpolation=cv2.INTER_LINEAR))
    detail = total / np.maximum(total_weight, 1e-9)[..., None]
    return np.clip(enlarged + fade[..., None] * detail, 0.0, 1.0)


def _fine_places(
    texels: TexelMap, view: SkinView, weight: FloatArray
) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """(rows, columns, (m, 2) pixels of the picture, weights) of the fine texels that a view shows."""
    wide = _spread(texels, np.column_stack([view.at[:, :2], weight]).astype(np.float32))
    inside = _spread(texels, np.ones((len(texels.rows), 1), np.float32))
    row, column = np.nonzero((inside > 0.999) & (wide[..., 2] > 0))  # beside the atlas's edges places are not mixed
    return row, column, wide[row, column, :2], wide[row, column, 2]


def _spread(texels: TexelMap, values: FloatArray) -> FloatArray:
    """(2S, 2S, d) or (2S, 2S) values (n, d) of the coarse texels, between them."""
    grid = np.zeros((texels.size, texels.size, values.shape[1]), np.float32)
    grid[texels.rows, texels.columns] = values
    return np.asarray(cv2.resize(grid, (ENLARGED * texels.size,) * 2, interpolation=cv2.INTER_LINEAR))
