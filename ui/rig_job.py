"""A head made beside the page: photos in, phases out, a rig or plain words at the end."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.assets.registry import models_folder
from core.errors import InputError
from core.head_model.heads import load_head
from core.head_model.rig import HeadRig
from core.media.videos import is_video
from core.rig_maker import make_rig, read_pictures
from core.rig_maker_guided import refine_with_poses
from core.structures import FaceLandmarks
from ui.work import Progress, Work

MEBIBYTE = 1 << 20
PHOTO_LIMIT_MIB = 25
VIDEO_LIMIT_MIB = 200
MAX_FILE_NAME = 80
UNEXPECTED = "Something went wrong while the head was made. Try another photo; the server's log says more."


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that the visitor gave."""

    name: str
    content: bytes


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


class RigJob(Work[HeadRig]):
    """Builds one rig from files, of which it keeps none. source_kind: what the rig comes from, photo or video.

    head: the name of the base head, see `core.head_model.heads`; refine: by the skin's shading, see `make_rig`.
    """

    def __init__(self, uploads: Sequence[Upload], name: str, head: str = "builtin", refine: bool = True) -> None:
        self.source_kind = "video" if any(is_video(upload.content) for upload in uploads) else "photo"
        super().__init__(
            "rig-job",
            lambda progress: _build(uploads, name, head, refine, progress),
            _somebody_waits,
            phase="Reading the pictures",
            unexpected=UNEXPECTED,
        )


class RefineJob(Work[HeadRig]):
    """Refines a head by a guided recording. held: the faces of each pose by its name."""

    source_kind = "guided"

    def __init__(self, rig: HeadRig, held: Mapping[str, Sequence[FaceLandmarks]]) -> None:
        super().__init__(
            "rig-job",
            lambda progress: _refine(rig, held, progress),
            _somebody_waits,
            phase="Learning how your face moves",
            fraction=0.5,
        )


def _somebody_waits() -> bool:
    """True: a head is a matter of seconds, and is made to its end or until it is cancelled."""
    return True


def _build(uploads: Sequence[Upload], name: str, head: str, refine: bool, progress: Progress) -> HeadRig:
    require_fitting(uploads)
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, upload in enumerate(uploads):
            path = Path(folder) / str(number) / safe_file_name(upload.name)  # messages name the file
            path.parent.mkdir()
            path.write_bytes(upload.content)
            paths.append(path)
        pictures = read_pictures(paths)
    progress.step(0.0, "Loading the base head")
    base = load_head(head, models_folder())
    rig = make_rig(
        pictures,
        name,
        base=base,
        progress=lambda phase, fraction: progress.step(fraction, phase),
        is_cancelled=progress.is_stopped,
        refine=refine,
    )
    return replace(rig, details={**rig.details, "pictures_given": len(pictures)})


def _refine(rig: HeadRig, held: Mapping[str, Sequence[FaceLandmarks]], progress: Progress) -> HeadRig:
    refined, _ = refine_with_poses(rig, held)
    progress.step(1.0)
    return refined
