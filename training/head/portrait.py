"""Measures the FaceMesh points of the test portrait: the raw material of the built-in face.

    python -m training.head.portrait

writes `training/data/portrait_points.csv` (478 rows, metres, symmetric, mouth still open as in the picture) and
`training/data/mirror_pairs.csv`. The portrait is NASA's of Eileen Collins (public domain) from scikit-image; her face
is only a start: `training.head.face` closes the mouth and moves the proportions to survey means.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.geometry.similarity import fit_similarity

DATA = Path(__file__).resolve().parent.parent / "data"
LEFT_PUPIL, RIGHT_PUPIL = 473, 468
IRIS_MIRROR = (473, 476, 475, 474, 477, 468, 471, 470, 469, 472)  # centre, then the ring read from the other side
SCALES = (1.0, 1.5, 2.0, 2.5)


def _measure(image: np.ndarray) -> np.ndarray:
    from mediapipe.python.solutions import face_mesh

    with face_mesh.FaceMesh(static_image_mode=True, max_num_faces=1, refine_landmarks=True) as network:
        found = network.process(np.ascontiguousarray(image)).multi_face_landmarks[0].landmark
    height, width = image.shape[:2]
    return np.array([[p.x * width, p.y * height, p.z * width] for p in found])


def _mirror_table(points: np.ndarray, seen_mirrored: np.ndarray) -> np.ndarray:
    """(478,) the point on the other side: the nearest one in the mirrored picture, matched one to one."""
    from scipy.optimize import linear_sum_assignment

    distance = np.linalg.norm(points[:468, None] - seen_mirrored[None, :468], axis=2)
    return np.concatenate([linear_sum_assignment(distance**2)[1], IRIS_MIRROR])


def _symmetric(points: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """Mean of the face and its mirror image, upright, +X to the subject's left, pupils' middle at the origin."""
    upright = points * (1, -1, -1)
    reflected = upright[mirror] * (-1, 1, 1)
    mean = 0.5 * (upright + fit_similarity(reflected, upright).apply(reflected))
    across = np.linalg.svd(mean - mean[mirror], full_matrices=False)[2][0]
    across *= np.sign((mean[263] - mean[33]) @ across)
    up = mean[10] - mean[152]
    up -= across * (up @ across)
    up /= np.linalg.norm(up)
    framed = (mean - 0.5 * (mean[LEFT_PUPIL] + mean[RIGHT_PUPIL])) @ np.stack([across, up, np.cross(across, up)]).T
    return 0.5 * (framed + framed[mirror] * (-1, 1, 1))


def measure_portrait() -> tuple[np.ndarray, np.ndarray]:
    """(478, 3) symmetric points with the pupils 1 apart, and the (478,) mirror table."""
    from skimage import data, transform

    image = data.astronaut()
    width = image.shape[1]
    runs, mirror = [], None
    for scale in SCALES:
        size = (round(image.shape[0] * scale), round(width * scale))
        scaled = (transform.resize(image, size, order=3) * 255).astype(np.uint8)
        straight, flipped = _measure(scaled) / scale, _measure(scaled[:, ::-1]) / scale
        flipped[:, 0] = width - flipped[:, 0]
        mirror = _mirror_table(straight, flipped) if mirror is None else mirror
        runs += [straight, flipped[mirror]]
    points = _symmetric(np.mean(runs, axis=0), mirror)
    return points / np.linalg.norm(points[LEFT_PUPIL] - points[RIGHT_PUPIL]), mirror


def main() -> None:
    points, mirror = measure_portrait()
    DATA.mkdir(exist_ok=True)
    np.savetxt(DATA / "portrait_points.csv", points, "%.6f", delimiter=",", header="x,y,z in pupil distances")
    np.savetxt(DATA / "mirror_pairs.csv", mirror, "%d", header="number of the point on the other side")


if __name__ == "__main__":
    main()
