"""BVH through a parser and forward kinematics that share nothing with the writer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from core.animation.demo import demo_take
from core.animation.take import Take
from core.errors import InputError, TakeError
from core.export.bvh import NECK_M, export_bvh
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.structures import FaceState


@dataclass
class Joint:
    name: str
    parent: Joint | None
    offset: np.ndarray = field(default_factory=lambda: np.zeros(3))
    channels: list[str] = field(default_factory=list)
    first: int = 0


@dataclass
class Motion:
    joints: dict[str, Joint]
    frame_time_s: float
    rows: np.ndarray

    def local(self, name: str, row: int) -> tuple[np.ndarray, np.ndarray]:
        """(rotation, translation) relative to the parent: channels applied from left to right, degrees."""
        joint = self.joints[name]
        rotation, place = np.eye(3), joint.offset.copy()
        for channel, value in zip(joint.channels, self.rows[row, joint.first :], strict=False):
            axis = "XYZ".index(channel[0])
            if channel.endswith("position"):
                place[axis] += value
            else:
                rotation = rotation @ about(axis, np.radians(value))
        return rotation, place

    def world(self, name: str, row: int) -> tuple[np.ndarray, np.ndarray]:
        rotation, place = self.local(name, row)
        parent = self.joints[name].parent
        if parent is None:
            return rotation, place
        above, there = self.world(parent.name, row)
        return above @ rotation, above @ place + there


def about(axis: int, angle: float) -> np.ndarray:
    a, b = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[a, a] = matrix[b, b] = np.cos(angle)
    matrix[a, b], matrix[b, a] = -np.sin(angle), np.sin(angle)
    return matrix


def parse(text: str) -> Motion:
    """A recursive reader of tokens, after the description of the format by Meredith and Maddock (2001)."""
    head, _, motion = text.partition("MOTION")
    tokens = iter(head.split())
    assert next(tokens) == "HIERARCHY"
    joints: dict[str, Joint] = {}
    stack: list[Joint] = []
    used = 0
    for token in tokens:
        if token in ("ROOT", "JOINT", "End"):
            joint = Joint(next(tokens), stack[-1] if stack else None)
            if token != "End":
                joints[joint.name] = joint
            assert next(tokens) == "{"
            stack.append(joint)
        elif token == "OFFSET":
            stack[-1].offset = np.array([float(next(tokens)) for _ in range(3)])
        elif token == "CHANNELS":
            stack[-1].channels = [next(tokens) for _ in range(int(next(tokens)))]
            stack[-1].first = used
            used = stack[-1].first + len(stack[-1].channels)
        else:
            assert token == "}"
            stack.pop()
    assert not stack
    lines = motion.strip().splitlines()
    frames, frame_time = int(lines[0].removeprefix("Frames:")), float(lines[1].removeprefix("Frame Time:"))
    rows = np.array([[float(cell) for cell in line.split()] for line in lines[2:]])
    assert rows.shape == (frames, used)
    return Motion(joints, frame_time, rows)


def exported(take: Take, path, **more) -> Motion:
    export_bvh(take, path / "a.bvh", **more)
    return parse((path / "a.bvh").read_text())


TAKE = demo_take(3.0, 30.0, seed=3)


def test_the_skeleton_and_its_channels(tmp_path):
    motion = exported(TAKE, tmp_path)
    assert list(motion.joints) == ["Neck", "Head", "LeftEye", "RightEye"]
    turns = ["Zrotation", "Xrotation", "Yrotation"]
    assert motion.joints["Neck"].channels == ["Xposition", "Yposition", "Zposition", *turns]
    assert all(motion.joints[name].channels == turns for name in ("Head", "LeftEye", "RightEye"))
    assert motion.joints["LeftEye"].offset[0] > 0 > motion.joints["RightEye"].offset[0]  # +x is the subject's left
    assert (motion.frame_time_s, len(motion.rows)) == (pytest.approx(1 / 30, abs=1e-7), 90)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_head_and_eyes_turn_as_in_the_take(tmp_path, share):
    motion = exported(TAKE, tmp_path, neck_share=share)
    for row, state in enumerate(TAKE.states):
        head, _ = motion.world("Head", row)
        np.testing.assert_allclose(head, state.head_rotation, atol=1e-5)
        for name, (yaw, pitch) in zip(("LeftEye", "RightEye"), state.gaze, strict=True):
            eye, _ = motion.local(name, row)
            np.testing.assert_allclose(eye, rotation_from_yaw_pitch_roll(yaw, pitch, 0.0), atol=1e-5)


def test_any_turn_of_the_head_is_kept(tmp_path):
    rng = np.random.default_rng(1)
    turns = [rotation_from_yaw_pitch_roll(*rng.uniform(-1.2, 1.2, 3)).astype(np.float32) for _ in range(60)]
    take = Take("t", tuple(FaceState(k / 30, head_rotation=turn) for k, turn in enumerate(turns)), 30.0)
    motion = exported(take, tmp_path)
    for row, turn in enumerate(turns):
        np.testing.assert_allclose(motion.world("Head", row)[0], turn, atol=1e-5)
    assert not motion.rows[:, :3].any()  # a take without places stays where it is


def test_a_head_that_nods_about_its_neck_leaves_the_root_in_place(tmp_path):
    states = []
    for k in range(20):
        turn = rotation_from_yaw_pitch_roll(0.1 * k, -0.03 * k, 0.0)
        place = np.array([0.0, 0.0, -0.6]) + NECK_M - turn @ NECK_M
        states.append(FaceState(k / 30, head_rotation=turn, head_translation=place))
    motion = exported(Take("t", tuple(states), 30.0), tmp_path)
    assert np.abs(motion.rows[:, :3]).max() < 1e-4
    moved = [replace(s, head_translation=s.head_translation + np.array([0.01 * k, 0, 0])) for k, s in enumerate(states)]
    motion = exported(Take("t", tuple(moved), 30.0), tmp_path)
    np.testing.assert_allclose(motion.rows[:, 0], np.arange(20.0), atol=1e-3)  # centimetres


def test_angles_do_not_jump(tmp_path):
    yaws = np.linspace(0.0, 3.0, 40)
    states = tuple(FaceState(k / 30, head_rotation=rotation_from_yaw_pitch_roll(y, 0, 0)) for k, y in enumerate(yaws))
    rows = exported(Take("t", states, 30.0), tmp_path).rows
    assert np.abs(np.diff(rows, axis=0)).max() < 10.0


def test_uneven_times_become_even_and_gaps_hold(tmp_path):
    states = (FaceState(5.0), FaceState.no_face(5.05), FaceState(5.2))
    motion = exported(Take("t", states, 20.0), tmp_path)
    assert (len(motion.rows), motion.frame_time_s) == (5, 0.05)


def test_what_makes_no_sense_is_told(tmp_path):
    with pytest.raises(TakeError):
        export_bvh(Take("t", (FaceState.no_face(0.0),), 30.0), tmp_path / "a.bvh")
    with pytest.raises(InputError):
        export_bvh(TAKE, tmp_path / "a.bvh", neck_share=2.0)
    with pytest.raises(TakeError, match="written"):
        export_bvh(TAKE, tmp_path / "absent" / "a.bvh")
    assert list(tmp_path.iterdir()) == []
