"""From landmarks to ARKit coefficients."""

from core.expression.solver import ExpressionParameters, ExpressionSolver

__all__ = ["ExpressionParameters", "ExpressionSolver"]
