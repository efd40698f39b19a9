"""Animated rigs through readers that are not ours: pygltflib, the Khronos validator, and a player written here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pygltflib
import pytest
from scipy.spatial.transform import Rotation

from core.animation.demo import demo_take
from core.animation.take import Take
from core.errors import RigError, TakeError
from core.export.glb_animation import export_glb_animation, smooth_quaternions
from core.export.glb_check import check_glb
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.head_model.builtin import load_builtin_rig
from core.head_model.rig_glb import load_rig
from core.structures import FaceState
from tests.builders import tiny_rig

TYPES = {5121: np.uint8, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}


class Player:
    """Plays the file by the words of the glTF specification: samplers, node transforms, morphs, skin."""

    def __init__(self, path: Path) -> None:
        self.gltf = pygltflib.GLTF2().load(str(path))
        self.binary = self.gltf.binary_blob()
        (self.animation,) = self.gltf.animations

    def read(self, index: int) -> np.ndarray:
        accessor = self.gltf.accessors[index]
        view = self.gltf.bufferViews[accessor.bufferView]
        width = WIDTHS[accessor.type]
        start = (view.byteOffset or 0) + (accessor.byteOffset or 0)
        values = np.frombuffer(self.binary, TYPES[accessor.componentType], accessor.count * width, start)
        return values.reshape(accessor.count, width)

    def channels(self, path: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Node's name to (times, values) of every channel of this path."""
        found = {}
        for channel in self.animation.channels:
            if channel.target.path == path:
                sampler = self.animation.samplers[channel.sampler]
                assert sampler.interpolation == "LINEAR"
                name = self.gltf.nodes[channel.target.node].name
                found[name] = self.read(sampler.input)[:, 0], self.read(sampler.output)
        return found

    def vertices(self, mesh_node: str, frame: int) -> np.ndarray:
        """(V, 3) the mesh of a node as a viewer would show it at one key frame."""
        weights = {n: v.reshape(-1, 52)[frame] for n, (_, v) in self.channels("weights").items()}
        rotations = {n: v[frame] for n, (_, v) in self.channels("rotation").items()}
        node = next(n for n in self.gltf.nodes if n.name == mesh_node)
        (primitive,) = self.gltf.meshes[node.mesh].primitives
        points = self.read(primitive.attributes.POSITION).astype(np.float64)
        for weight, target in zip(weights.get(mesh_node, ()), primitive.targets, strict=False):
            points = points + weight * self.read(target["POSITION"])
        world = self._world(rotations)
        skin = self.gltf.skins[node.skin]
        inverse = self.read(skin.inverseBindMatrices).reshape(-1, 4, 4).transpose(0, 2, 1)
        joints = np.stack([world[joint] @ inverse[k] for k, joint in enumerate(skin.joints)])
        blended = np.einsum(
            "vj,vjab->vab", self.read(primitive.attributes.WEIGHTS_0), joints[self.read(primitive.attributes.JOINTS_0)]
        )
        return np.einsum("vab,vb->va", blended[:, :3, :3], points) + blended[:, :3, 3]

    def _world(self, rotations: dict[str, np.ndarray]) -> dict[int, np.ndarray]:
        world: dict[int, np.ndarray] = {}

        def visit(index: int, above: np.ndarray) -> None:
            node = self.gltf.nodes[index]
            local = np.eye(4)
            local[:3, 3] = node.translation or (0, 0, 0)
            local[:3, :3] = Rotation.from_quat(rotations.get(node.name, (0, 0, 0, 1))).as_matrix()
            world[index] = above @ local
            for child in node.children or ():
                visit(child, world[index])

        for index in self.gltf.scenes[0].nodes:
            visit(index, np.eye(4))
        return world


@pytest.fixture(scope="module")
def take() -> Take:
    return demo_take(2.0, 30.0, seed=4)


@pytest.fixture(params=[tiny_rig, load_builtin_rig], ids=["tiny", "builtin"])
def animated(request, take, tmp_path):
    rig = request.param()
    path = tmp_path / "a.glb"
    export_glb_animation(rig, take, path)
    return rig, path


def test_khronos_validator_finds_nothing(animated, validate_gltf):
    issues = validate_gltf(animated[1])
    assert (issues["numErrors"], issues["numWarnings"]) == (0, 0), issues["messages"]


def test_a_second_reader_finds_the_take(animated, take):
    player = Player(animated[1])
    assert player.animation.name == "Demonstration"
    meshes = [node for node in player.gltf.nodes if node.mesh is not None]
    with_shapes = {node.name for node in meshes if player.gltf.meshes[node.mesh].weights}
    weights = player.channels("weights")
    assert set(weights) == with_shapes and "head" in with_shapes
    for times, values in weights.values():
        np.testing.assert_allclose(times, take.times_s, atol=1e-6)
        np.testing.assert_array_equal(values.reshape(-1, 52), take.blendshapes)
    rotations = {name: Rotation.from_quat(v).as_matrix() for name, (_, v) in player.channels("rotation").items()}
    assert set(rotations) == {"neck", "leftEye", "rightEye"}
    np.testing.assert_allclose(rotations["neck"], [s.head_rotation for s in take.states], atol=1e-6)
    for eye, name in enumerate(("leftEye", "rightEye")):
        expected = [rotation_from_yaw_pitch_roll(*map(float, s.gaze[eye]), 0.0) for s in take.states]
        np.testing.assert_allclose(rotations[name], expected, atol=1e-6)


def test_a_player_by_the_specification_shows_what_the_engine_shows(animated, take):
    _, path = animated
    player, rig = Player(path), load_rig(path)  # with the four skin weights a vertex that a file has room for
    plain = replace(rig, correctives=(), pose_correctives=None)  # glTF knows no correctives
    for frame in (0, 25, 59):
        expected = plain.deform(take.states[frame]).vertices
        for part in rig.parts:
            node = "head" if part.name == "skin" else part.name
            names = [n.name for n in player.gltf.nodes if n.mesh is not None and n.name in (node, f"{node}Mesh")]
            shown = player.vertices(names[0], frame)
            np.testing.assert_allclose(shown, expected[part.vertices], atol=1e-6)


def test_the_file_is_still_a_rig(animated):
    rig, path = animated
    assert check_glb(path) == []
    again = load_rig(path)
    np.testing.assert_array_equal(again.vertices, rig.vertices)
    np.testing.assert_array_equal(again.shapes, rig.shapes)


def test_compact_files_carry_the_same_animation(take, tmp_path, validate_gltf):
    export_glb_animation(tiny_rig(), take, tmp_path / "c.glb", compact=True)
    times, values = Player(tmp_path / "c.glb").channels("weights")["head"]
    np.testing.assert_array_equal(values.reshape(-1, 52), take.blendshapes)
    assert validate_gltf(tmp_path / "c.glb")["numErrors"] == 0 and len(times) == 60


def test_quaternions_never_take_the_long_way():
    yaws = np.linspace(0.0, 4 * np.pi, 200)
    quaternions = smooth_quaternions(np.stack([rotation_from_yaw_pitch_roll(yaw, 0.0, 0.0) for yaw in yaws]))
    assert (np.sum(quaternions[1:] * quaternions[:-1], axis=1) > 0.99).all()
    np.testing.assert_allclose(np.linalg.norm(quaternions, axis=1), 1.0, atol=1e-6)


def test_late_takes_start_at_zero_and_gaps_hold(tmp_path):
    faces = [FaceState(7.0, blendshapes=np.full(52, 0.5, np.float32)), FaceState.no_face(7.1)]
    export_glb_animation(tiny_rig(), Take("t", tuple(faces), 10.0), tmp_path / "t.glb")
    times, values = Player(tmp_path / "t.glb").channels("weights")["head"]
    np.testing.assert_allclose(times, [0.0, 0.1], atol=1e-6)
    assert (values == 0.5).all()
    with pytest.raises(TakeError):
        export_glb_animation(tiny_rig(), Take("t", (FaceState.no_face(0.0),), 10.0), tmp_path / "u.glb")
    assert [path.name for path in tmp_path.iterdir()] == ["t.glb"]


def test_a_rig_that_others_would_misread_is_not_written(take, tmp_path):
    rig = tiny_rig()
    crossed = replace(rig, shapes=rig.shapes[::-1].copy())
    with pytest.raises(RigError):
        export_glb_animation(crossed, take, tmp_path / "x.glb")
    with pytest.raises(RigError, match="written"):
        export_glb_animation(rig, take, tmp_path / "absent" / "x.glb")
    assert list(tmp_path.iterdir()) == []
