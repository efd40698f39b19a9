"""ICT-FaceKit's identities on the rig, with the real pack where it is at hand, and with a made-up one."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import ModelPackError
from core.head_model.eyes import EYE_RADIUS_M
from core.head_model.heads import ICT_FILE, load_model
from core.head_model.ict import load_ict_rig
from core.head_model.ict_layout import IBUG_VERTICES, VERTEX_COUNT
from core.head_model.ict_shapes import load_ict_model
from core.head_model.skinning import LEFT_EYE, RIGHT_EYE
from tests.core.head_model.test_ict import made_up_arrays


def put(folder, **more):
    path = folder / ICT_FILE
    np.savez(path, **{**made_up_arrays(), **more})
    return path


def made_up_identities(count: int = 3) -> np.ndarray:
    """Wider, higher, deeper: each moves all vertices by its own hundredths of a centimetre."""
    identities = np.zeros((count, VERTEX_COUNT, 3), np.float16)
    for number in range(count):
        identities[number, :, number % 3] = 0.01 * (number + 1) * made_up_arrays()["neutral"][:, number % 3]
    return identities


@pytest.fixture(scope="module")
def made_up(tmp_path_factory):
    return load_ict_model(put(tmp_path_factory.mktemp("ict"), identity_delta=made_up_identities()))


def test_a_made_up_pack_becomes_wider_by_its_first_direction(made_up):
    skin = made_up.parts[0].vertices
    person, mean = made_up.rig(np.array([2.0])), made_up.rig()
    ratio = np.ptp(person.vertices[skin, 0]) / np.ptp(mean.vertices[skin, 0])
    assert np.isclose(ratio, 1.02, atol=1e-3)
    assert np.allclose(person.vertices[skin, 1:], mean.vertices[skin, 1:], atol=1e-4)
    assert np.array_equal(person.shapes, mean.shapes)


def test_eyeballs_stay_whole_and_carry_their_joints(made_up):
    person, mean = made_up.rig(np.array([1.5, -2.0, 1.0])), made_up.rig()
    for name, joint in (("leftEye", LEFT_EYE), ("rightEye", RIGHT_EYE)):
        ball = person.part(name).vertices
        before, after = mean.vertices[ball] - mean.joints[joint], person.vertices[ball] - person.joints[joint]
        assert np.abs(after - before).max() < 1e-6


def test_a_pack_without_identities_is_refused_in_one_line(tmp_path):
    with pytest.raises(ModelPackError, match="identity_delta") as caught:
        load_ict_model(put(tmp_path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "spoiled", [np.zeros((3, 5, 3), np.float16), np.full((2, VERTEX_COUNT, 3), np.nan, np.float16)]
)
def test_identities_of_another_kind_are_refused(tmp_path, spoiled):
    with pytest.raises(ModelPackError, match=ICT_FILE.removesuffix(".npz")):
        load_ict_model(put(tmp_path, identity_delta=spoiled))


def test_the_real_pack_makes_people(shared_file):
    path = shared_file(f"models/{ICT_FILE}")
    model, rig = load_model("ict", path.parent), load_ict_rig(path)
    assert model.shape_count == 100 and model is load_ict_model(path)
    assert np.abs(model.rig().vertices - rig.vertices).max() < 1e-6
    with np.load(path) as stored:
        moved = 0.01 * stored["identity_delta"][7][list(IBUG_VERTICES)].astype(float)
    code = np.eye(8)[7]
    points = [
        np.einsum("nk,nkd->nd", model.ibug_weights, model.shaped(c)[model.faces[model.ibug_faces]])
        for c in (code, 0 * code)
    ]
    assert np.abs(points[0] - points[1] - moved).max() < 1e-6
    rng = np.random.default_rng(0)
    for _ in range(3):
        person = model.rig(rng.normal(0, 1, 100))
        for name, joint in (("leftEye", LEFT_EYE), ("rightEye", RIGHT_EYE)):
            radius = np.linalg.norm(person.vertices[person.part(name).vertices] - person.joints[joint], axis=1)
            assert abs(np.median(radius) - EYE_RADIUS_M) < 1e-4
