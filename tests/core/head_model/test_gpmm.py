"""The process against textbook conditioning, written out pair by pair."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import InputError
from core.head_model.anatomy import LID_FADE_M, LID_PRESS, LID_REACH_M
from core.head_model.builtin import load_builtin_rig
from core.head_model.builtin_model import builtin_process
from core.head_model.gpmm import HEAD_KERNEL, HeadProcess
from core.head_model.measures import MEASURES, Measuring

BALL = load_builtin_rig().part("leftEye").vertices


@pytest.fixture(scope="module")
def rig():
    return load_builtin_rig()


@pytest.fixture(scope="module")
def plain_process(rig):
    return HeadProcess(rig)


def soft_map(rig, vertex):
    """[(3, 3) weight, place] of a vertex of skin or eyeball: its own field, and the eyeballs'."""
    point = rig.vertices[vertex].astype(float)
    for name, joint in (("leftEye", 3), ("rightEye", 4)):
        part = rig.part(name).vertices
        if part.start <= vertex < part.stop:
            return [(np.eye(3), rig.joints[joint].astype(float))]
    own, others = np.eye(3), []
    for joint in (3, 4):
        centre = rig.joints[joint].astype(float)
        distance = np.linalg.norm(point - centre)
        t = np.clip((LID_FADE_M - distance) / (LID_FADE_M - LID_REACH_M), 0, 1)
        normal = (point - centre) / distance
        held = (1 - LID_PRESS) * (3 * t**2 - 2 * t**3) * np.outer(normal, normal)
        own = own - held
        others.append((held, centre))
    return [(own, point), *others]


def field_covariance(p, q):
    """(3, 3) of the free field."""
    total = np.zeros(3)
    for level in HEAD_KERNEL.levels:
        fade = 1.0
        if level.is_local:
            fade = float(HEAD_KERNEL.region.strength(p[None])[0] * HEAD_KERNEL.region.strength(q[None])[0])
        for image, sign in ((q, 1.0), (q * (-1, 1, 1), 1 - 2 * HEAD_KERNEL.lopsided_share)):
            value = 0.5 * fade * level.deviation_m**2 * np.exp(-((p - image) ** 2).sum() / (2 * level.scale_m**2))
            total += value * (np.ones(3) if image is q else sign * np.array([-1.0, 1.0, 1.0]))
    return np.diag(total)


def covariance(rig, first, second):
    blocks = [
        [
            sum(a @ field_covariance(p, q) @ b.T for a, p in soft_map(rig, i) for b, q in soft_map(rig, j))
            for j in second
        ]
        for i in first
    ]
    return np.block(blocks)


def test_posterior_is_the_textbooks(rig, plain_process):
    rng = np.random.default_rng(0)
    left_lid = int(rig.faces[rig.landmark_faces[386]][rig.landmark_weights[386].argmax()])
    seen = np.append(rng.choice(3600, 8, replace=False), [left_lid, rig.part("leftEye").vertices.start])
    asked = np.append(rng.choice(3600, 6, replace=False), [left_lid, 4000, rig.part("rightEye").vertices.start + 5])
    observed = rig.vertices[seen] + rng.normal(0, 0.003, (len(seen), 3))
    noise = 0.0007
    posterior = plain_process.condition(seen, observed, noise)
    among = covariance(rig, seen, seen) + noise**2 * np.eye(3 * len(seen))
    across = covariance(rig, asked, seen)
    mean = across @ np.linalg.solve(among, (observed - rig.vertices[seen]).ravel())
    left = np.diag(covariance(rig, asked, asked) - across @ np.linalg.solve(among, across.T))
    assert np.abs(posterior.vertices[asked] - rig.vertices[asked] - mean.reshape(-1, 3)).max() < 1e-9
    assert np.abs(posterior.deviation[asked] - np.sqrt(left).reshape(-1, 3)).max() < 1e-8


@pytest.mark.parametrize("with_surveys", [False, True])
def test_without_noise_the_mean_passes_through_the_points(rig, plain_process, with_surveys):
    process = builtin_process() if with_surveys else plain_process
    rng = np.random.default_rng(1)
    places = rng.choice(rig.part("skin").faces.stop, 60, replace=False)
    weights = rng.dirichlet((1, 1, 1), len(places))
    there = np.einsum("nk,nkd->nd", weights, rig.vertices[rig.faces[places]].astype(float))
    observed = there + rng.normal(0, 0.002, there.shape)
    posterior = process.condition(places, observed, 0.0, weights)
    reached = np.einsum("nk,nkd->nd", weights, posterior.vertices[rig.faces[places]])
    assert np.abs(reached - observed).max() < 1e-6
    assert np.isfinite(posterior.deviation).all()


def test_what_is_seen_is_known_and_what_is_far_is_not(rig):
    process = builtin_process()
    nose = int(rig.faces[rig.landmark_faces[4]][rig.landmark_weights[4].argmax()])
    prior = process.condition(np.array([nose]), rig.vertices[[nose]], 10.0)
    posterior = process.condition(np.array([nose]), rig.vertices[[nose]], 1e-4)
    assert posterior.deviation[nose].max() < 1.01e-4
    assert (posterior.deviation <= prior.deviation + 1e-6).all()
    back = int(rig.vertices[:, 2].argmin())
    assert (posterior.deviation[back] > 0.8 * prior.deviation[back]).all()
    assert np.abs(posterior.vertices - rig.vertices).max() < 1e-9


def test_seams_eyes_and_teeth_stay_whole(rig):
    process = builtin_process()
    rng = np.random.default_rng(2)
    seen = rng.choice(3600, 30, replace=False)
    moved = process.condition(seen, rig.vertices[seen] + rng.normal(0, 0.004, (30, 3)), 0.001).vertices
    assert np.abs(moved - moved[rig.seam_groups]).max() < 1e-9
    for name in ("leftEye", "rightEye"):
        way = (moved - rig.vertices)[rig.part(name).vertices]
        assert np.abs(way - way[0]).max() < 1e-9
    bite = np.concatenate([np.arange(*rig.part(n).vertices.indices(10**6)) for n in ("upperTeeth", "lowerTeeth")])
    before, after = rig.vertices[bite].astype(float), moved[bite]
    sizes = [np.linalg.norm(p - p.mean(axis=0), axis=1) for p in (before, after)]
    assert np.ptp(sizes[1] / sizes[0]) < 0.02  # a similarity up to second order


def test_the_surveys_deviations_are_the_process_own(rig):
    process = builtin_process()
    from core.head_model.joint_rows import joint_regressor

    seen = process.sources.rows(Measuring(rig, joint_regressor(rig)).matrix())
    deviations = np.sqrt(np.diag(process.covariance(seen, seen)))
    assert np.allclose(1e3 * deviations, [measure.deviation_mm for measure in MEASURES], rtol=1e-6)


def test_one_kernel_serves_identity_and_heads():
    from core.head_model.identity import IdentityPrior

    prior = IdentityPrior()
    p = load_builtin_rig().landmarks().astype(float)[:468:9]
    squared = ((p[:, None] - p[None] * (-1, 1, 1)) ** 2).sum(axis=2)
    across = sum(
        d**2 * np.exp(-squared / (2 * s**2))
        for d, s in ((prior.broad_deviation_m, prior.broad_scale_m), (prior.fine_deviation_m, prior.fine_scale_m))
    )
    sideways, other = prior.kernel.sideways_and_other(p, p)
    assert np.allclose(other - sideways, 0.9 * across)


@pytest.mark.parametrize(
    ("places", "observed", "weights", "words"),
    [
        (np.array([0, 1]), np.zeros((1, 3)), None, "2 finite"),
        (np.array([0]), np.full((1, 3), np.nan), None, "finite"),
        (np.array([-1]), np.zeros((1, 3)), None, "below"),
        (np.array([10**6]), np.zeros((1, 3)), None, "below"),
        (np.array([0]), np.zeros((1, 3)), np.zeros((1, 2)), "three weights"),
        (np.arange(*BALL.indices(10**6))[:2], np.zeros((2, 3)), None, "noise above 0"),
    ],
)
def test_points_that_do_not_fit_are_refused(plain_process, places, observed, weights, words):
    with pytest.raises(InputError, match=words):
        plain_process.condition(places, observed, 0.0, weights)
