"""What can be seen of a drawn face under light, turns, distance and hands."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from core.blendshapes import COUNT, INDEX
from core.geometry.projection import project
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.head_model.builtin import load_builtin_rig
from core.rendering.renderer import HeadRenderer
from core.structures import FaceLandmarks, FaceState
from core.tracking.camera import default_camera
from core.tracking.view_quality import REGION_POINTS, FaceWatch, ViewQuality

SIZE = (640, 480)


@cache
def drawn(yaw: float = 0.0, distance_m: float = 0.5, **coefficients: float) -> tuple[np.ndarray, np.ndarray]:
    """(picture, true pixels of the 478 points) of the built-in head."""
    rig, camera = load_builtin_rig(), default_camera(SIZE)
    values = np.zeros(COUNT, np.float32)
    for name, value in coefficients.items():
        values[INDEX[name]] = value
    turn = rotation_from_yaw_pitch_roll(yaw, 0.0, 0.0).astype(np.float32)
    place = np.array([0.0, 0.0, -distance_m], np.float32)
    state = FaceState(0.0, blendshapes=values, head_rotation=turn, head_translation=place)
    with HeadRenderer(rig, SIZE) as renderer:
        picture = renderer.render(state, camera)
    points = rig.landmarks(rig.shaped_vertices(values)) @ turn.T + place
    return picture, project(camera, points)


def face(pixels: np.ndarray) -> FaceLandmarks:
    points = np.zeros((478, 3), np.float32)
    points[:, :2] = pixels
    return FaceLandmarks(points, SIZE)


def watched(watch: FaceWatch, scene: tuple[np.ndarray, np.ndarray], time_s: float, yaw: float = 0.0) -> ViewQuality:
    picture, pixels = scene
    return watch.observe(picture, face(pixels), (yaw, 0.0), time_s)


def calm_watch() -> FaceWatch:
    watch = FaceWatch()
    for k in range(30):
        watched(watch, drawn(), k / 30)
    return watch


def test_a_near_lit_frontal_face_is_seen_whole() -> None:
    quality = watched(calm_watch(), drawn(), 1.0)
    assert set(quality.regions) == set(REGION_POINTS)
    assert min(quality.regions.values()) > 0.95
    assert quality.covered == ()
    assert not quality.is_dark
    assert not quality.is_turned_away


@pytest.mark.parametrize(
    "gesture",
    [{"jawOpen": 1.0}, {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0}, {"mouthPucker": 1.0},
     {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}, {"browInnerUp": 1.0}],
)  # fmt: skip
def test_an_expression_covers_nothing(gesture: dict[str, float]) -> None:
    quality = watched(calm_watch(), drawn(**gesture), 1.0)
    assert quality.covered == ()
    assert min(quality.regions.values()) > 0.5


def test_a_hand_before_the_mouth_takes_the_mouth_alone() -> None:
    watch = calm_watch()
    picture, pixels = drawn()
    mouth = pixels[list(REGION_POINTS["mouth"]), :2]
    low, high = mouth.min(0).astype(int) - 15, mouth.max(0).astype(int) + 15
    covered = picture.copy()
    rng = np.random.default_rng(0)
    hand = np.array([196, 140, 112]) + 25 * np.sin(np.arange(high[0] - low[0]) / 9)[None, :, None]
    covered[low[1] : high[1], low[0] : high[0]] = hand + rng.normal(0, 3, (high[1] - low[1], high[0] - low[0], 3))
    quality = watched(watch, (covered, pixels), 1.0)
    assert quality.covered == ("mouth",)
    assert quality.regions["mouth"] < 0.3
    assert min(quality.regions["eyes"], quality.regions["brows"]) > 0.9
    assert watched(watch, drawn(), 1.1).regions["mouth"] > 0.9  # it comes back at once


def test_darkness_distance_and_turns_take_everything() -> None:
    picture, pixels = drawn()
    dark = watched(calm_watch(), ((picture * 0.08).astype(np.uint8), pixels), 1.0)
    assert dark.is_dark
    assert max(dark.regions.values()) < 0.3
    far = watched(FaceWatch(), drawn(distance_m=6.0), 0.0)
    assert max(far.regions.values()) < 0.5
    turned = watched(FaceWatch(), drawn(yaw=1.2), 0.0, yaw=1.2)
    assert turned.is_turned_away
    assert max(turned.regions.values()) == 0.0


def test_light_that_changes_as_a_whole_is_no_hand() -> None:
    picture, pixels = drawn()
    dimmed = np.clip(picture * 0.6, 0, 255).astype(np.uint8)
    quality = watched(calm_watch(), (dimmed, pixels), 1.0)
    assert quality.covered == ()
    assert min(quality.regions.values()) > 0.9


def test_points_outside_the_picture_count_as_unseen() -> None:
    picture, pixels = drawn()
    quality = FaceWatch().observe(picture, face(pixels + np.array([0.0, 215.0])), (0.0, 0.0), 0.0)
    assert quality.regions["mouth"] < 0.6 < quality.regions["brows"]
