"""`track VIDEO -o take.csv`: the coefficients of every face in a video, one row a frame."""

from __future__ import annotations

import argparse
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.commands.arguments import require_file, require_output
from core.errors import ModelPackError, NoFaceError

if TYPE_CHECKING:
    from core.head_model.rig import HeadRig
    from core.structures import FaceState
    from core.tracking.settings import TrackerSettings


def add_parser(subparsers: Any) -> None:
    """Adds `track`."""
    parser = subparsers.add_parser("track", help="a video to a take: 52 coefficients, head and gaze per frame")
    parser.add_argument("video", type=Path, metavar="VIDEO")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="TAKE",
        help="take.csv (Live Link Face) or take.jsonl; further faces go to take_face2.csv and so on",
    )  # fmt: skip
    parser.add_argument(
        "--rig", type=Path, metavar="RIG.glb", help="the person's rig; the built-in head where left out"
    )
    parser.add_argument("--faces", type=int, default=1, metavar="N", help="most faces to follow, 1 where left out")
    parser.add_argument(
        "--landmarks", choices=("facemesh", "task"), default="facemesh",
        help="the network: the wheel's FaceMesh, for which the estimates are made, or the pack face_landmarker.task",
    )  # fmt: skip
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Tracks the video, writes one take per face and prints where."""
    output = require_output(arguments.output, (".csv", ".jsonl"))
    video = require_file(arguments.video)
    rig_path = require_file(arguments.rig) if arguments.rig else None

    from core.animation.take import Take
    from core.animation.take_files import save_take
    from core.head_model.rig_glb import load_rig
    from core.media.videos import probe_video
    from core.tracking.settings import TrackerSettings

    settings = TrackerSettings(max_faces=arguments.faces)
    rig = load_rig(rig_path) if rig_path else None
    states = track_video(video, settings, rig, use_pack=arguments.landmarks == "task")
    rate_hz = probe_video(video).rate_hz
    for number, face_id in enumerate(sorted(states), start=1):
        path = output if number == 1 else output.with_stem(f"{output.stem}_face{number}")
        save_take(Take(path.stem, tuple(states[face_id]), rate_hz), path)
        print(path)
    return 0


def track_video(
    path: Path, settings: TrackerSettings, rig: HeadRig | None, use_pack: bool = False
) -> dict[int, list[FaceState]]:
    """The states by face_id, one for every frame of the video: a face that is lost fades to neutral, then "no face".

    rig: the person's own. The video lies there whole, so it is read twice: all of it tells each face's neutral before
    any of it is told, and it is made steady from both sides in time. A camera has only the first second and the rig,
    and a filter that knows the past (docs/expression.md). NoFaceError where no frame shows a face.
    """
    from core.animation.take_smoothing import smoothed_states
    from core.commands.native_log import quiet_native_log
    from core.commands.progress import counted, counting_bar
    from core.expression.smoothing import Smoothing
    from core.face_follower import FollowerSettings, Neutral
    from core.media.videos import probe_video, read_video
    from core.pipeline import Pipeline, PipelineSettings
    from core.tracking.landmarker import create_landmarker

    by_face: dict[int, dict[int, FaceState]] = {}
    times_s: list[float] = []
    with ExitStack() as resources:
        resources.enter_context(quiet_native_log())
        landmarker = create_landmarker(settings, models_dir=_pack_folder() if use_pack else None)
        follower = FollowerSettings(Neutral.AUTOMATIC if rig is None else Neutral.RIG, Smoothing.OFF)
        pipeline = resources.enter_context(Pipeline(rig, PipelineSettings(settings, follower), landmarker=landmarker))
        frame_count = probe_video(path).frame_count
        with counting_bar("looking", frame_count, "frame") as looking, closing(read_video(path)) as ahead:
            pipeline.look_ahead(counted(ahead, looking))
        bar = resources.enter_context(counting_bar("tracking", frame_count, "frame"))
        for frame in read_video(path):
            for state in pipeline.step(frame).states:
                if state.has_face:
                    by_face.setdefault(state.face_id, {})[len(times_s)] = state
            times_s.append(frame.timestamp_s)
            bar.update()
    if not by_face:
        raise NoFaceError(
            f"No frame of {path.name} shows a face. Give a video with a face that is lit and not too small."
        )
    return {face_id: smoothed_states(_filled(seen, times_s, face_id)) for face_id, seen in by_face.items()}


def _pack_folder() -> Path:
    from core.assets.registry import find_pack

    pack = find_pack("face_landmarker")
    if pack is None:
        raise ModelPackError(
            "face_landmarker.task is not there. Run `python -m core models list` to see where to get it."
        )
    return pack.parent


def _filled(seen: dict[int, FaceState], times_s: list[float], face_id: int) -> list[FaceState]:
    from core.structures import FaceState

    return [
        seen[number] if number in seen else FaceState(time_s, face_id, confidence=0.0)
        for number, time_s in enumerate(times_s)
    ]
