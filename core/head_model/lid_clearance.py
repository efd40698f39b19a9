"""Lids that stay off a person's eyeballs, at rest and on their way: eyes are 24 mm in every head, lids are not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from core.blendshapes import INDEX
from core.head_model.correctives import PRODUCT, PairCorrective
from core.head_model.eyes import EYE_RADIUS_M
from core.head_model.rig import HeadRig
from core.head_model.skinning import LEFT_EYE, RIGHT_EYE
from core.structures import FloatArray, IntArray

CLEARANCE_M = 0.0008  # of a vertex; the flat triangles between them lie 0.1 to 0.3 mm lower
MOST_LIFT_M = 0.0006  # that a corrective may add for the way: at its end the lid then lies that much too far out
REACH_M, RIM_M, BEHIND_M = 0.0250, 0.0121, -0.0040
"""Skin this near to an eyeball's centre is looked at, but not the rims, which touch the ball, nor what lies behind."""


@dataclass(frozen=True, slots=True, eq=False)
class _Lids:
    """rows: (n,) vertices about one eye. before, after: (n, 3) from its centre, on the template and on the person."""

    rows: IntArray
    before: FloatArray
    after: FloatArray

    def floor(self, moved: FloatArray) -> FloatArray:
        """(n,) least distance from the centre of what the template has at `moved` (n, 3): never more than its own."""
        return np.minimum(np.linalg.norm(self.before + moved, axis=1), EYE_RADIUS_M + CLEARANCE_M)


def _both_lids(rig: HeadRig, vertices: FloatArray, joints: FloatArray) -> Iterator[_Lids]:
    skin = rig.part("skin").vertices
    for joint in (LEFT_EYE, RIGHT_EYE):
        before = rig.vertices[skin].astype(np.float64) - rig.joints[joint]
        distance = np.linalg.norm(before, axis=1)
        near = np.flatnonzero((distance < REACH_M) & (distance > RIM_M) & (before[:, 2] > BEHIND_M))
        rows = near + skin.start
        yield _Lids(rows, before[near], vertices[rows] - joints[joint])


def rest_off_eyes(rig: HeadRig, vertices: FloatArray, joints: FloatArray) -> FloatArray:
    """(V, 3) a person's rest, lids moved straight out where they would lie in the eyeball. vertices (V, 3) and joints
    (5, 3) are the person's, `rig` is the head that it was made from."""
    lifted = vertices.copy()
    for lids in _both_lids(rig, vertices, joints):
        lifted[lids.rows] += _lift(lids.after, lids.floor(np.zeros_like(lids.before)))
    return lifted


def shapes_off_eyes(rig: HeadRig, vertices: FloatArray, joints: FloatArray, shapes: FloatArray) -> FloatArray:
    """(52, V, 3) shapes whose lids end outside the eyeball and go there outside of it.

    Lids turn about the eye, shapes are straight: the middle of a chord L between radii r0 and r1 has the radius m,
    m^2 = (r0^2 + r1^2) / 2 - L^2 / 4.
    """
    kept = shapes.copy()
    for lids in _both_lids(rig, vertices, joints):
        start = np.linalg.norm(lids.after, axis=1)
        for number in np.flatnonzero(rig.shapes[:, lids.rows].any(axis=(1, 2))):
            own = rig.shapes[number, lids.rows].astype(np.float64)
            way = shapes[number, lids.rows]
            middle = 2 * lids.floor(0.5 * own) ** 2 - start**2 + 0.5 * (way**2).sum(axis=1)
            floor = np.maximum(lids.floor(own), np.sqrt(np.maximum(middle, 0.0)))
            moves = own.any(axis=1)
            kept[number, lids.rows[moves]] += _lift(lids.after + way, floor)[moves]
    return kept


def pairs_off_eyes(
    rig: HeadRig, vertices: FloatArray, joints: FloatArray, shapes: FloatArray, pairs: tuple[PairCorrective, ...]
) -> tuple[PairCorrective, ...]:
    """The person's correctives of two shapes, so that both together end outside the eyeball."""
    kept = list(pairs)
    for lids in _both_lids(rig, vertices, joints):
        for k, (own, pair) in enumerate(zip(rig.correctives, kept, strict=True)):
            common, at_lid, at_row = np.intersect1d(lids.rows, pair.rows, return_indices=True)
            if pair.weight != PRODUCT or not len(common):
                continue
            shown = [INDEX[pair.first], INDEX[pair.second]]
            own_both, both = (some[shown][:, common].sum(axis=0) for some in (rig.shapes, shapes))
            template = own_both + own.displacement[at_row]
            there = lids.after[at_lid] + both + pair.displacement[at_row]
            chosen = replace(lids, rows=common, before=lids.before[at_lid], after=lids.after[at_lid])
            lift = _lift(there, chosen.floor(template))
            # Halfway into both, a quarter of the corrective is on.
            half = chosen.after + 0.5 * both + 0.25 * pair.displacement[at_row]
            wanted = 4 * _lift(half, chosen.floor(0.5 * own_both + 0.25 * own.displacement[at_row]))
            lift += wanted * np.minimum(1.0, MOST_LIFT_M / np.maximum(np.linalg.norm(wanted, axis=1), 1e-9))[:, None]
            moved = pair.displacement.copy()
            moved[at_row] += lift.astype(np.float32)
            kept[k] = replace(pair, displacement=moved)
    return tuple(kept)


def _lift(places: FloatArray, floor: FloatArray) -> FloatArray:
    """(n, 3) what takes places (n, 3) straight out to radius `floor` (n,) where they lie deeper."""
    radius = np.maximum(np.linalg.norm(places, axis=1), 1e-9)
    return np.asarray(places * (np.maximum(floor - radius, 0.0) / radius)[:, None], np.float64)
