"""Lids for FLAME, which has none: displacements that close an eye, from files or by a form of our own.

`l_eyelid.npy` and `r_eyelid.npy` come with metrical-tracker, SMIRK and EMICA (Zielonka et al. 2022, "Towards Metrical
Reconstruction of Human Faces"): added to the shaped head, times a code in [0, 1], before it is posed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import ModelPackError
from core.head_model.flame_child import ChildLimits, read_in_child
from core.head_model.flame_file import VERTEX_COUNT, FlameFile, numbers
from core.head_model.skinning import LEFT_EYE, RIGHT_EYE
from core.structures import FloatArray, IntArray

LEAST_CLOSING_M, MOST_CLOSING_M = 0.001, 0.03
MOVES_M = 1e-5
LID_ABOVE_EYE_M = 0.0003  # skin of a closed lid over the eyeball
LEFT_LID_PAIRS, RIGHT_LID_PAIRS = ((385, 380), (386, 374), (387, 373)), ((160, 144), (159, 145), (158, 153))
"""FaceMesh points of upper and lower lid in the middle of an eye."""
CLOSED_SHARE = 0.3  # of the rest gap between the lids, at which an eye counts as closed


@dataclass(frozen=True, slots=True, eq=False)
class LidShapes:
    """displacements: (2, 5023, 3) metres at code 1, the subject's left eye first."""

    displacements: FloatArray


def read_lids(left: Path, right: Path, model: FlameFile, limits: ChildLimits | None = None) -> LidShapes:
    """The lids of both files. Which eye a file closes is told by where it moves the skin, not by its name.

    ModelPackError in one line: damaged, hostile, of another shape, or not one lid of each eye.
    """
    found: dict[int, FloatArray] = {}
    for path in (left, right):
        lid = _read_lid(path, limits)
        found[_side(lid, model)] = lid
    if len(found) != 2:
        raise ModelPackError(f"{left.name} and {right.name} should close one eye each, but both close the same.")
    return LidShapes(np.stack([found[0], found[1]]))


def _read_lid(path: Path, limits: ChildLimits | None) -> FloatArray:
    arrays = read_in_child(path, "eyelid", limits)
    try:
        lid = numbers(arrays, "displacements", (VERTEX_COUNT, 3))
    except ModelPackError as error:
        raise ModelPackError(f"{path.name} {error}") from None
    most = float(np.linalg.norm(lid, axis=1).max())
    if not LEAST_CLOSING_M < most < MOST_CLOSING_M:
        raise ModelPackError(
            f"{path.name} should move a lid by some millimetres, in metres, but it moves by {1000 * most:.3g} mm."
        )
    return lid


def _side(lid: FloatArray, model: FlameFile) -> int:
    """0 for the left eye, 1 for the right."""
    length = np.linalg.norm(lid, axis=1)
    middle = length @ model.template / length.sum()
    left, right = model.joints()[[LEFT_EYE, RIGHT_EYE]]
    return int(np.linalg.norm(middle - left) > np.linalg.norm(middle - right))


def lid_gap(points: FloatArray, side: int) -> float:
    """Mean distance in metres between the lids of FaceMesh points (n >= 468, 3). side: 0 left, 1 right."""
    pairs = np.array((LEFT_LID_PAIRS, RIGHT_LID_PAIRS)[side])
    return float(np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1).mean())


def outside_the_eyes(displacements: FloatArray, model: FlameFile, eyes: tuple[IntArray, IntArray]) -> FloatArray:
    """(V, 3) displacements changed so that no moved skin ends inside of an eyeball.

    eyes: the vertices of the left and of the right eyeball. A point within is pushed out along its radius, to the
    eyeball's radius and the thickness of a lid; this makes a straight way to the closed lid follow the eye's form.
    """
    ends = model.template + displacements
    moves = np.linalg.norm(displacements, axis=1) > MOVES_M
    for joint, own in zip((LEFT_EYE, RIGHT_EYE), eyes, strict=True):
        centre = model.joints()[joint]
        radius = float(np.linalg.norm(model.template[own] - centre, axis=1).max()) + LID_ABOVE_EYE_M
        away = ends - centre
        distance = np.linalg.norm(away, axis=1)
        within = moves & (distance < radius)
        within[own] = False
        ends[within] = centre + away[within] * (radius / np.maximum(distance[within], 1e-9))[:, None]
    return np.where(moves[:, None], ends - model.template, 0.0)
