"""The torch decoder against the rig that the app moves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.blendshapes import INDEX
from core.errors import ModelPackError
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.head_model.builtin_model import load_builtin_model
from core.head_model.carried import CarriedShapes
from core.head_model.correctives import EXCESS, PairCorrective
from core.head_model.head_decoder import HeadDecoder
from core.structures import FaceState

torch = pytest.importorskip("torch", reason="torch decodes head models for training; the app runs without it")


@pytest.fixture(scope="module")
def model():
    """The built-in model with two more correctives and pose correctives, as later heads may have them."""
    builtin = load_builtin_model()
    rng = np.random.default_rng(0)
    count, rows = builtin.shape_count, np.arange(100, 400, dtype=np.int32)
    pairs = tuple(
        PairCorrective(first, second, rows, rng.normal(0, 0.002, (300, 3)).astype(np.float32), weight)
        for first, second, weight in (("jawOpen", "mouthFunnel", "product"), ("mouthClose", "jawOpen", EXCESS))
    )
    old = builtin.carried
    followed = tuple(rng.normal(0, 1e-4, (300, 3, count)).astype(np.float32) for _ in pairs)
    pose = builtin.pose_correctives.copy()
    pose[:300] = rng.normal(0, 0.002, (300, 3, 36))
    return replace(
        builtin,
        correctives=(*builtin.correctives, *pairs),
        carried=CarriedShapes(old.numbers, old.rows, old.directions, (*old.pairs, *followed)),
        pose_correctives=pose,
    )


def axis_angle(rotation: np.ndarray) -> np.ndarray:
    angle = np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1, 1))
    skew = np.array([rotation[2, 1] - rotation[1, 2], rotation[0, 2] - rotation[2, 0], rotation[1, 0] - rotation[0, 1]])
    return 0.5 * skew * angle / max(np.sin(angle), 1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_decoder_equals_the_rigs_own_deformation(model, dtype):
    rng = np.random.default_rng(1)
    codes = rng.normal(0, 1, (3, model.shape_count))
    shown = rng.uniform(0, 1, (3, 52)) * (rng.uniform(0, 1, (3, 52)) < 0.3)
    shown[0, [INDEX["jawOpen"], INDEX["mouthFunnel"]]] = 0.8
    shown[1, [INDEX["jawOpen"], INDEX["mouthClose"]]] = 0.2, 0.7
    poses, expected, places = np.zeros((3, 15)), [], []
    for k in range(3):
        head = rotation_from_yaw_pitch_roll(*rng.uniform(-0.5, 0.5, 3))
        gaze = rng.uniform(-0.3, 0.3, (2, 2)).astype(np.float32)
        poses[k, 3:6] = axis_angle(head)
        for eye in range(2):
            poses[k, 9 + 3 * eye : 12 + 3 * eye] = axis_angle(
                rotation_from_yaw_pitch_roll(*gaze[eye].astype(float), 0.0)
            )
        state = FaceState(0.0, blendshapes=shown[k].astype(np.float32), head_rotation=head, gaze=gaze)
        rig = model.rig(codes[k])
        expected.append(rig.deform(state).vertices)
        places.append(rig.landmarks(expected[-1]))
    made = HeadDecoder(model, dtype=dtype)(*(torch.as_tensor(code) for code in (codes, shown, poses)))
    assert np.abs(made.vertices.numpy() - np.stack(expected)).max() < 1e-5
    assert np.abs(made.landmarks.numpy() - np.stack(places)).max() < 1e-5


def test_gradients_are_those_of_finite_differences_also_at_rest(model):
    decoder = HeadDecoder(model, dtype="float64")
    rng = np.random.default_rng(2)
    for scale in (0.0, 0.3):
        given = [torch.as_tensor(scale * rng.uniform(0.2, 1, (1, n))).requires_grad_() for n in (4, 6, 15)]
        point = torch.as_tensor(rng.normal(size=(478, 3)))
        assert torch.autograd.gradcheck(
            lambda *code, point=point: (decoder(*code).landmarks * point).sum()[None], given, atol=1e-6
        )


def test_what_is_left_out_is_zero_and_one_code_serves_a_batch(model):
    decoder = HeadDecoder(model)
    assert np.abs(decoder().vertices[0].numpy() - model.rig().vertices).max() < 1e-6
    made = decoder(torch.ones(1, 3), torch.zeros(4, 52))
    assert made.vertices.shape == (4, len(model.template), 3) and torch.allclose(*made.vertices[[0, 3]])
    with pytest.raises(ModelPackError, match=f"at most {model.shape_count}"):
        decoder(torch.zeros(1, model.shape_count + 1))


def test_without_torch_one_line_says_what_to_install(model, monkeypatch):
    monkeypatch.setattr("core.head_model.torch_skinning.find_spec", lambda name: None)
    with pytest.raises(ModelPackError, match=r"pip install torch==2\.13\.0"):
        HeadDecoder(model)
