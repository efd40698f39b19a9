"""The optional model packs: what each is, where it is to be had, and whether it lies in the models folder.

Nothing here is needed to run. A pack that is present makes one part better; one that is absent is never missed.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from core.errors import ModelPackError

MODELS_VARIABLE = "LIVE_AVATAR_MODELS"
DEFAULT_MODELS_DIR = Path("models")


class PackStatus(Enum):
    """Whether a pack's file lies in the models folder, and is the right one."""

    PRESENT = "present"
    ABSENT = "absent"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class ModelPack:
    """One optional model file.

    file: path inside the models folder. page: the official place, where a person gets it. improves: what gets better
    with it. used: whether this version can use it. url, size_bytes, sha256: known only where anybody may fetch it.
    also: other places inside the models folder where people have it, as its users' programs lay it down.
    """

    name: str
    title: str
    file: str
    licence: str
    page: str
    improves: str
    used: bool = False
    url: str | None = None
    size_bytes: int | None = None
    sha256: str | None = None
    also: tuple[str, ...] = ()

    def path(self, models_dir: Path | None = None) -> Path:
        """Where the file lies, in whatever case it is spelled, or would lie."""
        folder = models_dir or models_folder()
        found = (spelled_path(folder, place) for place in (self.file, *self.also))
        return next((path for path in found if path is not None), folder / self.file)


_MPI_LICENCE = "Max Planck Institute, non-commercial research, registration"

PACKS: tuple[ModelPack, ...] = (
    ModelPack(
        name="face_landmarker",
        title="MediaPipe Face Landmarker",
        file="face_landmarker.task",
        licence="Apache-2.0",
        page="https://ai.google.dev/edge/mediapipe/solutions/vision/face_landmarker",
        improves="landmarks: the newer face network, with MediaPipe's own 52 scores beside it for comparison",
        used=True,
        url="https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/1/face_landmarker.task",
        size_bytes=3_758_596,
        sha256="64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
    ),
    ModelPack(
        name="flame2020",
        title="FLAME 2020",
        file="flame2020/generic_model.pkl",
        licence=_MPI_LICENCE,
        page="https://flame.is.tue.mpg.de/download.php",
        improves="identity: the head model whose codes DECA, EMOCA and SPECTRE speak, for `rig --head flame`",
        used=True,
        also=(
            "FLAME2020/geometry/generic_model.pkl",
            "FLAME/generic_model.pkl",
            "FLAME/geometry/generic_model.pkl",
            "FLAME/FLAME2020/generic_model.pkl",
            "data/generic_model.pkl",
            "generic_model.pkl",
        ),
    ),
    ModelPack(
        name="flame2023",
        title="FLAME 2023",
        file="flame2023/flame2023.pkl",
        licence=_MPI_LICENCE,
        page="https://flame.is.tue.mpg.de/download.php",
        improves="identity: a revised eye region, for `rig --head flame`; its expression codes do not fit FLAME 2020",
        used=True,
        also=(
            "flame2023/flame2023_no_jaw.pkl",
            "FLAME/flame2023.pkl",
            "FLAME/FLAME2023/flame2023.pkl",
            "FLAME/flame2023_no_jaw.pkl",
            "flame2023.pkl",
            "flame2023_no_jaw.pkl",
        ),
    ),
    ModelPack(
        name="flame2023_open",
        title="FLAME 2023 Open",
        file="flame2023/flame2023_Open.pkl",
        licence="CC-BY-4.0 (the model; not its texture space)",
        page="https://flame.is.tue.mpg.de/download.php",
        improves="identity: FLAME's head with a licence that allows any use, for `rig --head flame`",
        used=True,
        also=(
            "FLAME2023_Open/flame2023_Open.pkl",
            "FLAME/flame2023_Open.pkl",
            "FLAME/FLAME2023/flame2023_Open.pkl",
            "flame2023_Open.pkl",
        ),
    ),
    ModelPack(
        name="ict_facekit",
        title="ICT-FaceKit (light)",
        file="ICT-FaceKit/FaceXModel/generic_neutral_mesh.obj",
        licence="MIT",
        page="https://github.com/USC-ICT/ICT-FaceKit",
        improves="identity: a finer scanned head with its own 51 shapes and teeth, for `rig --head ict`",
        used=True,
        also=("ict_facekit.npz",),
    ),
    ModelPack(
        name="deca",
        title="DECA",
        file="deca/deca_model.tar",
        licence=_MPI_LICENCE,
        page="https://deca.is.tue.mpg.de",
        improves="identity: shape, albedo and light from one photo; needs FLAME 2020",
    ),
    ModelPack(
        name="emoca",
        title="EMOCA v2",
        file="emoca/EMOCA_v2_lr_mse_20.zip",
        licence=_MPI_LICENCE,
        page="https://emoca.is.tue.mpg.de",
        improves="expression: emotion-aware expression codes from one picture; needs FLAME 2020",
    ),
    ModelPack(
        name="spectre",
        title="SPECTRE",
        file="spectre/spectre_model.tar",
        licence="CC-BY-NC-SA-4.0",
        page="https://github.com/filby89/spectre",
        improves="expression: mouth shapes that can be lip-read, from video; needs FLAME 2020",
    ),
    ModelPack(
        name="emotion2vec",
        title="emotion2vec+ base",
        file="emotion2vec/model.pt",
        licence="FunASR model licence 1.1 (attribution; read its section 3 before commercial use)",
        page="https://huggingface.co/emotion2vec/emotion2vec_plus_base",
        improves="emotion from speech",
    ),
)


def models_folder() -> Path:
    """The folder of the packs: `LIVE_AVATAR_MODELS`, or `models` in the working folder."""
    return Path(os.environ.get(MODELS_VARIABLE) or DEFAULT_MODELS_DIR)


def spelled_path(folder: Path, place: str) -> Path | None:
    """The file `place` (with slashes) below the folder, upper and lower case alike; None where there is none."""
    if (folder / place).is_file():
        return folder / place
    found = [folder]
    for part in place.split("/"):
        found = [path for parent in found for path in _children(parent) if path.name.casefold() == part.casefold()]
    return next((path for path in found if path.is_file()), None)


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def pack(name: str) -> ModelPack:
    """The pack of this name; ModelPackError names the known ones."""
    for candidate in PACKS:
        if candidate.name == name:
            return candidate
    raise ModelPackError(f"There is no model pack '{name}'. Known are {', '.join(p.name for p in PACKS)}.")


def sha256_of(path: Path) -> str:
    """The file's SHA-256 in hexadecimal, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pack_status(model_pack: ModelPack, models_dir: Path | None = None) -> PackStatus:
    """PRESENT, ABSENT or DAMAGED; size and SHA-256 are compared where they are known."""
    path = model_pack.path(models_dir)
    if not path.is_file():
        return PackStatus.ABSENT
    size = path.stat().st_size
    if size == 0 or (model_pack.size_bytes is not None and size != model_pack.size_bytes):
        return PackStatus.DAMAGED
    if model_pack.sha256 is not None and sha256_of(path) != model_pack.sha256:
        return PackStatus.DAMAGED
    return PackStatus.PRESENT


def find_pack(name: str, models_dir: Path | None = None) -> Path | None:
    """Path of the pack's file, or None where it is absent.

    A damaged file raises ModelPackError: falling back in silence would hide that the pack is not in use.
    """
    model_pack = pack(name)
    path = model_pack.path(models_dir)
    status = pack_status(model_pack, models_dir)
    if status is PackStatus.DAMAGED:
        raise ModelPackError(
            f"{path} is not the published {model_pack.title} file: its size or checksum differs. "
            f"Delete it, or get it again from {model_pack.page}."
        )
    return path if status is PackStatus.PRESENT else None
