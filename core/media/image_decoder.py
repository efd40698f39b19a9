"""Decodes one picture with Pillow. Runs in the child process only."""

from __future__ import annotations

import io
from typing import BinaryIO

from PIL import (
    BmpImagePlugin,
    Image,
    ImageCms,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from core.errors import MediaError
from core.media.focal_length import focal_per_long_side

# Pillow tells formats by content, whatever the name says: without this list a .png may be PostScript.
# JPEG includes MPO, the two pictures in one file of many phones.
FORMATS = (
    JpegImagePlugin.JpegImageFile.format,
    PngImagePlugin.PngImageFile.format,
    WebPImagePlugin.WebPImageFile.format,
    BmpImagePlugin.BmpImageFile.format,
)
BACKGROUND = (255, 255, 255)  # behind transparent pixels: cut-out portraits are made for white pages

# Pillow's own limit would answer before the size is known here; `decode_image` checks right after the header.
Image.MAX_IMAGE_PIXELS = 1 << 40


def decode_image(source: BinaryIO, max_pixels: int) -> tuple[Image.Image, float | None]:
    """The picture as mode RGB, upright by its EXIF orientation, sRGB, transparent parts on white; and its
    `focal_per_long_side`.

    MediaError: no known format, too many pixels (said before any pixel is decoded), or damaged.
    """
    try:
        with Image.open(source, formats=FORMATS) as image:
            _require_size(image.size, max_pixels)
            upright = ImageOps.exif_transpose(image)  # decodes, so that damage is told here
            return _as_rgb(upright), focal_per_long_side(image)
    except UnidentifiedImageError:
        raise MediaError("is not a picture that can be read. Give a JPEG, PNG, WebP or BMP file.") from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        # Pillow tells of damage by all of these, depending on the format.
        raise MediaError("is a damaged or cut off picture. Save it again in its program, or take another.") from error


def _require_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise MediaError(
            f"has {width} x {height} pixels, {width * height / 1e6:.0f} megapixels; at most "
            f"{max_pixels / 1e6:.0f} megapixels are read. Make the picture smaller and try again."
        )


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit grey; Pillow's own conversion clips it instead of scaling it
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.has_transparency_data:
        layers = image.convert("RGBA")
        image = Image.new("RGB", image.size, BACKGROUND)
        image.paste(layers, mask=layers.getchannel("A"))
        return image
    return _as_srgb(image).convert("RGB")


def _as_srgb(image: Image.Image) -> Image.Image:
    """Phones take pictures in Display P3 and printers in CMYK: without this, skin turns pale or green."""
    profile = image.info.get("icc_profile")
    if not profile or b"sRGB" in profile or image.mode not in ("RGB", "CMYK"):
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image  # a profile that cannot be read is no reason to refuse the picture
    return converted if converted is not None else image
