"""Focal lengths written into JPEGs come back in parts of the longer side, or not at all."""

from __future__ import annotations

import io
import math
from contextlib import suppress

import numpy as np
import pytest
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from core.errors import MediaError
from core.media.images import load_photo

TAGS = ExifTags.Base
FULL_FRAME_5D = {  # 5616 pixels on 36 mm, as a Canon EOS 5D Mark II writes it
    TAGS.FocalLength: IFDRational(50, 1), TAGS.FocalPlaneXResolution: IFDRational(5616000, 1417),
    TAGS.FocalPlaneResolutionUnit: 2, TAGS.ExifImageWidth: 5616, TAGS.ExifImageHeight: 3744,
}  # fmt: skip


def jpeg(size=(60, 40), tags=None, image_format="JPEG", orientation=1):
    exif = Image.Exif()
    exif[TAGS.Orientation] = orientation
    exif.get_ifd(ExifTags.IFD.Exif).update(tags or {})
    buffer = io.BytesIO()
    Image.new("RGB", size, (90, 120, 200)).save(buffer, image_format, exif=exif)
    return buffer.getvalue()


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("film_mm", [18, 28, 50, 135])
def test_film_equivalent_of_a_three_to_two_picture(image_format, film_mm):
    photo = load_photo(jpeg((60, 40), {TAGS.FocalLengthIn35mmFilm: film_mm}, image_format))
    assert photo.image.shape == (40, 60, 3)
    assert photo.focal_per_long_side == pytest.approx(film_mm / 36, rel=1e-6)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_film_equivalent_compares_diagonals_and_does_not_mind_turning(orientation):
    photo = load_photo(jpeg((80, 60), {TAGS.FocalLengthIn35mmFilm: 26}, orientation=orientation))
    assert max(photo.image.shape) == 80
    assert photo.focal_per_long_side == pytest.approx(26 * 100 / (80 * math.hypot(36, 24)), rel=1e-6)


@pytest.mark.parametrize("size", [(60, 40), (40, 60), (300, 200)])
def test_focal_length_and_the_sensors_resolution_even_of_a_reduced_picture(size):
    assert load_photo(jpeg(size, FULL_FRAME_5D)).focal_per_long_side == pytest.approx(50 / 36, rel=0.01)


def test_film_equivalent_comes_first_and_an_insane_one_gives_way():
    both = {**FULL_FRAME_5D, TAGS.FocalLengthIn35mmFilm: 72}
    assert load_photo(jpeg(tags=both)).focal_per_long_side == pytest.approx(2.0, rel=1e-6)
    both[TAGS.FocalLengthIn35mmFilm] = 0
    assert load_photo(jpeg(tags=both)).focal_per_long_side == pytest.approx(50 / 36, rel=0.01)


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {TAGS.FocalLengthIn35mmFilm: 0},
        {TAGS.FocalLengthIn35mmFilm: 3},
        {TAGS.FocalLengthIn35mmFilm: 60000},
        {TAGS.FocalLength: IFDRational(50, 1)},
        {**FULL_FRAME_5D, TAGS.FocalLength: IFDRational(50, 0)},
        {**FULL_FRAME_5D, TAGS.FocalLength: IFDRational(0, 1)},
        {**FULL_FRAME_5D, TAGS.FocalPlaneXResolution: IFDRational(0, 1)},
        {**FULL_FRAME_5D, TAGS.FocalPlaneXResolution: IFDRational(1, 1)},
        {**FULL_FRAME_5D, TAGS.FocalPlaneResolutionUnit: 77},
        {**FULL_FRAME_5D, TAGS.FocalLengthIn35mmFilm: 50, TAGS.ExifImageHeight: 5616},  # cropped since
    ],
)
def test_what_is_absent_or_not_sane_is_no_focal_length(tags):
    photo = load_photo(jpeg(tags=tags))
    assert photo.focal_per_long_side is None
    assert photo.image.shape == (40, 60, 3)


def test_spoilt_exif_gives_a_sane_focal_length_or_none_or_is_refused():
    whole = jpeg(tags=FULL_FRAME_5D)
    start, end = whole.index(b"Exif"), whole.index(b"Exif") + 200
    read = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        data = bytearray(whole)
        for place in rng.integers(start + 14, end, 6):
            data[place] = int(rng.integers(256))
        with suppress(MediaError):
            found = load_photo(bytes(data)).focal_per_long_side
            assert found is None or 0.4 <= found <= 8
            read += 1
    assert read > 6
