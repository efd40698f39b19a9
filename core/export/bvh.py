"""The turns of neck, head and eyes as BVH (Biovision Hierarchy), for programs that animate skeletons.

Y up, z out of the face, x to the subject's left; centimetres and degrees. Every joint's channels are
Zrotation Xrotation Yrotation, so its rotation is Rz @ Rx @ Ry; the root also has a position. The neck takes a share of
the head's turn and the head the rest. The face itself has no place in this format.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from core.animation.take import Take
from core.animation.take_edits import retime, without_gaps
from core.errors import InputError, TakeError
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.media.atomic_file import written_whole
from core.structures import FloatArray

CENTIMETRES = 100.0
NECK_SHARE = 0.4
NECK_M = np.array([0.0, -0.112, -0.078])  # from the middle between the eyes; the built-in head's neck joint
HEAD_M = np.array([0.0, 0.06, 0.01])  # from the neck's joint
EYE_M = np.array([0.032, 0.052, 0.068])  # left eye, from the head's joint
JOINTS = ("Neck", "Head", "LeftEye", "RightEye")
_TURNS = "Zrotation Xrotation Yrotation"


def export_bvh(take: Take, path: Path, *, neck_share: float = NECK_SHARE) -> None:
    """Write the take's turns to `path`, whole or not at all, at the take's rate; frames without a face hold the last.

    The root moves as the neck does, from the first frame's place on, where the take knows places. TakeError: no face
    in the take, or the folder cannot be written to. InputError: neck_share outside [0, 1].
    """
    try:
        with written_whole(Path(path)) as temporary, temporary.open("w", encoding="ascii", newline="\n") as file:
            file.writelines(bvh_text(take, neck_share=neck_share))
    except OSError as error:
        raise TakeError(f"'{path}' could not be written: {error.strerror}. Choose another folder.") from error


def bvh_text(take: Take, *, neck_share: float = NECK_SHARE) -> Iterator[str]:
    """The file's lines with their ends."""
    if not 0.0 <= neck_share <= 1.0:
        raise InputError(f"neck_share must lie between 0 and 1, but it is {neck_share}.")
    played = retime(without_gaps(take), take.rate_hz)
    yield from _hierarchy()
    yield f"MOTION\nFrames: {len(played.states)}\nFrame Time: {1.0 / played.rate_hz:.8f}\n"
    heads = np.stack([state.head_rotation for state in played.states]).astype(np.float64)
    eyes = [[rotation_from_yaw_pitch_roll(float(y), float(p), 0.0) for y, p in s.gaze] for s in played.states]
    turns = Rotation.from_matrix(heads).as_rotvec()
    angles = [_angles(neck_share * turns), _angles((1.0 - neck_share) * turns)]
    angles += [_angles(Rotation.from_matrix(np.array(eyes)[:, side]).as_rotvec()) for side in (0, 1)]
    rows = np.concatenate([_places(played, heads), *angles], axis=1) + 0.0  # + 0.0: no "-0.0000"
    for row in rows:
        yield " ".join(f"{value:.5f}" for value in row) + "\n"


def _hierarchy() -> Iterator[str]:
    mirror = np.array([-1.0, 1.0, 1.0])
    yield "HIERARCHY\nROOT Neck\n{\n" + _offset(1, np.zeros(3))
    yield f"\tCHANNELS 6 Xposition Yposition Zposition {_TURNS}\n"
    yield "\tJOINT Head\n\t{\n" + _offset(2, HEAD_M) + f"\t\tCHANNELS 3 {_TURNS}\n"
    for name, place in (("LeftEye", EYE_M), ("RightEye", EYE_M * mirror)):
        yield f"\t\tJOINT {name}\n\t\t{{\n" + _offset(3, place) + f"\t\t\tCHANNELS 3 {_TURNS}\n"
        yield "\t\t\tEnd Site\n\t\t\t{\n" + _offset(4, np.array([0.0, 0.0, 0.012])) + "\t\t\t}\n\t\t}\n"
    yield "\t}\n}\n"


def _offset(depth: int, place: FloatArray) -> str:
    return "\t" * depth + "OFFSET " + " ".join(f"{CENTIMETRES * value:.4f}" for value in place) + "\n"


def _angles(vectors: FloatArray) -> FloatArray:
    """(n, 3) degrees about z, x, y of (n, 3) rotation vectors, without jumps of whole turns."""
    angles = np.asarray(Rotation.from_rotvec(vectors).as_euler("ZXY"))
    return np.degrees(np.unwrap(angles, axis=0))


def _places(take: Take, heads: FloatArray) -> FloatArray:
    """(n, 3) centimetres: where the neck's joint is, from its first place; zero where the take knows no places."""
    places = np.stack([state.head_translation for state in take.states]).astype(np.float64)
    if not np.ptp(places, axis=0).any():
        return np.zeros_like(places)
    necks = heads @ NECK_M + places
    return CENTIMETRES * (necks - necks[0])
