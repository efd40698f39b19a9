"""What a foreign picture, video or sound may cost until it is refused. The child imports this: keep it light."""

from __future__ import annotations

from dataclasses import dataclass

MAX_PIXELS = 33_177_600  # 7680 x 4320 ("8K"): ample for faces, and 100 MB as RGB
GIBIBYTE = 1 << 30


@dataclass(frozen=True, slots=True)
class ProcessLimits:
    """What the child process may use.

    memory_bytes: address space, shared libraries and thread stacks included. cpu_s: processor time in all.
    patience_s: wall time that the parent waits for the next thing from the child before it kills it.
    """

    memory_bytes: int
    cpu_s: int
    patience_s: float


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """Bounds for one picture. max_pixels: width times height; max_bytes: size of the file."""

    max_pixels: int = MAX_PIXELS
    max_bytes: int = 256 << 20
    process: ProcessLimits = ProcessLimits(memory_bytes=3 * GIBIBYTE, cpu_s=20, patience_s=30.0)


@dataclass(frozen=True, slots=True)
class VideoLimits:
    """Bounds for one video. max_pixels: of a frame; max_streams: video, sound and other streams in the file."""

    max_pixels: int = MAX_PIXELS
    max_streams: int = 32
    max_frames: int = 216_000  # an hour at 60 Hz
    max_duration_s: float = 3600.0
    process: ProcessLimits = ProcessLimits(memory_bytes=4 * GIBIBYTE, cpu_s=3600, patience_s=30.0)


@dataclass(frozen=True, slots=True)
class SoundLimits:
    """Bounds for one sound. max_streams: video, sound and other streams in the file; rates in samples a second."""

    max_streams: int = 32
    max_channels: int = 64
    min_rate_hz: int = 1000
    max_rate_hz: int = 768_000
    max_duration_s: float = 4 * 3600.0
    process: ProcessLimits = ProcessLimits(memory_bytes=4 * GIBIBYTE, cpu_s=3600, patience_s=30.0)


DEFAULT_IMAGE_LIMITS = ImageLimits()
DEFAULT_VIDEO_LIMITS = VideoLimits()
DEFAULT_SOUND_LIMITS = SoundLimits()
