from __future__ import annotations

import io
import struct
import subprocess
import sys
import threading
import zlib
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image, ImageCms

from core.errors import MediaError
from core.media.images import load_image
from core.media.limits import ImageLimits, ProcessLimits

pytestmark = pytest.mark.usefixtures("leaves_nothing")

PICTURE = np.zeros((40, 60, 3), np.uint8)
PICTURE[:20, :30] = (250, 10, 10)
PICTURE[:20, 30:] = (10, 250, 10)
PICTURE[20:, :30] = (10, 10, 250)
PICTURE[20:, 30:] = (240, 240, 240)


def encoded(image: Image.Image, image_format: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(64))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("image_format", ["PNG", "BMP", "WEBP"])
def test_lossless_pictures_come_back_exactly_from_path_and_bytes(image_format, tmp_path):
    data = encoded(Image.fromarray(PICTURE), image_format, **({"lossless": True} if image_format == "WEBP" else {}))
    path = tmp_path / "picture.jpg"  # the name plays no part
    path.write_bytes(data)
    for source in (path, data):
        image = load_image(source)
        assert image.dtype == np.uint8 and image.flags.c_contiguous and image.flags.writeable
        np.testing.assert_array_equal(image, PICTURE)


def test_jpeg_comes_back_closely():
    image = load_image(encoded(Image.fromarray(PICTURE), "JPEG", quality=95, subsampling=0))
    assert np.abs(image.astype(int) - PICTURE).max() < 30


def test_two_pictures_in_one_jpeg_give_the_first():
    other = Image.new("RGB", (60, 40), (1, 2, 3))
    data = encoded(Image.fromarray(PICTURE), "MPO", save_all=True, append_images=[other])
    assert np.abs(load_image(data).astype(int) - PICTURE).mean() < 8


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_is_honoured(orientation):
    undo = {
        1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2), 6: lambda a: np.rot90(a, 1), 7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(undo[orientation](PICTURE)))
    np.testing.assert_array_equal(load_image(encoded(stored, "PNG", exif=exif)), PICTURE)


def test_transparent_parts_lie_on_white():
    rgba = np.dstack([PICTURE, np.full(PICTURE.shape[:2], 255, np.uint8)])
    rgba[:20, :30, 3] = 0
    rgba[:20, 30:, 3] = 128
    image = load_image(encoded(Image.fromarray(rgba), "PNG"))
    assert image[5, 5].tolist() == [255, 255, 255]
    np.testing.assert_allclose(image[5, 50], (PICTURE[5, 50] * 128.0 + 255 * 127.0) / 255, atol=1)
    np.testing.assert_array_equal(image[20:], PICTURE[20:])


def test_palette_with_a_transparent_colour_lies_on_white():
    palette = Image.fromarray(PICTURE).quantize(4)
    first = palette.getpixel((0, 0))
    image = load_image(encoded(palette, "PNG", transparency=first))
    assert image[0, 0].tolist() == [255, 255, 255]
    np.testing.assert_array_equal(image[30, 45], PICTURE[30, 45])


def test_grey_of_8_and_16_bits_and_one_bit():
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(8, 0)
    deep = load_image(encoded(Image.fromarray(ramp), "PNG"))
    np.testing.assert_array_equal(deep, np.repeat((ramp >> 8).astype(np.uint8)[..., None], 3, 2))
    flat = (ramp >> 8).astype(np.uint8)
    np.testing.assert_array_equal(load_image(encoded(Image.fromarray(flat), "PNG"))[..., 1], flat)
    two = load_image(encoded(Image.fromarray(flat > 127), "PNG"))
    assert sorted(np.unique(two)) == [0, 255]


def test_cmyk_becomes_rgb():
    image = load_image(encoded(Image.fromarray(PICTURE).convert("CMYK"), "JPEG", quality=95, subsampling=0))
    assert np.abs(image.astype(int) - PICTURE).max() < 40


def test_colours_are_converted_by_the_pictures_profile():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"----").replace(b"gXYZ", b"rXYZ").replace(b"----", b"gXYZ")
    for profile, expected in ((srgb, PICTURE), (swapped, PICTURE[..., [1, 0, 2]])):
        image = load_image(encoded(Image.fromarray(PICTURE), "PNG", icc_profile=profile))
        np.testing.assert_allclose(image.astype(int), expected, atol=3)


@pytest.mark.parametrize("kind", ["XYZ", None])
def test_a_profile_that_does_not_fit_is_ignored(kind):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile(kind)).tobytes() if kind else b"no profile at all"
    np.testing.assert_array_equal(load_image(encoded(Image.fromarray(PICTURE), "PNG", icc_profile=profile)), PICTURE)


def test_a_hundred_megapixels_are_refused_in_plain_words_before_decoding():
    tight = ImageLimits(process=ProcessLimits(memory_bytes=256 << 20, cpu_s=5, patience_s=30.0))
    with pytest.raises(MediaError, match=r"^The picture has 12500 x 8000 pixels, 100 megapixels; at most 33 mega"):
        load_image(png_header(12500, 8000), tight)
    with pytest.raises(MediaError, match="60000 x 60000"):
        load_image(png_header(60000, 60000))


def test_a_picture_that_needs_too_much_memory_is_refused():
    tight = ImageLimits(process=ProcessLimits(memory_bytes=160 << 20, cpu_s=5, patience_s=30.0))
    with pytest.raises(MediaError, match="needs more memory"):
        load_image(encoded(Image.new("RGB", (5500, 5500)), "PNG"), tight)


def test_a_decoder_that_is_too_slow_is_given_up():
    hasty = ImageLimits(process=ProcessLimits(memory_bytes=1 << 30, cpu_s=5, patience_s=0.001))
    with pytest.raises(MediaError, match="took longer"):
        load_image(encoded(Image.fromarray(PICTURE), "PNG"), hasty)


def test_a_child_that_is_killed_is_told_of(monkeypatch):
    real = subprocess.Popen

    def killed(command, **options):
        process = real(command, **options)
        psutil.Process(process.pid).kill()
        return process

    monkeypatch.setattr(subprocess, "Popen", killed)
    with pytest.raises(MediaError, match=r"stopped in the middle \(signal 9\)"):
        load_image(encoded(Image.fromarray(PICTURE), "PNG"))


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "is empty"),
        (b"this is a text, whatever its name says\n" * 20, "is not a picture that can be read"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "is not a picture"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(64), "HEIC"),
        (b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(64), "is a video"),
        (encoded(Image.fromarray(PICTURE), "PNG")[:-60], "damaged or cut off"),
        (encoded(Image.fromarray(PICTURE), "JPEG")[:-60], "damaged or cut off"),
        (encoded(Image.fromarray(PICTURE), "WEBP")[:-60], "damaged or cut off|not a picture"),
        (encoded(Image.fromarray(PICTURE), "GIF"), "is not a picture that can be read"),
    ],
)
def test_what_is_no_good_picture_is_refused_in_plain_words(content, words, tmp_path):
    path = tmp_path / "me.jpg"
    path.write_bytes(content)
    with pytest.raises(MediaError, match=words) as caught:
        load_image(path)
    assert str(caught.value).startswith("'me.jpg' ")
    with pytest.raises(MediaError, match=words):
        load_image(content)


def test_absent_file_folder_and_too_many_bytes(tmp_path):
    with pytest.raises(MediaError, match="was not found"):
        load_image(tmp_path / "absent.jpg")
    with pytest.raises(MediaError, match="is not a file"):
        load_image(tmp_path)
    with pytest.raises(MediaError, match="MB"):
        load_image(encoded(Image.fromarray(PICTURE), "BMP"), ImageLimits(max_bytes=100))


def test_damaged_pictures_never_do_more_than_a_media_error():
    rng = np.random.default_rng(7)
    for image_format in ("JPEG", "PNG", "WEBP"):
        whole = np.frombuffer(encoded(Image.fromarray(PICTURE), image_format), np.uint8)
        for _ in range(4):
            data = whole.copy()
            data[rng.integers(0, len(data), 12)] = rng.integers(0, 256, 12)
            try:
                load_image(data.tobytes())
            except MediaError as error:
                assert "\n" not in str(error)


def test_several_threads_at_once():
    data = encoded(Image.fromarray(PICTURE), "PNG")
    results = []
    threads = [threading.Thread(target=lambda: results.append(load_image(data))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 6 and all((image == PICTURE).all() for image in results)


def test_works_from_another_folder(tmp_path, monkeypatch):
    (tmp_path / "core").mkdir()  # a stranger's folder of our name must not be imported
    (tmp_path / "core" / "__init__.py").write_text("raise SystemExit(3)")
    (tmp_path / "a.png").write_bytes(encoded(Image.fromarray(PICTURE), "PNG"))
    monkeypatch.chdir(tmp_path)
    np.testing.assert_array_equal(load_image(Path("a.png")), PICTURE)


def test_the_child_imports_nothing_heavy():
    code = (
        "import sys, core.media.worker, core.media.image_decoder, core.media.video_decoder\n"
        "print([m for m in ('numpy', 'scipy', 'cv2', 'mediapipe', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["mona_lisa.jpg", "facerec_biden.jpg", "no_face_landscape.jpg"])
def test_real_pictures(shared_file, name):
    path = shared_file(f"media/images/{name}")
    image = load_image(path)
    with Image.open(path) as reference:
        assert image.shape == (reference.height, reference.width, 3)
        assert np.abs(image.astype(int) - np.asarray(reference.convert("RGB"))).mean() < 12
