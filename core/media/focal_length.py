"""The focal length that a camera wrote into its picture. Runs in the decoding child only."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from PIL import ExifTags, Image

FILM_DIAGONAL_MM = math.hypot(36.0, 24.0)  # CIPA DCG-001: 35 mm equivalents compare diagonals
SANE = (0.4, 8.0)  # focal lengths in parts of the longer side: 14 mm to 290 mm on 35 mm film
SANE_SENSOR_MM = (2.0, 60.0)  # width, from the smallest phones to medium format
MM_PER_UNIT = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}  # of FocalPlaneResolutionUnit, EXIF 2.3 and what cameras add to it
SAME_ASPECT = 0.02


def focal_per_long_side(image: Image.Image) -> float | None:
    """Focal length in parts of the picture's longer side, by its EXIF: `FocalLengthIn35mmFilm`, else `FocalLength` and
    the sensor's resolution. None where neither is given or sane, or where the picture was visibly cropped."""
    try:
        tags = image.getexif().get_ifd(ExifTags.IFD.Exif)
        if _cropped(tags, image.size):
            return None
        for found in (_by_film(tags, image.size), _by_sensor(tags, image.size)):
            if found is not None and SANE[0] <= found <= SANE[1]:
                return found
    except Exception:
        return None
    return None


def _number(tags: Mapping[int, Any], tag: int) -> float | None:
    """A positive finite value; Pillow gives ratios, ints, and for spoilt tags tuples, bytes or zero denominators."""
    try:
        value = float(tags[tag])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    return value if math.isfinite(value) and value > 0 else None


def _written_size(tags: Mapping[int, Any]) -> tuple[float, float] | None:
    width = _number(tags, ExifTags.Base.ExifImageWidth)
    height = _number(tags, ExifTags.Base.ExifImageHeight)
    return None if width is None or height is None else (width, height)


def _cropped(tags: Mapping[int, Any], size: tuple[int, int]) -> bool:
    """Whether the picture has another shape than the camera wrote; turned by a quarter is not another."""
    written = _written_size(tags)
    if written is None:
        return False
    return abs(max(written) / min(written) * min(size) / max(size) - 1) > SAME_ASPECT


def _by_film(tags: Mapping[int, Any], size: tuple[int, int]) -> float | None:
    film_mm = _number(tags, ExifTags.Base.FocalLengthIn35mmFilm)
    return None if film_mm is None else film_mm / FILM_DIAGONAL_MM * math.hypot(*size) / max(size)


def _by_sensor(tags: Mapping[int, Any], size: tuple[int, int]) -> float | None:
    """FocalPlaneXResolution counts pixels of the camera's own size; a picture reduced since keeps its field of view."""
    focal_mm = _number(tags, ExifTags.Base.FocalLength)
    per_unit = _number(tags, ExifTags.Base.FocalPlaneXResolution)
    unit_mm = MM_PER_UNIT.get(tags.get(ExifTags.Base.FocalPlaneResolutionUnit, 2))
    written = _written_size(tags)
    if focal_mm is None or per_unit is None or unit_mm is None or written is None:
        return None
    long_side_mm = max(written) * unit_mm / per_unit
    return focal_mm / long_side_mm if SANE_SENSOR_MM[0] <= long_side_mm <= SANE_SENSOR_MM[1] else None
