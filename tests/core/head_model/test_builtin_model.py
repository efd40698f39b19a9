"""The built-in head as a model: its people look like people, and its named directions do what they say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from core.blendshapes import INDEX
from core.errors import InputError
from core.head_model.builtin import load_builtin_rig
from core.head_model.builtin_model import builtin_basis, builtin_process, load_builtin_model
from core.head_model.identity import INNER_LIP_PAIRS
from core.head_model.joint_rows import joint_regressor
from core.head_model.measures import MEASURES, Measuring, are_kin
from core.head_model.skinning import LEFT_EYE, RIGHT_EYE

NAMED = [measure for measure in MEASURES if measure.is_named]
EYES = (("leftEye", LEFT_EYE), ("rightEye", RIGHT_EYE))


@pytest.fixture(scope="module")
def model():
    return load_builtin_model()


@pytest.fixture(scope="module")
def measuring():
    rig = load_builtin_rig()
    return Measuring(rig, joint_regressor(rig))


@pytest.fixture(scope="module")
def people(model):
    """Ten people, the second half with all coefficients evenly in [-2, 2], which is stranger than strangers are."""
    rng = np.random.default_rng(100)
    codes = [rng.normal(0, 1, model.shape_count) for _ in range(5)]
    codes += [rng.uniform(-2, 2, model.shape_count) for _ in range(5)]
    return [model.rig(code) for code in codes]


def coefficients(**values: float) -> np.ndarray:
    shown = np.zeros(52, np.float32)
    for name, value in values.items():
        for full in (name, f"{name}Left", f"{name}Right"):
            if full in INDEX:
                shown[INDEX[full]] = value
    return shown


def lips_apart(rig, shown) -> float:
    points = rig.landmarks(rig.shaped_vertices(shown))
    return max(float(np.abs(points[a, :2] - points[b, :2]).max()) for a, b in INNER_LIP_PAIRS[1:-1])


def test_the_mean_is_the_built_in_head(model):
    mean, rig = model.rig(), load_builtin_rig()
    assert np.abs(mean.vertices - rig.vertices).max() < 1e-7 and np.abs(mean.joints - rig.joints).max() < 1e-7
    assert np.array_equal(mean.shapes, rig.shapes) and mean.correctives == rig.correctives
    assert (mean.pose_correctives is None) == (rig.pose_correctives is None)


def test_basis_is_ordered_orthogonal_and_has_the_surveys_deviations(model, measuring):
    basis = model.shape_basis.astype(float)
    one_side = load_builtin_rig().vertices[:, 0] >= 0
    energy = (basis[one_side] ** 2).sum(axis=(0, 1))
    assert (np.diff(energy) < 1e-6 * energy[0]).all()
    for own in (builtin_basis().is_symmetric, ~builtin_basis().is_symmetric):
        columns = basis[one_side][:, :, own].reshape(-1, own.sum())
        cosine = columns.T @ columns / np.sqrt(np.outer(energy[own], energy[own]))
        assert np.abs(cosine - np.eye(own.sum())).max() < 1e-4
    spread = measuring.matrix() @ basis.reshape(-1, basis.shape[2])
    assert np.allclose(1e3 * np.linalg.norm(spread, axis=1), [m.deviation_mm for m in MEASURES], rtol=1e-5)


def test_symmetric_directions_are_symmetric_and_the_others_opposite(model):
    rest = load_builtin_rig().vertices
    across = cKDTree(rest).query(rest * (-1, 1, 1))[1]
    skin = load_builtin_rig().part("skin").vertices
    basis = model.shape_basis
    mirrored = basis[across] * np.array([-1, 1, 1])[:, None]
    sign = np.where(builtin_basis().is_symmetric, 1.0, -1.0)
    off = np.abs(basis - sign * mirrored)[skin].max(axis=(0, 1))
    assert np.median(off / np.abs(basis).max(axis=(0, 1))) < 1e-3


def test_basis_keeps_nearly_all_that_the_process_knows(model):
    """Against the exact process: the variance at some vertices, and the covariance among them."""
    process = builtin_process()
    rng = np.random.default_rng(0)
    rows = np.sort(rng.choice(3600, 60, replace=False))
    picks = process._chosen(rows, None)
    seen = process.sources.rows(picks)
    exact = process.covariance(seen, seen)
    kept = picks @ model.shape_basis.reshape(-1, model.shape_count).astype(float)
    assert np.linalg.eigvalsh(exact - kept @ kept.T).min() > -1e-3 * exact.diagonal().max()
    assert np.trace(kept @ kept.T) > 0.9 * np.trace(exact)


@pytest.mark.parametrize("measure", NAMED, ids=lambda measure: measure.name)
def test_a_named_direction_changes_its_own_measure_by_its_deviation(model, measuring, measure):
    before = measuring.of(model.template)
    person = model.rig(named={measure.name: 1.0})
    after = measuring.of(person.vertices)
    assert np.isclose(1e3 * (after[measure.name] - before[measure.name]), measure.deviation_mm, atol=0.01)
    apart = [m for m in MEASURES if m is not measure and not are_kin(m.name, measure.name)]
    others = {m.name: abs(after[m.name] - before[m.name]) / (1e-3 * m.deviation_mm) for m in apart}
    assert max(others.values()) < 0.25, max(others, key=others.get)
    rest = load_builtin_rig().vertices
    skin = load_builtin_rig().part("skin").vertices
    across = cKDTree(rest).query(rest * (-1, 1, 1))[1]
    moved = person.vertices - rest
    assert np.abs(moved - moved[across] * (-1, 1, 1))[skin].max() < 1e-5


def test_named_directions_add_up_and_go_both_ways(model):
    there = model.code(named={"nose length": 1.5, "ear length": -1.0})
    assert np.allclose(there, 1.5 * model.named["nose length"] - model.named["ear length"])
    assert np.allclose(
        model.code(np.array([1.0, 2.0]), {"nose length": 1.0})[:2], np.array([1, 2]) + model.named["nose length"][:2]
    )


@pytest.mark.parametrize("named", [{"nose colour": 1.0}, {"nose length": float("nan")}])
def test_unknown_names_and_odd_amounts_are_refused(model, named):
    with pytest.raises(InputError, match="nose"):
        model.rig(named=named)


def test_eyes_stay_spheres_about_their_joints(people):
    rig = load_builtin_rig()
    for person in people:
        for name, joint in EYES:
            ball = rig.part(name).vertices
            before = rig.vertices[ball].astype(float) - rig.joints[joint]
            assert np.abs(person.vertices[ball].astype(float) - person.joints[joint] - before).max() < 1e-6


@pytest.mark.parametrize(
    "shape", [{}, {"eyeBlink": 1.0}, {"eyeBlink": 0.5}, {"eyeSquint": 1.0}, {"eyeWide": 1.0}, {"browDown": 1.0}]
)
def test_no_lid_cuts_an_eyeball(people, shape):
    rig = load_builtin_rig()
    skin = rig.vertices[rig.part("skin").vertices].astype(float)
    for person in people:
        moved = person.shaped_vertices(coefficients(**shape))[: len(skin)]
        for _, joint in EYES:
            lid = np.linalg.norm(skin - rig.joints[joint], axis=1)
            before = (lid > 0.0124) & (lid < 0.020) & (skin[:, 2] > rig.joints[joint][2])
            assert np.linalg.norm(moved[before] - person.joints[joint], axis=1).min() > 0.0120


def test_lids_meet_and_lips_are_sealed(people):
    rig = load_builtin_rig()
    for person in people:
        points = person.landmarks(person.shaped_vertices(coefficients(eyeBlink=1.0)))
        for upper, lower in ((386, 374), (159, 145), (385, 380), (387, 373)):
            assert abs(points[upper, 1] - points[lower, 1]) < 0.0008
        assert lips_apart(person, coefficients()) < lips_apart(rig, coefficients()) + 0.0009
        for amount in (0.5, 1.0):
            shown = coefficients(jawOpen=amount, mouthClose=amount)
            assert lips_apart(person, shown) < lips_apart(rig, shown) + 0.0006


@pytest.mark.parametrize("shape", [{}, {"jawOpen": 0.8}, {"jawOpen": 0.6, "mouthClose": 0.6}])
def test_teeth_stay_behind_the_skin(people, shape):
    for person in people:
        moved = person.shaped_vertices(coefficients(**shape))
        skin = person.part("skin").vertices
        normals = person._normals(moved)[skin]
        outer = np.flatnonzero(normals[:, 2] > 0.3)
        tree = cKDTree(moved[skin][outer])
        for part in ("upperTeeth", "lowerTeeth"):
            teeth = moved[person.part(part).vertices]
            near, row = tree.query(teeth)
            behind = ((moved[skin][outer[row]] - teeth) * normals[outer[row]]).sum(axis=1)
            assert (behind[near < 0.004] > (-0.0020 if shape else -0.0005)).all()


def test_joints_hang_on_the_head_and_are_those_of_the_rig():
    rig = load_builtin_rig()
    rows = joint_regressor(rig)
    assert np.abs(rows.sum(axis=1) - 1).max() < 1e-9
    assert np.abs(rows @ rig.vertices - rig.joints).max() < 1e-6
    assert (np.abs(rows) < 1).all() and (rows != 0).sum(axis=1).max() < 300


def test_expression_code_is_arkits(model):
    shown = coefficients(mouthSmile=0.7, browInnerUp=0.4)
    assert np.allclose(model.expression_basis @ shown, np.einsum("s,svd->vd", shown, model.arkit_shapes), atol=1e-7)
