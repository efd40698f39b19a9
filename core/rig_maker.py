"""Pictures to a finished rig: built, then shown to the landmark network once, so that it knows how it is seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from core.errors import InputError
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.head_model.rig import HeadRig
from core.media.images import load_photo
from core.media.videos import is_video, probe_video, read_video
from core.rendering.renderer import HeadRenderer
from core.rigging.build import Picture, Progress, build_rig
from core.structures import FaceState, FloatArray, Frame, HeadPose, ImageArray
from core.tracking.camera import default_camera
from core.tracking.face_mesh import FaceMeshLandmarker
from core.tracking.head_pose import head_frame_points

VIDEO_PICTURES = 32
"""Frames taken from a video, evenly spread; which of them are worth having is told by their faces."""
LONGEST_SIDE_PX = 1280  # frames of a larger video are reduced: 64 of them must fit into memory
MIRROR_SIZE = (640, 480)
MIRROR_DISTANCE_M = 0.55
MIRROR_TURNS_DEG = ((0, 0), (-12, 0), (12, 0), (0, -10), (0, 10))  # yaw, pitch


def make_rig(
    pictures: Sequence[Picture],
    name: str,
    *,
    base: HeadRig | None = None,
    progress: Progress | None = None,
    is_cancelled: Callable[[], bool] | None = None,
    refine: bool = True,
) -> HeadRig:
    """The person's rig from pictures as `build_rig` takes them, with its own landmark bias. Errors as `build_rig`."""
    report = progress or (lambda phase, share: None)
    rig = build_rig(
        pictures, name, base=base, progress=lambda phase, share: report(phase, 0.9 * share),
        is_cancelled=is_cancelled, refine=refine,
    )  # fmt: skip
    report("Looking in the mirror", 0.92)
    finished = with_landmark_bias(rig)
    report("Done", 1.0)
    return finished


def with_landmark_bias(rig: HeadRig) -> HeadRig:
    """The rig with what FaceMesh reports of its own picture minus its true points; unchanged when its picture shows no
    face to the network."""
    turns = np.radians(np.array(MIRROR_TURNS_DEG, float))
    seen = seen_points(rig, turns, (MIRROR_DISTANCE_M,))
    if len(seen) == 0:
        return rig
    bias = seen.mean(axis=0) - rig.landmarks()
    bias[468:] = 0.0  # the irises follow the gaze, which the network sees and the rest pose does not have
    return replace(rig, landmark_bias=bias.astype(np.float32))


def seen_points(rig: HeadRig, turns_rad: FloatArray, distances_m: Sequence[float]) -> FloatArray:
    """(n, 478, 3) points that FaceMesh reports of the drawn rig, carried to the head frame by the true pose, metres.

    turns_rad: (m, 2) yaw and pitch, each drawn at every distance; pictures in which no face is found are left out.
    """
    camera = default_camera(MIRROR_SIZE)
    found = []
    with HeadRenderer(rig, MIRROR_SIZE) as renderer, FaceMeshLandmarker(still_images=True) as landmarker:
        for distance in distances_m:
            place = np.array([0.0, 0.0, -distance], np.float32)
            for yaw, pitch in turns_rad:
                turn = rotation_from_yaw_pitch_roll(float(yaw), float(pitch), 0.0).astype(np.float32)
                state = FaceState(0.0, head_rotation=turn, head_translation=place)
                for face in landmarker.detect(Frame(renderer.render(state, camera), 0.0))[:1]:
                    found.append(head_frame_points(face, HeadPose(turn, place), camera))
    return np.stack(found) if found else np.zeros((0, 478, 3))


def read_pictures(paths: Sequence[Path]) -> Sequence[Picture]:
    """The photos, or evenly spread frames of the one video; InputError where both kinds or two videos are given."""
    videos = [path for path in paths if is_video(path)]
    if not videos:
        return [load_photo(path) for path in paths]
    if len(paths) > 1:
        raise InputError(f"Give either photos or one video, but {videos[0].name} is a video among {len(paths)} inputs.")
    return _video_pictures(videos[0])


def _video_pictures(path: Path) -> list[ImageArray]:
    info = probe_video(path)
    frame_count = info.frame_count or round((info.duration_s or 0.0) * info.rate_hz)
    step = max(1, frame_count // VIDEO_PICTURES)
    pictures: list[ImageArray] = []
    for frame in read_video(path):
        if frame.index % step == 0:
            pictures.append(reduced(frame.image))
        if len(pictures) > 2 * VIDEO_PICTURES:
            # The file promised fewer frames than it holds: thin out what was kept, so that memory stays bounded.
            pictures, step = pictures[::2], 2 * step
    return pictures


def reduced(image: ImageArray, longest_px: int = LONGEST_SIDE_PX) -> ImageArray:
    """The picture no longer than `longest_px`."""
    factor = longest_px / max(image.shape[:2])
    if factor >= 1:
        return image
    size = (max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
