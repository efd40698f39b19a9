"""The expression network's school: the same network in torch and NumPy, and clips that are what they say."""

import numpy as np
import pytest

from core.blendshapes import COUNT, INDEX
from core.expression.network import (
    DISPLACEMENT_SCALE,
    FACE_POINTS,
    SHAPE_SCALE,
    ExpressionNetwork,
    plain_features,
)
from core.head_model.builtin import load_builtin_rig
from core.structures import HeadPose
from training.expression.sequences import clip

torch = pytest.importorskip("torch")


def test_torch_and_numpy_answer_alike():
    from training.expression.learn import Network
    from training.expression.school import COMPONENTS

    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    template = load_builtin_rig().landmarks().astype(np.float64)
    bases = {name: torch.randn(3 * FACE_POINTS, count) * 0.02 for name, count in COMPONENTS.items()}
    taught = Network(bases, torch.tensor(template[:FACE_POINTS].ravel(), dtype=torch.float32))
    used = ExpressionNetwork(taught.arrays())
    pose, gaze = HeadPose(np.eye(3), np.array([0.0, 0.0, -0.6])), rng.normal(0, 0.1, (2, 2))
    steps = [1.0, 1.0, 2.5, 0.5, 1.0]
    faces = template + rng.normal(0, 0.002, (len(steps), *template.shape))
    rest = template + rng.normal(0, 0.002, template.shape)
    points = np.concatenate([
        (DISPLACEMENT_SCALE * (faces - rest))[:, :FACE_POINTS].reshape(len(steps), -1) @ bases["displacement"].numpy(),
        (SHAPE_SCALE * (faces - template))[:, :FACE_POINTS].reshape(len(steps), -1) @ bases["shape"].numpy(),
    ], axis=1)  # fmt: skip
    plain = np.stack([plain_features(face, rest, gaze, pose) for face in faces])
    with torch.no_grad():
        answers = taught(
            *(torch.tensor(values[None], dtype=torch.float32) for values in (points, plain)),
            torch.tensor([steps]),
        )[0][0]  # fmt: skip
    at_s = np.cumsum([0.0, *steps[1:]]) / 30.0
    for number, answer in enumerate(answers):
        reading = used.step(faces[number], rest, gaze, pose, float(at_s[number]))
        np.testing.assert_allclose(reading.blendshapes, torch.sigmoid(answer[:COUNT]).numpy(), atol=2e-4)


def test_clips_are_bounded_repeatable_and_show_every_shape():
    takes = [np.clip(np.random.default_rng(1).normal(0.2, 0.2, (400, COUNT)), 0, 1).astype(np.float32)]
    clips = [clip(72, takes, np.random.default_rng(seed)) for seed in range(150)]
    for values in clips:
        assert values.shape == (72, COUNT) and values.dtype == np.float32
        assert values.min() >= 0 and values.max() <= 1
        for side in ("Left", "Right"):
            assert not np.any(values[:, INDEX[f"eyeLookIn{side}"]] * values[:, INDEX[f"eyeLookOut{side}"]])
    np.testing.assert_array_equal(clips[3], clip(72, takes, np.random.default_rng(3)))
    assert (np.concatenate(clips).max(axis=0) > 0.5).all()
