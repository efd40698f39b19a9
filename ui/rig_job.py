"""A rig being built in the background: photos in, phases out, a rig or plain words at the end."""

from __future__ import annotations

import logging
import re
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.assets.registry import models_folder
from core.errors import Cancelled, InputError, LiveAvatarError
from core.head_model.heads import load_head
from core.head_model.rig import HeadRig
from core.media.videos import is_video
from core.rig_maker import make_rig, read_pictures
from core.rig_maker_guided import refine_with_poses
from core.structures import FaceLandmarks

MEBIBYTE = 1 << 20
PHOTO_LIMIT_MIB = 25
VIDEO_LIMIT_MIB = 200
MAX_FILE_NAME = 80
UNEXPECTED = "Something went wrong while the head was made. Try another photo; the server's log says more."

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that the visitor gave."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class JobState:
    """Where the work stands. fraction in [0, 1]; rig: the result; problem: plain words; both absent while it runs,
    and after a cancel."""

    phase: str = "Reading the pictures"
    fraction: float = 0.0
    is_done: bool = False
    rig: HeadRig | None = None
    problem: str = ""
    source_kind: str = "photo"


def require_fitting(uploads: Sequence[Upload]) -> None:
    """Raises InputError for a file over its limit: 25 MB a photo, 200 MB a video, told apart by content."""
    for upload in uploads:
        is_film = is_video(upload.content)
        limit = VIDEO_LIMIT_MIB if is_film else PHOTO_LIMIT_MIB
        if len(upload.content) > limit * MEBIBYTE:
            size = len(upload.content) / MEBIBYTE
            kind = "video" if is_film else "photo"
            raise InputError(
                f"A {kind} may have up to {limit} MB, but {upload.name} has {size:.0f} MB. Give a smaller one."
            )


def safe_file_name(name: str) -> str:
    """A file name for this upload on our own disk that still reads as the visitor's; its suffix stays."""
    plain = re.sub(r"[^\w.\- ]", "_", name.replace("\\", "/").rsplit("/", 1)[-1])
    return plain[-MAX_FILE_NAME:].lstrip(". ") or "file"


class RigJob:
    """Builds one rig in its own thread; every method may be called from any thread.

    head: the name of the base head, see `core.head_model.heads`; refine: by the skin's shading, see `make_rig`.
    """

    def __init__(self, uploads: Sequence[Upload], name: str, head: str = "builtin", refine: bool = False) -> None:
        self._uploads = tuple(uploads)
        self._name = name
        self._head, self._refine = head, refine
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._state = JobState(source_kind="video" if any(is_video(u.content) for u in uploads) else "photo")
        self._thread = threading.Thread(target=self._run, name="rig-job", daemon=True)
        self._thread.start()

    def state(self) -> JobState:
        """Where the work stands now."""
        with self._lock:
            return self._state

    def cancel(self) -> None:
        """Asks the work to stop; it does so at its next step."""
        self._cancelled.set()

    def join(self, timeout_s: float) -> bool:
        """Waits for the end; whether it came."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _update(self, **changes: object) -> None:
        with self._lock:
            self._state = replace(self._state, **changes)  # type: ignore[arg-type]

    def _run(self) -> None:
        try:
            self._update(rig=self._build())
        except Cancelled:
            pass
        except LiveAvatarError as error:
            self._update(problem=str(error))
        except Exception:
            logger.exception("Building a rig failed")
            self._update(problem=UNEXPECTED)
        finally:
            self._uploads = ()
            self._update(is_done=True)

    def _build(self) -> HeadRig:
        require_fitting(self._uploads)
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for number, upload in enumerate(self._uploads):
                path = Path(folder) / str(number) / safe_file_name(upload.name)  # messages name the file
                path.parent.mkdir()
                path.write_bytes(upload.content)
                paths.append(path)
            pictures = read_pictures(paths)
        self._update(phase="Loading the base head")
        base = load_head(self._head, models_folder())
        rig = make_rig(
            pictures,
            self._name,
            base=base,
            progress=lambda phase, fraction: self._update(phase=phase, fraction=min(max(fraction, 0.0), 1.0)),
            is_cancelled=self._cancelled.is_set,
            refine=self._refine,
        )
        return replace(rig, details={**rig.details, "pictures_given": len(pictures)})


class RefineJob(RigJob):
    """Refines a head by a guided recording. held: the faces of each pose by its name."""

    def __init__(self, rig: HeadRig, held: Mapping[str, Sequence[FaceLandmarks]]) -> None:
        self._rig, self._held = rig, held
        super().__init__((), rig.name)
        self._update(phase="Learning how your face moves", fraction=0.5, source_kind="guided")

    def _build(self) -> HeadRig:
        refined, _ = refine_with_poses(self._rig, self._held)
        if self._cancelled.is_set():
            raise Cancelled("Stopped. Nothing was kept.")
        return refined
