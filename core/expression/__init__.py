"""From landmarks to ARKit coefficients."""

from core.expression.gaze_shapes import blendshapes_with_gaze
from core.expression.solver import ExpressionParameters, ExpressionSolver

__all__ = ["ExpressionParameters", "ExpressionSolver", "blendshapes_with_gaze"]
