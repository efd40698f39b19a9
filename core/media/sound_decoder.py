"""Decodes the sound of a file with FFmpeg through PyAV. Runs in the child process only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import av

from core.errors import MediaError
from core.media.limits import SoundLimits

PIECE_S = 0.5
JUMP_S = 0.02  # times of packets are rounded; only what differs by more is a gap
DAMAGED = "is a damaged or cut off sound, or its codec is not known here. Convert it to WAV and try again."
SILENT = "has no sound in it. Give a file in which somebody speaks."


@dataclass(frozen=True, slots=True)
class SoundPiece:
    """samples: float32 of all channels, moment by moment; timestamp_s: of the first."""

    samples: bytes
    timestamp_s: float


class SoundDecoder:
    """An open sound: its details and its samples, all in the rate and the channels of the first ones."""

    def __init__(self, container: Any, stream: Any, limits: SoundLimits) -> None:
        self._container, self._stream, self._limits = container, stream, limits
        start = container.start_time
        self._start_s = 0.0 if start is None else start / av.time_base
        self._frames = self._raw_frames()
        first = next(self._frames, None)
        if first is None:
            raise MediaError(DAMAGED)
        self._first = first
        self.rate_hz, self.channels = int(first.sample_rate), int(first.layout.nb_channels)
        _require_within(self.rate_hz, self.channels, limits)
        self._resampler = av.AudioResampler(format="flt", layout=first.layout, rate=self.rate_hz)

    def details(self) -> dict[str, Any]:
        """rate_hz, channels, and duration_s or None."""
        return {"rate_hz": self.rate_hz, "channels": self.channels, "duration_s": self._duration_s()}

    def pieces(self) -> Iterator[SoundPiece]:
        """The sound in pieces of about half a second, each with its time; a damaged packet leaves a gap.

        MediaError: it is longer than the limits allow.
        """
        waiting, start_s, end_s = bytearray(), 0.0, 0.0
        for frame in self._all_frames():
            stored_s = self._time_s(frame, end_s)
            if stored_s > self._limits.max_duration_s:
                raise _too_long(self._limits)
            data = self._floats(frame)
            if waiting and (stored_s != end_s or len(waiting) >= PIECE_S * self._bytes_per_s):
                yield SoundPiece(bytes(waiting), start_s)
                waiting.clear()
            if not waiting:
                start_s = stored_s
            waiting += data
            end_s = start_s + len(waiting) / self._bytes_per_s
        if waiting:
            yield SoundPiece(bytes(waiting), start_s)

    @property
    def _bytes_per_s(self) -> int:
        return 4 * self.channels * self.rate_hz

    def _time_s(self, frame: Any, expected_s: float) -> float:
        if frame.pts is None or frame.time_base is None:
            return expected_s
        stored_s = float(frame.pts * frame.time_base) - self._start_s
        return stored_s if stored_s > expected_s + JUMP_S else expected_s

    def _floats(self, frame: Any) -> bytes:
        size = 4 * self.channels
        return b"".join(bytes(f.planes[0])[: f.samples * size] for f in self._resampler.resample(frame))

    def _all_frames(self) -> Iterator[Any]:
        yield self._first
        yield from self._frames

    def _raw_frames(self) -> Iterator[Any]:
        try:
            for packet in self._container.demux(self._stream):
                try:
                    yield from (frame for frame in packet.decode() if frame.samples > 0)
                except av.FFmpegError:
                    continue
        except av.FFmpegError:
            return  # the data end inside a packet

    def _duration_s(self) -> float | None:
        if self._stream.duration and self._stream.time_base:
            return float(self._stream.duration * self._stream.time_base)
        return self._container.duration / av.time_base if self._container.duration else None


def _require_within(rate_hz: int, channels: int, limits: SoundLimits) -> None:
    if not limits.min_rate_hz <= rate_hz <= limits.max_rate_hz:
        raise MediaError(
            f"has {rate_hz} samples a second; {limits.min_rate_hz} to {limits.max_rate_hz} are read. "
            "Convert it to WAV with 48000 and try again."
        )
    if not 1 <= channels <= limits.max_channels:
        raise MediaError(f"has {channels} channels; at most {limits.max_channels} are read. Convert it to mono.")


def _too_long(limits: SoundLimits) -> MediaError:
    return MediaError(f"is too long: at most {limits.max_duration_s / 60:.0f} minutes are read. Cut it into parts.")


@contextmanager
def open_sound(source: BinaryIO, container_format: str, limits: SoundLimits) -> Iterator[SoundDecoder]:
    """An open `SoundDecoder`, closed at the end. MediaError: no sound, or more than `limits` allow."""
    try:
        # A file object and a fixed format: FFmpeg gets no name to interpret and no demuxer to guess.
        container = av.open(source, "r", format=container_format, metadata_errors="ignore")
    except (av.FFmpegError, ValueError) as error:
        raise MediaError(DAMAGED) from error
    with container:
        if len(container.streams) > limits.max_streams:
            raise MediaError(f"holds {len(container.streams)} streams; at most {limits.max_streams} are read.")
        if not container.streams.audio:
            raise MediaError(SILENT)
        try:
            yield SoundDecoder(container, container.streams.audio[0], limits)
        except av.FFmpegError as error:
            raise MediaError(DAMAGED) from error
