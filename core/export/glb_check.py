"""What the Khronos validator does not look at: names of the shapes, that each moves something, and its side.

The validator passes files with 50 names for 52 targets, with 52 equal names and with none at all, and it knows
nothing of left and right; programs that play face capture find shapes by name only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from core.blendshapes import ARKIT_NAMES, COUNT, MIRROR
from core.errors import RigError
from core.head_model.glb import read_glb
from core.head_model.gltf_document import FLOAT, GltfDocument
from core.head_model.rig_from_gltf import MAX_VERTICES
from core.structures import FloatArray

LEAST_MOVE, MOST_MOVE = 0.0005, 0.5  # of the head's diagonal: about 0.15 mm and 15 cm on a human head
UNIT_TOLERANCE = 1e-3
# These carry what lies in the middle of the face to a side: it is their direction that tells left from right.
SIDEWAYS = ("jawLeft", "jawRight", "mouthLeft", "mouthRight")
SIDED_NODES = {"leftEye": 1.0, "rightEye": -1.0}


def check_glb(path: Path) -> list[str]:
    """Plain problems of a GLB face rig, worst first; empty when other programs can use it.

    Asked: every mesh that has morph targets carries exactly the 52 ARKit names in their order at
    `mesh.extras.targetNames`; every shape moves some vertex by 0.05 % to 50 % of the head's diagonal; left shapes,
    eyes and joints lie at +X, right ones at -X; normals are of unit length; nothing is NaN. The file is not
    trusted: one that cannot be read is one problem.
    """
    try:
        document, binary = read_glb(path)
        return _check(GltfDocument(document, binary, path.name))
    except RigError as error:
        return [str(error)]


@dataclass(slots=True, eq=False)
class _Movement:
    """What the 52 shapes do, gathered over all meshes; metres."""

    low: FloatArray = field(default_factory=lambda: np.full(3, np.inf))
    high: FloatArray = field(default_factory=lambda: np.full(3, -np.inf))
    largest: FloatArray = field(default_factory=lambda: np.zeros(COUNT))
    sideways: FloatArray = field(default_factory=lambda: np.zeros(COUNT))  # sum of the displacements' x
    side: FloatArray = field(default_factory=lambda: np.zeros(COUNT))  # sum of the places' x, weighted by length

    def include(self, vertices: FloatArray) -> None:
        self.low = np.minimum(self.low, vertices.min(axis=0))
        self.high = np.maximum(self.high, vertices.max(axis=0))

    def add(self, shape: int, vertices: FloatArray, displacements: FloatArray) -> None:
        length = np.linalg.norm(displacements, axis=1)
        self.largest[shape] = max(self.largest[shape], length.max())
        self.sideways[shape] += displacements[:, 0].sum(dtype=np.float64)
        self.side[shape] += np.dot(length.astype(np.float64), vertices[:, 0])


def _check(gltf: GltfDocument) -> list[str]:
    primitives = list(_primitives(gltf))
    _require_bounded(gltf, primitives)
    problems = [problem for mesh in gltf.items("meshes") for problem in _name_problems(gltf, mesh)]
    if not any("targets" in primitive for _, primitive in primitives):
        problems.append(f"No mesh has morph targets; expected the {COUNT} ARKit shapes.")
    if problems:
        return problems  # without names nobody can say what a target should do
    movement = _Movement()
    for name, primitive in primitives:
        attributes = gltf.object_of(primitive, "attributes")
        vertices = gltf.array(attributes.get("POSITION"), "VEC3", FLOAT)
        movement.include(vertices)
        problems += _normal_problems(gltf, name, attributes, len(vertices))
        problems += _side_problem(f"The mesh '{name}'", SIDED_NODES.get(name, 0.0), float(vertices[:, 0].mean()))
        for shape, target in enumerate(primitive.get("targets", [])):
            movement.add(shape, vertices, gltf.array(target.get("POSITION"), "VEC3", FLOAT, len(vertices)))
    return [*_movement_problems(movement), *problems, *_joint_problems(gltf)]


def _primitives(gltf: GltfDocument) -> Iterator[tuple[str, dict[str, Any]]]:
    for mesh in gltf.items("meshes"):
        for primitive in gltf.list_of(mesh, "primitives", dict):
            yield str(mesh.get("name", "")), primitive


def _require_bounded(gltf: GltfDocument, primitives: list[tuple[str, dict[str, Any]]]) -> None:
    count = sum(gltf.accessor_count(gltf.object_of(p, "attributes").get("POSITION")) for _, p in primitives)
    if count > MAX_VERTICES:
        raise gltf.error(f"it may have {MAX_VERTICES} vertices, but it has {count}")


def _name_problems(gltf: GltfDocument, mesh: dict[str, Any]) -> Iterator[str]:
    name = mesh.get("name", "")
    counts = {
        len(gltf.list_of(primitive, "targets", dict)) if "targets" in primitive else 0
        for primitive in gltf.list_of(mesh, "primitives", dict)
    }
    if counts == {0}:
        return
    if counts != {COUNT}:
        yield f"The mesh '{name}' has {sorted(counts)} morph targets in its primitives; expected {COUNT} in each."
        return
    names = gltf.object_of(mesh, "extras").get("targetNames")
    if not isinstance(names, list):
        yield f"The mesh '{name}' does not name its morph targets in mesh.extras.targetNames."
    elif names != list(ARKIT_NAMES):
        wrong = [found for found in names if found not in ARKIT_NAMES]
        missing = [wanted for wanted in ARKIT_NAMES if wanted not in names]
        found = "some are repeated or in another place"
        if wrong or missing:
            found = f"unknown are {wrong[:3]}, missing are {missing[:3]}"
        yield f"The mesh '{name}' must name the {COUNT} ARKit shapes in their order, but {found}."


def _movement_problems(movement: _Movement) -> Iterator[str]:
    size = float(np.linalg.norm(movement.high - movement.low))
    for shape, name in enumerate(ARKIT_NAMES):
        moved = float(movement.largest[shape])
        if moved < LEAST_MOVE * size:
            yield f"'{name}' moves nothing: {1000 * moved:.2f} mm at most, expected {1000 * LEAST_MOVE * size:.2f} mm."
        elif moved > MOST_MOVE * size:
            yield f"'{name}' moves vertices by {1000 * moved:.0f} mm, on a head of {1000 * size:.0f} mm."
        elif MIRROR[shape] != shape:
            place = movement.sideways[shape] if name in SIDEWAYS else movement.side[shape]
            yield from _side_problem(f"'{name}'", 1.0 if name.endswith("Left") else -1.0, float(place))


def _side_problem(what: str, side: float, place: float) -> Iterator[str]:
    if side * place < 0:
        wanted, found = ("left", "right") if side > 0 else ("right", "left")
        yield f"{what} acts on the {found} side, expected the subject's {wanted} ({'+' if side > 0 else '-'}X)."


def _normal_problems(gltf: GltfDocument, name: str, attributes: dict[str, Any], count: int) -> Iterator[str]:
    if "NORMAL" not in attributes:
        yield f"The mesh '{name}' has no normals."
        return
    length = np.linalg.norm(gltf.array(attributes["NORMAL"], "VEC3", FLOAT, count), axis=1)
    if np.abs(length - 1.0).max() > UNIT_TOLERANCE:
        yield f"The mesh '{name}' has normals of length {length.min():.3f} to {length.max():.3f}, expected 1."


def _joint_problems(gltf: GltfDocument) -> Iterator[str]:
    for skin in gltf.items("skins"):
        joints = gltf.list_of(skin, "joints", int)
        if "inverseBindMatrices" not in skin:
            continue
        matrices = gltf.array(skin["inverseBindMatrices"], "MAT4", FLOAT)
        for joint, matrix in zip(joints, matrices, strict=False):
            name = str(gltf.item("nodes", joint).get("name", ""))
            yield from _side_problem(f"The joint '{name}'", SIDED_NODES.get(name, 0.0), -float(matrix[3, 0]))
