"""Reads the `HeadRig` out of a glTF document that `rig_to_gltf` wrote; the file may still be damaged or hostile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt

from core.blendshapes import ARKIT_NAMES, COUNT
from core.head_model.extras_arrays import decoded, decoded_correctives, decoded_pose_correctives
from core.head_model.gltf_document import FLOAT, UNSIGNED, GltfDocument
from core.head_model.rig import PART_NAMES, HeadRig, Material, Part
from core.head_model.rig_to_gltf import FORMAT_VERSION, INFLUENCES, mesh_name
from core.head_model.skinning import JOINT_NAMES
from core.structures import LANDMARK_COUNT, FloatArray, ImageArray, IntArray

MAX_VERTICES = 100_000
_PART_BY_MESH = {mesh_name(name): name for name in PART_NAMES}


def rig_from_gltf(document: dict[str, Any], binary: bytes, name: str) -> HeadRig:
    """The rig. name: what errors call the file. RigError when it is not one of ours or not sound."""
    gltf = GltfDocument(document, binary, name)
    extras = _own_extras(gltf)
    surfaces = _read_surfaces(gltf)
    starts = np.cumsum([0, *(len(surface.vertices) for surface in surfaces)])
    face_starts = np.cumsum([0, *(len(surface.faces) for surface in surfaces)])
    parts = tuple(
        Part(
            surface.name,
            slice(int(starts[i]), int(starts[i + 1])),
            slice(int(face_starts[i]), int(face_starts[i + 1])),
            surface.material,
        )
        for i, surface in enumerate(surfaces)
    )
    rig_name, details = extras.get("name"), gltf.object_of(extras, "details")
    if not isinstance(rig_name, str):
        raise gltf.error("the rig's name must be a text")
    arrays: dict[str, npt.NDArray[Any]] = {
        "vertices": np.concatenate([surface.vertices for surface in surfaces]),
        "faces": np.concatenate([s.faces + start for s, start in zip(surfaces, starts, strict=False)]).astype(np.int32),
        "uv": np.concatenate([surface.uv for surface in surfaces]),
        "shapes": np.concatenate([surface.shapes for surface in surfaces], axis=1),
        "joints": _read_joints(gltf),
        "skin_weights": np.concatenate([surface.skin_weights for surface in surfaces]),
        "landmark_faces": decoded(gltf, extras, "landmarkFaces", "<i4", (LANDMARK_COUNT,)),
        "landmark_weights": decoded(gltf, extras, "landmarkWeights", "<f4", (LANDMARK_COUNT, 3)),
        "seam_groups": decoded(gltf, extras, "seamGroups", "<i4", (int(starts[-1]),)),
    }
    if extras.get("landmarkBias") is not None:
        arrays["landmark_bias"] = decoded(gltf, extras, "landmarkBias", "<f4", (LANDMARK_COUNT, 3))
    for array in arrays.values():
        array.flags.writeable = False  # sessions share loaded rigs
    return HeadRig(
        name=rig_name,
        parts=parts,
        details=details,
        correctives=decoded_correctives(gltf, extras, int(starts[-1])),
        pose_correctives=decoded_pose_correctives(gltf, extras, int(starts[-1])),
        **arrays,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Surface:
    """One part as its mesh has it; faces count from 0."""

    name: str
    vertices: FloatArray
    faces: IntArray
    uv: FloatArray
    shapes: FloatArray
    skin_weights: FloatArray
    material: Material


def _own_extras(gltf: GltfDocument) -> dict[str, Any]:
    asset_extras = gltf.object_of(gltf.object_of(gltf.document, "asset"), "extras")
    if "liveAvatar" not in asset_extras:
        names = [gltf.object_of(mesh, "extras").get("targetNames") for mesh in gltf.items("meshes")]
        if any(isinstance(found, list) and set(ARKIT_NAMES) <= set(map(str, found)) for found in names):
            raise gltf.error(
                "it has the 52 ARKit shapes but was not made by Live Avatar, and reading heads of other programs is "
                "not yet supported; make a rig from a photo instead"
            )
        raise gltf.error("it was not made by Live Avatar; make a rig from a photo instead")
    extras = gltf.object_of(asset_extras, "liveAvatar")
    version = extras.get("version")
    if version != FORMAT_VERSION:
        raise gltf.error(f"its format version must be {FORMAT_VERSION}, but it is {version!r}; update Live Avatar")
    if extras.get("joints") != list(JOINT_NAMES):
        raise gltf.error(f"its joints must be {', '.join(JOINT_NAMES)}")
    return extras


def _read_surfaces(gltf: GltfDocument) -> list[_Surface]:
    meshes = gltf.items("meshes")
    names = [mesh.get("name") for mesh in meshes]
    if not names or not all(isinstance(n, str) and n in _PART_BY_MESH for n in names) or len(set(names)) < len(names):
        raise gltf.error(f"its meshes must be some of {', '.join(_PART_BY_MESH)}, each once")
    primitives = [_only_primitive(gltf, mesh) for mesh in meshes]
    count = sum(gltf.accessor_count(gltf.object_of(p, "attributes").get("POSITION")) for p in primitives)
    if count > MAX_VERTICES:
        raise gltf.error(f"a rig may have {MAX_VERTICES} vertices, but it has {count}")
    images: dict[int, ImageArray] = {}
    return [_read_surface(gltf, mesh, p, images) for mesh, p in zip(meshes, primitives, strict=True)]


def _only_primitive(gltf: GltfDocument, mesh: dict[str, Any]) -> dict[str, Any]:
    primitives = gltf.list_of(mesh, "primitives", dict)
    if len(primitives) != 1 or primitives[0].get("mode", 4) != 4:
        raise gltf.error("each of its meshes must be one list of triangles")
    primitive: dict[str, Any] = primitives[0]
    return primitive


def _read_surface(
    gltf: GltfDocument, mesh: dict[str, Any], primitive: dict[str, Any], images: dict[int, ImageArray]
) -> _Surface:
    attributes = gltf.object_of(primitive, "attributes")
    vertices = gltf.array(attributes.get("POSITION"), "VEC3", FLOAT)
    count = len(vertices)
    indices = gltf.array(primitive.get("indices"), "SCALAR", UNSIGNED)
    if len(indices) % 3 or indices.max() >= count:
        raise gltf.error("its triangles must be whole and use vertices of their own mesh")
    return _Surface(
        name=_PART_BY_MESH[mesh["name"]],
        vertices=vertices,
        faces=indices.reshape(-1, 3).astype(np.int64),
        uv=gltf.array(attributes.get("TEXCOORD_0"), "VEC2", FLOAT, count),
        shapes=_read_shapes(gltf, mesh, primitive, count),
        skin_weights=_read_skin_weights(gltf, attributes, count),
        material=_read_material(gltf, primitive, images),
    )


def _read_shapes(gltf: GltfDocument, mesh: dict[str, Any], primitive: dict[str, Any], count: int) -> FloatArray:
    shapes = np.zeros((COUNT, count, 3), np.float32)
    if "targets" not in primitive:
        return shapes
    targets = gltf.list_of(primitive, "targets", dict)
    names = gltf.object_of(mesh, "extras").get("targetNames")
    if len(targets) != COUNT or names != list(ARKIT_NAMES):
        raise gltf.error("a mesh that moves must have the 52 ARKit shapes in their order, with their names")
    for shape, target in zip(shapes, targets, strict=True):
        shape[:] = gltf.array(target.get("POSITION"), "VEC3", FLOAT, count)
    return shapes


def _read_skin_weights(gltf: GltfDocument, attributes: dict[str, Any], count: int) -> FloatArray:
    joints = gltf.array(attributes.get("JOINTS_0"), "VEC4", UNSIGNED[:2], count)
    weights = gltf.array(attributes.get("WEIGHTS_0"), "VEC4", FLOAT, count)
    if joints.max() >= len(JOINT_NAMES):
        raise gltf.error(f"its skin must use {len(JOINT_NAMES)} joints, but it names joint {joints.max()}")
    full = np.zeros((count, len(JOINT_NAMES)), np.float32)
    rows = np.arange(count)
    for influence in range(INFLUENCES):
        # Influences of weight 0 all name joint 0, which may also be there with its own weight.
        full[rows, joints[:, influence]] += weights[:, influence]
    return full


def _read_joints(gltf: GltfDocument) -> FloatArray:
    """(5, 3) rest positions, from the inverse bind matrices: those hold the float32 values themselves."""
    if len(gltf.items("skins")) != 1:
        raise gltf.error("it must have one skin")
    matrices = gltf.array(gltf.item("skins", 0).get("inverseBindMatrices"), "MAT4", FLOAT, len(JOINT_NAMES))
    turned = matrices.copy()
    turned[:, 3, :3] = 0.0
    if not (turned == np.eye(4, dtype=np.float32)).all():
        raise gltf.error("its joints must not be turned or scaled at rest")
    return -matrices[:, 3, :3]


def _read_material(gltf: GltfDocument, primitive: dict[str, Any], images: dict[int, ImageArray]) -> Material:
    surface = gltf.object_of(gltf.item("materials", primitive.get("material")), "pbrMetallicRoughness")
    color, roughness = surface.get("baseColorFactor"), surface.get("roughnessFactor")
    if not (isinstance(color, list) and len(color) == 4 and all(map(_is_number, color)) and _is_number(roughness)):
        raise gltf.error("a material must have a colour of four numbers and a roughness")
    texture = None
    if "baseColorTexture" in surface:
        index = gltf.object_of(surface, "baseColorTexture").get("index")
        source = gltf.item("textures", index).get("source")
        if not isinstance(source, int):
            raise gltf.error("a texture must name its image")
        if source not in images:
            images[source] = gltf.image(source)
        texture = images[source]
    return Material((color[0], color[1], color[2]), texture, roughness)


def _is_number(value: object) -> TypeGuard[float]:
    return type(value) in (int, float)
