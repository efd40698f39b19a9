"""The child process that decodes: `python -m core.media.worker`, started by `core.media.guarded_process`.

It imports what one request needs and no more (no numpy): the start is most of the time that a picture takes.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from core.errors import MediaError
from core.media.limits import ProcessLimits, SoundLimits, VideoLimits
from core.media.messages import DETAILS, PICTURE, REFUSAL, SOUND, THE_END, Header

TOO_MUCH_MEMORY = "needs more memory to decode than is allowed. Make it smaller and try again."


class Answers:
    """The way back to the parent."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def send(self, header: Header, payload: bytes | memoryview = b"") -> None:
        """Write one message whole."""
        for part in (memoryview(header.pack()), memoryview(payload).cast("B")):
            while part:
                part = part[os.write(self._descriptor, part) :]

    def send_text(self, kind: bytes, text: str) -> None:
        """Write one message whose payload is text."""
        data = text.encode()
        self.send(Header(kind, length=len(data)), data)


def apply_limits(limits: ProcessLimits) -> None:
    """Bound this process; what the system does not know how to bound is left to the parent's patience."""
    with suppress(ImportError):
        import resource

        for kind, value in (
            (resource.RLIMIT_AS, limits.memory_bytes),
            (resource.RLIMIT_CPU, limits.cpu_s),
            (resource.RLIMIT_FSIZE, 0),
            (resource.RLIMIT_CORE, 0),
        ):
            with suppress(ValueError, OSError):
                resource.setrlimit(kind, (value, value))


def answer_image(source: BinaryIO, request: dict[str, Any], answers: Answers) -> None:
    """Send what its camera wrote down, then the one picture."""
    from core.media.image_decoder import decode_image

    image, focal = decode_image(source, request["max_pixels"])
    answers.send_text(DETAILS, json.dumps({"focal_per_long_side": focal}))
    pixels = image.tobytes()
    answers.send(Header(PICTURE, image.width, image.height, 3 * image.width, length=len(pixels)), pixels)


def answer_video(source: BinaryIO, request: dict[str, Any], answers: Answers) -> None:
    """Send every frame, or the details alone."""
    from core.media.video_decoder import open_video

    with open_video(source, request["container"], VideoLimits(**request["limits"])) as video:
        if request["kind"] == "details":
            answers.send_text(DETAILS, json.dumps(video.details()))
            return
        for f in video.frames():
            header = Header(PICTURE, f.width, f.height, f.stride, f.quarter_turns, f.timestamp_s, f.rows.nbytes)
            answers.send(header, f.rows)
    answers.send(Header(THE_END))


def answer_sound(source: BinaryIO, request: dict[str, Any], answers: Answers) -> None:
    """Send the details, then every piece where more was asked for."""
    from core.media.sound_decoder import open_sound

    with open_sound(source, request["container"], SoundLimits(**request["limits"])) as sound:
        answers.send_text(DETAILS, json.dumps(sound.details()))
        if request["kind"] == "sound details":
            return
        for piece in sound.pieces():
            stride = 4 * sound.channels
            count = len(piece.samples) // stride
            header = Header(SOUND, sound.channels, count, stride, 0, piece.timestamp_s, len(piece.samples))
            answers.send(header, piece.samples)
    answers.send(Header(THE_END))


ANSWERS = {
    "image": answer_image,
    "frames": answer_video,
    "details": answer_video,
    "sound": answer_sound,
    "sound details": answer_sound,
}


@contextmanager
def _opened(request: dict[str, Any], requests: BinaryIO) -> Iterator[BinaryIO]:
    if request["path"] is None:
        yield io.BytesIO(requests.read())
        return
    with Path(request["path"]).open("rb") as file:
        yield file


def main() -> None:
    """Answer one request, then end."""
    descriptor = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints must not land between the messages
    answers = Answers(descriptor)
    requests = sys.stdin.buffer
    request = json.loads(requests.readline())
    apply_limits(ProcessLimits(**request["process"]))
    answer = ANSWERS[request["kind"]]
    try:
        with _opened(request, requests) as source:
            answer(source, request, answers)
    except BrokenPipeError:
        return  # the parent has seen enough
    except OSError as error:
        answers.send_text(REFUSAL, f"could not be read: {error.strerror or error}.")
    except MediaError as error:
        answers.send_text(REFUSAL, str(error))
    except MemoryError:
        answers.send_text(REFUSAL, TOO_MUCH_MEMORY)


if __name__ == "__main__":
    main()
