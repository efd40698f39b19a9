"""Draws people whose form is known and writes down what FaceMesh reports of their pictures.

    python -m training.identity.draw OUT.npz [--models DIR] [--ict 1000] [--relatives 600] [--processes 2]

People: of the ICT-FaceKit pack where `--models` has it (standard normal coefficients times 0.7 to 1.3 on 100 modes),
and made-up relatives of the built-in head. Each sits for seven pictures at rest, one for each direction of
`core.rigging.face_gaussian.DIRECTIONS_DEG`, and five with an expression, all from one distance, in one light and skin.
Seeds are fixed; the first 100 000 seeds belong to the benchmarks.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from core.bench.studio import Shot, Studio, random_lights
from core.bench.truth_heads import ict_modes, ict_path, ict_person, relative, with_makeup, with_skin
from core.blendshapes import COUNT
from core.geometry.gaze_shapes import gaze_from_blendshapes
from core.head_model.rig import HeadRig
from core.rigging.face_gaussian import DIRECTIONS_DEG
from core.structures import Frame
from core.tracking import FaceMeshLandmarker
from training.learn_expression_prior import GESTURES, INDEX

FIRST_SEED = 1_000_000
EXPRESSIVE = 5
SIZE = (448, 448)
MADE_UP = 200_000  # people from this number on wear paint
CHUNK = 20


def random_expression(rng: np.random.Generator) -> np.ndarray:
    """(52,) one to five gestures; every other one smiles or opens the mouth."""
    values = np.zeros(COUNT, np.float32)
    for number in rng.choice(len(GESTURES), rng.integers(1, 6), replace=False):
        strength = rng.beta(1.2, 1.6)
        for name in GESTURES[number]:
            values[INDEX[name]] = strength * rng.uniform(0.8, 1.0)
    if rng.random() < 0.35:
        strength = rng.uniform(0.3, 1.0)
        for name, share in (("mouthSmile", 1.0), ("cheekSquint", 0.5), ("mouthUpperUp", 0.3)):
            for side in ("Left", "Right"):
                values[INDEX[name + side]] = strength * share * rng.uniform(0.8, 1.0)
    if rng.random() < 0.3:
        values[INDEX["jawOpen"]] = rng.uniform(0.05, 0.6)
    return values


def nearly_at_rest(rng: np.random.Generator) -> np.ndarray:
    """(52,) what a resting face still does: lids, a hint of a smile."""
    values = np.zeros(COUNT, np.float32)
    blink, smile = max(0.0, rng.normal(0.0, 0.12)), max(0.0, rng.normal(-0.05, 0.07))
    for side in ("Left", "Right"):
        values[INDEX["eyeBlink" + side]] = min(blink, 1.0)
        values[INDEX["mouthSmile" + side]] = smile
    return values


def shots(rng: np.random.Generator, distance_m: float) -> list[tuple[int, Shot]]:
    """(direction, shot) of all pictures of one person; direction -1 with an expression."""
    planned = []
    for number, (yaw, pitch) in enumerate(DIRECTIONS_DEG):
        angles = np.radians([yaw + rng.uniform(-9, 9), pitch + rng.uniform(-7, 7), rng.normal(0, 6)])
        planned.append((number, angles, nearly_at_rest(rng)))
    for _ in range(EXPRESSIVE):
        angles = np.radians([rng.normal(0, 14), rng.normal(0, 8), rng.normal(0, 6)])
        planned.append((-1, angles, random_expression(rng)))
    return [
        (
            number,
            Shot(*(float(a) for a in angles), distance_m, values, gaze_from_blendshapes(values).astype(np.float32)),
        )
        for number, angles, values in planned
    ]


def person(number: int, models: Path | None) -> HeadRig:
    """The person of this number: of the pack when a folder is given, else a relative; painted from `MADE_UP` on."""
    rig = _bare_person(number, models)
    return with_makeup(rig, FIRST_SEED + number) if number % 500_000 >= MADE_UP else rig


def _bare_person(number: int, models: Path | None) -> HeadRig:
    rng = np.random.default_rng([FIRST_SEED, number])
    seed = FIRST_SEED + number
    if models is None:
        return with_skin(relative(seed), seed)
    path = ict_path(models)
    if path is None:
        raise SystemExit(f"There is no ICT-FaceKit pack in {models}.")
    return with_skin(ict_person(ict_modes(path), seed, rng.uniform(0.7, 1.3)), seed)


def sit(numbers: range, models: Path | None) -> list[dict[str, np.ndarray]]:
    """The pictures of these people as arrays."""
    taken = []
    with Studio(SIZE) as studio, FaceMeshLandmarker(still_images=True) as landmarker:
        for number in numbers:
            rng = np.random.default_rng([FIRST_SEED, number, 1])
            rig = person(number, models)
            studio.seat(rig, random_lights(rng))
            distance = float(np.exp(rng.uniform(np.log(0.38), np.log(2.5))))
            camera = studio.camera(distance, face_share=float(rng.uniform(0.45, 0.70)))
            for direction, shot in shots(rng, distance):
                for face in landmarker.detect(Frame(studio.take(shot, camera, rng), 0.0))[:1]:
                    taken.append({
                        "points": face.points, "true": rig.landmarks(), "person": np.int32(number),
                        "direction": np.int8(direction), "distance": np.float32(distance),
                        "focal": np.float32(camera.focal_px), "coefficients": shot.blendshapes.astype(np.float32),
                        "angles": np.array([shot.yaw, shot.pitch, shot.roll], np.float32),
                        "is_ict": np.bool_(models is not None),
                    })  # fmt: skip
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw people of known form.")
    parser.add_argument("output", type=Path)
    parser.add_argument("--models", type=Path)
    parser.add_argument("--ict", type=int, default=1000)
    parser.add_argument("--relatives", type=int, default=600)
    parser.add_argument("--first", type=int, default=0, help="number of the first person; from 200000 on with make-up")
    parser.add_argument("--processes", type=int, default=2)
    wanted = parser.parse_args()
    first = wanted.first
    jobs: list[tuple[range, Path | None]] = []
    ict = wanted.ict if wanted.models else 0
    for start in range(0, ict, CHUNK):
        jobs.append((range(first + start, first + min(start + CHUNK, ict)), wanted.models))
    for start in range(0, wanted.relatives, CHUNK):
        jobs.append((range(500_000 + first + start, 500_000 + first + min(start + CHUNK, wanted.relatives)), None))
    with ProcessPoolExecutor(wanted.processes, mp_context=get_context("spawn")) as pool:
        taken = [row for rows in pool.map(sit, *zip(*jobs, strict=True)) for row in rows]
    np.savez(wanted.output, **{key: np.stack([row[key] for row in taken]) for key in taken[0]})
    print(f"{len(taken)} pictures of {ict + wanted.relatives} people")


if __name__ == "__main__":
    main()
