"""What can be measured of a head, and how much adults differ in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from core.head_model.rig import HeadRig
from core.head_model.skinning import LEFT_EYE, RIGHT_EYE
from core.structures import FloatArray, IntArray

ANSUR = "ANSUR II, men and women together (Gordon et al. 2014, NATICK/TR-15/007)"
NIOSH = "NIOSH survey, means and deviations of men and women joined (Zhuang & Bradtmiller 2005)"
FARKAS = "Farkas 1994, Anthropometry of the Head and Face, men and women joined"
CHOSEN = "no survey: chosen by eye"


@dataclass(frozen=True, slots=True)
class Measure:
    """A distance along a fixed direction, a little blind to what lies across it, as callipers held level are.

    deviation_mm: one standard deviation among adults. ends: pairs of places, each a FaceMesh number or a name of
    `PLACES`; the measure is the mean over the pairs of the way from the second to the first along `direction`.
    """

    name: str
    deviation_mm: float
    ends: tuple[tuple[int | str, int | str], ...]
    direction: tuple[float, float, float]
    source: str
    is_named: bool = True  # whether people ask for it


ACROSS, UP, FORWARD = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
MEASURES: tuple[Measure, ...] = (
    Measure("head width", 6.2, (("left skull", "right skull"),), ACROSS, ANSUR),
    Measure("head height", 6.7, (("crown", 454), ("crown", 234)), UP, ANSUR),
    Measure("head length", 8.5, ((9, "back of head"),), FORWARD, ANSUR),
    Measure("forehead width", 5.7, ((298, 68),), ACROSS, NIOSH),
    Measure("forehead slope", 1.9, ((9, 10),), FORWARD, FARKAS),
    Measure("brow height", 2.0, ((334, "left eye"), (105, "right eye")), UP, CHOSEN),
    Measure("face length", 7.9, ((168, 152),), UP, ANSUR),
    Measure("cheekbone width", 7.9, ((454, 234),), ACROSS, NIOSH),
    Measure("cheek fullness", 2.5, ((411, 187),), ACROSS, CHOSEN),
    Measure("jaw width", 11.0, ((397, 172),), ACROSS, NIOSH),
    Measure("chin length", 5.3, ((14, 152),), UP, FARKAS),
    Measure("chin projection", 3.0, ((199, 164),), FORWARD, CHOSEN),
    Measure("eye distance", 3.7, (("left eye", "right eye"),), ACROSS, ANSUR),
    Measure("eye width", 1.3, ((263, 362), (133, 33)), ACROSS, FARKAS),
    Measure("eye opening", 1.2, ((386, 374), (159, 145)), UP, FARKAS),
    Measure("eye slant", 1.1, ((263, 362), (33, 133)), UP, FARKAS),
    Measure("lids' age", 1.0, ((386, 257), (159, 27)), UP, CHOSEN),
    Measure("nose length", 4.4, ((168, 2),), UP, NIOSH),
    Measure("nose width", 4.3, ((358, 129),), ACROSS, NIOSH),
    Measure("nose depth", 2.8, ((4, 2),), FORWARD, NIOSH),
    Measure("nose tip", 2.0, ((4, 2),), UP, FARKAS),
    Measure("nose hump", 1.2, ((195, 6), (195, 4)), FORWARD, CHOSEN),
    Measure("nose bridge height", 2.0, ((6, 362), (6, 133)), FORWARD, CHOSEN),
    Measure("mouth width", 4.4, ((291, 61),), ACROSS, NIOSH),
    Measure("mouth corners", 1.0, ((61, 13), (291, 13)), UP, CHOSEN),
    Measure("upper lip height", 2.3, ((2, 0),), UP, FARKAS),
    Measure("lip fullness", 1.3, ((0, 13), (14, 17)), UP, FARKAS),
    Measure("ear length", 4.9, (("left ear top", "left ear bottom"), ("right ear top", "right ear bottom")), UP, ANSUR),
    Measure(
        "ear protrusion", 3.2, (("left ear rim", "left ear root"), ("right ear root", "right ear rim")), ACROSS, ANSUR
    ),
    Measure("upper lid over pupil", 0.8, ((386, "left eye"), (159, "right eye")), UP, CHOSEN, is_named=False),
    Measure("lip line on teeth", 1.2, ((13, "upper teeth"),), UP, CHOSEN, is_named=False),
    Measure("upper lip before teeth", 0.6, ((0, "upper teeth"),), FORWARD, CHOSEN, is_named=False),
    Measure("lower lip before teeth", 0.6, ((17, "lower teeth"),), FORWARD, CHOSEN, is_named=False),
    Measure("chin before teeth", 0.6, ((18, "lower teeth"),), FORWARD, CHOSEN, is_named=False),
    Measure(
        "mouth corners before teeth", 0.8, ((61, "upper teeth"), (291, "upper teeth")), FORWARD, CHOSEN, is_named=False
    ),
    Measure("neck width", 12.7, (("left neck", "right neck"),), ACROSS, ANSUR),
)

WHOLES: dict[str, tuple[str, ...]] = {
    "face length": ("nose length", "upper lip height", "lip fullness", "chin length"),
}
"""Measures that are the sum of others: neither can change alone."""


def are_kin(first: str, second: str) -> bool:
    """Whether one measure is a part of the other."""
    return second in WHOLES.get(first, ()) or first in WHOLES.get(second, ())


class Measuring:
    """Takes `MEASURES` of heads with the built-in head's vertices. joint_regressor: (5, V), for the eyes' centres."""

    def __init__(self, rig: HeadRig, joint_regressor: FloatArray) -> None:
        self._count = len(rig.vertices)
        self._landmarks = _landmark_rows(rig)
        self._places = {name: find(rig, joint_regressor) for name, find in PLACES.items()}

    def matrix(self, measures: tuple[Measure, ...] = MEASURES) -> sparse.csr_matrix:
        """(m, 3V) sparse: times a head's vertices, x, y, z of each together, it gives the measures in metres."""
        rows = []
        for measure in measures:
            along = sum((self._row(first) - self._row(second) for first, second in measure.ends), 0.0)
            rows.append(np.kron(along / len(measure.ends), measure.direction))
        return sparse.csr_matrix(np.stack(rows))

    def of(self, vertices: FloatArray) -> dict[str, float]:
        """Name to metres, of vertices (V, 3)."""
        values = self.matrix() @ np.asarray(vertices, np.float64).ravel()
        return {measure.name: float(value) for measure, value in zip(MEASURES, values, strict=True)}

    def _row(self, place: int | str) -> FloatArray:
        return self._landmarks[place] if isinstance(place, int) else self._places[place]


def _landmark_rows(rig: HeadRig) -> FloatArray:
    """(478, V) weights of the vertices."""
    rows = np.zeros((len(rig.landmark_faces), len(rig.vertices)))
    corners = rig.faces[rig.landmark_faces]
    np.add.at(rows, (np.arange(len(rows))[:, None], corners), rig.landmark_weights)
    return rows


def _vertex(
    score: Callable[[FloatArray], FloatArray], part: str = "skull"
) -> Callable[[HeadRig, FloatArray], FloatArray]:
    """A finder of the skin vertex of the skull, left or right ear with the highest score of its place."""

    def find(rig: HeadRig, _: FloatArray) -> FloatArray:
        points = rig.vertices.astype(np.float64)
        values = np.where(_skin_part(rig) == _SKIN_PARTS.index(part), score(points), -np.inf)
        row = np.zeros(len(points))
        row[int(values.argmax())] = 1.0
        return row

    return find


_SKIN_PARTS = ("skull", "left ear", "right ear")


def _skin_part(rig: HeadRig) -> IntArray:
    """(V,) number in `_SKIN_PARTS`, -1 elsewhere: the ears are pieces of their own, pushed into the skull."""
    skin = rig.part("skin")
    triangles = rig.seam_groups[rig.faces[skin.faces]]
    links = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]]])
    count = len(rig.vertices)
    graph = sparse.coo_matrix((np.ones(len(links)), (links[:, 0], links[:, 1])), shape=(count, count))
    piece = connected_components(graph, directed=False)[1][rig.seam_groups]
    part = np.full(count, -1)
    numbers, sizes = np.unique(piece[skin.vertices], return_counts=True)
    part[piece == numbers[sizes.argmax()]] = 0
    for number in numbers[(sizes > EAR_VERTICES) & (sizes < sizes.max())]:
        part[piece == number] = 1 if rig.vertices[piece == number, 0].mean() > 0 else 2
    return part


EAR_VERTICES = 50
NECK_HEIGHT_M = -0.140


def _widest_at(side: float, height: float) -> Callable[[FloatArray], FloatArray]:
    return lambda p: side * p[:, 0] - 10.0 * np.maximum(np.abs(p[:, 1] - height) - 0.004, 0.0)


def _front(part: str) -> Callable[[HeadRig, FloatArray], FloatArray]:
    """A finder of the mean of a part's vertices in front, on both sides alike."""

    def find(rig: HeadRig, _: FloatArray) -> FloatArray:
        depth = rig.vertices[rig.part(part).vertices, 2]
        row = np.zeros(len(rig.vertices))
        row[rig.part(part).vertices] = depth > np.quantile(depth, 0.8)
        return row / row.sum()

    return find


def _eye(joint: int) -> Callable[[HeadRig, FloatArray], FloatArray]:
    return lambda _, regressor: np.asarray(regressor[joint])


PLACES: dict[str, Callable[[HeadRig, FloatArray], FloatArray]] = {
    "crown": _vertex(lambda p: p[:, 1] - 0.1 * np.abs(p[:, 0])),
    "back of head": _vertex(lambda p: -p[:, 2] - np.abs(p[:, 0]) - np.maximum(-0.08 - p[:, 1], 0.0)),
    "left skull": _vertex(lambda p: p[:, 0] - 10.0 * np.maximum(0.02 - p[:, 1], 0.0)),
    "right skull": _vertex(lambda p: -p[:, 0] - 10.0 * np.maximum(0.02 - p[:, 1], 0.0)),
    "upper teeth": _front("upperTeeth"),
    "lower teeth": _front("lowerTeeth"),
    "left neck": _vertex(_widest_at(1.0, NECK_HEIGHT_M)),
    "right neck": _vertex(_widest_at(-1.0, NECK_HEIGHT_M)),
    "left eye": _eye(LEFT_EYE),
    "right eye": _eye(RIGHT_EYE),
    "left ear top": _vertex(lambda p: p[:, 1], "left ear"),
    "left ear bottom": _vertex(lambda p: -p[:, 1], "left ear"),
    "left ear rim": _vertex(lambda p: p[:, 0], "left ear"),
    "left ear root": _vertex(lambda p: p[:, 2], "left ear"),
    "right ear top": _vertex(lambda p: p[:, 1], "right ear"),
    "right ear bottom": _vertex(lambda p: -p[:, 1], "right ear"),
    "right ear rim": _vertex(lambda p: -p[:, 0], "right ear"),
    "right ear root": _vertex(lambda p: p[:, 2], "right ear"),
}
