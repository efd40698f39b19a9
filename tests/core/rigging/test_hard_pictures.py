"""Pictures that ask too much: handled, or refused in plain words."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image

from core.bench.studio import Studio, neutral_shot, random_lights
from core.bench.truth_heads import relative, with_skin
from core.errors import NoFaceError
from core.rig_maker import LONGEST_SIDE_PX, read_pictures, reduced
from core.rigging.build import build_rig, observe_all
from core.rigging.face_shape import estimate_shape


def heads_turned(*yaws_deg):
    rng = np.random.default_rng(2)
    with Studio() as studio:
        studio.seat(with_skin(relative(11), 11), random_lights(rng))
        return [studio.take(neutral_shot(yaw), studio.camera(0.6), rng) for yaw in yaws_deg]


def test_profile_is_refused():
    with pytest.raises(NoFaceError, match=r"turned|No face|cut off"):
        observe_all(heads_turned(75))


def test_a_face_of_sixty_pixels_is_enough(astronaut):
    crop = astronaut.image[0:260, 90:350]
    small = cv2.resize(crop, (172, 172), interpolation=cv2.INTER_AREA)
    canvas = np.full((240, 320, 3), 128, np.uint8)
    canvas[40:212, 80:252] = small
    (seen,) = observe_all([canvas])
    width = np.ptp(seen.landmarks.points[:468, 0])
    assert 50 < width < 75
    landmarks = estimate_shape([seen]).landmarks
    assert 0.11 < np.linalg.norm(landmarks[234] - landmarks[454]) < 0.17


def test_sunglasses_keep_a_plausible_head(astronaut):
    (plain,) = observe_all([astronaut.image])
    image = astronaut.image.copy()
    for outer, inner in ((33, 133), (362, 263)):
        a, b = plain.landmarks.points[[outer, inner], :2]
        centre, reach = 0.5 * (a + b), 0.75 * np.linalg.norm(a - b)
        cv2.ellipse(
            image, (int(centre[0]), int(centre[1])), (int(reach), int(0.8 * reach)), 0, 0, 360, (12, 12, 14), -1
        )
    rig = build_rig([image], "Shades")
    points = rig.landmarks()
    assert 0.11 < np.linalg.norm(points[234] - points[454]) < 0.17
    assert np.isfinite(rig.vertices).all()


def test_large_and_upright_frames_are_reduced_and_keep_their_shape():
    assert reduced(np.zeros((2160, 3840, 3), np.uint8)).shape == (720, LONGEST_SIDE_PX, 3)
    assert reduced(np.zeros((1920, 1080, 3), np.uint8)).shape == (LONGEST_SIDE_PX, 720, 3)
    small = np.zeros((480, 640, 3), np.uint8)
    assert reduced(small) is small


def test_many_pictures_of_one_head_agree_better_than_two_heads():
    pictures = heads_turned(-30, -20, -10, 0, 0, 10, 20, 30)
    shape = estimate_shape(observe_all(pictures))
    assert shape.disagreement_m is not None and shape.disagreement_m < 0.0012
    assert shape.trust.max() == 1.0 and shape.trust.min() > 0


@pytest.mark.parametrize("distance_m", [0.45, 0.9])
def test_a_lens_that_is_told_gives_the_distance(tmp_path, distance_m):
    """Within the error of the size, where the face alone would tell it within about a third."""
    rng = np.random.default_rng(3)
    with Studio() as studio:
        camera = studio.camera(distance_m)
        studio.seat(with_skin(relative(12), 12), random_lights(rng))
        picture = studio.take(neutral_shot(distance_m=distance_m), camera, rng)
    exif = Image.Exif()
    film_mm = camera.focal_px * math.hypot(36, 24) / math.hypot(*camera.image_size)
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FocalLengthIn35mmFilm] = round(film_mm)
    path = tmp_path / "told.jpg"
    Image.fromarray(picture).save(path, quality=95, exif=exif)
    details = build_rig(read_pictures([path]), "Told").details
    assert details["focal_per_long_side"] == pytest.approx(camera.focal_px / 640, rel=0.03)
    assert details["camera_distance_m"] == pytest.approx(distance_m, rel=0.1)
    assert details["camera_distance_m"] != build_rig([picture], "Untold").details["camera_distance_m"]
