"""The bounded solver against scipy's, on random problems, warm and cold."""

import numpy as np
import pytest
from scipy.optimize import lsq_linear

from core.errors import InputError
from core.geometry.least_squares import BoundedLeastSquares


def problem(seed: int, rows: int = 200, unknowns: int = 52, collinear: float = 0.0):
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(rows, unknowns)) + collinear * random.normal(size=(rows, 1))
    return matrix, random


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("collinear", [0.0, 5.0])
def test_equals_scipy(seed, collinear):
    matrix, random = problem(seed, collinear=collinear)
    solver = BoundedLeastSquares(matrix.T @ matrix)
    for _ in range(5):
        measured = matrix @ random.normal(0.4, 0.6, 52) + random.normal(0, 3.0, len(matrix))
        expected = lsq_linear(matrix, measured, (0, 1), method="bvls", tol=1e-14).x
        np.testing.assert_allclose(solver.solve(matrix.T @ measured), expected, atol=1e-6)


def test_equals_scipy_with_uneven_and_equal_bounds():
    matrix, random = problem(3, unknowns=12)
    lower = random.uniform(-1, 0, 12)
    upper = lower + random.uniform(0.1, 1, 12)
    upper[4] = lower[4]
    measured = random.normal(0, 8, len(matrix))
    solution = BoundedLeastSquares(matrix.T @ matrix, lower, upper).solve(matrix.T @ measured)
    assert solution[4] == lower[4]
    others = np.arange(12) != 4
    rest = measured - matrix[:, 4] * lower[4]
    expected = lsq_linear(matrix[:, others], rest, (lower[others], upper[others]), method="bvls", tol=1e-14).x
    np.testing.assert_allclose(solution[others], expected, atol=1e-6)


def test_history_does_not_change_the_result():
    matrix, random = problem(5)
    warm, gram = BoundedLeastSquares(matrix.T @ matrix), matrix.T @ matrix
    for _ in range(20):
        target = matrix.T @ random.normal(0, 10, len(matrix))
        np.testing.assert_allclose(warm.solve(target), BoundedLeastSquares(gram).solve(target), atol=1e-9)


def test_stays_inside_the_bounds_and_finds_the_corners():
    solver = BoundedLeastSquares(np.eye(3), 0.0, 1.0)
    np.testing.assert_array_equal(solver.solve(np.array([-5.0, 0.25, 7.0])), [0.0, 0.25, 1.0])
    np.testing.assert_array_equal(solver.solve(np.array([5.0, -0.25, 0.5])), [1.0, 0.0, 0.5])


@pytest.mark.parametrize(
    ("gram", "lower", "upper", "said"),
    [
        (np.ones((2, 3)), 0.0, 1.0, "square"),
        (np.eye(2), 1.0, 0.0, "at most"),
        (np.eye(2), -np.inf, 1.0, "finite"),
    ],
)
def test_refuses_nonsense(gram, lower, upper, said):
    with pytest.raises(InputError, match=said):
        BoundedLeastSquares(gram, lower, upper)


def test_says_that_a_singular_matrix_needs_a_ridge():
    with pytest.raises(InputError, match="ridge"):
        BoundedLeastSquares(np.zeros((2, 2))).solve(np.array([0.5, 0.5]))


def test_refuses_a_target_that_is_not_finite():
    with pytest.raises(InputError, match="finite"):
        BoundedLeastSquares(np.eye(2)).solve(np.array([np.nan, 0.0]))
