"""A person's skin colour, and the texture's holes filled with it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from core.head_model.identity import FACE_POINTS
from core.rigging.lighting import to_linear, to_srgb
from core.rigging.observation import Observation
from core.structures import FloatArray, ImageArray

ENCLOSED = (0.25, 0.6)
"""Share of seen texels around a hidden one between which it takes their colours, not those of ordinary skin."""
SKIN_HUE_DEG, MOST_CHROMA = (40.0, 72.0), 36.0
HIGHLIGHT_L = 3.0  # CIE lightness
HIGHLIGHT_GRAIN = 170  # details finer than this part of the texture are not highlights
OUTLINE, SHADE = (0.001, 0.017), (0.0125, 0.05)
"""Distances from the outline of what was seen, in parts of the texture, between which it fades in, and between which
its broad colours are believed: hair shades the skin beside it."""
DETAIL, CONTRAST = 100, (0.8, 1.2)
"""Details finer than this part of the texture, and no stronger than this, are kept where its broad colours are not."""
SKIN_SAMPLES = (50, 280, 101, 330, 36, 266, 205, 425, 151, 9, 108, 337, 69, 299, 117, 346, 187, 411)


def convert_colour(image: FloatArray, code: int) -> FloatArray:
    """(H, W, 3) float32 image in another colour space; OpenCV's stubs do not know that floats stay floats."""
    return np.asarray(cv2.cvtColor(image.astype(np.float32), code), np.float32)


def broad_blur(image: FloatArray, sigma: float) -> FloatArray:
    """(H, W) or (H, W, n) blurred by many pixels: on a quarter of the size, where it costs a twentieth of the time."""
    quarter = (max(1, image.shape[1] // 4), max(1, image.shape[0] // 4))
    small = cv2.resize(image.astype(np.float32), quarter, interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(small, (0, 0), sigma / 4)
    whole = cv2.resize(blurred, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(whole, np.float32)


def smooth_step(x: FloatArray, low: float, high: float) -> FloatArray:
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return t * t * (3 - 2 * t)


@dataclass(frozen=True, slots=True, eq=False)
class SkinColour:
    """Robust mean and spread of a person's skin in CIE Lab. mean, deviation: (3,)."""

    mean: FloatArray
    deviation: FloatArray

    def distance(self, lab: FloatArray, lightness: float) -> FloatArray:
        """(n,) how many deviations colours (n, 3) lie from the skin's; `lightness` is the weight of L."""
        away = ((lab - self.mean) / self.deviation).astype(np.float32)
        return np.sqrt(away**2 @ np.array([lightness, 1.0, 1.0], np.float32))


def measure_skin(seen: Observation) -> SkinColour:
    """Skin colour from patches on cheeks, forehead and nose."""
    radius = max(2, int(np.ptp(seen.landmarks.points[:FACE_POINTS, 0]) / 60))
    samples = []
    for x, y in np.round(seen.landmarks.points[list(SKIN_SAMPLES), :2]).astype(int):
        patch = seen.image[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
        samples.append(patch.reshape(-1, 3))
    colours = np.concatenate(samples).astype(np.float32)[None] / 255
    values = convert_colour(colours, cv2.COLOR_RGB2LAB)[0]
    mean = np.median(values, axis=0)
    deviation = 1.4826 * np.median(np.abs(values - mean), axis=0)
    return SkinColour(mean, np.maximum(deviation, (9.0, 4.5, 5.0)))


def believable_tone(tone: FloatArray) -> FloatArray:
    """(3,) linear skin tone brought back where a photo's light or a painting's varnish took it out of what skin looks
    like: hue 40 to 72 degrees in CIE Lab, chroma up to 36; bounds chosen by eye."""
    lab = convert_colour(to_srgb(tone)[None, None].astype(np.float32), cv2.COLOR_RGB2LAB)[0, 0].astype(np.float64)
    hue = np.clip(np.arctan2(lab[2], lab[1]), *np.radians(SKIN_HUE_DEG))
    chroma = min(float(np.hypot(lab[1], lab[2])), MOST_CHROMA)
    lab[1:] = chroma * np.cos(hue), chroma * np.sin(hue)
    rgb = convert_colour(lab[None, None].astype(np.float32), cv2.COLOR_LAB2RGB)[0, 0]
    return np.maximum(to_linear(rgb), 1e-3)


def evenly_lit_skin(skin: SkinColour, tone: FloatArray) -> SkinColour:
    """The skin's colour in even light, where its linear tone (3,) is known."""
    lab = convert_colour(to_srgb(tone)[None, None].astype(np.float32), cv2.COLOR_RGB2LAB)[0, 0]
    return SkinColour(lab, skin.deviation)


def _matt(lab: FloatArray, filled: FloatArray, broad: FloatArray, plain: FloatArray) -> FloatArray:
    """(S, S, 3) Lab image whose highlights on bare skin are damped: what outshines its surroundings by more than
    `HIGHLIGHT_L` keeps a third of the excess, and takes their colour. Pores and wrinkles inside a highlight stay: the
    excess is that of texels and their neighbours. filled: the image with its holes closed; broad: that, blurred."""
    soft = cv2.GaussianBlur(filled[..., 0], (0, 0), lab.shape[0] / HIGHLIGHT_GRAIN)
    excess = np.maximum(soft - broad[..., 0] - HIGHLIGHT_L, 0.0) * plain
    damped = lab.copy()
    damped[..., 0] -= 0.65 * excess
    share = (excess / (excess + 6.0))[..., None]
    damped[..., 1:] = lab[..., 1:] * (1 - share) + broad[..., 1:] * share
    return damped


def _evenly_lit(image: FloatArray, plain: FloatArray, skin: SkinColour) -> FloatArray:
    """(S, S, 3) the texture with the photo's broad shading taken out, so that only the viewer's light shades it.

    plain: (S, S) weight of texels that show bare skin. Their colours, blurred, are the shading; the person's typical
    skin is what it should have been.
    """
    lab = convert_colour(image.astype(np.float32), cv2.COLOR_RGB2LAB)
    filled = _fill(lab, plain)
    broad = broad_blur(filled, image.shape[0] / 34)
    lab = _matt(lab, filled, broad, plain)
    lab[..., 0] *= np.clip(skin.mean[0] / np.maximum(broad[..., 0], 1.0), 0.75, 1.6) ** 0.7
    lab[..., 1:] += 0.45 * np.clip(skin.mean[1:] - broad[..., 1:], -12, 12)
    lab[..., 0] = np.minimum(lab[..., 0], 100.0)
    return np.clip(convert_colour(lab, cv2.COLOR_LAB2RGB), 0.0, 1.0)


def _fill(image: FloatArray, weight: FloatArray) -> FloatArray:
    """Image whose texels without weight take the smooth continuation of those with (push-pull pyramid)."""
    if min(weight.shape) <= 2:
        total = float(weight.sum())
        mean = (image * weight[..., None]).sum((0, 1)) / max(total, 1e-6)
        return np.broadcast_to(mean, image.shape).astype(np.float32)
    share = np.asarray(weight, np.float32)[..., None]
    return np.asarray(image * share + _filled_softly(image, weight) * (1 - share), np.float32)


def _filled_softly(image: FloatArray, weight: FloatArray) -> FloatArray:
    """As `_fill`, for texels without weight alone: on half the size, for what is continued there is smooth."""
    half = (weight.shape[1] // 2, weight.shape[0] // 2)
    small_weight = cv2.resize(weight, half, interpolation=cv2.INTER_AREA)
    small = cv2.resize(image * weight[..., None], half, interpolation=cv2.INTER_AREA)
    filled = _fill(small / np.maximum(small_weight, 1e-6)[..., None], np.minimum(1.0, 4 * small_weight))
    return np.asarray(cv2.resize(filled, weight.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def _detail(painted: ImageArray, size: int) -> FloatArray:
    """(S, S, 3) factor that carries fine features of the painted head (nostrils, lids, lip line) to another skin."""
    image = cv2.resize(painted, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    return np.clip(image / np.maximum(broad_blur(image, size / 30), 0.05), 0.4, 1.15)


def _soft_edged(weight: FloatArray) -> FloatArray:
    """(S, S) weights that fade to 0 over some texels inside of every edge: what hides a texel hides it sharply."""
    blurred = np.asarray(cv2.GaussianBlur(weight.astype(np.float32), (0, 0), weight.shape[0] / 256), np.float32)
    return weight * smooth_step(blurred, 0.5, 0.95)


def _inwards(weight: FloatArray) -> FloatArray:
    """(S, S) distance from the outline of what was seen, in parts of the texture. Holes inside have no outline."""
    around = np.pad((weight < 0.5).astype(np.uint8), 1, constant_values=1)
    _, regions = cv2.connectedComponents(around, connectivity=4)
    inside = (regions != regions[0, 0]).astype(np.uint8)
    return np.asarray(cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_3)[1:-1, 1:-1] / len(weight))


def _brought_to(base: FloatArray, image: FloatArray, weight: FloatArray) -> FloatArray:
    """(S, S, 3) the image with the broad colours of `base`, and its own details, where it has weight."""
    sigma = len(weight) / DETAIL
    broad = broad_blur(image * weight[..., None], sigma) / np.maximum(broad_blur(weight, sigma), 1e-3)[..., None]
    return base * np.clip(image / np.maximum(broad, 0.02), *CONTRAST)


def fill_skin(
    seen: FloatArray,
    weight: FloatArray,
    features: FloatArray,
    mouth: FloatArray,
    skin: SkinColour,
    painted: ImageArray,
) -> FloatArray:
    """(S, S, 3) whole skin: seen texels, then the mirrored side, then smooth continuation with a skin's grain.

    seen: (S, S, 3) in [0, 1]; weight, features, mouth: (S, S); painted: the built-in head's texture, for what
    nobody saw.
    """
    bare = 1 - np.clip(features * 1.5, 0, 1)
    inwards = _inwards(weight)
    weight = _soft_edged(weight) * np.maximum(smooth_step(inwards, *OUTLINE), np.clip(features, 0, 1))
    inner = np.maximum(smooth_step(inwards, *SHADE), np.clip(features, 0, 1))
    seen = _evenly_lit(seen, (weight * bare).astype(np.float32), skin)
    from_other_side = (1 - weight) * weight[:, ::-1]
    known = weight + from_other_side
    sure = (weight * inner + from_other_side * inner[:, ::-1]).astype(np.float32)
    merged = seen * weight[..., None] + seen[:, ::-1] * from_other_side[..., None]
    merged = (merged / np.maximum(known, 1e-6)[..., None]).astype(np.float32)
    base: FloatArray = _continued(merged, sure * bare, skin) * _detail(painted, len(weight))
    enclosed = smooth_step(broad_blur(known, len(weight) / 50), *ENCLOSED)[..., None]
    rim = (known - sure)[..., None] / np.maximum(known, 1e-6)[..., None]
    merged = merged * (1 - rim) + _brought_to(base, merged, known.astype(np.float32)) * rim
    base = np.asarray(_filled_softly(merged, known.astype(np.float32)) * enclosed + base * (1 - enclosed), np.float32)
    hidden_lips = (mouth * (1 - known))[..., None]
    lips = _filled_softly(merged, (known * mouth).astype(np.float32))
    base = np.asarray(base * (1 - hidden_lips) + lips * hidden_lips, np.float32)
    return np.clip(merged * known[..., None] + base * (1 - known[..., None]), 0.0, 1.0)


def _continued(image: FloatArray, plain: FloatArray, skin: SkinColour) -> FloatArray:
    """(S, S, 3) bare skin everywhere: the smooth continuation of ordinary texels, the person's typical skin far off."""
    lab = convert_colour(image.astype(np.float32), cv2.COLOR_RGB2LAB).reshape(-1, 3)
    ordinary = 1 - smooth_step(skin.distance(lab, lightness=0.15), 1.2, 2.6).reshape(plain.shape)
    trusted = (plain * ordinary).astype(np.float32)
    smooth = _filled_softly(image, trusted)
    tone = convert_colour(skin.mean[None, None].astype(np.float32), cv2.COLOR_LAB2RGB)[0, 0]
    near = np.clip(broad_blur(trusted, len(plain) / 9) * 2.2, 0, 1)[..., None]
    noise = np.random.default_rng(5).standard_normal(plain.shape).astype(np.float32)
    grain = np.asarray(cv2.GaussianBlur(noise, (0, 0), 1.1), np.float32)
    return smooth * near + tone * (1 - near) + (0.010 * grain / grain.std())[..., None]
