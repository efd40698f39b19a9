"""The skin's texture from photos: what was seen is unprojected, what was not is filled from the other side and the
skin's own colour."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.head_model.rig import HeadRig, Material
from core.rigging.observation import Observation
from core.rigging.skin_colour import fill_skin, measure_skin
from core.rigging.unprojection import (
    TextureParameters,
    distance_behind_face,
    feature_mask,
    skin_texels,
    trusted_mask,
    unproject,
)
from core.structures import ImageArray


def make_texture(
    rig: HeadRig, observations: list[Observation], size: float, parameters: TextureParameters | None = None
) -> tuple[ImageArray, float]:
    """(S, S, 3) uint8 skin texture, and the share of the face's texels that some photo shows.

    size: of the person, in parts of the mean face, see `FaceEstimate`.
    """
    parameters = parameters or TextureParameters()
    width = parameters.size
    texels = skin_texels(rig, width)
    features = feature_mask(rig, width)
    trusted = trusted_mask(rig, features)
    total, total_weight = np.zeros((width, width, 3), np.float32), np.zeros((width, width), np.float32)
    for seen in observations:
        colours, weights = unproject(rig, seen, size, texels, trusted, parameters)
        sharpened = weights * weights * seen.frontality
        total[texels.rows, texels.columns] += colours * sharpened[:, None]
        total_weight[texels.rows, texels.columns] += sharpened
    covered = np.clip(total_weight / 0.25, 0.0, 1.0)
    image = total / np.maximum(total_weight, 1e-6)[..., None]
    face = distance_behind_face(rig)[rig.faces[rig.part("skin").faces][texels.faces]].max(axis=1) < 0.008
    coverage = float(covered[texels.rows, texels.columns][face].mean())
    best = max(observations, key=lambda seen: seen.frontality)
    whole = fill_skin(image, covered, features, measure_skin(best), painted_skin(rig))
    return (whole * 255 + 0.5).astype(np.uint8), coverage


def painted_skin(rig: HeadRig) -> ImageArray:
    """The skin texture the rig has so far; plain mid grey when it has none."""
    texture = rig.part("skin").material.texture
    return np.full((8, 8, 3), 128, np.uint8) if texture is None else texture


def with_texture(rig: HeadRig, texture: ImageArray) -> HeadRig:
    """The rig with this skin texture."""
    parts = tuple(
        replace(p, material=Material((1.0, 1.0, 1.0), texture, p.material.roughness)) if p.name == "skin" else p
        for p in rig.parts
    )
    return replace(rig, parts=parts)
