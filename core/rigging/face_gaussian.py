"""A face's form out of what FaceMesh reports of it: one joint Gaussian of both, learned from drawn heads.

FaceMesh does not measure a face, it guesses an ordinary one that fits the picture: depth is an average face's, the
outline slides, and the nearer the camera, the larger the nose. How it errs was learned by showing it heads whose form
is known (`training/identity`). The Gaussian holds the form (principal components of 468 true points at rest), its
size, the camera's nearness, and the points reported from seven directions. Whatever was seen is conditioned on
(Bishop 2006, eq. 2.81-2.82); directions that nobody photographed drop out. An expression is taken out before: a bounded
mix of the displacements that FaceMesh reports of each of the 52 shapes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from core.blendshapes import ARKIT_NAMES
from core.errors import RigError
from core.geometry.least_squares import BoundedLeastSquares
from core.geometry.rotation import yaw_pitch_roll
from core.geometry.similarity import Similarity, fit_similarity
from core.structures import FloatArray, IntArray

GAUSSIAN_FILE = Path(__file__).parent / "data" / "face_gaussian.npz"
FACE_POINTS = 468
DIRECTIONS_DEG = ((0, 0), (-17, 0), (17, 0), (-34, 0), (34, 0), (0, -15), (0, 15))
"""Yaw and pitch of the head in the pictures that were learned from."""
MEASURES = 2  # logarithm of the size, and the camera's nearness, after the form's components
FOREIGN_M = (0.001, 0.002, 0.003, 0.005)
"""Standard deviations, along a component, of what real pictures do to FaceMesh and drawn ones do not. The likeliest is
taken (type II maximum likelihood): it keeps the form from running away on a face unlike all that were learned from."""
IRIS_DEVIATION = 0.08  # of the logarithm of a person's iris's width, the same in all pictures
PICTURE_ERROR_M = 0.002  # standard deviation, along a component, by which pictures of one resting face differ
IRIS_ERROR = 0.03  # of the same in one picture
NEARNESS_ERROR = 0.06  # of the nearness that a lens tells, in parts of it: the face's size is guessed


@dataclass(frozen=True, slots=True, eq=False)
class AlignedFace:
    """A face as one picture shows it. points: (468, 3) metres, laid on the mean face; turn: (2,) yaw and pitch in
    radians as FaceMesh has them; to_mean: from picture points (x, -y, -z); log_iris: logarithm of the iris's share of
    the face."""

    points: FloatArray
    turn: FloatArray
    to_mean: Similarity
    log_iris: float


@dataclass(frozen=True, slots=True, eq=False)
class RestingFace:
    """A face with its expression taken out. points: (468, 3), moved to the nearest learned direction; direction:
    which one; blendshapes: (52,) what was taken out; misfit: root mean square of what no form explains, metres."""

    points: FloatArray
    direction: int
    log_iris: float
    blendshapes: FloatArray
    misfit: float


@dataclass(frozen=True, slots=True, eq=False)
class FaceEstimate:
    """landmarks: (468, 3) metres, the form at rest in the person's size; size: in parts of the mean face;
    size_deviation: its standard deviation; distance_m: of the camera; deviation_m: expected error of a point;
    doubt: (K, K) covariance of the form's components as they were left, square metres at the mean face's size."""

    landmarks: FloatArray
    size: float
    size_deviation: float
    distance_m: float
    deviation_m: float
    doubt: FloatArray


class _Told(NamedTuple):
    """Some of the Gaussian's variables as they were seen, each (n,). rows: which ones; noise: variances; foreign: 1
    where `FOREIGN_M` comes on top; is_iris: 1 where the person's own iris does."""

    rows: IntArray
    values: FloatArray
    noise: FloatArray
    foreign: FloatArray
    is_iris: FloatArray


class FaceGaussian:
    """The learned Gaussian. Arrays as `training/identity/learn.py` writes them:

    form_mean (468, 3), form_basis (K, 1404) rows of length 1; seen_mean (7, 468, 3), seen_basis (C, 1404);
    turn_mean (7, 2), turn_slope (7, 2, 1404): how reported points change with yaw and pitch; anchor_weights (468,);
    shown_shapes (52, 1404): what FaceMesh shows of each shape; motion_noise (C,): variance that a sum of coefficients
    of 1, taken out, leaves in each component; mean and covariance of
    [form K, log size, nearness, then for each direction C components and log iris].
    """

    def __init__(self, arrays: dict[str, FloatArray]) -> None:
        self.form_mean = arrays["form_mean"].astype(np.float64)
        self.form_basis = arrays["form_basis"].astype(np.float64)
        self.seen_mean = arrays["seen_mean"].astype(np.float64)
        self.seen_basis = arrays["seen_basis"].astype(np.float64)
        self.turn_mean = arrays["turn_mean"].astype(np.float64)
        self.turn_slope = arrays["turn_slope"].astype(np.float64)
        self.anchor_weights = arrays["anchor_weights"].astype(np.float64)
        self.shown_shapes = arrays["shown_shapes"].astype(np.float64)
        self.shape_deviation = arrays["shape_deviation"].astype(np.float64)
        self.mean = arrays["mean"].astype(np.float64)
        factor = arrays["factor"].astype(np.float64)
        self.covariance = factor @ factor.T
        self.noise = float(arrays["noise"])
        self.motion_noise = arrays["motion_noise"].astype(np.float64)
        self._expression = [self._expression_solver(number) for number in range(len(DIRECTIONS_DEG))]

    @property
    def _first_seen(self) -> int:
        return len(self.form_basis) + MEASURES

    def _rows(self, direction: int) -> slice:
        width = len(self.seen_basis) + 1
        start = self._first_seen + direction * width
        return slice(start, start + width)

    def align(self, points: FloatArray, iris_width: float) -> AlignedFace:
        """points: (478, 3) picture points, y up and z towards the camera, pixels; iris_width: pixels."""
        to_mean = fit_similarity(points[:FACE_POINTS], self.seen_mean[0], self.anchor_weights)
        yaw, pitch, _ = yaw_pitch_roll(to_mean.rotation.T)
        log_iris = float(np.log(max(iris_width, 1e-3) * to_mean.scale))
        return AlignedFace(to_mean.apply(points[:FACE_POINTS]), np.array([yaw, pitch]), to_mean, log_iris)

    def direction(self, turn: FloatArray) -> int:
        """The learned direction nearest to this yaw and pitch."""
        return int(np.linalg.norm(self.turn_mean - turn, axis=1).argmin())

    def at_rest(self, face: AlignedFace) -> RestingFace:
        """The face with its expression taken out, as if seen from the middle of the nearest direction."""
        direction = self.direction(face.turn)
        off = np.clip(face.turn - self.turn_mean[direction], -0.35, 0.35)
        seen = face.points.reshape(-1) - off @ self.turn_slope[direction]
        residual = seen - self.seen_mean[direction].reshape(-1)
        solver, whitened = self._expression[direction]
        coefficients = solver.solve(whitened @ residual)
        coefficients[self.shape_deviation <= 0] = 0.0
        resting = residual - coefficients @ self.shown_shapes
        misfit = resting - (resting @ self.seen_basis.T) @ self.seen_basis
        points = self.seen_mean[direction] + resting.reshape(-1, 3)
        rms = float(np.sqrt((misfit**2).mean()))
        return RestingFace(points, direction, face.log_iris, coefficients.astype(np.float32), rms)

    def _expression_solver(self, direction: int) -> tuple[BoundedLeastSquares, FloatArray]:
        """Least squares for the coefficients where the person is a Gaussian too, and what whitens an observation."""
        rows = self._rows(direction)
        spread = self.covariance[rows, rows][:-1, :-1]
        inverse = np.linalg.inv(spread + self.noise**2 * np.eye(len(spread)))
        posed = self.shape_deviation > 0
        shapes = np.where(posed[:, None], self.shown_shapes, 0.0)
        inside = shapes @ self.seen_basis.T
        whitened = (shapes - inside @ self.seen_basis) / self.noise**2 + inside @ inverse @ self.seen_basis
        gram = whitened @ shapes.T + np.diag(1 / np.where(posed, self.shape_deviation, 1.0) ** 2)
        return BoundedLeastSquares(0.5 * (gram + gram.T), 0.0, 1.0), whitened

    def estimate(
        self,
        faces: Sequence[RestingFace],
        weights: Sequence[float] | FloatArray | None = None,
        nearness: float | None = None,
    ) -> FaceEstimate:
        """The form that all faces of one person agree on. weights: how far each is trusted, positive; nearness: of the
        camera where its lens tells it, 1 / metres."""
        if not faces:
            raise RigError("A form needs at least one face.")
        trust = np.ones(len(faces)) if weights is None else np.asarray(weights, np.float64)
        told = [
            self._told_by([k for k, face in enumerate(faces) if face.direction == direction], faces, trust)
            for direction in sorted({face.direction for face in faces})
        ]
        if nearness is not None:
            row, error = np.array([len(self.form_basis) + 1]), (NEARNESS_ERROR * nearness) ** 2
            told.append(_Told(row, np.array([nearness]), np.array([error]), np.zeros(1), np.zeros(1)))
        index, values, noise, foreign, iris = (np.concatenate(part) for part in zip(*told, strict=True))
        wanted = slice(0, self._first_seen)
        across = self.covariance[wanted, index]
        own_iris = IRIS_DEVIATION * iris
        known = self.covariance[np.ix_(index, index)] + np.diag(noise) + np.outer(own_iris, own_iris)
        inner = _likeliest(known, foreign, values - self.mean[index])
        found = self.mean[wanted] + across @ cho_solve(inner, values - self.mean[index])
        left = self.covariance[wanted, wanted] - across @ cho_solve(inner, across.T)
        return self._as_estimate(found, left)

    def _told_by(self, own: Sequence[int], faces: Sequence[RestingFace], trust: FloatArray) -> _Told:
        """What faces of one direction, `own` of all, agree on."""
        rows = self._rows(faces[own[0]].direction)
        share = trust[own] / trust[own].sum()
        seen = sum(w * faces[k].points.reshape(-1) for w, k in zip(share, own, strict=True))
        code = (seen - self.seen_mean[faces[own[0]].direction].reshape(-1)) @ self.seen_basis.T
        iris = sum(w * faces[k].log_iris for w, k in zip(share, own, strict=True))
        motion = sum(w * float(faces[k].blendshapes.sum()) for w, k in zip(share, own, strict=True))
        points, last = np.append(np.ones(len(code)), 0.0), np.append(np.zeros(len(code)), 1.0)
        noise = np.append(motion * self.motion_noise, IRIS_ERROR**2)
        return _Told(np.arange(rows.start, rows.stop), np.append(code, iris), noise, points, last)

    def mutual_surprise(self, faces: Sequence[RestingFace]) -> FloatArray:
        """(n, n) of n faces: [i, j] squared Mahalanobis distance of face i from what face j lets expect of the same
        person, by component; about 1 for one person's pictures whatever their directions."""
        codes = np.stack([
            (face.points - self.seen_mean[face.direction]).reshape(-1) @ self.seen_basis.T for face in faces
        ])  # fmt: skip
        directions = np.array([face.direction for face in faces])
        noise = PICTURE_ERROR_M**2 * np.eye(len(self.seen_basis))
        found = np.zeros((len(faces), len(faces)))
        for first in np.unique(directions):
            for second in np.unique(directions):
                here, there = (self._rows(int(d)).start + np.arange(len(self.seen_basis)) for d in (first, second))
                across = self.covariance[np.ix_(here, there)]
                slope = np.linalg.solve(self.covariance[np.ix_(there, there)] + noise, across.T).T
                left = cho_factor(self.covariance[np.ix_(here, here)] + noise - slope @ across.T)
                rows, columns = np.flatnonzero(directions == first), np.flatnonzero(directions == second)
                apart = codes[rows][:, None] - codes[columns] @ slope.T
                flat = apart.reshape(-1, apart.shape[-1])
                distance = (flat.T * cho_solve(left, flat.T)).sum(axis=0) / apart.shape[-1]
                found[np.ix_(rows, columns)] = distance.reshape(len(rows), len(columns))
        return found

    def _as_estimate(self, found: FloatArray, covariance: FloatArray) -> FaceEstimate:
        count, variance = len(self.form_basis), np.maximum(np.diag(covariance), 0.0)
        size = float(np.exp(found[count]))
        form = self.form_mean + (found[:count] @ self.form_basis).reshape(-1, 3)
        deviation = float(np.sqrt(variance[:count].sum() / FACE_POINTS))
        size_deviation, distance_m = size * float(np.sqrt(variance[count])), 1 / max(float(found[count + 1]), 0.1)
        return FaceEstimate(size * form, size, size_deviation, distance_m, deviation, covariance[:count, :count])


def _likeliest(covariance: FloatArray, foreign: FloatArray, offset: FloatArray) -> tuple[FloatArray, bool]:
    """The Cholesky factor (as `cho_factor` gives it) of the covariance (n, n) with the foreign noise, on the diagonal
    entries `foreign` (n,), under which an offset (n,) from the mean is the least surprising."""
    best, least = None, np.inf
    for deviation in FOREIGN_M:
        factor = cho_factor(covariance + np.diag(deviation**2 * foreign))
        surprise = float(offset @ cho_solve(factor, offset) + 2 * np.log(np.diag(factor[0])).sum())
        if best is None or surprise < least:
            best, least = factor, surprise
    assert best is not None
    return best


@cache
def load_face_gaussian() -> FaceGaussian:
    """The shipped Gaussian. RigError when its file is damaged or of another list of shapes."""
    try:
        with np.load(GAUSSIAN_FILE, allow_pickle=False) as stored:
            arrays = dict(stored)
    except (OSError, ValueError) as error:
        raise RigError(
            f"{GAUSSIAN_FILE.name} cannot be read: {error}. Run `python -m training.identity.learn`."
        ) from None
    if tuple(arrays.pop("names")) != ARKIT_NAMES:
        raise RigError(f"{GAUSSIAN_FILE.name} has other shapes than this version.")
    return FaceGaussian(arrays)
