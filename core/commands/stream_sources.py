"""The words for a source, and those that need a network: a camera and a video, and the sound of a voice."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InputError, MediaError

if TYPE_CHECKING:
    from core.audio.speech_driver import SpeechDriver
    from core.streaming.sources import Source, SourceFrame
    from core.structures import FaceState, Frame

TAKE_SUFFIXES = (".csv", ".jsonl")
OGG_SOUND_SUFFIXES = (".ogg", ".oga", ".opus")  # Ogg carries video too, and its first bytes do not tell
CAMERA_LOST_S = 3.0


def make_source(words: str, once: bool, token: str) -> Source:
    """The source that these words name: `webcam`, `webcam:1`, `livelink://:11111`, `ws://host:port`, a take, a video,
    the sound of a voice.

    once: a file is not repeated. InputError, StreamError, MediaError, TakeError: it is not there. ModelPackError: the
    speech network is not.
    """
    from core.animation.take_files import load_take
    from core.streaming.sources import PacketSource, StateSource, StreamSource, TakeSource

    name, has_number, number = words.partition(":")
    if name == "webcam":
        if has_number and not number.isdecimal():
            raise InputError(f"Cameras are numbered: webcam:0, webcam:1, but this is '{words}'.")
        return CameraSource(int(number or 0))
    if words.startswith(("ws://", "wss://")):
        return StreamSource(words, token)
    if "://" in words:
        wire, _, address = words.partition("://")
        return PacketSource(wire, *host_and_port(address))
    path = Path(words)
    if not path.is_file():
        raise InputError(f"There is no file {path}. A source is a file, webcam, or an address as livelink://:11111.")
    if path.suffix.lower() in TAKE_SUFFIXES:
        return TakeSource(load_take(path), once)
    return StateSource(_spoken(path, once)) if _is_voice(path) else VideoSource(path, once)


def _is_voice(path: Path) -> bool:
    from core.media.sounds import is_sound
    from core.media.videos import is_video

    return is_sound(path) and (not is_video(path) or path.suffix.lower() in OGG_SOUND_SUFFIXES)


def _spoken(path: Path, once: bool) -> Iterator[FaceState]:
    """The faces of this sound, once or again and again, at times that go on growing."""
    from core.audio.speech_driver import SpeechDriver
    from core.media.sounds import probe_sound

    probe_sound(path)  # a file that is no sound is told now
    driver = SpeechDriver()  # its loading takes a moment, so it comes before the outputs are announced
    return _rounds(path, driver, once)


def _rounds(path: Path, driver: SpeechDriver, once: bool) -> Iterator[FaceState]:
    from core.animation.speech_take import SLICE_S, spoken_states
    from core.media.sounds import read_sound

    offset_s = last_s = 0.0
    while True:
        driver.reset()
        for state in spoken_states(read_sound(path), driver):
            last_s = offset_s + state.timestamp_s
            yield replace(state, timestamp_s=last_s)
        if once or last_s == offset_s:
            return
        offset_s = last_s + SLICE_S


def host_and_port(text: str) -> tuple[str, int]:
    """("", 0) for what is left out of `HOST:PORT`, `:PORT`, `PORT`, `HOST` or `[::1]:PORT`. InputError: no port."""
    host, colon, port = text.rpartition(":")
    if not colon and not text.isdecimal():
        host, port = text, "0"
    if text.endswith("]"):
        host, port = text, "0"
    if not (port or "0").isdecimal() or not 0 <= int(port or 0) <= 65_535:
        raise InputError(f"A port is a number from 1 to 65535, but it is '{port}' in '{text}'.")
    return host.strip("[]"), int(port or 0)


class _Tracked:
    """Frames to faces, in the thread that asks."""

    notice = ""

    def __init__(self) -> None:
        from core.pipeline import Pipeline

        self._pipeline = Pipeline()  # its loading takes seconds, so it comes before the outputs are announced
        self._is_first = True

    def _track(self, frame: Frame, arrived_s: float) -> SourceFrame:
        from core.commands.native_log import quiet_native_log
        from core.pipeline import Notice
        from core.streaming.sources import SourceFrame

        # The network greets its first frame with words that help nobody.
        with quiet_native_log() if self._is_first else nullcontext():
            result = self._pipeline.step(frame)
        self._is_first = False
        self.notice = "" if result.notice is Notice.NONE else str(result.notice)
        return SourceFrame(result.states, arrived_s)

    def _close_tracking(self) -> None:
        self._pipeline.close()


class CameraSource(_Tracked):
    """The camera of this number. A thread takes its frames, so that the newest is at hand. MediaError: no camera."""

    def __init__(self, number: int) -> None:
        from core.commands.native_log import quiet_native_log

        with quiet_native_log():
            import cv2

            self._camera = cv2.VideoCapture(number)
        if not self._camera.isOpened():
            raise MediaError(f"There is no camera {number}, or another program uses it. Close that, or try webcam:1.")
        super().__init__()
        self._camera.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        self._news = threading.Condition()
        self._frame: tuple[Frame, float] | None = None
        self._seen_s = time.monotonic()
        self._stopped = False
        self.is_over = False
        self._thread = threading.Thread(target=self._read, name="camera", daemon=True)
        self._thread.start()

    def next(self, patience_s: float) -> SourceFrame | None:
        """The faces of the newest picture."""
        with self._news:
            if self._frame is None:
                self._news.wait(patience_s)
            newest, self._frame = self._frame, None
        if newest is None:
            if time.monotonic() - self._seen_s > CAMERA_LOST_S:
                self.is_over, self.notice = True, "the camera gives no more pictures"
            return None
        return self._track(*newest)

    def close(self) -> None:
        """Switches the camera off."""
        self._stopped = True
        self._thread.join(CAMERA_LOST_S)
        self._camera.release()
        self._close_tracking()

    def _read(self) -> None:
        import numpy as np

        from core.structures import Frame

        number = 0
        while not self._stopped:
            is_there, picture = self._camera.read()
            arrived_s = time.monotonic()
            if not is_there:
                time.sleep(0.05)
                continue
            image = np.ascontiguousarray(picture[..., ::-1], dtype=np.uint8)  # OpenCV gives blue first
            frame = Frame(image, arrived_s, number)
            number += 1
            with self._news:
                self._frame, self._seen_s = (frame, arrived_s), arrived_s
                self._news.notify()


class VideoSource(_Tracked):
    """A video at its own times, once or again and again; pictures that come too late are left out."""

    LATE_S = 0.15

    def __init__(self, path: Path, once: bool) -> None:
        from core.media.videos import probe_video

        probe_video(path)  # a file that is no video is told now
        super().__init__()
        self._path, self._once = path, once
        self._frames = self._paced()
        self.is_over = False

    def next(self, patience_s: float) -> SourceFrame | None:
        """The faces of the picture whose time has come."""
        frame = next(self._frames, None)
        if frame is None:
            self.is_over = True
            return None
        return self._track(frame, time.monotonic())

    def close(self) -> None:
        """Ends the decoding child."""
        self._frames.close()
        self._close_tracking()

    def _paced(self) -> Generator[Frame, None, None]:
        from core.media.videos import read_video
        from core.structures import Frame

        offset_s = last_s = 0.0
        while True:
            started_s: float | None = None
            for frame in read_video(self._path):
                last_s = offset_s + frame.timestamp_s
                if started_s is None:
                    started_s = time.monotonic() - last_s
                late_s = time.monotonic() - started_s - last_s
                if late_s > self.LATE_S:
                    continue
                time.sleep(max(0.0, -late_s))
                yield Frame(frame.image, last_s, frame.index)
            if self._once or started_s is None:
                return
            offset_s = last_s + 1.0 / 30.0
