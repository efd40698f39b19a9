"""The Gaussian of forms and of what FaceMesh reports of them."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from core.errors import RigError
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.geometry.similarity import fit_similarity
from core.rigging.face_gaussian import DIRECTIONS_DEG, AlignedFace, load_face_gaussian
from core.rigging.face_shape import estimate_shape, picture_trust


@pytest.fixture(scope="module")
def gaussian():
    return load_face_gaussian()


def draw(gaussian, rng):
    """A random person: (form in their size, resting faces in all directions)."""
    return drawn(gaussian, rng.multivariate_normal(gaussian.mean, gaussian.covariance, check_valid="ignore", tol=1e-3))


def drawn(gaussian, sample):
    """As `draw`, of this sample."""
    count = len(gaussian.form_basis)
    form = np.exp(sample[count]) * (gaussian.form_mean + (sample[:count] @ gaussian.form_basis).reshape(-1, 3))
    faces = []
    for number in range(len(DIRECTIONS_DEG)):
        rows = sample[gaussian._rows(number)]
        points = gaussian.seen_mean[number] + (rows[:-1] @ gaussian.seen_basis).reshape(-1, 3)
        aligned = AlignedFace(points, gaussian.turn_mean[number], fit_similarity(points, points), float(rows[-1]))
        faces.append((aligned, gaussian.at_rest(aligned)))
    return form, faces


def error(estimate, form):
    laid = fit_similarity(estimate, form).apply(estimate)
    return float(np.sqrt(((laid - form) ** 2).sum(axis=1).mean()))


def test_people_drawn_from_it_are_found_again_and_more_directions_help(gaussian):
    rng = np.random.default_rng(1)
    mean, one, all_of_them = [], [], []
    for _ in range(12):
        form, faces = draw(gaussian, rng)
        mean.append(error(gaussian.form_mean, form))
        one.append(error(gaussian.estimate([faces[0][1]]).landmarks, form))
        all_of_them.append(error(gaussian.estimate([rest for _, rest in faces]).landmarks, form))
    assert np.median(one) < 0.8 * np.median(mean)
    assert np.median(all_of_them) < 0.85 * np.median(one)


def test_a_lens_that_is_told_places_the_camera_and_helps_the_form(gaussian):
    rng = np.random.default_rng(2)
    count = len(gaussian.form_basis)
    samples = rng.multivariate_normal(gaussian.mean, gaussian.covariance, 40, check_valid="ignore", tol=1e-3)
    untold, told = [], []
    for sample in samples[np.abs(samples[:, count + 1] - 1.2) < 1]:
        form, faces = drawn(gaussian, sample)
        near = float(sample[count + 1])
        guessed = gaussian.estimate([faces[0][1]])
        estimate = gaussian.estimate([faces[0][1]], nearness=near)
        untold.append(error(guessed.landmarks, form))
        told.append(error(estimate.landmarks, form))
        assert estimate.deviation_m < guessed.deviation_m
        assert estimate.distance_m == pytest.approx(1 / near, rel=0.08)
    assert len(told) > 20
    assert np.mean(told) < np.mean(untold)


def test_covariance_is_one(gaussian):
    values = np.linalg.eigvalsh(gaussian.covariance)
    assert values.min() > -1e-9 * values.max()
    assert np.allclose(gaussian.form_basis @ gaussian.form_basis.T, np.eye(len(gaussian.form_basis)), atol=5e-3)


def test_alignment_undoes_place_size_and_turn(gaussian):
    turn = rotation_from_yaw_pitch_roll(0.2, -0.1, 0.15)
    face = np.vstack([gaussian.seen_mean[0], np.zeros((10, 3))])
    seen = 3000 * face @ turn.T + np.array([320.0, -240.0, 5.0])
    aligned = gaussian.align(seen, iris_width=30.0)
    assert np.allclose(aligned.points, gaussian.seen_mean[0], atol=1e-6)
    assert aligned.turn == pytest.approx([0.2, -0.1], abs=1e-6)
    assert aligned.log_iris == pytest.approx(np.log(30 / 3000))


def test_an_expression_is_taken_out(gaussian):
    """The mean face that smiles as FaceMesh shows it comes out nearly at rest."""
    smile = np.where(gaussian.shape_deviation >= 1.0, 0.6, 0.0)
    shown = gaussian.seen_mean[0] + (smile @ gaussian.shown_shapes).reshape(-1, 3)
    face = AlignedFace(shown, gaussian.turn_mean[0], fit_similarity(shown, shown), gaussian.mean[-1])
    rest = gaussian.at_rest(face)
    moved = np.abs(shown - gaussian.seen_mean[0]).max()
    assert moved > 0.002
    assert np.abs(rest.points - gaussian.seen_mean[0]).max() < 0.5 * moved
    assert rest.blendshapes.min() >= 0 and rest.blendshapes.max() <= 1


def seen_as(rest, sharpness=0.5):
    """What an even grey picture shows of it: nothing covers that."""
    return SimpleNamespace(
        resting=rest, sharpness=sharpness, restfulness=1.0, focal_per_long_side=None,
        image=np.full((8, 8, 3), 128, np.uint8), landmarks=SimpleNamespace(points=np.zeros((478, 3))),
        aligned=SimpleNamespace(to_mean=SimpleNamespace(rotation=np.eye(3))),
    )  # fmt: skip


def test_a_picture_of_another_person_fades(gaussian):
    """A stranger's picture always counts clearly less than the least of one's own. Several draws, because which people
    a seed draws depends on how many threads the linear algebra has."""
    ratios = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        _, faces = draw(gaussian, rng)
        _, strangers = draw(gaussian, rng)
        rests = [rest for _, rest in faces]
        jittered = [replace(r, points=r.points + rng.normal(0, 2e-4, r.points.shape)) for r in rests for _ in range(2)]
        trust = picture_trust([seen_as(r) for r in [*jittered, strangers[0][1]]], gaussian)
        ratios.append(trust[-1] / trust[:-1].min())
    assert max(ratios) < 0.65, ratios


def test_surprise_is_about_one_between_ones_own_pictures_from_any_side(gaussian):
    own, other = [], []
    for seed in range(6):
        rng = np.random.default_rng(100 + seed)
        _, faces = draw(gaussian, rng)
        _, strangers = draw(gaussian, rng)
        surprise = gaussian.mutual_surprise([rest for _, rest in faces] + [strangers[0][1]])
        own += surprise[:-1, :-1][~np.eye(len(faces), dtype=bool)].tolist()
        other += surprise[-1, :-1].tolist()
    assert 0.2 < np.median(own) < 1.2
    assert np.median(other) > 1.7 * np.median(own)


def test_halves_of_many_pictures_are_compared_and_lips_meet(gaussian):
    _, faces = draw(gaussian, np.random.default_rng(5))
    shape = estimate_shape([seen_as(rest) for _, rest in faces])
    assert shape.disagreement_m is not None and shape.disagreement_m < 0.004
    assert shape.landmarks[13, 1] - shape.landmarks[14, 1] == pytest.approx(0.00024, abs=1e-6)
    assert estimate_shape([seen_as(faces[0][1])]).disagreement_m is None


def test_nothing_is_refused(gaussian):
    with pytest.raises(RigError, match="at least one"):
        gaussian.estimate([])
    with pytest.raises(RigError, match="at least one picture"):
        estimate_shape([])
