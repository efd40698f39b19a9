"""A take on a rig as one GLB file that plays anywhere: morph weights over time, and turns of the head and the eyes."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from scipy.spatial.transform import Rotation

from core.animation.take import Take
from core.animation.take_edits import shifted, without_gaps
from core.blendshapes import COUNT
from core.errors import RigError
from core.export.glb_check import check_glb
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.head_model.glb import pack_glb, unpack_glb, write_atomically
from core.head_model.rig import HeadRig
from core.head_model.rig_glb import require_whole
from core.head_model.rig_to_gltf import rig_to_gltf
from core.head_model.skinning import JOINT_NAMES, LEFT_EYE, NECK, RIGHT_EYE
from core.structures import FloatArray

_FLOAT = 5126
_TYPES = {1: "SCALAR", 4: "VEC4"}


def export_glb_animation(rig: HeadRig, take: Take, path: Path, *, compact: bool = False) -> None:
    """Write rig and take as one GLB and check it; `path` changes only when the file passed.

    The animation starts at 0 and runs linearly from frame to frame: the 52 weights of every mesh that has shapes, the
    neck's rotation, which is the head's turn as the app draws it, and both eyes'. Frames without a face hold the last
    one. Left out: the head's place, emotion. RigError: the file does not pass `check_glb` or cannot be written.
    TakeError: no face in the take.
    """
    require_whole(rig)
    candidate = path.with_name(f".{path.name}.{uuid4().hex}.unchecked")
    try:
        write_atomically(candidate, animated_glb(rig, take, compact=compact))
        problems = check_glb(candidate)
        if problems:
            raise RigError(f"'{rig.name}' was not exported, other programs would misread it: {problems[0]}")
        candidate.replace(path)
    except OSError as error:
        raise RigError(f"{path.name} could not be written: {error.strerror or error}.") from None
    finally:
        with suppress(OSError):
            candidate.unlink()


def animated_glb(rig: HeadRig, take: Take, *, compact: bool = False) -> bytes:
    """The bytes of that file."""
    document, binary = unpack_glb(rig_to_gltf(rig, compact=compact), rig.name)
    data = _Appended(document, binary)
    played = shifted(without_gaps(take))
    data.animation = {"name": take.name, "samplers": [], "channels": [], "extras": {"rateHz": take.rate_hz}}
    times = data.add(played.times_s.astype(np.float32)[:, None], bounds=True)
    weights = data.sampler(times, played.blendshapes.reshape(-1, 1))
    for index, node in enumerate(document["nodes"]):
        if "mesh" in node and len(document["meshes"][node["mesh"]].get("weights", ())) == COUNT:
            data.channel(weights, index, "weights")
    nodes = {node.get("name"): index for index, node in enumerate(document["nodes"])}
    for joint, rotations in _turns(played).items():
        sampler = data.sampler(times, smooth_quaternions(rotations))
        data.channel(sampler, nodes[JOINT_NAMES[joint]], "rotation")
    document["animations"] = [data.animation]
    return data.to_glb()


def _turns(take: Take) -> dict[int, FloatArray]:
    """(n, 3, 3) rotations of each joint that moves, relative to its parent, as `HeadRig.deform` has them."""
    eyes = np.array(
        [[rotation_from_yaw_pitch_roll(float(y), float(p), 0.0) for y, p in state.gaze] for state in take.states]
    )
    heads = np.stack([state.head_rotation for state in take.states])
    return {NECK: heads, LEFT_EYE: eyes[:, 0], RIGHT_EYE: eyes[:, 1]}


def smooth_quaternions(rotations: FloatArray) -> FloatArray:
    """(n, 4) float32 x, y, z, w of (n, 3, 3), each on the side of the one before it.

    q and -q are one rotation, but a reader that does not know that turns the long way round between them.
    """
    quaternions = np.asarray(Rotation.from_matrix(rotations).as_quat())
    turns = np.sign((quaternions[1:] * quaternions[:-1]).sum(axis=1))
    signs = np.cumprod(np.concatenate([[1.0 if quaternions[0, 3] >= 0 else -1.0], np.where(turns < 0, -1.0, 1.0)]))
    return (quaternions * signs[:, None]).astype(np.float32)


class _Appended:
    """A document that gets more data behind its binary chunk."""

    def __init__(self, document: dict[str, Any], binary: bytes) -> None:
        self._document = document
        self._binary = bytearray(binary)
        self.animation: dict[str, Any] = {}

    def add(self, values: FloatArray, *, bounds: bool = False) -> int:
        """The number of an accessor of (n, width) float32; bounds: write min and max, as times must have."""
        self._binary.extend(b"\0" * (-len(self._binary) % 4))
        view = {"buffer": 0, "byteOffset": len(self._binary), "byteLength": 4 * values.size}
        self._binary.extend(np.ascontiguousarray(values, "<f4").tobytes())
        self._document["bufferViews"].append(view)
        accessor: dict[str, Any] = {
            "bufferView": len(self._document["bufferViews"]) - 1,
            "componentType": _FLOAT,
            "type": _TYPES[values.shape[1]],
            "count": len(values),
        }
        if bounds:
            accessor["min"], accessor["max"] = values.min(axis=0).tolist(), values.max(axis=0).tolist()
        self._document["accessors"].append(accessor)
        return len(self._document["accessors"]) - 1

    def sampler(self, times: int, values: FloatArray) -> int:
        """The number of a linear sampler over accessor `times`."""
        samplers = self.animation["samplers"]
        samplers.append({"input": times, "output": self.add(values), "interpolation": "LINEAR"})
        return len(samplers) - 1

    def channel(self, sampler: int, node: int, path: str) -> None:
        """Let a sampler move one property of a node."""
        self.animation["channels"].append({"sampler": sampler, "target": {"node": node, "path": path}})

    def to_glb(self) -> bytes:
        """The whole file."""
        return pack_glb({**self._document, "buffers": [{"byteLength": len(self._binary)}]}, bytes(self._binary))
