"""The expression network's school: the same network in torch and NumPy, and clips that are what they say."""

import numpy as np
import pytest

from core.blendshapes import COUNT, INDEX, MIRROR
from core.expression.network import (
    DISPLACEMENT_SCALE,
    FACE_POINTS,
    SHAPE_SCALE,
    ExpressionNetwork,
    plain_features,
)
from core.expression.take_neutral import load_movements
from core.head_model.builtin import load_builtin_rig
from core.head_model.identity import mirrored_landmarks
from core.structures import HeadPose
from training.expression.draw import plan
from training.expression.figures import bent, by_other_hands, strange_mixture
from training.expression.lessons import Lessons
from training.expression.movements import learned_movements, write_movements
from training.expression.sequences import clip, strangers_clip

torch = pytest.importorskip("torch")


def test_torch_and_numpy_answer_alike():
    from training.expression.learn import Network
    from training.expression.school import COMPONENTS

    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    template = load_builtin_rig().landmarks().astype(np.float64)
    bases = {name: torch.randn(3 * FACE_POINTS, count) * 0.02 for name, count in COMPONENTS.items()}
    taught = Network(bases, torch.tensor(template[:FACE_POINTS].ravel(), dtype=torch.float32))
    taught.eval()
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


@pytest.mark.parametrize("made", [clip, strangers_clip])
def test_clips_are_bounded_repeatable_and_show_every_shape(made):
    takes = [np.clip(np.random.default_rng(1).normal(0.2, 0.2, (400, COUNT)), 0, 1).astype(np.float32)]
    clips = [made(72, takes, np.random.default_rng(seed)) for seed in range(150)]
    for values in clips:
        assert values.shape == (72, COUNT) and values.dtype == np.float32
        assert values.min() >= 0 and values.max() <= 1
        for side in ("Left", "Right"):
            assert not np.any(values[:, INDEX[f"eyeLookIn{side}"]] * values[:, INDEX[f"eyeLookOut{side}"]])
    np.testing.assert_array_equal(clips[3], made(72, takes, np.random.default_rng(3)))
    assert (np.concatenate(clips).max(axis=0) > 0.5).all()


def test_strangers_move_one_side_alone_and_hold_levels():
    clips = [strangers_clip(72, [], np.random.default_rng(seed)) for seed in range(60)]
    smiles = np.stack([values[:, [INDEX["mouthSmileLeft"], INDEX["mouthSmileRight"]]] for values in clips])
    assert (np.abs(smiles[..., 0] - smiles[..., 1]).max(1) > 0.4).mean() > 0.1
    assert np.mean([(values.min(0) > 0.15).any() for values in clips]) > 0.3


def test_shapes_by_other_hands_are_alike_on_both_sides_and_still_shut_the_lids():
    rig = load_builtin_rig()
    rest, shapes = rig.landmarks().astype(np.float64), rig.shape_landmarks().astype(np.float64)
    other = mirrored_landmarks(rest)
    rng = np.random.default_rng(4)
    made = by_other_hands(rest, shapes, rng)
    changed = np.linalg.norm(made - shapes, axis=2).max(1) / np.linalg.norm(shapes, axis=2).max(1)
    assert 0.05 < np.median(changed) < 0.8
    lids = [INDEX["eyeBlinkLeft"], INDEX["eyeBlinkRight"]]
    assert changed[lids].max() < 0.3
    mixture = strange_mixture(rng)
    assert mixture[lids, lids].min() > 0.85 and mixture[lids, lids].max() < 1.15
    bent_rest, bent_shapes = bent(rest, shapes, rng)
    apart = np.linalg.norm(bent_rest - bent_rest[other] * (-1, 1, 1), axis=1)
    assert apart.max() < np.linalg.norm(rest - rest[other] * (-1, 1, 1), axis=1).max() + 5e-4
    assert 1e-4 < np.linalg.norm(bent_rest - rest, axis=1).max() < 0.015
    assert bent_shapes.shape == shapes.shape and np.isfinite(bent_shapes).all()


def test_the_plan_holds_lids_and_strangers_under_numbers_of_their_own():
    jobs = plan(14, None, None, (), 5)
    assert len({job.number for job in jobs}) == len(jobs) == 14 + 2 + 5
    assert sum(job.is_of_lids for job in jobs) == 2 and sum(job.is_strange for job in jobs) == 5
    assert not any(job.is_of_lids and job.is_strange for job in jobs)


def test_the_movements_of_planted_shapes_come_back_alike_on_both_sides(tmp_path):
    rng = np.random.default_rng(3)
    rig = load_builtin_rig()
    shapes = rig.shape_landmarks().astype(np.float64)
    other = mirrored_landmarks(rig.landmarks().astype(np.float64))
    planted = 0.5 * (shapes + (shapes[list(MIRROR)])[:, other] * (-1, 1, 1))
    coefficients = rng.uniform(0, 1, (3000, COUNT)).astype(np.float32)
    clip = np.repeat([5, 8], 1500)
    rests = {5: rig.landmarks(), 8: rig.landmarks() * 1.05}
    points = np.stack([rests[c] for c in clip]) + np.tensordot(coefficients, planted, 1)
    lessons = Lessons(
        points.astype(np.float32), coefficients, np.zeros((3000, COUNT)), np.zeros((3000, 13)), clip,
        np.arange(3000), np.full(3000, "b"),
        {c: np.stack([np.full_like(rest, np.nan)] * 3 + [rest]) for c, rest in rests.items()},
    )  # fmt: skip
    movements = learned_movements(lessons)
    missed = np.linalg.norm(movements - planted, axis=(1, 2))  # the ridge takes a little of each
    assert (missed <= 0.06 * np.linalg.norm(planted, axis=(1, 2)) + 2e-4).all()
    write_movements(movements, tmp_path / "movements.npz")
    np.testing.assert_allclose(load_movements(tmp_path / "movements.npz"), movements, atol=2e-5)
