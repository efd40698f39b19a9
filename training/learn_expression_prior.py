"""Learns what FaceMesh's points mean: `python -m training.learn_expression_prior` (six minutes on two cores).

Data: the built-in head and made-up relatives of it (random smooth, symmetric changes of its face points, random skin
tones), each drawn with random coefficients (one to seven gestures, both sides alike in 70 %), poses, distances and
picture noise, and tracked by the real FaceMesh. No real face and no recorded take enters. Model: ridge regression from
the displacement of the 468 points, less what a movement, a size or a relief of the whole face explains, to the 52
coefficients. Seeds are fixed; FaceMesh's own arithmetic may differ in the last digits between processors.

Tried and left: a network of two hidden layers on principal components. On made-up relatives held out it did better
(correlation 0.61), on the test portrait's head and on ICT-FaceKit heads worse (0.50 against 0.60, 0.35 against 0.45):
it learns what this one drawn head looks like.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from core.blendshapes import ARKIT_NAMES, COUNT, INDEX
from core.expression.learned_prior import FACE_POINTS, PRIOR_FILE, ExpressionPrior
from core.geometry.gaze_shapes import gaze_from_blendshapes
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.head_model.builtin import load_builtin_rig
from core.head_model.personalise import personalise
from core.head_model.rig import HeadRig
from core.rendering.renderer import HeadRenderer
from core.rig_maker import with_landmark_bias
from core.structures import LANDMARK_COUNT, FaceState, Frame
from core.tracking import FaceMeshLandmarker, HeadPoseSolver, default_camera, head_frame_points
from core.tracking.landmark_bias import as_seen, as_true

SEED = 20261121
HEADS, PICTURES_A_HEAD = 200, 60
HELD_OUT_HEADS = 12
RIDGE = 1000.0  # square millimetres; 300 to 3000 differ by 0.03 of correlation on other heads
SIZE = (640, 480)
SIDED = ("eyeBlink", "eyeSquint", "eyeWide", "eyeLookUp", "eyeLookDown", "mouthSmile", "mouthFrown", "mouthDimple",
         "mouthStretch", "mouthPress", "mouthLowerDown", "mouthUpperUp", "browDown", "browOuterUp", "cheekSquint",
         "noseSneer")  # fmt: skip
ALONE = ("jawForward", "jawLeft", "jawRight", "jawOpen", "mouthFunnel", "mouthPucker", "mouthLeft", "mouthRight",
         "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "browInnerUp", "cheekPuff",
         "tongueOut")  # fmt: skip
GESTURES = (
    *((f"{name}Left", f"{name}Right") for name in SIDED),
    *((name,) for name in ALONE),
    ("eyeLookInLeft", "eyeLookOutRight"),
    ("eyeLookOutLeft", "eyeLookInRight"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """displacements: (n, 1404) mm; coefficients: (n, 52); heads: (n,) number of the head."""

    displacements: np.ndarray
    coefficients: np.ndarray
    heads: np.ndarray


def random_coefficients(rng: np.random.Generator) -> np.ndarray:
    """(52,) a few gestures at random strengths."""
    values = np.zeros(COUNT, np.float32)
    for number in rng.choice(len(GESTURES), rng.integers(1, 8), replace=False):
        strength, alike = rng.beta(1.2, 1.6), rng.random() < 0.7
        for name in GESTURES[number]:
            values[INDEX[name]] = strength if alike else strength * rng.random()
    if rng.random() < 0.2:
        values[INDEX["mouthClose"]] = values[INDEX["jawOpen"]] * rng.random()
    return values


def random_relative(base: HeadRig, rng: np.random.Generator) -> HeadRig:
    """The built-in head with other proportions and features."""
    points = base.landmarks().astype(float)
    changed = points * rng.normal(1.0, 0.035, 3)
    for _ in range(12):
        centre, reach = points[rng.integers(FACE_POINTS)], rng.uniform(0.012, 0.040)
        push = rng.normal(0, 0.0025, 3)
        for sign in (1, -1):
            fall = np.exp(-((points - centre * (sign, 1, 1)) ** 2).sum(1) / (2 * reach**2))
            changed += fall[:, None] * push * (sign, 1, 1)
    return _tinted(personalise(base, changed, "relative"), rng)


def _tinted(rig: HeadRig, rng: np.random.Generator) -> HeadRig:
    """The rig with another skin tone, from dark to pale."""
    skin = rig.part("skin")
    tone = rng.uniform(0.40, 1.12) * (1 + rng.normal(0, 0.05, 3))
    texture = np.clip(np.asarray(skin.material.texture, float) * tone, 0, 255).astype(np.uint8)
    tinted = replace(skin, material=replace(skin.material, texture=texture))
    return replace(rig, parts=tuple(tinted if part is skin else part for part in rig.parts))


def pictures_of(rig: HeadRig, rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """((478, 3) true-looking points in the head frame, (52,) coefficients) of each picture in which a face is found."""
    rig = with_landmark_bias(rig)
    camera = default_camera(SIZE)
    solver = HeadPoseSolver(as_seen(rig.landmarks(), rig.landmark_bias))
    with HeadRenderer(rig, SIZE) as renderer, FaceMeshLandmarker(still_images=True) as landmarker:
        for _ in range(PICTURES_A_HEAD):
            values = random_coefficients(rng)
            angles = np.radians([rng.normal(0, 10), rng.normal(0, 6), rng.normal(0, 5)])
            place = np.array([rng.normal(0, 0.03), rng.normal(0, 0.02), -rng.uniform(0.42, 0.75)], np.float32)
            state = FaceState(
                0.0, blendshapes=values, gaze=gaze_from_blendshapes(values).astype(np.float32),
                head_rotation=rotation_from_yaw_pitch_roll(*angles).astype(np.float32), head_translation=place,
            )  # fmt: skip
            picture = renderer.render(state, camera)
            noisy = picture + rng.normal(0, rng.uniform(0, 5), picture.shape)
            for face in landmarker.detect(Frame(np.clip(noisy, 0, 255).astype(np.uint8), 0.0))[:1]:
                solver.reset()
                pose = solver.solve(face, camera)
                yield as_true(head_frame_points(face, pose, camera), rig.landmark_bias), values


def lessons_of(number: int) -> tuple[np.ndarray, np.ndarray]:
    """((n, 1404) displacements in mm, (n, 52) coefficients) of one head."""
    rng = np.random.default_rng([SEED, number])
    base = load_builtin_rig()
    rig = base if number == 0 else random_relative(base, rng)
    rest = rig.landmarks().astype(float)
    found = [(1000 * (points - rest)[:FACE_POINTS].reshape(-1), values) for points, values in pictures_of(rig, rng)]
    return np.array([x for x, _ in found], np.float32), np.array([y for _, y in found], np.float32)


def draw_lessons(heads: int = HEADS, processes: int = 2) -> Lessons:
    """All pictures of all heads, drawn in parallel; the result does not depend on how many processes there are."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        drawn = list(pool.map(lessons_of, range(heads), chunksize=5))
    numbers = np.concatenate([np.full(len(x), number) for number, (x, _) in enumerate(drawn)])
    return Lessons(np.concatenate([x for x, _ in drawn]), np.concatenate([y for _, y in drawn]), numbers)


def whole_face_movements() -> np.ndarray:
    """(1404, 8) orthonormal: shift, turn, size and relief of the built-in face, which mean no expression."""
    points = load_builtin_rig().landmarks().astype(float)[:FACE_POINTS]
    arms = points - points.mean(axis=0)
    axes = np.eye(3)
    moves = [np.broadcast_to(axis, arms.shape) for axis in axes] + [np.cross(axis, arms) for axis in axes]
    moves += [arms, arms * axes[2]]
    return np.linalg.qr(np.stack([m.reshape(-1) for m in moves], axis=1))[0]


def learn(lessons: Lessons) -> np.ndarray:
    """(1404, 52) the map of `ExpressionPrior`."""
    whole = whole_face_movements()
    x = lessons.displacements - (lessons.displacements @ whole) @ whole.T
    matrix = np.linalg.solve(x.T @ x + RIDGE * np.eye(x.shape[1]), x.T @ lessons.coefficients)
    return matrix - whole @ (whole.T @ matrix)


def held_out_correlation(lessons: Lessons) -> float:
    """Mean correlation by channel on heads that the map was not learned from."""
    held = lessons.heads >= lessons.heads.max() + 1 - HELD_OUT_HEADS
    taught = learn(Lessons(lessons.displacements[~held], lessons.coefficients[~held], lessons.heads[~held]))
    prior = ExpressionPrior(taught, ARKIT_NAMES)
    shown = np.zeros((held.sum(), LANDMARK_COUNT, 3))
    shown[:, :FACE_POINTS] = lessons.displacements[held].reshape(-1, FACE_POINTS, 3) / 1000
    guess = np.stack([prior.expected(displacement) for displacement in shown])
    truth = lessons.coefficients[held]
    moving = [k for k in range(COUNT) if truth[:, k].std() > 0.02 and guess[:, k].std() > 1e-6]
    return float(np.mean([np.corrcoef(guess[:, k], truth[:, k])[0, 1] for k in moving]))


def main() -> None:
    parser = argparse.ArgumentParser(description="Learn the expression prior.")
    parser.add_argument("--lessons", type=Path, help="keep the drawn lessons in this npz, or take them from it")
    kept: Path | None = parser.parse_args().lessons
    if kept is not None and kept.exists():
        with np.load(kept) as stored:
            lessons = Lessons(stored["displacements"], stored["coefficients"], stored["heads"])
    else:
        lessons = draw_lessons()
        if kept is not None:
            np.savez(kept, displacements=lessons.displacements, coefficients=lessons.coefficients, heads=lessons.heads)
    PRIOR_FILE.parent.mkdir(exist_ok=True)
    np.savez_compressed(PRIOR_FILE, matrix=learn(lessons).astype(np.float16), names=np.array(ARKIT_NAMES))
    print(
        f"{len(lessons.heads)} pictures, {PRIOR_FILE.stat().st_size / 1000:.0f} kB; "
        f"mean correlation on {HELD_OUT_HEADS} heads held out: {held_out_correlation(lessons):.3f}"
    )


if __name__ == "__main__":
    main()
