"""Prints as JSON what Blender's glTF importer makes of a GLB file. Runs inside Blender, not in the tests' Python.

Usage: blender --background --factory-startup --python load_in_blender.py -- FILE.glb '{"jawOpen": 0.5}' OUT.json
"""

import json
import sys
from pathlib import Path

import bpy
import numpy as np

# Debian 12 ships Blender 3.4 with a numpy that no longer has the aliases its glTF importer uses.
for alias, kind in (("bool", bool), ("int", int), ("float", float), ("object", object)):
    if alias not in vars(np):
        setattr(np, alias, kind)

path, weights, out = sys.argv[sys.argv.index("--") + 1 :]
bpy.ops.wm.read_factory_settings(use_empty=True)
bpy.ops.import_scene.gltf(filepath=path, merge_vertices=False)


def shown(item):
    """(n, 3) vertices with the shapes set and the armature at rest, in glTF's axes; the importer turns Y up to Z up."""
    keys = item.data.shape_keys
    for name, weight in json.loads(weights).items():
        if keys is not None and name in keys.key_blocks:
            keys.key_blocks[name].value = weight
    evaluated = item.evaluated_get(bpy.context.evaluated_depsgraph_get())
    points = np.array([item.matrix_world @ vertex.co for vertex in evaluated.data.vertices])
    return np.stack([points[:, 0], points[:, 2], -points[:, 1]], axis=1).tolist()


def pictures(item):
    """[width, height] of each picture of the object's materials."""
    nodes = [node for slot in item.material_slots for node in slot.material.node_tree.nodes]
    return [list(node.image.size) for node in nodes if node.type == "TEX_IMAGE"]


meshes = {
    item.name: {
        "shapes": [key.name for key in item.data.shape_keys.key_blocks[1:]] if item.data.shape_keys else [],
        "materials": [slot.material.name for slot in item.material_slots],
        "pictures": pictures(item),
        "positions": shown(item),
    }
    for item in bpy.data.objects
    if item.type == "MESH"
}
bones = {item.name: [bone.name for bone in item.data.bones] for item in bpy.data.objects if item.type == "ARMATURE"}
answer = {"version": bpy.app.version_string, "meshes": meshes, "armatures": bones}
Path(out).write_text(json.dumps(answer), encoding="utf-8")
