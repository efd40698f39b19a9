"""What a look ahead into a take finds: the faces of its frames, and each face's neutral from all of them.

Only a file can be looked ahead in. A camera, a stream and the app's players learn each face from its first second on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from core.face_follower import FollowerSettings, RigMeasures
from core.face_follower_take import neutral_of_face
from core.structures import FaceLandmarks, FloatArray

LOOK_AHEAD_S = 120.0  # bounds memory (6 kB a frame and face) and time; what comes later is told by the same neutral

Faces: TypeAlias = tuple[FaceLandmarks, ...]
Appearance: TypeAlias = list[tuple[FaceLandmarks, float]]
"""One face from its first frame until it is forgotten, each with its time in seconds."""


def appearances(frames: Iterable[tuple[Faces, float]], forget_after_s: float) -> list[Appearance]:
    """The faces of frames (faces, seconds) by appearance: a number that was away for longer is somebody new."""
    found: list[Appearance] = []
    present: dict[int, Appearance] = {}
    for faces, timestamp_s in frames:
        for face in faces:
            if face.face_id not in present:
                present[face.face_id] = []
                found.append(present[face.face_id])
            present[face.face_id].append((face, timestamp_s))
        for face_id, seen in tuple(present.items()):
            if timestamp_s - seen[-1][1] > forget_after_s:
                del present[face_id]
    return found


def neutrals_of(
    seen: Sequence[Appearance], measures: RigMeasures, settings: FollowerSettings
) -> Mapping[tuple[int, float], FloatArray]:
    """(478, 3) metres, head frame, by face_id and time of the first frame; appearances that tell none are left out."""
    found = {}
    for appearance in seen:
        neutral = neutral_of_face(appearance, measures, settings)
        if neutral is not None:
            face, begin_s = appearance[0]
            found[face.face_id, begin_s] = neutral
    return found
