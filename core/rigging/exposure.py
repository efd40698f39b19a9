"""How much too dark a picture shows a face, told by the whites of its eyes.

A brightness alone cannot tell dark skin from skin in shadow. The white of an eye can: it lies in the same light and is
about as white in everybody. Only where the skin outshines it, as no dark skin does, is the picture taken to be dark.
"""

from __future__ import annotations

import cv2
import numpy as np

from core.rigging.lighting import to_linear, to_srgb
from core.rigging.observation import Observation, iris_width
from core.rigging.skin_colour import convert_colour, smooth_step
from core.structures import FloatArray
from core.tracking.landmark_ids import LEFT_EYE, RIGHT_EYE

LUMINANCE = np.array([0.2126, 0.7152, 0.0722])  # IEC 61966-2-1, of linear light
USUAL_WHITE = 0.17  # luminance of the whites, shaded by brow and lids, in two well exposed photos (0.157 and 0.174)
MOST_GAIN = 2.5
LIGHTEST = 0.45
"""Luminance that no skin is lifted beyond, CIE lightness 73: lids that look down shade the whites, not the cheeks."""
SKIN_TO_WHITE = (1.2, 2.0)
"""Luminance of the skin in parts of the whites' between which the whites are believed. Shaded to a third of their 0.55,
they leave brown skin of 0.2 below the first; the light skin of the photos at hand has 2.5 to 3."""
ORDINARY_CHROMA = (13.0, 19.0)
"""CIE a* and b*, chosen by eye. Facial redness hardly differs between peoples, yellowness somewhat more (Xiao et al.
2017, doi 10.1111/srt.12295)."""
SMALLEST_IRIS_PX = 8.0  # below, lashes and lids mix into every pixel of the white
FEWEST_PIXELS = 20
BRIGHTEST = 70  # percentile of an eye's opening above which its pixels are white rather than lash or lid
IRISES = ((LEFT_EYE, 473, 474), (RIGHT_EYE, 468, 469))  # lids, centre, a point of the rim


def white_luminance(seen: Observation) -> float | None:
    """Linear luminance in [0, 1] of the whites of the eyes; None where they are too small or shut."""
    if iris_width(seen.landmarks) < SMALLEST_IRIS_PX:
        return None
    points = seen.landmarks.points
    found = [np.zeros((0, 3), np.uint8)]
    for lids, centre, rim in IRISES:
        contour = np.round(points[list(lids), :2]).astype(np.int32)
        left, top = np.maximum(contour.min(axis=0), 0)
        eye = seen.image[top : max(contour[:, 1].max() + 1, top), left : max(contour[:, 0].max() + 1, left)]
        if eye.size == 0:
            continue  # beyond the picture's border
        opening = np.zeros(eye.shape[:2], np.uint8)
        cv2.fillPoly(opening, [contour - (left, top)], (1,))
        rows, columns = np.mgrid[top : top + eye.shape[0], left : left + eye.shape[1]]
        radius = float(np.linalg.norm(points[rim, :2] - points[centre, :2]))
        beside = np.hypot(columns - points[centre, 0], rows - points[centre, 1]) > 1.15 * radius
        found.append(eye[(opening > 0) & beside])
    pixels = to_linear(np.concatenate(found).astype(np.float32) / 255) @ LUMINANCE
    if len(pixels) < FEWEST_PIXELS:
        return None
    return float(np.median(pixels[pixels >= np.percentile(pixels, BRIGHTEST)]))


def missing_light(seen: Observation, tone: FloatArray) -> float:
    """By how much linear light must grow for a well exposed face, 1 to `MOST_GAIN`. tone: (3,) linear, of the skin."""
    white = white_luminance(seen)
    if white is None:
        return 1.0
    white = max(white, 1e-3)
    believed = smooth_step(np.log(np.array(float(tone @ LUMINANCE) / white)), *np.log(SKIN_TO_WHITE))
    gain = float(np.clip(USUAL_WHITE / white, 1.0, MOST_GAIN) ** believed)
    return max(min(gain, LIGHTEST / max(float(tone @ LUMINANCE), 1e-3)), 1.0)


def well_exposed(seen: Observation, tone: FloatArray) -> FloatArray:
    """(3,) linear skin tone in the light that the picture lacks. Its chroma in CIE Lab does not grow with it, and turns
    up to half the way to ordinary skin's: shadows are lit by way of walls and skin, and would come out gaudy."""
    gain = missing_light(seen, tone)
    if gain == 1.0:
        return tone
    plain, lifted = (
        convert_colour(to_srgb(light)[None, None], cv2.COLOR_RGB2LAB)[0, 0] for light in (tone, gain * tone)
    )
    share = 0.5 * np.log(gain) / np.log(MOST_GAIN)
    chroma = plain[1:] * (1 - share) + np.array(ORDINARY_CHROMA) * share
    lab = np.array([lifted[0], *chroma], np.float32)
    return np.maximum(to_linear(convert_colour(lab[None, None], cv2.COLOR_LAB2RGB)[0, 0]), 1e-3)
