"""How the 52 shapes follow a person: each vertex goes where the person's own displacement field has the place to which
it goes on the mean head."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from core.blendshapes import INDEX
from core.head_model.anatomy import LEFT_BALL, RIGHT_BALL, SOFT, held_share, similarity_design
from core.head_model.correctives import EXCESS, PairCorrective
from core.head_model.head_basis import Field
from core.head_model.rig import HeadRig
from core.head_model.skinning import LEFT_EYE, RIGHT_EYE
from core.structures import FloatArray, IntArray

JAW_SHAPES = ("jawOpen", "jawForward", "jawLeft", "jawRight")
NEGLIGIBLE_MOTION_M = 1e-5
RISE = 0.6
"""Share of what keeps lids as far from the eyeball halfway as on the mean head; all of it would let ends dip in."""
BASES = {"mouthClose": "jawOpen"}
"""Shapes that mean something only upon another: they are carried from there, so that open jaws close on every head."""


@dataclass(frozen=True, slots=True, eq=False)
class CarriedShapes:
    """What a shape code adds to the shapes, linear in the code: u(rest + shape) - u(rest) with the person's field u.

    numbers, rows: (e,) shape and vertex. directions: (e, 3, S) float32, metres at code 1. pairs: for each pair
    corrective of the model (n, 3, S) of its rows.
    """

    numbers: IntArray
    rows: IntArray
    directions: FloatArray
    pairs: tuple[FloatArray, ...] = ()

    def shapes(self, mean: FloatArray, code: FloatArray) -> FloatArray:
        """(52, V, 3) float32 the person's shapes. mean: (52, V, 3) the model's; code: (n,), n at most S."""
        shapes = mean.astype(np.float32)
        shapes[self.numbers, self.rows] += _along(self.directions, code)
        return shapes

    def correctives(self, mean: tuple[PairCorrective, ...], code: FloatArray) -> tuple[PairCorrective, ...]:
        """The person's pair correctives."""
        return tuple(
            replace(pair, displacement=pair.displacement + _along(directions, code))
            for pair, directions in zip(mean, self.pairs, strict=True)
        )


def _along(directions: FloatArray, code: FloatArray) -> FloatArray:
    """(e, 3) float32."""
    return np.asarray(directions[:, :, : len(code)] @ code.astype(np.float32), np.float32)


def carry_shapes(rig: HeadRig, field: Field, at_rest: FloatArray) -> CarriedShapes:
    """How a mean head's shapes change with every direction of a field. at_rest: (V, 3, S) the field at its vertices."""
    rest, kinds = rig.vertices.astype(np.float64), field.anatomy.kinds
    numbers, rows = np.nonzero(np.abs(rig.shapes).max(axis=2) > NEGLIGIBLE_MOTION_M)
    before = rest[rows]
    directions = -at_rest[rows]
    for name, base in BASES.items():
        own = numbers == INDEX[name]
        before[own] += rig.shapes[INDEX[base], rows[own]]
        directions[own] = -field.at(before[own], kinds[rows[own]])
    directions += field.at(before + rig.shapes[numbers, rows], kinds[rows])
    _keep_lids_off(rig, field, numbers, rows, at_rest, directions)
    _let_teeth_follow_the_jaw(rig, field, numbers, rows, directions)
    change = CarriedShapes(numbers.astype(np.int32), rows.astype(np.int32), directions)
    place = np.full(rig.shapes.shape[:2], -1)
    place[numbers, rows] = np.arange(len(rows))
    pairs = []
    for pair in rig.correctives:
        names = (pair.first,) if pair.weight == EXCESS else (pair.first, pair.second)
        shown = [INDEX[name] for name in names]
        together = rest[pair.rows] + rig.shapes[shown][:, pair.rows].sum(axis=0) + pair.displacement
        moved = field.at(together, kinds[pair.rows]) - at_rest[pair.rows]
        for shape in shown:
            own = place[shape, pair.rows]
            moved[own >= 0] -= directions[own[own >= 0]]
        pairs.append(moved)
    return replace(change, pairs=tuple(pairs))


def _keep_lids_off(
    rig: HeadRig, field: Field, numbers: IntArray, rows: IntArray, at_rest: FloatArray, directions: FloatArray
) -> None:
    """Raises or lowers where lids end, so that they are as far from the eyeball halfway there as the mean head's.

    Lids turn about the eye, shapes are straight: halfway along a chord L between radii r0 and r1 the radius m is
    given by m^2 = (r0^2 + r1^2) / 2 - L^2 / 4. With the change of r0 and L known, the change of r1 that leaves m is.
    """
    for joint, kind in ((LEFT_EYE, LEFT_BALL), (RIGHT_EYE, RIGHT_BALL)):
        centre = rig.joints[joint].astype(np.float64)
        at_eye = at_rest[int(np.flatnonzero(field.anatomy.kinds == kind)[0])]
        before = rig.vertices[rows] - centre
        start = np.linalg.norm(before, axis=1)
        share = held_share(start) * (field.anatomy.kinds[rows] == SOFT)
        for own in np.array_split(np.flatnonzero(share > 0), 8):
            way = rig.shapes[numbers[own], rows[own]].astype(np.float64)
            after = before[own] + way
            end = np.linalg.norm(after, axis=1)
            first = np.einsum("ed,eds->es", before[own], at_rest[rows[own]] - at_eye)
            last = np.einsum("ed,eds->es", after, at_rest[rows[own]] + directions[own] - at_eye)
            longer = np.einsum("ed,eds->es", way, directions[own])
            rise = RISE * share[own, None] * (0.5 * longer - first - last) / end[:, None]
            directions[own] += (after / end[:, None])[:, :, None] * rise[:, None]


def _let_teeth_follow_the_jaw(
    rig: HeadRig, field: Field, numbers: IntArray, rows: IntArray, directions: FloatArray
) -> None:
    """Writes over the rows of lower teeth and tongue in the jaw's shapes: they go with the chin, stiff as they are."""
    rest = rig.vertices.astype(np.float64)
    for name in JAW_SHAPES:
        lower = np.zeros(len(rest), bool)
        for part in ("lowerTeeth", "tongue"):
            lower[rig.part(part).vertices] = True
        own = np.flatnonzero((numbers == INDEX[name]) & lower[rows])
        chosen = rows[own]
        if len(own):
            there = _stiffly(field, rest[chosen] + rig.shapes[INDEX[name], chosen])
            directions[own] = there - _stiffly(field, rest[chosen])


def _stiffly(field: Field, points: FloatArray) -> FloatArray:
    """(n, 3, S) the translation, rotation and growth closest to the free field at points (n, 3)."""
    free = field.at(points, np.full(len(points), SOFT))
    design = similarity_design(points - points.mean(axis=0))
    fitted = design @ np.linalg.lstsq(design, free.reshape(len(design), -1), rcond=None)[0]
    return np.asarray(fitted.reshape(free.shape), np.float32)
