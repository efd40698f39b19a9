"""The decoder against a slow reading of the published equations (Li et al. 2017, eq. 1 to 5)."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from core.errors import ModelPackError
from core.head_model.flame_child import REPOSITORY
from core.head_model.flame_decoder import FlameDecoder
from tests.core.head_model.flame_builder import flame_file, ibug_embedding, mediapipe_embedding

NO_TORCH = "torch decodes FLAME's codes; the app runs without it"


def rodrigues(vector: np.ndarray) -> np.ndarray:
    angle = np.linalg.norm(vector)
    if angle == 0:
        return np.eye(3)
    x, y, z = vector / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def reference(model, shape, expression, pose):
    """Vertices of one head, vertex by vertex, in float64."""
    shaped = model.template.copy()
    for k, value in enumerate(shape):
        shaped += value * model.shape_basis[:, :, k]
    for k, value in enumerate(expression):
        shaped += value * model.expression_basis[:, :, k]
    joints = model.joint_regressor @ shaped
    rotations = [rodrigues(vector) for vector in pose.reshape(5, 3)]
    features = np.concatenate([(rotation - np.eye(3)).ravel() for rotation in rotations[1:]])
    corrected = shaped.copy()
    for k, value in enumerate(features):
        corrected += value * model.pose_correctives[:, :, k]
    world = []
    for joint, parent in enumerate((None, 0, 1, 1, 1)):
        local = np.eye(4)
        local[:3, :3] = rotations[joint]
        local[:3, 3] = joints[joint] if parent is None else joints[joint] - joints[parent]
        world.append(local if parent is None else world[parent] @ local)
    out = np.zeros_like(corrected)
    for vertex, point in enumerate(corrected):
        for joint in range(5):
            from_joint = np.append(point - joints[joint], 1.0)
            out[vertex] += model.skin_weights[vertex, joint] * (world[joint] @ from_joint)[:3]
    return out


def at(embedding, row, model, vertices):
    faces, weights = embedding.faces[row], embedding.weights[row]
    return np.array([w @ vertices[model.faces[f]] for f, w in zip(faces, weights, strict=True)])


@pytest.fixture(scope="module")
def codes():
    rng = np.random.default_rng(0)
    shape, expression, pose = rng.normal(0, 1, (2, 300)), rng.normal(0, 1, (2, 100)), rng.normal(0, 0.3, (2, 15))
    return shape, expression, pose


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_decoder_equals_the_published_equations(codes, dtype):
    torch = pytest.importorskip("torch", reason=NO_TORCH)
    model, ibug, mediapipe = flame_file(), ibug_embedding(), mediapipe_embedding()
    out = FlameDecoder(model, ibug, mediapipe, dtype=dtype)(*(torch.as_tensor(code) for code in codes))
    everything = slice(None)
    for k in range(2):
        expected = reference(model, *(code[k] for code in codes))
        assert np.abs(out.vertices[k].numpy() - expected).max() < 1e-5
        assert np.abs(out.mediapipe[k].numpy() - at(mediapipe.points, everything, model, expected)).max() < 1e-5
        assert np.abs(out.ibug_fixed[k].numpy() - at(ibug.whole, everything, model, expected)).max() < 1e-5
        assert np.abs(out.ibug[k, 17:].numpy() - at(ibug.features, everything, model, expected)).max() < 1e-5


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("degrees", [0, 12, 39, 70, -1, -39, -60])
def test_outline_follows_the_yaw_of_root_and_neck(degrees, turned):
    torch = pytest.importorskip("torch", reason=NO_TORCH)
    model, ibug = flame_file(), ibug_embedding(turned)
    pose = np.zeros((1, 15))
    pose[0, 1], pose[0, 4] = np.radians(0.4 * degrees), np.radians(0.6 * degrees)
    out = FlameDecoder(model, ibug, dtype="float64")(pose=torch.as_tensor(pose))
    bounded = int(np.clip(-degrees if turned else degrees, -39, 39))
    row = bounded if bounded >= 0 else 39 - bounded
    assert np.abs(out.ibug[0, :17].numpy() - at(ibug.contours, row, model, out.vertices[0].numpy())).max() < 1e-9


def test_gradients_are_those_of_finite_differences_also_at_rest():
    torch = pytest.importorskip("torch", reason=NO_TORCH)
    decoder = FlameDecoder(flame_file(), mediapipe=mediapipe_embedding(), dtype="float64")
    shape, expression = torch.zeros(1, 4, dtype=torch.float64), torch.zeros(1, 4, dtype=torch.float64)
    for pose in (torch.zeros(1, 15, dtype=torch.float64), torch.full((1, 15), 0.2, dtype=torch.float64)):
        given = [code.clone().requires_grad_() for code in (shape, expression, pose)]
        assert torch.autograd.gradcheck(lambda *code: decoder(*code).mediapipe.sum(dim=1), given, atol=1e-6)


def test_what_is_left_out_is_zero_and_one_code_serves_a_batch():
    torch = pytest.importorskip("torch", reason=NO_TORCH)
    decoder = FlameDecoder(flame_file())
    rest = decoder()
    assert np.abs(rest.vertices[0].numpy() - flame_file().template).max() < 1e-6
    assert rest.ibug is None and rest.mediapipe is None
    out = decoder(torch.ones(1, 10), pose=torch.zeros(3, 15))
    assert out.vertices.shape == (3, 5023, 3) and torch.allclose(*out.vertices[[0, 2]], atol=1e-6)
    with pytest.raises(ModelPackError, match="at most 300"):
        decoder(torch.zeros(1, 301))


def test_nothing_loads_torch_before_a_decoder_is_made():
    code = "import sys, core.head_model.flame, core.head_model.flame_decoder; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, timeout=60).returncode == 0


def test_without_torch_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr("core.head_model.torch_skinning.find_spec", lambda name: None)
    with pytest.raises(ModelPackError, match=r"pip install torch==2\.13\.0"):
        FlameDecoder(flame_file())
