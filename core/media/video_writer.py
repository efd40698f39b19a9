"""Videos to files: H.264 in MP4, with AAC where there is sound; playable in every browser."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from core.errors import MediaError
from core.media.atomic_file import written_whole
from core.structures import AudioChunk, ImageArray

DEFAULT_CRF = 20  # x264's constant rate factor: 0 lossless, 51 worst; 20 shows no artefacts on a face


class _DiscardedError(Exception):
    """Leaves the writer's block so that its file vanishes."""


class _SoundStream:
    """The sound of a video, handed over in step with its pictures, so that players need not search for it."""

    def __init__(self, container: Any, sound: AudioChunk) -> None:
        self._container, self._sound = container, sound
        self._stream = container.add_stream("aac", rate=sound.rate_hz, layout="mono")
        self._written = 0

    def write_until(self, time_s: float) -> None:
        """Encodes what sounds before this time of the video."""
        end = min(len(self._sound.samples), round(time_s * self._sound.rate_hz))
        if end <= self._written:
            return
        samples = np.clip(self._sound.samples[None, self._written : end], -1.0, 1.0).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = self._sound.rate_hz, self._written
        frame.time_base = Fraction(1, self._sound.rate_hz)
        self._container.mux(self._stream.encode(frame))
        self._written = end

    def finish(self) -> None:
        """Encodes what the encoder still holds."""
        self._container.mux(self._stream.encode(None))


class VideoWriter:
    """A video that grows picture by picture and appears under its name when it is closed.

    size: (width, height) of the pictures; an odd one is widened by repeating the last column or row, because
    yuv420p halves both. sound: starts with the first picture and ends with the last. On an exception in its block, and
    when nothing was written, nothing is left behind.
    MediaError: the folder is absent or not writable, or a picture does not fit.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        rate_hz: float = 30.0,
        *,
        crf: int = DEFAULT_CRF,
        sound: AudioChunk | None = None,
    ) -> None:
        if min(size) < 2 or not 0 < rate_hz <= 1000:
            raise MediaError(
                f"A video needs at least 2 x 2 pixels and a rate up to 1000 Hz, but got {size}, {rate_hz}."
            )
        self._size = size
        self._count = 0
        self._path = Path(path)
        self._rate = Fraction(rate_hz).limit_denominator(1001)
        with ExitStack() as stack:
            temporary = stack.enter_context(written_whole(self._path))
            try:
                self._container = stack.enter_context(
                    av.open(str(temporary), "w", format="mp4", options={"movflags": "faststart"})
                )
                self._stream = self._container.add_stream("libx264", rate=self._rate, options={"crf": str(crf)})
                self._stream.width, self._stream.height = (n + n % 2 for n in size)
                self._stream.pix_fmt = "yuv420p"
                self._sound = _SoundStream(self._container, sound) if sound is not None else None
                self._container.start_encoding()  # opens the file, so that a wrong folder is told of now
            except (av.FFmpegError, OSError, ValueError) as error:
                raise MediaError(f"'{self._path}' could not be written: {error}. Choose another folder.") from error
            self._stack: ExitStack | None = stack.pop_all()

    def write(self, image: ImageArray) -> None:
        """Append one picture, (H, W, 3) uint8 RGB."""
        if self._stack is None:
            raise MediaError(f"'{self._path.name}' is closed already; open a new VideoWriter to write more.")
        width, height = self._size
        if image.shape != (height, width, 3) or image.dtype != np.uint8:
            raise MediaError(
                f"The video's pictures are {width} x {height} RGB of 8 bits, but one came with shape {image.shape} "
                f"and type {image.dtype}."
            )
        even = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), "edge") if height % 2 or width % 2 else image
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")
        frame.pts, frame.time_base = self._count, 1 / self._rate
        self._container.mux(self._stream.encode(frame))
        self._count += 1
        if self._sound is not None:
            self._sound.write_until(float(self._count / self._rate))

    def close(self) -> None:
        """Finish the file and give it its name. MediaError: no picture was written, so there is no file."""
        if self._stack is None:
            return
        if self._count == 0:
            self.discard()
            raise MediaError(f"'{self._path.name}' was not written: not one picture came.")
        stack, self._stack = self._stack, None
        with stack:
            self._container.mux(self._stream.encode(None))
            if self._sound is not None:
                self._sound.finish()

    def discard(self) -> None:
        """Stop and leave nothing behind."""
        stack, self._stack = self._stack, None
        if stack is not None:
            with suppress(_DiscardedError), stack:
                raise _DiscardedError

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(self, kind: object, *raised: object) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()
