"""The built-in head as a Gaussian process of people (Lüthi et al. 2017, "Gaussian Process Morphable Models").

Displacements of the mean head are a Gaussian process with the kernel of `smooth_kernel`, passed through the head's
`anatomy`. The process is then told how much adults differ in `measures`: with M the measures, C = M K M' what the
kernel makes of them and D what surveys found, the covariance becomes K + K M' C^-1 (D - C) C^-1 M K (Jeffrey's rule
for Gaussians). Every measure then has the deviation of the survey; everything else follows as the kernel says.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.linalg import cho_factor, cho_solve, eigh

from core.errors import InputError
from core.head_model.anatomy import Anatomy, Sources
from core.head_model.rig import HeadRig
from core.head_model.smooth_kernel import Level, Region, SmoothKernel
from core.structures import FloatArray, IntArray

HEAD_KERNEL = SmoothKernel(
    (
        Level(0.0060, 0.160),
        Level(0.0032, 0.075),
        Level(0.0024, 0.040, is_local=True),
        Level(0.0018, 0.018, is_local=True),
        Level(0.0007, 0.009, is_local=True),
    ),
    Region(),
    lopsided_share=0.015,
)
"""Of proportions, of the form of the skull, of features, and of lips and lids."""
CHUNK = 512
NEGLIGIBLE = 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """vertices: (V, 3) metres, the mean person; deviation: (V, 3) metres, standard deviation of each coordinate."""

    vertices: FloatArray
    deviation: FloatArray


class HeadProcess:
    """Gaussian process of people with one head's vertices.

    measures: (m, 3V) sparse, and deviations: (m,) metres, what is known of them; none when left out.
    """

    def __init__(
        self,
        rig: HeadRig,
        kernel: SmoothKernel = HEAD_KERNEL,
        measures: sparse.csr_matrix | None = None,
        deviations: FloatArray | None = None,
    ) -> None:
        self.kernel = kernel
        self.rest = rig.vertices.astype(np.float64)
        self.faces = rig.faces
        self.anatomy = Anatomy(rig)
        self.sources = self.anatomy.vertices()
        empty = sparse.csr_matrix((0, 3 * len(self.rest)))
        self._measures = self.sources.rows(empty if measures is None else measures)
        known = self._smooth(self._measures, self._measures)
        self._change = _survey_change(known, np.zeros(0) if deviations is None else deviations)

    def condition(
        self,
        places: IntArray,
        observed: FloatArray,
        noise_m: float = 0.0,
        weights: FloatArray | None = None,
    ) -> Posterior:
        """The people whose points lie where they were seen: exact posterior of the process.

        places: (n,) vertices, or with weights (n, 3) triangles and barycentric weights in them. observed: (n, 3)
        metres, head frame. noise_m: standard deviation of each observed coordinate; with 0 the mean passes through.
        Points on one eyeball or on the teeth move together: without noise give no more than one of them.
        InputError when the arrays do not fit, or points contradict each other for want of noise.
        """
        chosen = self._chosen(np.asarray(places), weights)
        target = np.asarray(observed, np.float64)
        if target.shape != (len(places), 3) or not np.isfinite(target).all():
            raise InputError(f"Observed points must be {len(places)} finite places, but their shape is {target.shape}.")
        seen = self.sources.rows(chosen)
        covariance = self.covariance(seen, seen) + noise_m**2 * np.eye(target.size)
        try:
            factor = cho_factor(covariance, lower=True)
        except np.linalg.LinAlgError:
            raise InputError(
                "Some observed points can only move together, so they may contradict each other. Give a noise above 0."
            ) from None
        residual = target.ravel() - chosen @ self.rest.ravel()
        weights_of_seen = cho_solve(factor, residual)
        weights_of_seen += cho_solve(factor, residual - covariance @ weights_of_seen)  # one refinement: passes through
        mean, variance = np.empty(self.rest.size), np.empty(self.rest.size)
        for start in range(0, self.rest.size, 3 * CHUNK):
            part = self._part(start)
            across = self.covariance(part, seen)
            mean[start : start + len(across)] = across @ weights_of_seen
            own = np.einsum("ij,ji->i", across, cho_solve(factor, across.T))
            variance[start : start + len(across)] = np.diag(self.covariance(part, part)) - own
        deviation = np.sqrt(np.maximum(variance, 0.0))
        return Posterior(self.rest + mean.reshape(-1, 3), deviation.reshape(-1, 3))

    def covariance(self, first: Sources, second: Sources) -> FloatArray:
        """(n, m) covariance of two lists of displacement coordinates, square metres."""
        smooth = self._smooth(first, second)
        return smooth + self._smooth(first, self._measures) @ self._change @ self._smooth(self._measures, second)

    def _part(self, start: int) -> Sources:
        count = min(3 * CHUNK, self.rest.size - start)
        chosen = sparse.csr_matrix(
            (np.ones(count), (np.arange(count), start + np.arange(count))), shape=(count, self.rest.size)
        )
        return self.sources.rows(chosen)

    def _chosen(self, places: IntArray, weights: FloatArray | None) -> sparse.csr_matrix:
        """(3n, 3V) picks points out of vertices."""
        bound = len(self.rest) if weights is None else len(self.faces)
        fits = places.ndim == 1 and (weights is None or weights.shape == (len(places), 3))
        if not fits or (len(places) and (places.min() < 0 or places.max() >= bound)):
            raise InputError(f"Observed places must be numbers below {bound}, with three weights each in triangles.")
        corners = places[:, None] if weights is None else self.faces[places]
        shares = np.ones((len(places), 1)) if weights is None else np.asarray(weights, np.float64)
        rows = np.repeat(np.arange(len(places)), corners.shape[1])
        pick = sparse.csr_matrix((shares.ravel(), (rows, corners.ravel())), shape=(len(places), len(self.rest)))
        return sparse.csr_matrix(sparse.kron(pick, sparse.identity(3)))

    def _smooth(self, first: Sources, second: Sources) -> FloatArray:
        """(n, m) as `covariance`, without what surveys say."""
        sideways, other = self.kernel.sideways_and_other(first.places, second.places)
        total = np.zeros((first.matrix.shape[0], second.matrix.shape[0]))
        for axis, kernel in ((0, sideways), (1, other), (2, other)):
            total += (second.matrix[:, axis::3] @ (first.matrix[:, axis::3] @ kernel).T).T
        return total


def _survey_change(known: FloatArray, deviations: FloatArray) -> FloatArray:
    """C^-1 (D - C) C^-1, where D has the deviations of the survey and the correlations of C."""
    if not len(known):
        return np.zeros((0, 0))
    own = np.sqrt(np.diag(known))
    wanted = known * np.outer(deviations / own, deviations / own)
    inverse = np.linalg.inv(known)
    return np.asarray(inverse @ (wanted - known) @ inverse)


def root_of(covariance: FloatArray) -> FloatArray:
    """(n, r) R with R R' the inverse of a covariance (n, n), as far as it is not singular."""
    values, vectors = eigh(covariance)
    kept = values > NEGLIGIBLE * values[-1]
    return np.asarray(vectors[:, kept] / np.sqrt(values[kept]))
