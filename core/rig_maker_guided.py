"""A guided recording, live or as a video, to a rig with the person's own shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.blendshapes import COUNT, INDEX
from core.errors import Cancelled, InputError, NoFaceError
from core.expression.landmark_weights import landmark_weights
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.head_model.builtin import load_builtin_rig
from core.head_model.rig import HeadRig
from core.media.videos import read_video
from core.rendering.renderer import HeadRenderer
from core.rig_maker import MIRROR_DISTANCE_M, MIRROR_SIZE, VIDEO_PICTURES, reduced
from core.rigging.build import Progress
from core.rigging.guided import LEVELS, GuidedReading, read_guided, refined
from core.rigging.guided_poses import BLINK, EXPRESSIVE, NEUTRAL, POSES, activations, find_poses, pose_directions
from core.structures import FaceLandmarks, FaceState, FloatArray, Frame, ImageArray, IntArray
from core.tracking.camera import default_camera
from core.tracking.face_mesh import FaceMeshLandmarker
from core.tracking.head_pose import HeadPoseSolver, head_frame_points
from core.tracking.landmark_bias import as_seen, as_true
from core.tracking.settings import TrackerSettings

SHORTEST_S = 4.0
MIRROR_YAWS_RAD = (0.0, -0.04, 0.0, 0.04)
MIRROR_RATE_HZ = 30.0
STARTS_CALM_S = 1.0
MOST_FRAMES = 1800  # a minute at 30 Hz; of a longer video every second one is looked at, and so on


class GuidedVideo:
    """The faces of a video of the whole sequence. times_s: (T,) seconds; indices: (T,) frame numbers."""

    def __init__(
        self, path: Path, progress: Progress | None = None, is_cancelled: Callable[[], bool] | None = None
    ) -> None:
        self.path = path
        self.faces, self.times_s, self.indices = _tracked(
            path, progress or (lambda phase, share: None), is_cancelled or (lambda: False)
        )

    def find(self, rig: HeadRig) -> tuple[FloatArray, dict[str, IntArray]]:
        """(T, 478, 3) points in the rig's head frame, and the frames of each pose by its name."""
        points = points_in_head(rig, self.faces)
        directions = pose_directions(rig.shape_landmarks().astype(np.float64))
        weights = landmark_weights()
        neutral = np.median(points[self.times_s <= self.times_s[0] + STARTS_CALM_S], axis=0)
        found: dict[str, IntArray] = {}
        for _ in range(2):  # the second time with the calm frames that the first one found
            found = find_poses(self.times_s, activations(points, neutral, directions, weights))
            neutral = np.median(points[found[NEUTRAL]], axis=0)
        return points, found

    def calm_pictures(self) -> list[ImageArray]:
        """The calm frames, found with the built-in head, for who has no head yet."""
        calm = self.indices[self.find(load_builtin_rig())[1][NEUTRAL]]
        wanted = set(calm[:: max(1, len(calm) // VIDEO_PICTURES)].tolist())
        return [reduced(frame.image) for frame in read_video(self.path) if frame.index in wanted]


def _tracked(
    path: Path, progress: Progress, is_cancelled: Callable[[], bool]
) -> tuple[list[FaceLandmarks], FloatArray, IntArray]:
    faces: list[FaceLandmarks] = []
    times: list[float] = []
    indices: list[int] = []
    step, count = 1, 0
    with FaceMeshLandmarker(TrackerSettings(max_faces=1)) as landmarker:
        for frame in read_video(path):
            if is_cancelled():
                raise Cancelled("Stopped. Nothing was kept.")
            if frame.index % step:
                continue
            count += 1
            step = 1 + count // MOST_FRAMES
            progress("Watching the recording", 0.5 * min(1.0, count / MOST_FRAMES))
            small = Frame(reduced(frame.image), frame.timestamp_s, frame.index)
            for face in landmarker.detect(small)[:1]:
                faces.append(face)
                times.append(frame.timestamp_s)
                indices.append(frame.index)
    if not faces or times[-1] - times[0] < SHORTEST_S:
        seen_s = times[-1] - times[0] if times else 0.0
        raise NoFaceError(
            f"A guided recording needs a face for at least {SHORTEST_S:.0f} s, "
            f"but {path.name} shows one for {seen_s:.1f} s."
        )
    return faces, np.array(times), np.array(indices)


def points_in_head(rig: HeadRig, faces: Sequence[FaceLandmarks]) -> FloatArray:
    """(n, 478, 3) metres, head frame of the rig, its landmark bias taken off."""
    solver = HeadPoseSolver(as_seen(rig.landmarks().astype(np.float64), rig.landmark_bias))
    found = []
    for face in faces:
        camera = default_camera(face.image_size)
        found.append(as_true(head_frame_points(face, solver.solve(face, camera), camera), rig.landmark_bias))
    return np.stack(found)


def seen_poses(rig: HeadRig) -> dict[str, FloatArray]:
    """(5, 478, 3) metres by pose, what the landmark network reports the rig's points to do in it at each of `LEVELS`;
    poses in whose pictures it finds no face are left out."""
    rows: list[tuple[str, float]] = [(NEUTRAL, 0.0)]
    rows += [(pose.name, level) for pose in EXPRESSIVE if pose.name != BLINK for level in LEVELS]
    strong = replace(rig, shapes=np.float32(LEVELS[-1]) * rig.shapes)
    with HeadRenderer(strong, MIRROR_SIZE) as renderer, FaceMeshLandmarker(TrackerSettings(max_faces=1)) as landmarker:
        seen = [_seen(rig, renderer, landmarker, k, *row) for k, row in enumerate(rows)]
    neutral = seen[0]
    if neutral is None:
        return {}
    found = {}
    for k in range(1, len(rows), len(LEVELS)):
        moved = [None if points is None else points - neutral for points in seen[k : k + len(LEVELS)]]
        if all(points is not None for points in moved):
            found[rows[k][0]] = np.stack([points for points in moved if points is not None])
    return found


def _seen(
    rig: HeadRig, renderer: HeadRenderer, landmarker: FaceMeshLandmarker, number: int, name: str, level: float
) -> FloatArray | None:
    """(478, 3) reported points of the rig in a pose, turned a little to either side; None where no face is found. The
    network follows a face, so the first picture of a pose does not count. The renderer draws the rig with shapes of
    the highest level, because coefficients end at 1."""
    camera, place = default_camera(MIRROR_SIZE), np.array([0.0, 0.0, -MIRROR_DISTANCE_M], np.float32)
    values = np.zeros(COUNT, np.float32)
    values[[INDEX[shape] for shape in POSES[name].shapes]] = level / LEVELS[-1]
    points = []
    for k, yaw in enumerate(MIRROR_YAWS_RAD):
        turn = rotation_from_yaw_pitch_roll(yaw, 0.0, 0.0).astype(np.float32)
        state = FaceState(0.0, blendshapes=values, head_rotation=turn, head_translation=place)
        picture = renderer.render(state, camera)
        time_s = (number * len(MIRROR_YAWS_RAD) + k) / MIRROR_RATE_HZ
        for face in landmarker.detect(Frame(picture, time_s))[:1]:
            points.append(points_in_head(rig, [face])[0])
    return np.mean(points[1:], axis=0) if len(points) > 1 else None


def refine_with_poses(rig: HeadRig, held: Mapping[str, Sequence[FaceLandmarks]]) -> tuple[HeadRig, GuidedReading]:
    """The rig with the person's own shapes and its calibration, and what the poses told.

    held: the faces of each pose by its name, as the network reports them; skipped poses are absent or empty.
    InputError when the calm face is not among them.
    """
    if not held.get(NEUTRAL):
        raise InputError("The calm face is missing; without it no other pose can be measured. Record it again.")
    points = {name: points_in_head(rig, faces) for name, faces in held.items() if len(faces)}
    reading = read_guided(points, seen_poses(rig))
    return refined(rig, reading), reading


def refine_with_video(rig: HeadRig, video: GuidedVideo) -> tuple[HeadRig, GuidedReading]:
    """The same from a video in which the poses follow each other in the order of `GUIDED_POSES`."""
    points, found = video.find(rig)
    reading = read_guided({name: points[frames] for name, frames in found.items()}, seen_poses(rig))
    return refined(rig, reading), reading
