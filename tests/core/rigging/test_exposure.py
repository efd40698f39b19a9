"""Skin in shadow is brought to light by the whites of the eyes; dark skin stays dark and pale skin pale."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from core.bench.studio import Studio, neutral_shot
from core.head_model.builtin import load_builtin_rig
from core.media.images import load_image
from core.rendering.lights import FILL, KEY, RIM
from core.rigging.build import build_rig, observe_all
from core.rigging.exposure import (
    LIGHTEST,
    LUMINANCE,
    MOST_GAIN,
    USUAL_WHITE,
    missing_light,
    well_exposed,
    white_luminance,
)
from core.rigging.lighting import to_linear, to_srgb
from core.tracking.landmark_ids import LEFT_EYE, RIGHT_EYE

SKIN = np.array([0.55, 0.40, 0.30]) / 0.42495  # of luminance 1
TONES = ((62, 38, 28), (125, 80, 58), (198, 146, 115), (241, 208, 188))  # very dark to pale, sRGB


@pytest.fixture(scope="module")
def seen(astronaut):
    large = cv2.resize(astronaut.image[:256, 96:352], (768, 768), interpolation=cv2.INTER_CUBIC)
    return observe_all([large])[0]


def painted(seen, skin, white):
    """The observation with plain skin of this linear luminance and eyes all white of that one."""
    image = np.broadcast_to(255 * to_srgb(SKIN * skin), seen.image.shape).round().astype(np.uint8).copy()
    for eye in (LEFT_EYE, RIGHT_EYE):
        contour = np.round(seen.landmarks.points[list(eye), :2]).astype(np.int32)
        cv2.fillPoly(image, [contour], (255 * to_srgb(np.full(3, white))).round().tolist())
    return replace(seen, image=image)


def lightness(colours):
    return cv2.cvtColor((np.asarray(colours, np.float32) / 255).reshape(1, -1, 3), cv2.COLOR_RGB2LAB)[0]


def cheek(rig):
    """(3,) median CIE Lab of a cheek's texels."""
    texture = rig.part("skin").material.texture
    unit = texture.shape[0] / 1024
    return np.median(lightness(texture[int(430 * unit) : int(560 * unit), int(340 * unit) : int(440 * unit)]), axis=0)


def dressed(rig, tone):
    skin = rig.part("skin")
    texture = skin.material.texture.astype(float)
    shading = np.clip(texture / np.median(texture.reshape(-1, 3), axis=0), 0.05, 1.6)
    material = replace(skin.material, texture=np.clip(np.array(tone) * shading, 0, 255).astype(np.uint8))
    return replace(rig, parts=tuple(replace(p, material=material) if p is skin else p for p in rig.parts))


def test_the_white_of_the_eye_is_measured(seen):
    for white in (0.05, 0.2, 0.6):
        assert white_luminance(painted(seen, 0.3, white)) == pytest.approx(white, rel=0.05)


def test_eyes_too_small_tell_nothing(seen):
    small = replace(seen, landmarks=replace(seen.landmarks, points=seen.landmarks.points * np.float32(0.1)))
    assert white_luminance(small) is None
    assert missing_light(small, SKIN * 0.1) == 1.0


@pytest.mark.parametrize("gain", [1.5, 2.0, 2.4])
def test_light_skin_in_shadow_gets_the_light_it_lacks(seen, gain):
    skin, white = 2.3 * USUAL_WHITE / gain, USUAL_WHITE / gain
    shaded = painted(seen, skin, white)
    assert missing_light(shaded, SKIN * skin) == pytest.approx(gain, rel=0.05)
    assert well_exposed(shaded, SKIN * skin) @ LUMINANCE == pytest.approx(2.3 * USUAL_WHITE, rel=0.06)


@pytest.mark.parametrize("skin", [0.02, 0.05, 0.1, 0.19])
@pytest.mark.parametrize("light", [0.3, 1.0])
def test_skin_darker_than_the_whites_is_left_as_it_is(seen, skin, light):
    tone = SKIN * skin * light
    assert np.array_equal(well_exposed(painted(seen, skin * light, USUAL_WHITE * light), tone), tone)


def test_bright_whites_leave_everything_and_black_ones_are_bounded(seen):
    assert missing_light(painted(seen, 0.5, 0.3), SKIN * 0.5) == 1.0
    assert missing_light(painted(seen, 0.15, 0.0), SKIN * 0.15) == MOST_GAIN
    assert missing_light(painted(seen, 0.3, 0.0), SKIN * 0.3) == pytest.approx(LIGHTEST / (0.3 * SKIN @ LUMINANCE))


def test_lighter_skin_in_the_same_light_never_comes_out_darker(seen):
    for white in (0.04, 0.08, 0.17):
        steps = np.geomspace(0.02, 0.6, 24)
        found = [well_exposed(painted(seen, skin, white), SKIN * skin) @ LUMINANCE for skin in steps]
        assert (np.diff(found) > 0).all()


def test_drawn_people_of_every_tone_keep_it():
    """CIE lightness within 2, a* and b* within 3, from very dark to pale."""
    with Studio() as studio:
        for tone in TONES:
            truth = dressed(load_builtin_rig(), tone)
            studio.seat(truth, (KEY, FILL, RIM))
            picture = studio.take(neutral_shot(), studio.camera(0.58), np.random.default_rng(1))
            error = np.abs(cheek(build_rig([picture], "drawn")) - cheek(truth))
            assert (error < (2.0, 3.0, 3.0)).all()


def test_a_photo_taken_too_dark_gives_nearly_the_same_skin(shared_file):
    image = load_image(shared_file("media/images/facerec_obama.jpg"))
    dark = (255 * to_srgb(0.45 * to_linear(image / 255))).round().astype(np.uint8)
    true, found = (cheek(build_rig([picture], "x")) for picture in (image, dark))
    assert abs(found[0] - true[0]) < 4
    assert np.hypot(*(found[1:] - true[1:])) < 8


def test_the_photo_of_a_face_in_shadow_gives_light_skin(shared_file):
    lightness, _, yellowness = cheek(build_rig([load_image(shared_file("media/images/facerec_biden.jpg"))], "x"))
    assert 28 < np.degrees(np.arctan2(lightness - 50, yellowness)) < 55  # intermediate to light: Chardon et al. 1991
