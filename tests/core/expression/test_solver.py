"""Coefficients that were put in come out; what cannot be seen stays 0."""

import numpy as np
import pytest

from core.blendshapes import ARKIT_NAMES, COUNT, INDEX, MIRROR
from core.errors import InputError
from core.expression.solver import ExpressionParameters, ExpressionSolver
from core.geometry.gaze_shapes import EYE_LOOK
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.geometry.similarity import fit_similarity

LOOK = {ARKIT_NAMES[i] for i in EYE_LOOK.ravel()}
VISIBLE = [name for name in ARKIT_NAMES if name not in LOOK | {"tongueOut"}]
EXACT = ExpressionParameters(reluctance=1e-13, doubt=0.0, depth_weight=1.0)


def test_the_neutral_face_is_zero(solver, rest):
    np.testing.assert_array_equal(solver.solve(rest), np.zeros(COUNT, np.float32))


def test_exact_landmarks_of_random_shapes(rest, random_shapes):
    random = np.random.default_rng(4)
    solver = ExpressionSolver(rest, random_shapes, EXACT)
    allowed = np.array([INDEX[name] for name in VISIBLE])
    for _ in range(20):
        truth = np.zeros(COUNT)
        truth[allowed] = np.clip(random.normal(0.2, 0.4, len(allowed)), 0, 1)
        truth[INDEX["mouthClose"]] = min(truth[INDEX["mouthClose"]], truth[INDEX["jawOpen"]])
        if truth[INDEX["mouthClose"]] == truth[INDEX["jawOpen"]] == 1.0:
            continue
        found = solver.solve(rest + np.tensordot(truth, random_shapes, 1))
        np.testing.assert_allclose(found, truth, atol=0.02)


@pytest.mark.parametrize("name", VISIBLE)
def test_one_channel_of_the_builtin_head(solver, show, name):
    named = {name: 0.7, "jawOpen": 0.7} if name == "mouthClose" else {name: 0.7}
    found = solver.solve(show(**named))
    assert found[INDEX[name]] == pytest.approx(0.7, abs=0.15)
    others = [found[i] for i in range(COUNT) if ARKIT_NAMES[i] not in named]
    assert found[INDEX[name]] > max(others)


def test_shape_type_and_range_whatever_comes(solver, rest):
    random = np.random.default_rng(0)
    for scale in (0.0005, 0.005, 0.05):
        for _ in range(10):
            found = solver.solve(rest + random.normal(0, scale, rest.shape))
            assert found.shape == (COUNT,)
            assert found.dtype == np.float32
            assert found.min() >= 0.0
            assert found.max() <= 1.0
            assert found[INDEX["mouthClose"]] <= found[INDEX["jawOpen"]]


def test_residual_head_movement_is_no_expression(solver, rest, show):
    rotation = rotation_from_yaw_pitch_roll(*np.radians([3.0, -3.0, 2.0]))
    for still, limit in ((rest, 0.05), (show(mouthSmileLeft=0.6, jawOpen=0.3), 0.1)):
        moved = 1.02 * still @ rotation.T + [0.003, -0.004, 0.005]
        np.testing.assert_allclose(solver.solve(moved), solver.solve(still), atol=limit)


def test_flattened_relief_is_hardly_an_expression(solver, rest):
    flat = rest * [1.0, 1.0, 0.9]
    assert solver.solve(flat).max() < 0.1


def test_a_mirrored_face_gives_mirrored_coefficients(rest, shapes):
    order = mirror_order(rest)
    mirrored_rest = rest[order] * [-1, 1, 1]
    solver = ExpressionSolver(rest, shapes)
    mirrored_shapes = shapes[list(MIRROR)][:, order] * [-1, 1, 1]
    mirrored_solver = ExpressionSolver(mirrored_rest, mirrored_shapes)
    random = np.random.default_rng(2)
    for _ in range(5):
        truth = np.clip(random.normal(0, 0.4, COUNT), 0, 1)
        points = rest + np.tensordot(truth, shapes, 1)
        found = solver.solve(points)
        mirrored = mirrored_solver.solve(points[order] * [-1, 1, 1])
        np.testing.assert_allclose(mirrored[list(MIRROR)], found, atol=1e-4)


def mirror_order(points):
    """(478,) number of each landmark's partner on the other side."""
    distance = np.linalg.norm(points[:, None] * [-1, 1, 1] - points[None], axis=2)
    order = distance.argmin(1)
    order[468:478] = [473, 476, 475, 474, 477, 468, 471, 470, 469, 472]
    assert (np.sort(order) == np.arange(478)).all()
    return order


@pytest.mark.parametrize(("side", "other"), [("Left", "Right"), ("Right", "Left")])
def test_a_wink_leaves_the_other_eye_open(solver, show, side, other):
    found = solver.solve(show(**{f"eyeBlink{side}": 1.0}))
    assert found[INDEX[f"eyeBlink{side}"]] > 0.8
    assert found[INDEX[f"eyeBlink{other}"]] < 0.05


def test_closed_lips_over_an_open_jaw(solver, show):
    found = solver.solve(show(jawOpen=0.6, mouthClose=0.6))
    assert found[INDEX["jawOpen"]] > 0.45
    assert found[INDEX["mouthClose"]] > 0.4
    found = solver.solve(show(jawOpen=0.6))
    assert found[INDEX["mouthClose"]] < 0.1


def test_what_cannot_be_seen_is_held(rest, shapes):
    faint = shapes.copy()
    faint[INDEX["cheekPuff"]] *= 1e-3
    solver = ExpressionSolver(rest, faint)
    assert solver.held == ("cheekPuff", "tongueOut")
    found = solver.solve(rest + shapes[INDEX["cheekPuff"]] + shapes[INDEX["tongueOut"]])
    assert found[INDEX["cheekPuff"]] == found[INDEX["tongueOut"]] == 0.0


def test_look_channels_come_from_the_gaze(solver, rest, show):
    assert solver.solve(show(eyeLookDownLeft=1.0))[EYE_LOOK].max() == 0.0
    found = solver.solve(rest, np.radians([[15.0, 0.0], [15.0, 0.0]]))
    assert found[INDEX["eyeLookOutLeft"]] == pytest.approx(0.5)
    assert found[INDEX["eyeLookInRight"]] == pytest.approx(0.5)


def test_looking_down_is_less_of_a_blink_when_the_gaze_is_known(solver, show):
    down = show(eyeLookDownLeft=1.0, eyeLookDownRight=1.0)
    blind = solver.solve(down)[INDEX["eyeBlinkLeft"]]
    knowing = solver.solve(down, np.radians([[0.0, -25.0]] * 2))[INDEX["eyeBlinkLeft"]]
    assert knowing < 0.7 * blind


def test_calibration_makes_a_face_neutral(solver, rest, show):
    resting = show(mouthPucker=0.3, browDownLeft=0.4) * 1.03
    assert solver.solve(resting).max() > 0.2
    solver.calibrate(resting)
    np.testing.assert_array_equal(solver.neutral, resting)
    np.testing.assert_array_equal(solver.solve(resting), 0.0)
    solver.reset()
    np.testing.assert_array_equal(solver.neutral, rest)
    assert solver.solve(resting).max() > 0.2


def test_a_blink_among_the_calibration_frames_does_no_harm(solver, rest, show):
    frames = [rest] * 8 + [show(eyeBlinkLeft=1.0, eyeBlinkRight=1.0)] * 2
    solver.calibrate(frames)
    np.testing.assert_array_equal(solver.neutral, rest)


def test_narrow_eyes_close_fully_after_calibration(solver, rest, show):
    gap = show(eyeBlinkLeft=1.0) - rest
    narrow = rest + 0.4 * gap
    solver.calibrate(narrow)
    found = solver.solve(rest + gap)
    assert found[INDEX["eyeBlinkLeft"]] > 0.85


def test_history_does_not_change_the_answer(solver, rest, shapes):
    random = np.random.default_rng(3)
    for _ in range(10):
        points = rest + np.tensordot(np.clip(random.normal(0, 0.5, COUNT), 0, 1), shapes, 1)
        fresh = ExpressionSolver(rest, shapes).solve(points)
        np.testing.assert_allclose(solver.solve(points), fresh, atol=1e-6)


@pytest.mark.parametrize("points", [np.zeros((468, 3)), np.full((478, 3), np.nan)])
def test_refuses_points_that_are_none(solver, points):
    with pytest.raises(InputError, match="478"):
        solver.solve(points)


def test_refuses_an_empty_calibration(solver):
    with pytest.raises(InputError, match="at least one"):
        solver.calibrate([])


def test_the_builtin_head_is_rigid_where_the_pose_is_measured(rest, show):
    """The pose must not follow a wide open mouth."""
    from core.tracking.landmark_ids import RIGID_LANDMARKS

    ids = list(RIGID_LANDMARKS)
    fit = fit_similarity(rest[ids], show(jawOpen=1.0, mouthSmileLeft=1.0, eyeBlinkLeft=1.0)[ids])
    np.testing.assert_allclose(fit.rotation, np.eye(3), atol=0.01)
