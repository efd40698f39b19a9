"""The few directions in which people differ most: the Karhunen-Loève basis of `gpmm`'s process, by Nyström's method.

The process is carried by its values at some hundred places (greedy, by pivoted Cholesky; Lüthi et al. 2017,
section 5; Harbrecht et al. 2012), so a direction is known everywhere in space and not only at the head's vertices:
shapes that move a vertex elsewhere are bent as the head is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.linalg import eigh

from core.head_model.anatomy import Anatomy
from core.head_model.gpmm import HeadProcess, root_of
from core.head_model.measures import are_kin
from core.head_model.smooth_kernel import SmoothKernel
from core.structures import BoolArray, FloatArray, IntArray

PLACES = 260
SYMMETRIC_COUNT, LOPSIDED_COUNT = 76, 20
OTHERS_MAY_CHANGE = 0.25
"""By how many deviations a named direction may change what it is not named for, before smoothness wins."""
PIECE = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """S displacement fields of space. places: (p, 3); even, odd: (p, 3, S) weights of the kernels' two halves."""

    kernel: SmoothKernel
    anatomy: Anatomy
    places: FloatArray
    even: FloatArray
    odd: FloatArray

    def at(self, points: FloatArray, kinds: IntArray) -> FloatArray:
        """(n, 3, S) float32 displacements of points (n, 3) of parts of these kinds (n,), metres."""
        pieces = [self._piece(points[k : k + PIECE], kinds[k : k + PIECE]) for k in range(0, len(points), PIECE)]
        return np.concatenate(pieces) if pieces else np.zeros((0, *self.even.shape[1:]), np.float32)

    def _piece(self, points: FloatArray, kinds: IntArray) -> FloatArray:
        sources = self.anatomy.points(points, kinds)
        even, odd = self.kernel.even_and_odd(sources.places, self.places)
        free = even @ self.even.reshape(len(self.places), -1) + odd @ self.odd.reshape(len(self.places), -1)
        moved = sources.matrix @ free.reshape(3 * len(sources.places), -1)
        return np.asarray(moved.reshape(len(points), 3, -1), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class HeadBasis:
    """shape_basis: (V, 3, S) float32 metres at one standard deviation, most variance first, orthogonal among symmetric
    and among lopsided ones. is_symmetric: (S,). named: name to code (S,). field: the directions in space."""

    shape_basis: FloatArray
    is_symmetric: BoolArray
    named: Mapping[str, FloatArray]
    field: Field


@dataclass(frozen=True, slots=True, eq=False)
class _Half:
    """The symmetric or the lopsided half. codes: (3r, S) in the whitened values at the places; variance: (S,);
    roots: three (p, r), of x, y and z; is_even: three."""

    codes: FloatArray
    variance: FloatArray
    roots: tuple[FloatArray, ...]
    is_even: tuple[bool, ...]


def make_basis(
    process: HeadProcess, measures: sparse.csr_matrix, deviations: FloatArray, names: tuple[str, ...]
) -> HeadBasis:
    """The basis of a process that knows these measures (m, 3V) by their deviations (m,), and a direction for each."""
    first = process.sources.rows(measures).places
    places = _pivots(process, np.concatenate([first, process.anatomy.hubs]))
    symmetric, named = _symmetric_half(process, places, measures, deviations, names)
    lopsided = _lopsided_half(process, places)
    variance = np.concatenate([symmetric.variance, lopsided.variance])
    order = np.argsort(-variance, kind="stable")
    weights = np.concatenate([_weights(half, len(places)) for half in (symmetric, lopsided)], axis=3)[..., order]
    field = Field(process.kernel, process.anatomy, places, weights[0], weights[1])
    is_symmetric = order < len(symmetric.variance)
    codes = np.zeros((len(names), len(order)))
    codes[:, is_symmetric] = named.T
    return HeadBasis(
        field.at(process.rest, process.anatomy.kinds), is_symmetric, dict(zip(names, codes, strict=True)), field
    )


def _pivots(process: HeadProcess, first: FloatArray) -> FloatArray:
    """(p, 3) places of one side: the first ones, then each time where the field is known least."""
    half = np.unique(np.concatenate([np.abs(first[:, :1]), first[:, 1:]], axis=1).round(7), axis=0)
    skin = np.unique(process.rest[process.rest[:, 0] >= 0].round(7), axis=0)
    candidates = np.concatenate([half, skin])
    unknown = _own(process.kernel, candidates)
    columns = np.zeros((len(candidates), 0))
    chosen: list[int] = []
    while len(chosen) < PLACES:
        pivot = len(chosen) if len(chosen) < len(half) else int(unknown.argmax())
        chosen.append(pivot)
        left = process.kernel.plain(candidates, candidates[[pivot]])[:, 0] - columns @ columns[pivot]
        column = left / np.sqrt(max(unknown[pivot], 1e-14))
        columns = np.concatenate([columns, column[:, None]], axis=1)
        unknown = np.maximum(unknown - column**2, 0.0)
    return candidates[chosen]


def _own(kernel: SmoothKernel, points: FloatArray) -> FloatArray:
    """(n,) variances."""
    return np.concatenate(
        [np.diag(kernel.plain(points[k : k + 64], points[k : k + 64])) for k in range(0, len(points), 64)]
    )


def _design(
    process: HeadProcess, places: FloatArray, is_even: tuple[bool, ...], share: float
) -> tuple[FloatArray, tuple[FloatArray, ...]]:
    """(3V, 3r) displacements of all vertices for unit whitened values at the places, and the whitening of each axis."""
    at_places = process.kernel.even_and_odd(places, places)
    everywhere = process.kernel.even_and_odd(process.sources.places, places)
    blocks, roots = [], []
    for axis, even in enumerate(is_even):
        root = np.sqrt(share) * root_of(at_places[0 if even else 1])
        blocks.append(process.sources.matrix[:, axis::3] @ (everywhere[0 if even else 1] @ root))
        roots.append(root)
    return np.concatenate(blocks, axis=1), tuple(roots)


def _symmetric_half(
    process: HeadProcess,
    places: FloatArray,
    measures: sparse.csr_matrix,
    deviations: FloatArray,
    names: tuple[str, ...],
) -> tuple[_Half, FloatArray]:
    """The half, and (S, m) codes of the directions of the measures.

    Whitened values z ~ N(0, I) give measures A z; those along A' carry them, those across change none. The first get
    the survey's deviations, of the others the largest are kept: no truncation touches what is measured.
    """
    is_even = (False, True, True)
    design, roots = _design(process, places, is_even, 1 - process.kernel.lopsided_share)
    seen = measures @ design
    known = seen @ seen.T
    own = np.sqrt(np.diag(known))
    correlation = known / np.outer(own, own)
    values, vectors = eigh(correlation)
    wanted = deviations[:, None] * (vectors * np.sqrt(values))
    carrying = seen.T @ np.linalg.solve(known, wanted)
    gram = _gram(process, design)
    across = np.eye(len(gram)) - seen.T @ np.linalg.solve(known, seen)
    rest = _leading(across @ gram @ across, SYMMETRIC_COUNT - len(deviations))
    half = _ordered(np.concatenate([carrying, rest], axis=1), gram, roots, is_even)
    directions = seen.T @ _single_measures(known, deviations, names)
    return half, np.linalg.lstsq(half.codes, directions, rcond=None)[0]


def _single_measures(known: FloatArray, deviations: FloatArray, names: tuple[str, ...]) -> FloatArray:
    """(m, m) weights of the measures, a column for each: the posterior mean when it is seen a deviation above its mean
    and all others are seen at theirs, but with a noise; parts of it, and what it is a part of, are not looked at."""
    weights = np.zeros_like(known)
    for k, (name, deviation) in enumerate(zip(names, deviations, strict=True)):
        seen = np.array([not are_kin(name, other) for other in names])
        noise = (OTHERS_MAY_CHANGE * deviations) ** 2
        noise[k] = 0.0
        own = np.where(np.arange(len(names)) == k, deviation, 0.0)
        weights[seen, k] = np.linalg.solve((known + np.diag(noise))[np.ix_(seen, seen)], own[seen])
    return weights


def _lopsided_half(process: HeadProcess, places: FloatArray) -> _Half:
    is_even = (True, False, False)
    design, roots = _design(process, places, is_even, process.kernel.lopsided_share)
    gram = _gram(process, design)
    return _ordered(_leading(gram, LOPSIDED_COUNT), gram, roots, is_even)


def _gram(process: HeadProcess, design: FloatArray) -> FloatArray:
    """(3r, 3r) products of the columns over one side of the head; the other is its image."""
    one_side = np.repeat(process.rest[:, 0] >= 0, 3)
    kept = design[one_side]
    return np.asarray(kept.T @ kept)


def _leading(gram: FloatArray, count: int) -> FloatArray:
    size = len(gram)
    return np.asarray(eigh(gram, subset_by_index=(size - count, size - 1))[1])


def _ordered(codes: FloatArray, gram: FloatArray, roots: tuple[FloatArray, ...], is_even: tuple[bool, ...]) -> _Half:
    """The same span and covariance in directions that are orthogonal on the head, most variance first."""
    variance, turn = eigh(codes.T @ gram @ codes)
    turned = codes @ turn[:, ::-1]
    # The sign of an eigenvector is the library's choice: the largest code is made positive.
    largest = turned[np.abs(turned).argmax(axis=0), np.arange(turned.shape[1])]
    return _Half(turned * np.sign(largest), variance[::-1], roots, is_even)


def _weights(half: _Half, count: int) -> FloatArray:
    """(2, p, 3, S) weights of the even and the odd kernel at the places."""
    weights = np.zeros((2, count, 3, half.codes.shape[1]))
    start = 0
    for axis, (root, even) in enumerate(zip(half.roots, half.is_even, strict=True)):
        stop = start + root.shape[1]
        weights[0 if even else 1, :, axis] = root @ half.codes[start:stop]
        start = stop
    return weights
