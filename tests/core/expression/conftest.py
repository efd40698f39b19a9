"""The built-in head's landmarks, and random smooth shapes on them."""

import numpy as np
import pytest

from core.blendshapes import COUNT
from core.expression.solver import ExpressionSolver
from core.head_model.builtin import load_builtin_rig


@pytest.fixture(scope="session")
def rest():
    """(478, 3) metres: the built-in head's landmarks."""
    return load_builtin_rig().landmarks().astype(np.float64)


@pytest.fixture(scope="session")
def shapes():
    """(52, 478, 3) metres: the built-in head's shapes at the landmarks."""
    return load_builtin_rig().shape_landmarks().astype(np.float64)


@pytest.fixture(scope="session")
def random_shapes(rest):
    """(52, 478, 3) metres: smooth bumps of up to 8 mm anywhere on the face."""
    random = np.random.default_rng(1)
    bumps = np.zeros((COUNT, len(rest), 3))
    for shape in bumps:
        for center in random.choice(len(rest) - 10, 3):
            near = np.exp(-((rest - rest[center]) ** 2).sum(1) / (2 * 0.012**2))
            shape += near[:, None] * random.normal(0, 0.004, 3)
    return bumps


@pytest.fixture
def solver(rest, shapes):
    return ExpressionSolver(rest, shapes)


@pytest.fixture
def show(rest, shapes):
    """`show(jawOpen=0.5, ...)`: the landmarks of the built-in head with these coefficients."""
    from core.blendshapes import INDEX

    def make(**named):
        coefficients = np.zeros(COUNT)
        for name, value in named.items():
            coefficients[INDEX[name]] = value
        return rest + np.tensordot(coefficients, shapes, 1)

    return make
