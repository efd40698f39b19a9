"""Which of FLAME's companion files lie beside a model, as the programs that use FLAME lay them down."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.assets.registry import spelled_path

FLAME_PACKS: tuple[str, ...] = ("flame2023_open", "flame2023", "flame2020")
"""Names in the registry, best licence first."""
IBUG_FILE, MEDIAPIPE_FILE = "landmark_embedding.npy", "mediapipe_landmark_embedding.npz"
LEFT_LID_FILE, RIGHT_LID_FILE = "l_eyelid.npy", "r_eyelid.npy"
TEXTURE_FILE = "FLAME_texture.npz"


@dataclass(frozen=True, slots=True)
class FlameCompanions:
    """Paths of the files beside `model`, None where absent. lids: left and right, or both None."""

    model: Path
    ibug: Path | None
    mediapipe: Path | None
    left_lid: Path | None
    right_lid: Path | None
    texture: Path | None

    @property
    def missing(self) -> str:
        """What keeps the model from being used, in one line; "" where nothing does.

        One landmark file is enough. With neither nothing says where the face's points lie on the mesh.
        """
        if self.ibug is not None or self.mediapipe is not None:
            return ""
        return (
            f"{self.model.name} needs {IBUG_FILE} or {MEDIAPIPE_FILE} beside it, and neither is there. The second is "
            "'FLAME Mediapipe Landmark Embedding' at https://flame.is.tue.mpg.de/download.php, the first lies in the "
            "folder data of DECA (https://github.com/yfeng95/DECA)."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What is done without, each in one line."""
        found = []
        if self.left_lid is None or self.right_lid is None:
            found.append(
                f"{LEFT_LID_FILE} and {RIGHT_LID_FILE} are not both there: the lids close by a form of our own."
            )
        if self.texture is not None:
            found.append(f"{TEXTURE_FILE} is not used: the skin is painted from the photos.")
        return tuple(found)

    def paths(self) -> tuple[Path, ...]:
        """The model and every companion that is read."""
        companions = (self.ibug, self.mediapipe, self.left_lid, self.right_lid)
        return (self.model, *(path for path in companions if path is not None))


def companions_beside(model: Path) -> FlameCompanions:
    """The companion files in the model's folder, in the one above, or in a folder of their own name in these."""
    return FlameCompanions(
        model,
        *(_beside(model, name) for name in (IBUG_FILE, MEDIAPIPE_FILE, LEFT_LID_FILE, RIGHT_LID_FILE, TEXTURE_FILE)),
    )


def _beside(model: Path, name: str) -> Path | None:
    own_folder = f"{Path(name).stem}/{name}"  # as the official archive unpacks
    places = ((folder, place) for folder in model.parents[:2] for place in (name, own_folder))
    return next((path for path in (spelled_path(*place) for place in places) if path is not None), None)
