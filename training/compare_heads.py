"""How far the built-in head lies from ICT-FaceKit's mean: `python -m training.compare_heads MODELS_DIR`.

Both are laid on each other by a similarity; then each skin vertex of the built-in head looks for the closest point of
the other surface. Face: within 12 mm of a FaceMesh point. Cranium: the rest of the head's skin above the mouth,
without ears. The numbers are only measured: no shape of ICT-FaceKit goes into the built-in head.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from core.geometry.closest_points import Surface
from core.geometry.similarity import Similarity, fit_similarity
from core.head_model.heads import load_head
from core.head_model.ict_layout import IBUG_CONTOUR_COUNT, IBUG_FACE_MESH
from core.head_model.identity import FACE_POINTS
from core.head_model.rig import HeadRig

FACE_REACH_M = 0.012
REFINEMENTS = 20
MOUTH_CORNER = 61


@dataclass(frozen=True, slots=True)
class Deviation:
    """Distances in millimetres. scale: of the measured head on the reference."""

    face_median: float
    face_p90: float
    cranium_median: float
    cranium_p90: float
    scale: float


def regions(rig: HeadRig) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n, 3) vertices of the skin's one large piece, and which of them are face and which cranium, (n,) bool each."""
    skin = rig.part("skin")
    points = rig.vertices[skin.vertices].astype(np.float64)
    faces = rig.faces[skin.faces]
    links = rig.seam_groups[np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]]])]
    graph = coo_matrix((np.ones(len(links), np.int8), links.T), shape=(len(rig.vertices),) * 2)
    piece = connected_components(graph, directed=False)[1][rig.seam_groups[skin.vertices]]
    points = points[piece == np.bincount(piece).argmax()]
    landmarks = rig.landmarks()[:FACE_POINTS]
    face = cKDTree(landmarks).query(points)[0] < FACE_REACH_M
    return points, face, ~face & (points[:, 1] > landmarks[MOUTH_CORNER, 1])


def align(rig: HeadRig, reference: HeadRig) -> Similarity:
    """The similarity that lays brows, eyes, nose and lips of `rig` on those of `reference`."""
    ids = list(IBUG_FACE_MESH[IBUG_CONTOUR_COUNT:])
    return fit_similarity(rig.landmarks()[ids], reference.landmarks()[ids])


def skin_surface(rig: HeadRig) -> Surface:
    return Surface(rig.vertices, rig.faces[rig.part("skin").faces])


def refine(start: Similarity, points: np.ndarray, surface: Surface) -> Similarity:
    """`start` moved on until the points (n, 3) lie on the surface as closely as a similarity can bring them."""
    fitted = start
    for _ in range(REFINEMENTS):
        fitted = fit_similarity(points, surface.closest(fitted.apply(points)).points)
    return fitted


def measure(rig: HeadRig, reference: HeadRig, refined: bool = False) -> Deviation:
    """How far `rig`'s skin lies from `reference`'s; refined: aligned on the whole face, not on the landmarks alone."""
    points, face, cranium = regions(rig)
    surface = skin_surface(reference)
    laid = align(rig, reference)
    if refined:
        laid = refine(laid, points[face], surface)
    millimetres = 1000 * surface.closest(laid.apply(points)).distances
    return Deviation(
        *(float(np.percentile(millimetres[part], share)) for part in (face, cranium) for share in (50, 90)),
        scale=laid.scale,
    )


def main(models_dir: Path) -> None:
    builtin, ict = load_head("builtin", models_dir), load_head("ict", models_dir)
    for refined in (False, True):
        found = measure(builtin, ict, refined)
        print(
            f"aligned by {'the face surface' if refined else 'landmarks'}: "
            f"face median {found.face_median:.2f} mm (90 %: {found.face_p90:.2f}), "
            f"cranium median {found.cranium_median:.2f} mm (90 %: {found.cranium_p90:.2f}), scale {found.scale:.3f}"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
