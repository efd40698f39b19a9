"""`HeadRig` as a GLB file: what other programs import, and what this one reads back without loss.

The file is plain glTF 2.0: one mesh per part ("head" is the skin), the 52 shapes as morph targets with
`mesh.extras.targetNames`, a skin of five joints, embedded textures. What glTF has no place for travels in
`asset.extras.liveAvatar`: there it outlives importers that turn scene extras into custom properties, and tools
that throw unreferenced accessors away.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.errors import RigError
from core.head_model.glb import read_glb, write_atomically
from core.head_model.rig import PART_NAMES, HeadRig
from core.head_model.rig_from_gltf import rig_from_gltf
from core.head_model.rig_to_gltf import rig_to_gltf

MOST_LANDMARK_BIAS_M = 0.1


def save_rig(rig: HeadRig, path: Path, *, compact: bool | None = None) -> None:
    """Write the rig as GLB; the old file stays whole until the new one is.

    compact: displacements as sparse accessors, several times smaller, though some importers cannot read them; left
    out, heads of many vertices get them, so that a file stays under 8 MB, and others stay dense. Vertices, shapes and
    joints are exact; of the five skin weights of a vertex the strongest four are kept (glTF has room for four) and
    scaled to the sum 1; textures are exact up to 4 MiB of PNG, beyond that JPEG. RigError when the rig cannot be
    written or the disk refuses.
    """
    require_whole(rig)
    write_atomically(path, rig_to_gltf(rig, compact=compact))


def load_rig(path: Path) -> HeadRig:
    """The rig in a GLB file that `save_rig` wrote. RigError, one line, for anything else."""
    document, binary = read_glb(path)
    rig = rig_from_gltf(document, binary, path.name)
    require_whole(rig)
    return rig


def require_whole(rig: HeadRig) -> None:
    """RigError unless the parts follow each other without a gap, every number that points at something stays within
    it, and skin weights and colours lie in their ranges."""
    _require_parts(rig)
    pointers = {
        "landmark_faces": (rig.landmark_faces, len(rig.faces)),
        "seam_groups": (rig.seam_groups, len(rig.vertices)),
    }
    for name, (pointer, limit) in pointers.items():
        if pointer.min(initial=0) < 0 or pointer.max(initial=0) >= limit:
            raise RigError(f"A rig's {name} must lie in [0, {limit}), but some lie outside.")
    weights = np.asarray(rig.skin_weights, np.float64)
    if not (weights >= 0).all() or not np.allclose(weights.sum(1), 1.0, rtol=0, atol=1e-3):
        raise RigError("A rig's skin weights must not be negative and must sum to 1 at every vertex, but some do not.")
    for name, values in (("uv", rig.uv), ("joints", rig.joints), ("landmark_weights", rig.landmark_weights)):
        if not np.isfinite(values).all():
            raise RigError(f"A rig's {name} must be finite, but they hold NaN or infinity.")
    if rig.landmark_bias is not None and not np.abs(rig.landmark_bias).max() < MOST_LANDMARK_BIAS_M:
        raise RigError(f"A rig's landmark bias must stay under {MOST_LANDMARK_BIAS_M} m everywhere, but it does not.")


def _require_parts(rig: HeadRig) -> None:
    names = [part.name for part in rig.parts]
    if len(set(names)) != len(names) or not set(names) <= set(PART_NAMES):
        raise RigError(f"A rig's parts must be some of {', '.join(PART_NAMES)}, each once, but they are {names}.")
    vertex = face = 0
    for part in rig.parts:
        if (part.vertices.start, part.faces.start) != (vertex, face):
            raise RigError(f"A rig's parts must follow each other without a gap, but '{part.name}' does not.")
        own = rig.faces[part.faces]
        if not len(own) or own.min() < part.vertices.start or own.max() >= part.vertices.stop:
            raise RigError(f"The faces of '{part.name}' must be there and use its own vertices only, but they do not.")
        if not all(0.0 <= value <= 1.0 for value in (*part.material.color, part.material.roughness)):
            raise RigError(f"Colour and roughness of '{part.name}' must lie in [0, 1], but they do not.")
        vertex, face = part.vertices.stop, part.faces.stop
    if (vertex, face) != (len(rig.vertices), len(rig.faces)):
        raise RigError("A rig's parts must cover all its vertices and faces, but some are left over.")
