"""The skin's texture from photos: what was seen is unprojected, what was not is filled from the other side and the
skin's own colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from core.head_model.rig import HeadRig, Material
from core.rigging.exposure import well_exposed
from core.rigging.fine_texture import is_fine, with_fine_detail
from core.rigging.observation import Observation
from core.rigging.skin_colour import believable_tone, evenly_lit_skin, fill_skin, measure_skin
from core.rigging.unprojection import (
    TextureParameters,
    distance_behind_face,
    face_texels,
    feature_mask,
    mouth_mask,
    unproject,
)
from core.structures import FloatArray, ImageArray


def make_texture(
    rig: HeadRig,
    observations: Sequence[Observation],
    persons: Sequence[FloatArray | None],
    size: float,
    parameters: TextureParameters | None = None,
) -> tuple[ImageArray, float]:
    """(S, S, 3) uint8 skin texture, and the share of the face's texels that some photo shows. Twice as large as
    `parameters` say where a picture is as fine.

    persons: (H, W) of `person_masks`, of each picture; size: of the person, in parts of the mean face, see
    `FaceEstimate`.
    """
    parameters = parameters or TextureParameters()
    width = parameters.size
    texels = face_texels(rig, parameters)
    features = feature_mask(rig, width)
    views = [
        unproject(rig, seen, size, texels, features, parameters, person)
        for seen, person in zip(observations, persons, strict=True)
    ]
    best = max(range(len(views)), key=lambda k: observations[k].frontality * observations[k].restfulness)
    tone = believable_tone(well_exposed(observations[best], views[best].lighting.tone))
    total, total_weight = np.zeros((width, width, 3), np.float32), np.zeros((width, width), np.float32)
    shares = [
        view.weights**3 * seen.frontality * (0.1 + seen.sharpness) ** 2 * seen.restfulness
        for seen, view in zip(observations, views, strict=True)
    ]
    for view, sharpened in zip(views, shares, strict=True):
        total[texels.rows, texels.columns] += view.albedo(tone) * sharpened[:, None]
        total_weight[texels.rows, texels.columns] += sharpened
    image = total / np.maximum(total_weight, 1e-9)[..., None]
    covered = np.clip(total_weight / max(0.06 * float(total_weight.max()), 1e-9), 0.0, 1.0)
    face = distance_behind_face(rig)[rig.faces[rig.part("skin").faces][texels.faces]].max(axis=1) < 0.008
    coverage = float(covered[texels.rows, texels.columns][face].mean())
    skin = evenly_lit_skin(measure_skin(observations[best]), tone)
    whole = fill_skin(image, covered, features, mouth_mask(rig, width), skin, painted_skin(rig))
    if is_fine(observations, width):
        whole = with_fine_detail(whole, texels, observations, views, shares, covered)
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
