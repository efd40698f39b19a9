from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.errors import InputError, ModelPackError
from core.head_model.model import HeadModel
from tests.builders import tiny_rig


@pytest.fixture(scope="module")
def model() -> HeadModel:
    """The tiny rig as a model with two directions of form: wider, and higher."""
    rig = tiny_rig()
    count = len(rig.vertices)
    basis = np.zeros((count, 3, 2))
    basis[:, 0, 0], basis[:, 1, 1] = rig.vertices[:, 0], rig.vertices[:, 1]
    regressor = np.full((5, count), 1e-9)
    for joint, place in enumerate(rig.joints):
        regressor[joint] = np.linalg.pinv(np.concatenate([rig.vertices.T, np.ones((1, count))])) @ np.append(place, 1)
    return HeadModel(
        "tiny", rig.vertices, rig.faces, rig.uv, basis, np.zeros((count, 3, 0)), np.zeros((count, 3, 36)), regressor,
        rig.skin_weights, rig.parts, rig.shapes, rig.landmark_faces, rig.landmark_weights, rig.landmark_faces[:68],
        rig.landmark_weights[:68], rig.seam_groups, unreachable=("tongueOut",), details={"head": "tiny"},
    )  # fmt: skip


def test_mean_rig_is_the_template_with_its_origin_between_the_eyes(model):
    rig = model.rig()
    assert np.allclose(rig.joints[3:].mean(axis=0), 0, atol=1e-7)
    assert np.allclose(np.diff(rig.vertices, axis=0), np.diff(model.template, axis=0), atol=1e-6)
    assert rig.name == "tiny" and rig.details == {"head": "tiny", "unreachable": ["tongueOut"]}


def test_a_person_is_wider_and_their_joints_go_along(model):
    mean, wide = model.rig(), model.rig(np.array([0.1]), "Wide")
    assert wide.name == "Wide"
    assert np.isclose(np.ptp(wide.vertices[:, 0]), 1.1 * np.ptp(mean.vertices[:, 0]), rtol=1e-5)
    assert np.allclose(wide.joints[:, 0], 1.1 * mean.joints[:, 0], atol=1e-6)
    assert np.array_equal(wide.shapes, mean.shapes)


@pytest.mark.parametrize("code", [np.zeros(3), np.array([np.nan]), np.zeros((1, 2))])
def test_a_wrong_code_is_refused(model, code):
    with pytest.raises(InputError, match="at most 2"):
        model.rig(code)


@pytest.mark.parametrize(
    ("field", "value", "part"),
    [
        ("uv", np.zeros((3, 2)), "uv"),
        ("template", np.full((5, 3), np.nan), "must"),
        ("landmark_faces", np.full(478, 10**6), "landmark_faces"),
        ("ibug_faces", np.full(68, -1), "ibug_faces"),
        ("unreachable", ("noSuchShape",), "ARKit"),
        ("parents", (-1, 0, 1, 2, 3), "joints"),
    ],
)
def test_parts_that_do_not_fit_are_refused(model, field, value, part):
    with pytest.raises(ModelPackError, match=part):
        replace(model, **{field: value})
