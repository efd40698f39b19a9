"""The rims of lids and lips on ICT-FaceKit's mesh: where skin ends at the eyeball and lip meets lip."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import dijkstra

from core.head_model import ict_layout as layout
from core.head_model.eyes import LEFT_LID_MARGIN, RIGHT_LID_MARGIN
from core.head_model.ict_model import IctModel
from core.head_model.identity import INNER_LIP_PAIRS
from core.structures import FloatArray, IntArray

LEFT_UPPER_LID, LEFT_LOWER_LID = (42, 43, 44, 45), (42, 47, 46, 45)
RIGHT_UPPER_LID, RIGHT_LOWER_LID = (36, 37, 38, 39), (36, 41, 40, 39)
UPPER_LIP, LOWER_LIP = (60, 61, 62, 63, 64), (60, 67, 66, 65, 64)
"""iBUG points along each rim, from corner to corner."""

FACE_MESH_ON_RIM: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    (LEFT_UPPER_LID, LEFT_LID_MARGIN[8::-1]),
    (LEFT_LOWER_LID, (*LEFT_LID_MARGIN[8:], LEFT_LID_MARGIN[0])),
    (RIGHT_UPPER_LID, RIGHT_LID_MARGIN[:9]),
    (RIGHT_LOWER_LID, (RIGHT_LID_MARGIN[0], *RIGHT_LID_MARGIN[:7:-1])),
    (UPPER_LIP, (78, *(upper for upper, _ in INNER_LIP_PAIRS), 308)),
    (LOWER_LIP, (78, *(lower for _, lower in INNER_LIP_PAIRS), 308)),
)
"""The FaceMesh points that lie on each rim, in its direction."""


class Rims:
    """Finds rims on a model's face: the shortest ways along its edges through iBUG points."""

    def __init__(self, model: IctModel) -> None:
        self._vertices = model.vertices.astype(np.float64)
        self._rows = np.flatnonzero(model.triangles.max(axis=1) < layout.FACE.stop)
        self._triangles = model.triangles[self._rows]
        self._edges = self._weighted_edges()

    def _weighted_edges(self) -> csr_matrix:
        pairs = np.concatenate([self._triangles[:, [0, 1]], self._triangles[:, [1, 2]], self._triangles[:, [2, 0]]])
        pairs = np.unique(np.sort(pairs, axis=1), axis=0)
        length = np.linalg.norm(self._vertices[pairs[:, 0]] - self._vertices[pairs[:, 1]], axis=1)
        return coo_matrix((length, (pairs[:, 0], pairs[:, 1])), shape=(len(self._vertices),) * 2).tocsr()

    def along(self, ibug: tuple[int, ...]) -> IntArray:
        """(n,) vertices from the first of the iBUG points to the last."""
        stations = [layout.IBUG_VERTICES[k] for k in ibug]
        way = [stations[0]]
        for start, stop in pairwise(stations):
            before = dijkstra(self._edges, directed=False, indices=start, return_predecessors=True)[1]
            leg = [stop]
            while leg[-1] != start and before[leg[-1]] >= 0:
                leg.append(int(before[leg[-1]]))
            way += leg[-2::-1]
        return np.array(way)

    def places(self, ibug: tuple[int, ...], ids: tuple[int, ...], template: FloatArray) -> tuple[IntArray, FloatArray]:
        """Where the FaceMesh points `ids` lie on a rim: (n,) triangles of the model and (n, 3) weights.

        template: (468, 3) the points of another head. Between the points that both heads name, each takes the same
        share of the way.
        """
        way = self.along(ibug)
        steps = np.linalg.norm(np.diff(self._vertices[way], axis=0), axis=1)
        lengths = np.concatenate([[0.0], np.cumsum(steps)])
        own = np.linalg.norm(np.diff(template[list(ids)], axis=0), axis=1)
        own_lengths = np.concatenate([[0.0], np.cumsum(own)])
        named = [ids.index(layout.IBUG_FACE_MESH[k]) for k in ibug]
        stations = [int(np.flatnonzero(way == layout.IBUG_VERTICES[k])[0]) for k in ibug]
        wanted = np.interp(own_lengths, own_lengths[named], lengths[stations])
        legs = np.clip(np.searchsorted(lengths, wanted, side="right") - 1, 0, len(steps) - 1)
        shares = np.clip((wanted - lengths[legs]) / np.maximum(steps[legs], 1e-12), 0.0, 1.0)
        faces, weights = np.zeros(len(ids), np.int64), np.zeros((len(ids), 3))
        for n, (leg, share) in enumerate(zip(legs, shares, strict=True)):
            start, stop = way[leg], way[leg + 1]
            both = (self._triangles == start).any(axis=1) & (self._triangles == stop).any(axis=1)
            row = int(np.flatnonzero(both)[0])
            faces[n] = self._rows[row]
            weights[n, self._triangles[row] == start] = 1.0 - share
            weights[n, self._triangles[row] == stop] = share
        return faces, weights
