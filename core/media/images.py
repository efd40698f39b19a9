"""Pictures from files and uploads."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import MediaError
from core.media.file_kinds import is_heic, video_container
from core.media.guarded_process import GuardedProcess
from core.media.limits import DEFAULT_IMAGE_LIMITS, ImageLimits
from core.media.messages import DETAILS, PICTURE
from core.media.sources import open_source
from core.structures import ImageArray


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """image: (H, W, 3) uint8 sRGB; focal_per_long_side: of the lens, in parts of the longer side, None where the file
    does not tell it."""

    image: ImageArray
    focal_per_long_side: float | None = None


def load_image(source: Path | bytes, limits: ImageLimits = DEFAULT_IMAGE_LIMITS) -> ImageArray:
    """The picture of `load_photo`."""
    return load_photo(source, limits).image


def load_photo(source: Path | bytes, limits: ImageLimits = DEFAULT_IMAGE_LIMITS) -> Photo:
    """(H, W, 3) uint8 sRGB picture, upright by its EXIF orientation, transparent parts on white, and its focal length.

    source: a path, or a file's bytes; JPEG, PNG, WebP or BMP by content, whatever the name says. Of an animation the
    first picture. Decoded in a child process bounded by `limits`.
    MediaError: absent, empty, no such picture, damaged, or larger than `limits` (said without decoding it).
    """
    file = open_source(source, "The picture")
    if file.size > limits.max_bytes:
        raise MediaError(
            f"{file.label} has {file.size >> 20} MB; pictures of at most {limits.max_bytes >> 20} MB are read."
        )
    if is_heic(file.head):
        raise MediaError(f"{file.label} is a HEIC picture, which is not read. Save or share it as JPEG.")
    if video_container(file.head):
        raise MediaError(f"{file.label} is a video, but a picture was expected. Give a JPEG, PNG, WebP or BMP file.")
    request = {"kind": "image", "path": file.path, "max_pixels": limits.max_pixels}
    with GuardedProcess(file.label, request, file.payload, limits.process) as child:
        header = child.read_header(3 * limits.max_pixels)
        details = "{}"
        if header.kind == DETAILS:
            details = child.read_text(header)
            header = child.read_header(3 * limits.max_pixels)
        if header.kind != PICTURE:
            raise MediaError(f"{file.label} could not be decoded: the decoder sent no picture.")
        image = np.empty((header.height, header.width, 3), np.uint8)
        child.read_into(image.data.cast("B"))
    return Photo(image, json.loads(details).get("focal_per_long_side"))
