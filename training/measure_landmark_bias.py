"""Measures what FaceMesh reports of the built-in head against its true points, and writes it for `core.tracking`.

    python -m training.measure_landmark_bias

The head is drawn at rest in 35 poses and two distances before the engine's own default camera, tracked as still
pictures, and carried back to the head frame with the true pose. The mean, made mirror symmetric, is the bias. No real
face enters; how it fits real faces is told in docs/expression.md.
"""

from __future__ import annotations

import numpy as np

from core.head_model.builtin import load_builtin_rig
from core.head_model.identity import FACE_POINTS, mirrored_landmarks
from core.rig_maker import seen_points
from core.tracking.landmark_bias import BIAS_FILE

YAWS_DEG = (-18, -12, -6, 0, 6, 12, 18)
PITCHES_DEG = (-12, -6, 0, 6, 12)
DISTANCES_M = (0.50, 0.65)


def measured_bias() -> tuple[np.ndarray, int]:
    """(478, 3) metres, and from how many pictures."""
    turns = np.radians([(yaw, pitch) for yaw in YAWS_DEG for pitch in PITCHES_DEG])
    seen = seen_points(load_builtin_rig(), turns, DISTANCES_M)
    true = load_builtin_rig().landmarks().astype(float)
    bias = np.zeros_like(true)
    bias[:FACE_POINTS] = (seen.mean(axis=0) - true)[:FACE_POINTS]
    other = mirrored_landmarks(true[:FACE_POINTS])
    bias[:FACE_POINTS] = 0.5 * (bias[:FACE_POINTS] + bias[other] * (-1, 1, 1))
    return bias, len(seen)


def main() -> None:
    bias, count = measured_bias()
    BIAS_FILE.parent.mkdir(exist_ok=True)
    np.savetxt(BIAS_FILE, 1000 * bias, "%.3f", delimiter=",", header="x,y,z in millimetres: seen minus true")
    print(f"{BIAS_FILE}: {count} pictures, mean size {1000 * np.linalg.norm(bias, axis=1).mean():.2f} mm")


if __name__ == "__main__":
    main()
