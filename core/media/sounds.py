"""Sounds from files and uploads, piece by piece; the sound of videos too."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.errors import InputError, MediaError
from core.media.file_kinds import HEAD_BYTES, sound_container
from core.media.guarded_process import GuardedProcess
from core.media.limits import DEFAULT_SOUND_LIMITS, SoundLimits
from core.media.messages import DETAILS, THE_END
from core.media.sources import open_source
from core.structures import AudioChunk, FloatArray

MAX_PIECE_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class SoundInfo:
    """What a sound's header says. rate_hz: samples a second; duration_s: seconds, None where the file does not say."""

    rate_hz: int
    channels: int
    duration_s: float | None


def mono_samples(samples: npt.NDArray[np.generic]) -> FloatArray:
    """(N,) float32 mean of the channels of (N,) or (N, channels) samples.

    Integers are scaled by their type's range to [-1, 1) (8 bits are unsigned, as in WAV files), floats are taken as
    they are; values that are not finite become 0. InputError: another shape or type.
    """
    if samples.ndim not in (1, 2) or samples.dtype.kind not in "iuf" or (samples.ndim == 2 and samples.shape[1] == 0):
        raise InputError(
            f"A sound must be numbers of shape (n,) or (n, channels), but came {samples.shape} {samples.dtype}."
        )
    values: FloatArray = samples.astype(np.float32 if samples.dtype.kind == "f" else np.float64)
    if samples.dtype.kind in "iu":
        half = 2.0 ** (8 * samples.dtype.itemsize - 1)
        values = (values - half if samples.dtype.kind == "u" else values) / half
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    return np.asarray(values if values.ndim == 1 else values.mean(axis=1), np.float32)


def is_sound(source: Path | bytes) -> bool:
    """Whether the content is that of a container that may hold sound, videos included; the name plays no part."""
    if isinstance(source, bytes):
        return sound_container(source[:HEAD_BYTES]) is not None
    try:
        with Path(source).open("rb") as file:
            return sound_container(file.read(HEAD_BYTES)) is not None
    except OSError:
        return False


def probe_sound(source: Path | bytes, limits: SoundLimits = DEFAULT_SOUND_LIMITS) -> SoundInfo:
    """Rate, channels and length; the first samples are decoded, so a sound without good ones is refused. MediaError."""
    with _start("sound details", source, limits) as child:
        return _details(child)


def read_sound(source: Path | bytes, limits: SoundLimits = DEFAULT_SOUND_LIMITS) -> Generator[AudioChunk, None, None]:
    """The sound in pieces of about half a second in its own rate, mixed to mono, each with its own time from the file.

    source: a path, or a file's bytes; WAV (8 to 32 bits, float, A-law and others), FLAC, MP3, Ogg, M4A, AIFF, or a
    video, by content. Decoded in a child process bounded by `limits` while the caller works, so a long sound is never
    held whole; closing the generator early ends the child. A cut off file ends where its data end.
    MediaError: absent, empty, no sound, damaged from the start, or more than `limits`.
    """
    with _start("sound", source, limits) as child:
        rate_hz = _details(child).rate_hz
        while True:
            header = child.read_header(MAX_PIECE_BYTES)
            if header.kind == THE_END:
                return
            samples = np.empty((header.height, header.width), np.float32)
            child.read_into(samples.data.cast("B"))
            yield AudioChunk(mono_samples(samples), rate_hz, header.timestamp_s)


def load_sound(source: Path | bytes, max_duration_s: float, limits: SoundLimits = DEFAULT_SOUND_LIMITS) -> AudioChunk:
    """The whole sound as one piece that starts at time 0, silence where the file has gaps.

    MediaError: as `read_sound`, and where it is longer than `max_duration_s`.
    """
    pieces: list[FloatArray] = []
    length, rate_hz = 0, 1
    for chunk in read_sound(source, limits):
        rate_hz = chunk.rate_hz
        gap = max(0, round(chunk.timestamp_s * rate_hz) - length)
        if length + gap + len(chunk.samples) > max_duration_s * rate_hz:
            raise MediaError(f"The sound is longer than {max_duration_s / 60:.0f} minutes. Cut it into parts.")
        pieces += [np.zeros(gap, np.float32), chunk.samples]
        length += gap + len(chunk.samples)
    return AudioChunk(np.concatenate(pieces), rate_hz, 0.0)


def _details(child: GuardedProcess) -> SoundInfo:
    header = child.read_header(0)
    if header.kind != DETAILS:
        raise MediaError("The sound's details could not be read: the decoder answered something else.")
    return SoundInfo(**json.loads(child.read_text(header)))


def _start(kind: str, source: Path | bytes, limits: SoundLimits) -> GuardedProcess:
    file = open_source(source, "The sound")
    container = sound_container(file.head)
    if container is None:
        raise MediaError(
            f"{file.label} is not a sound that can be read. Give a WAV, FLAC, MP3, Ogg or M4A file, or a video."
        )
    bounds = asdict(limits)
    del bounds["process"]
    request = {"kind": kind, "path": file.path, "container": container, "limits": bounds}
    return GuardedProcess(file.label, request, file.payload, limits.process)
