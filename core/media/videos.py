"""Videos from files and uploads, frame by frame."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from core.errors import MediaError
from core.media.file_kinds import HEAD_BYTES, video_container
from core.media.guarded_process import GuardedProcess
from core.media.limits import DEFAULT_VIDEO_LIMITS, VideoLimits
from core.media.messages import DETAILS, THE_END, Header
from core.media.sources import open_source
from core.structures import Frame, ImageArray

ROW_PADDING_BYTES = 512  # what FFmpeg may add at the end of a row


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a video's header says. width, height: pixels as shown, after rotation; rate_hz: frames a second on
    average; frame_count and duration_s (seconds): None where the file does not say."""

    width: int
    height: int
    rate_hz: float
    frame_count: int | None
    duration_s: float | None


def is_video(source: Path | bytes) -> bool:
    """Whether the content is that of a video container that is read: MP4, MOV, MKV, WebM, AVI, MPEG, Ogg.

    Judged by the first bytes; the name plays no part. False for what is absent or not readable.
    """
    if isinstance(source, bytes):
        return video_container(source[:HEAD_BYTES]) is not None
    try:
        with Path(source).open("rb") as file:
            return video_container(file.read(HEAD_BYTES)) is not None
    except OSError:
        return False


def probe_video(source: Path | bytes, limits: VideoLimits = DEFAULT_VIDEO_LIMITS) -> VideoInfo:
    """Size, rate and length; the first frame is decoded, so a video without a good one is refused. MediaError."""
    child = _start("details", source, limits)
    with child:
        header = child.read_header(0)
        if header.kind != DETAILS:
            raise MediaError("The video's details could not be read: the decoder answered something else.")
        return VideoInfo(**json.loads(child.read_text(header)))


def read_video(source: Path | bytes, limits: VideoLimits = DEFAULT_VIDEO_LIMITS) -> Generator[Frame, None, None]:
    """The frames in the order in which they are shown, upright, each with its own time from the file.

    timestamp_s: seconds from the start of the file, always growing. Decoded in a child process bounded by `limits`,
    while the caller works; closing the generator early ends the child. Turned by the file's rotation; pixels that
    are not square are stretched to be so.
    A damaged frame is left out and a cut off video ends where its data end, as in a player: what was filmed until
    the camera died is worth having. MediaError: absent, empty, no video, not one good frame, or more than `limits`.
    """
    with _start("frames", source, limits) as child:
        index = 0
        while True:
            header = child.read_header(limits.max_pixels * 3 + ROW_PADDING_BYTES * (1 << 16))
            if header.kind == THE_END:
                return
            yield Frame(_read_picture(child, header), header.timestamp_s, index)
            index += 1


def _start(kind: str, source: Path | bytes, limits: VideoLimits) -> GuardedProcess:
    file = open_source(source, "The video")
    container = video_container(file.head)
    if container is None:
        raise MediaError(f"{file.label} is not a video that can be read. Give an MP4, MOV, MKV, WebM or AVI file.")
    bounds = asdict(limits)
    del bounds["process"]
    request = {"kind": kind, "path": file.path, "container": container, "limits": bounds}
    return GuardedProcess(file.label, request, file.payload, limits.process)


def _read_picture(child: GuardedProcess, header: Header) -> ImageArray:
    rows = np.empty((header.height, header.stride), np.uint8)
    child.read_into(rows.data.cast("B"))
    image = rows[:, : 3 * header.width].reshape(header.height, header.width, 3)
    return np.ascontiguousarray(np.rot90(image, header.quarter_turns))
