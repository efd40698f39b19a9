"""A photo becomes a rig: the real network, the real portrait."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.blendshapes import INDEX
from core.errors import Cancelled, InputError, NoFaceError
from core.head_model.builtin import load_builtin_rig
from core.head_model.personalise import personalise
from core.head_model.rig import PART_NAMES
from core.media.images import load_image
from core.rigging.build import build_rig
from core.rigging.face_shape import estimate_shape
from core.rigging.observation import metres_per_pixel, observe, upright_points
from core.rigging.shading import refined_by_shading
from core.tracking import FaceMeshLandmarker, TrackerSettings


@pytest.fixture(scope="module")
def seen(astronaut):
    with FaceMeshLandmarker(TrackerSettings(), still_images=True) as landmarker:
        return observe(astronaut.image, landmarker)


@pytest.fixture(scope="module")
def rig(astronaut):
    return build_rig([astronaut.image], "Astronaut")


def test_rig_has_every_part_and_its_own_name(rig):
    assert tuple(part.name for part in rig.parts) == PART_NAMES
    assert rig.name == "Astronaut"


def test_face_follows_the_person_not_the_template(rig, seen):
    shape = refined_by_shading(load_builtin_rig(), [seen], estimate_shape([seen]))
    neutral = shape.landmarks[:468]
    centred = rig.landmarks()[:468] - rig.landmarks()[:468].mean(0) + neutral.mean(0)
    to_person = np.linalg.norm(centred - neutral, axis=1)
    template = load_builtin_rig().landmarks()[:468]
    to_template = np.linalg.norm(centred - (template - template.mean(0) + neutral.mean(0)), axis=1)
    assert np.median(to_person) < 0.0005
    assert np.median(to_template) > 4 * np.median(to_person)


def test_form_and_shapes_are_those_of_the_refined_points(rig, seen):
    base = load_builtin_rig()
    expected = personalise(base, refined_by_shading(base, [seen], estimate_shape([seen])).landmarks, "Astronaut")
    assert np.array_equal(rig.vertices, expected.vertices) and np.array_equal(rig.shapes, expected.shapes)
    assert np.array_equal(rig.joints, expected.joints) and rig.details["shapes"] == expected.details["shapes"]


def test_size_comes_from_the_iris(rig, seen):
    width_px = np.ptp(seen.landmarks.points[[33, 263], 0])
    expected = width_px * metres_per_pixel(seen.landmarks)
    measured = np.linalg.norm(rig.landmarks()[33] - rig.landmarks()[263])
    assert measured == pytest.approx(expected, rel=0.13)  # the iris is trusted within 12 % of an average face
    assert 0.075 < measured < 0.105


def test_smile_of_the_photo_is_taken_out_of_the_rest_position(rig, seen):
    photo = seen.to_head(rig.details["size"]).apply(upright_points(seen.landmarks))
    gap_in_photo = photo[13, 1] - photo[14, 1]
    gap_at_rest = rig.landmarks()[13, 1] - rig.landmarks()[14, 1]
    assert gap_in_photo > 0.008
    assert abs(gap_at_rest) < 0.001
    width_in_photo = np.linalg.norm(photo[61] - photo[291])
    assert np.linalg.norm(rig.landmarks()[61] - rig.landmarks()[291]) < 0.95 * width_in_photo


def test_origin_lies_between_the_eyes_and_lids_lie_on_the_balls(rig):
    assert np.allclose(rig.joints[3:].mean(0), 0.0, atol=1e-4)
    lid = rig.landmarks()[[386, 374, 385, 380]]
    assert np.abs(np.linalg.norm(lid - rig.joints[3], axis=1) - 0.0127).max() < 0.0004


def test_blink_closes_on_the_person_too(rig):
    weights = np.zeros(52, np.float32)
    weights[INDEX["eyeBlinkLeft"]] = 1.0
    closed = rig.landmarks(rig.shaped_vertices(weights))
    open_gap = rig.landmarks()[386, 1] - rig.landmarks()[374, 1]
    assert closed[386, 1] - closed[374, 1] < 0.2 * open_gap
    assert closed[159, 1] - closed[145, 1] == pytest.approx(rig.landmarks()[159, 1] - rig.landmarks()[145, 1], abs=1e-5)


def test_texture_shows_the_photo(rig, seen):
    """A texel under a landmark has, up to the light taken out, the colour of the landmark's pixel."""
    texture = rig.part("skin").material.texture
    assert texture.shape == (1024, 1024, 3)
    at = rig.uv[rig.faces[rig.landmark_faces, rig.landmark_weights.argmax(1)]]
    lips, cheeks = [0, 17, 37, 267], [50, 280, 205, 425]

    def redness(pixels):
        pixels = pixels.astype(float)
        return (pixels[:, 0] - pixels[:, 1]).mean()

    def texels(ids):
        column, row = np.round(at[ids] * 1023).astype(int).T
        return texture[row, column]

    assert redness(texels(lips)) > redness(texels(cheeks)) + 8
    assert rig.details["face_seen"] > 0.6


def test_skin_tone_reaches_the_back_of_the_head(rig):
    texture = rig.part("skin").material.texture.astype(float)
    rim = texture[20:40, 300:700].mean((0, 1))
    cheek = texture[470:530, 380:420].mean((0, 1))
    assert np.abs(rim - cheek).max() < 40


def test_photo_and_its_mirror_image_give_mirrored_rigs(astronaut, rig):
    mirrored = build_rig([np.ascontiguousarray(astronaut.image[:, ::-1])], "Mirror")
    template = load_builtin_rig().landmarks()[:468]
    other = np.linalg.norm(template[:, None] * (-1, 1, 1) - template[None], axis=2).argmin(1)
    reflected = mirrored.landmarks()[:468][other] * (-1, 1, 1)
    assert np.median(np.linalg.norm(reflected - rig.landmarks()[:468], axis=1)) < 0.0025


def test_same_photo_gives_the_same_rig(astronaut, rig):
    again = build_rig([astronaut.image], "Astronaut")
    assert np.array_equal(again.vertices, rig.vertices)
    assert np.array_equal(again.part("skin").material.texture, rig.part("skin").material.texture)


def test_a_bad_picture_among_good_ones_is_passed_over(astronaut, rig):
    empty = np.zeros((64, 64, 3), np.uint8)
    both = build_rig([empty, astronaut.image], "Astronaut")
    assert np.array_equal(both.vertices, rig.vertices)


def test_large_photo_is_averaged_not_picked(astronaut):
    """Pixel noise of a photo much finer than the texture is averaged away, as it would not be by picking pixels."""
    fine = np.repeat(np.repeat(astronaut.image[20:220, 120:330], 16, 0), 16, 1)
    noise = np.random.default_rng(0).normal(0, 20, fine.shape)
    noisy = build_rig([np.clip(fine + noise, 0, 255).astype(np.uint8)], "Noisy").part("skin").material.texture
    assert noisy.shape == (2048, 2048, 3)
    cheek = noisy[880:1040, 740:860].astype(float)
    assert np.abs(np.diff(cheek, axis=0)).mean() < 0.5 * np.abs(np.diff(noise[:400, :400], axis=0)).mean()


def test_no_face_is_said(astronaut):
    for picture in (np.zeros((240, 320, 3), np.uint8), np.zeros((1, 1, 3), np.uint8)):
        with pytest.raises(NoFaceError, match="No face was found"):
            build_rig([picture], "Nobody")


def test_cut_off_face_is_said(astronaut):
    with pytest.raises(NoFaceError, match=r"cut off|No face"):
        build_rig([np.ascontiguousarray(astronaut.image[:130])], "Half")


def test_tiny_face_is_said(astronaut):
    small = np.ascontiguousarray(astronaut.image[::3, ::3])
    with pytest.raises(NoFaceError, match=r"only \d+ pixels wide|No face"):
        build_rig([small], "Small")


def test_two_people_are_said_and_a_small_face_behind_is_not(astronaut):
    crop = astronaut.image[:256, 96:352]
    larger = cv2.resize(crop, (320, 320), interpolation=cv2.INTER_CUBIC)
    wide = np.full((320, 576, 3), 120, np.uint8)
    wide[:, :320], wide[32:288, 320:] = larger, crop
    (remark,) = build_rig([wide], "Twins").details["remarks"]
    assert "more than one face" in remark and "left one" in remark
    behind = np.full((256, 512, 3), 120, np.uint8)
    behind[:, :256] = crop
    behind[60:154, 330:424] = cv2.resize(crop, (94, 94), interpolation=cv2.INTER_AREA)
    assert build_rig([behind], "One").name == "One"


def test_nothing_given_is_said():
    with pytest.raises(InputError, match="at least one picture"):
        build_rig([], "Nothing")


def test_progress_grows_and_cancel_stops(astronaut):
    shares = []
    build_rig([astronaut.image], "A", progress=lambda phase, share: shares.append(share))
    assert shares == sorted(shares) and shares[-1] == 1.0
    with pytest.raises(Cancelled):
        build_rig([astronaut.image], "A", is_cancelled=lambda: True)


@pytest.mark.parametrize("name", ["facerec_obama.jpg", "facerec_biden.jpg", "mona_lisa.jpg", "pyfeat_single_face.jpg"])
def test_other_faces_become_plausible_heads(shared_file, name):
    rig = build_rig([load_image(shared_file(f"media/images/{name}"))], name)
    points = rig.landmarks()
    assert 0.11 < np.linalg.norm(points[234] - points[454]) < 0.17  # bizygomatic breadth
    assert 0.085 < np.linalg.norm(points[168] - points[152]) < 0.15  # sellion to menton
    skin = rig.vertices[rig.part("skin").vertices]
    assert 0.12 < np.ptp(skin[:, 0]) < 0.24
    assert np.isfinite(rig.shapes).all() and np.abs(rig.shapes).max() < 0.08


@pytest.mark.parametrize("name", ["no_face_landscape.jpg", "facerec_obama_partial_face.jpg"])
def test_pictures_without_a_whole_face_are_refused(shared_file, name):
    with pytest.raises(NoFaceError):
        build_rig([load_image(shared_file(f"media/images/{name}"))], name)
