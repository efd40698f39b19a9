"""Decodes a video with FFmpeg through PyAV. Runs in the child process only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, BinaryIO

import av
from av.video.reformatter import VideoReformatter

from core.errors import MediaError
from core.media.limits import VideoLimits

THREADS = 2
DAMAGED = "is a damaged or cut off video, or its codec is not known here. Convert it to MP4 (H.264) and try again."


@dataclass(frozen=True, slots=True)
class DecodedFrame:
    """One frame as rows of RGB bytes, `stride` bytes apart, not yet turned upright."""

    rows: memoryview
    width: int
    height: int
    stride: int
    quarter_turns: int
    timestamp_s: float


class VideoDecoder:
    """An open video: its details and its frames in the order in which they are shown."""

    def __init__(self, container: Any, stream: Any, limits: VideoLimits) -> None:
        self._container = container
        self._stream = stream
        self._limits = limits
        self._reformatter = VideoReformatter()
        rate = stream.average_rate or stream.guessed_rate or Fraction(30)
        self.rate_hz = float(rate)
        start = container.start_time
        self._start_s = 0.0 if start is None else start / av.time_base

    def details(self) -> dict[str, Any]:
        """Width and height as shown, rate_hz, frame_count or None, duration_s or None."""
        first = next(self.frames(), None)
        if first is None:
            raise MediaError(DAMAGED)
        size = (first.width, first.height) if first.quarter_turns % 2 == 0 else (first.height, first.width)
        return {
            "width": size[0],
            "height": size[1],
            "rate_hz": self.rate_hz,
            "frame_count": self._stream.frames or None,
            "duration_s": _duration_s(self._container, self._stream),
        }

    def frames(self) -> Iterator[DecodedFrame]:
        """The frames that can be decoded; a damaged one is left out, and a cut off video ends where its data end.

        Times start near 0 and always grow. MediaError: not one frame, too large a frame, or too many frames.
        """
        count, last_s = 0, -1.0 / self.rate_hz
        for frame in self._raw_frames():
            if frame.width * frame.height > self._limits.max_pixels:
                raise _too_large(frame.width, frame.height, self._limits.max_pixels)
            timestamp_s = last_s + 1.0 / self.rate_hz
            if frame.pts is not None and frame.time_base is not None:
                stored_s = float(frame.pts * frame.time_base) - self._start_s
                timestamp_s = stored_s if stored_s > last_s or count == 0 else timestamp_s
            if count >= self._limits.max_frames or timestamp_s > self._limits.max_duration_s:
                raise _too_long(self._limits)
            yield self._converted(frame, timestamp_s)
            count, last_s = count + 1, timestamp_s
        if count == 0:
            raise MediaError(DAMAGED)

    def _raw_frames(self) -> Iterator[Any]:
        try:
            for packet in self._container.demux(self._stream):
                try:
                    yield from packet.decode()
                except av.FFmpegError:
                    continue
        except av.FFmpegError:
            return  # the data end inside a packet

    def _converted(self, frame: Any, timestamp_s: float) -> DecodedFrame:
        width = _square_pixel_width(frame, self._stream.sample_aspect_ratio, self._limits.max_pixels)
        rgb = self._reformatter.reformat(frame, width, frame.height, "rgb24")
        plane = rgb.planes[0]
        turns = round(frame.rotation / 90) % 4
        return DecodedFrame(memoryview(plane), rgb.width, rgb.height, plane.line_size, turns, timestamp_s)


def _square_pixel_width(frame: Any, pixel_aspect: Fraction | None, max_pixels: int) -> int:
    """Width at which a pixel is as wide as high; broadcast and camcorder video stores others."""
    if not pixel_aspect or pixel_aspect == 1 or not Fraction(1, 4) <= pixel_aspect <= 4:
        return int(frame.width)
    width = max(1, round(frame.width * pixel_aspect))
    return int(width if width * frame.height <= max_pixels else frame.width)


def _too_large(width: int, height: int, max_pixels: int) -> MediaError:
    return MediaError(
        f"has frames of {width} x {height} pixels; at most {max_pixels / 1e6:.0f} megapixels a frame are read. "
        "Make the video smaller and try again."
    )


def _too_long(limits: VideoLimits) -> MediaError:
    return MediaError(
        f"is too long: at most {limits.max_duration_s / 60:.0f} minutes and {limits.max_frames} frames are read. "
        "Cut it into parts."
    )


def _duration_s(container: Any, stream: Any) -> float | None:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else None


def _video_stream(container: Any, limits: VideoLimits) -> Any:
    if len(container.streams) > limits.max_streams:
        raise MediaError(f"holds {len(container.streams)} streams; at most {limits.max_streams} are read.")
    covers = av.stream.Disposition.attached_pic
    streams = [s for s in container.streams.video if not s.disposition & covers]
    if not streams:
        raise MediaError("has no video in it, only sound or other data. Give a file with pictures.")
    return streams[0]


@contextmanager
def open_video(source: BinaryIO, container_format: str, limits: VideoLimits) -> Iterator[VideoDecoder]:
    """An open `VideoDecoder`, closed at the end. MediaError: no video, or more than `limits` allow."""
    options = {"max_pixels": str(limits.max_pixels)}
    try:
        # A file object and a fixed format: FFmpeg gets no name to interpret and no demuxer to guess.
        container = av.open(source, "r", format=container_format, options=options, metadata_errors="ignore")
    except (av.FFmpegError, ValueError) as error:
        raise MediaError(DAMAGED) from error
    with container:
        stream = _video_stream(container, limits)
        context = stream.codec_context
        if context is None:
            raise MediaError(DAMAGED)
        if context.width * context.height > limits.max_pixels:
            raise _too_large(context.width, context.height, limits.max_pixels)
        duration_s = _duration_s(container, stream)
        if stream.frames > limits.max_frames or (duration_s or 0.0) > limits.max_duration_s:
            raise _too_long(limits)
        # Measured: the container's option bounds only probing; without this one 8000 x 8000 frames are decoded.
        context.options = options
        context.thread_type = "AUTO"
        context.thread_count = THREADS
        yield VideoDecoder(container, stream, limits)
