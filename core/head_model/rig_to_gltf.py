"""Writes a `HeadRig` as a glTF 2.0 document (https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html)."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from core.blendshapes import ARKIT_NAMES, COUNT
from core.geometry.mesh import VertexNormals
from core.head_model.extras_arrays import encoded, encoded_correctives
from core.head_model.gltf_builder import VERTICES, GltfBuilder
from core.head_model.rig import HeadRig, Material, Part
from core.head_model.skinning import JOINT_NAMES, JOINT_PARENTS
from core.structures import FloatArray, ImageArray, IntArray

FORMAT_VERSION = 1
SKIN_MESH_NAME = "head"
SKELETON_NAME = "skeleton"  # Blender calls its armature so, and would rename a mesh of the same name
INFLUENCES = 4
# PNG keeps a texture exact and a 1024 x 1024 one never exceeds 3.1 MiB, so a rig stays under 8 MiB; photographs of
# 2048 x 2048 take 6 MiB and more as PNG, but a tenth of that as JPEG of this quality.
PNG_LIMIT_BYTES = 4 * 2**20
JPEG_QUALITY = 95
MOST_DENSE_BYTES = 5 * 10**6
"""Dense displacements up to here leave room for a texture within 8 MB; heads that need more get sparse ones."""
_CLAMP_TO_EDGE, _LINEAR, _LINEAR_MIPMAP_LINEAR = 33071, 9729, 9987


def rig_to_gltf(rig: HeadRig, *, compact: bool | None = None) -> bytes:
    """The bytes of a GLB file.

    compact: displacements as sparse accessors where that is smaller; None: only for heads whose dense ones take more
    than `MOST_DENSE_BYTES`.
    """
    if compact is None:
        compact = _dense_bytes(rig) > MOST_DENSE_BYTES
    builder = GltfBuilder({"generator": "Live Avatar", "extras": {"liveAvatar": _extras(rig)}})
    normals = VertexNormals(rig.faces, len(rig.vertices), rig.seam_groups)(rig.vertices)
    joints, weights = strongest_influences(rig.skin_weights)
    images: dict[int, int] = {}
    mesh_nodes = []
    for part in rig.parts:
        mesh = _add_mesh(builder, rig, part, normals, joints, weights, compact)
        builder.document["meshes"][mesh]["primitives"][0]["material"] = _add_material(builder, part, images)
        name = mesh_name(part.name)
        # Importers that need unique node names rename one of two: it must not be the joint.
        node_name = f"{name}Mesh" if name in JOINT_NAMES else name
        mesh_nodes.append(builder.add("nodes", {"name": node_name, "mesh": mesh, "skin": 0}))
    root = _add_skin(builder, rig.joints)
    # A skinned mesh's own transform is ignored, so its node stands at the root of the scene.
    builder.add("scenes", {"name": rig.name, "nodes": [*mesh_nodes, root]})
    builder.document["scene"] = 0
    return builder.to_glb()


def mesh_name(part_name: str) -> str:
    """The mesh's name in the file: the skin is called "head", other parts by their own name."""
    return SKIN_MESH_NAME if part_name == "skin" else part_name


def strongest_influences(weights: FloatArray) -> tuple[IntArray, FloatArray]:
    """(V, 4) uint8 joints and (V, 4) float32 weights: the strongest four of each row, scaled to the sum 1.

    Rows that already fit keep their weights bit by bit. Weights of 0 name joint 0, as the specification asks.
    """
    order = np.argsort(-weights, axis=1, kind="stable")[:, :INFLUENCES]
    kept = np.take_along_axis(np.asarray(weights, np.float64), order, axis=1)
    total = kept.sum(axis=1, keepdims=True)
    scaled = (kept / total).astype(np.float32)
    scaled[:, 0] = 1.0 - scaled[:, 1:].sum(axis=1, dtype=np.float64)
    # 2e-7 per weight that is not 0 is the validator's tolerance; most rows pass it as they are.
    fits = np.abs(total[:, 0] - 1.0) <= 1e-7
    scaled[fits] = kept[fits]
    return np.where(scaled > 0, order, 0).astype(np.uint8), scaled


def _dense_bytes(rig: HeadRig) -> int:
    """What all displacements of the parts that move take as dense accessors."""
    return sum(rig.shapes[:, part.vertices].nbytes for part in rig.parts if rig.shapes[:, part.vertices].any())


def _extras(rig: HeadRig) -> dict[str, Any]:
    return {
        "version": FORMAT_VERSION,
        "name": rig.name,
        "joints": list(JOINT_NAMES),
        "landmarkFaces": encoded(rig.landmark_faces, "<i4"),
        "landmarkWeights": encoded(rig.landmark_weights, "<f4"),
        "seamGroups": encoded(rig.seam_groups, "<i4"),
        "details": dict(rig.details),
        "landmarkBias": None if rig.landmark_bias is None else encoded(rig.landmark_bias, "<f4"),
        **encoded_correctives(rig.correctives, rig.pose_correctives),
    }


def _add_mesh(
    builder: GltfBuilder,
    rig: HeadRig,
    part: Part,
    normals: FloatArray,
    joints: IntArray,
    weights: FloatArray,
    compact: bool,
) -> int:
    own = part.vertices
    vertices = rig.vertices[own].astype(np.float32)
    attributes = {
        "POSITION": builder.add_accessor(vertices, VERTICES, bounds=True),
        "NORMAL": builder.add_accessor(normals[own].astype(np.float32), VERTICES),
        "TEXCOORD_0": builder.add_accessor(rig.uv[own].astype(np.float32), VERTICES),
        "JOINTS_0": builder.add_accessor(joints[own], VERTICES),
        "WEIGHTS_0": builder.add_accessor(weights[own], VERTICES),
    }
    indices = builder.add_indices(rig.faces[part.faces] - own.start, len(vertices))
    primitive: dict[str, Any] = {"attributes": attributes, "indices": indices}
    mesh: dict[str, Any] = {"name": mesh_name(part.name), "primitives": [primitive]}
    # Adding 0 turns -0 into 0, so that equal rigs give equal files.
    shapes = np.asarray(rig.shapes[:, own], np.float32) + np.float32(0.0)
    if shapes.any():
        primitive["targets"] = _add_targets(builder, shapes, compact)
        mesh["weights"] = [0.0] * COUNT
        mesh["extras"] = {"targetNames": list(ARKIT_NAMES)}
    return builder.add("meshes", mesh)


def _add_targets(builder: GltfBuilder, shapes: FloatArray, compact: bool) -> list[dict[str, int]]:
    """One target per shape; the shapes that leave this mesh at rest share one accessor."""
    at_rest: int | None = None
    targets = []
    for shape in shapes:
        moves = bool(shape.any())
        if not moves and at_rest is not None:
            accessor = at_rest
        elif compact and _is_smaller_sparse(shape):
            accessor = builder.add_sparse_accessor(shape)
        else:
            accessor = builder.add_accessor(shape, VERTICES, bounds=True)
        if not moves:
            at_rest = accessor
        targets.append({"POSITION": accessor})
    return targets


def _is_smaller_sparse(shape: FloatArray) -> bool:
    """Whether the rows of (n, 3) that move, with their numbers of 2 bytes, take less than all rows."""
    return bool(14 * np.count_nonzero(shape.any(axis=1)) < 12 * len(shape))


def _add_material(builder: GltfBuilder, part: Part, images: dict[int, int]) -> int:
    """images: texture number by the identity of the picture, so that parts may share one."""
    material: Material = part.material
    surface: dict[str, Any] = {
        "baseColorFactor": [*map(float, material.color), 1.0],
        "metallicFactor": 0.0,
        "roughnessFactor": float(material.roughness),
    }
    if material.texture is not None:
        key = id(material.texture)
        if key not in images:
            images[key] = _add_texture(builder, material.texture)
        surface["baseColorTexture"] = {"index": images[key]}
    return builder.add("materials", {"name": mesh_name(part.name), "pbrMetallicRoughness": surface})


def _add_texture(builder: GltfBuilder, texture: ImageArray) -> int:
    data, media_type = encode_texture(texture)
    image = builder.add("images", {"bufferView": builder.add_view(data), "mimeType": media_type})
    if "samplers" not in builder.document:
        builder.add(
            "samplers",
            {
                "magFilter": _LINEAR,
                "minFilter": _LINEAR_MIPMAP_LINEAR,
                "wrapS": _CLAMP_TO_EDGE,
                "wrapT": _CLAMP_TO_EDGE,
            },
        )
    return builder.add("textures", {"source": image, "sampler": 0})


def encode_texture(texture: ImageArray) -> tuple[bytes, str]:
    """The picture's bytes and media type: PNG up to `PNG_LIMIT_BYTES`, JPEG beyond."""
    image = Image.fromarray(texture)
    encoded = io.BytesIO()
    image.save(encoded, "PNG")
    if encoded.tell() <= PNG_LIMIT_BYTES:
        return encoded.getvalue(), "image/png"
    encoded = io.BytesIO()
    image.save(encoded, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return encoded.getvalue(), "image/jpeg"


def _add_skin(builder: GltfBuilder, joints: FloatArray) -> int:
    """Adds the joints' nodes and the skin that binds them at rest; the number of the root's node."""
    first = len(builder.document["nodes"])
    places = np.asarray(joints, np.float64)
    for joint, parent in enumerate(JOINT_PARENTS):
        origin = places[parent] if parent >= 0 else np.zeros(3)
        node: dict[str, Any] = {"name": JOINT_NAMES[joint], "translation": (places[joint] - origin).tolist()}
        children = [first + child for child, above in enumerate(JOINT_PARENTS) if above == joint]
        if children:
            node["children"] = children
        builder.add("nodes", node)
    inverse_bind = np.tile(np.eye(4, dtype=np.float32), (len(joints), 1, 1))
    inverse_bind[:, 3, :3] = -joints  # glTF stores matrices column by column
    builder.add(
        "skins",
        {
            "name": SKELETON_NAME,
            "joints": list(range(first, first + len(joints))),
            "skeleton": first,
            "inverseBindMatrices": builder.add_accessor(inverse_bind),
        },
    )
    return first
