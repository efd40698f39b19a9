"""The heads a rig can be made from, by name: the built-in one and those of optional model packs."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from core.errors import ModelPackError
from core.head_model.builtin import load_builtin_rig
from core.head_model.ict import load_ict_rig
from core.head_model.ict_obj import NEUTRAL_FILE
from core.head_model.rig import HeadRig

HEAD_NAMES: tuple[str, ...] = ("builtin", "ict", "flame")
ICT_FILE = "ict_facekit.npz"
ICT_FOLDER = "ICT-FaceKit/FaceXModel"  # as the official repository has it
FLAME_FILES: tuple[str, ...] = (
    "flame2023/flame2023_Open.pkl", "flame2023/flame2023.pkl", "flame2020/generic_model.pkl",
)  # fmt: skip
"""Best licence first."""
FLAME_MODULE, FLAME_LOADER = "core.head_model.flame", "load_flame_rig"


def load_head(name: str, models_dir: Path) -> HeadRig:
    """The head of this name, shared and immutable; packs are looked for in `models_dir`.

    ModelPackError: the name is unknown, or the pack is absent, damaged, or not yet readable by this version.
    """
    if name == "builtin":
        return load_builtin_rig()
    if name == "ict":
        return load_ict_rig(_ict_place(models_dir) or models_dir / ICT_FILE)
    if name == "flame":
        return _load_flame(models_dir)
    raise ModelPackError(f"There is no head '{name}'. Known are {', '.join(HEAD_NAMES)}.")


def available_heads(models_dir: Path) -> tuple[str, ...]:
    """The names that `load_head` can be asked for: their files lie in `models_dir`. Contents are not looked at."""
    found = ["builtin"]
    if _ict_place(models_dir) is not None:
        found.append("ict")
    if _flame_file(models_dir) is not None and find_spec(FLAME_MODULE) is not None:
        found.append("flame")
    return tuple(found)


def _ict_place(models_dir: Path) -> Path | None:
    if (models_dir / ICT_FILE).is_file():
        return models_dir / ICT_FILE
    folder = models_dir / ICT_FOLDER
    return folder if (folder / NEUTRAL_FILE).is_file() else None


def _flame_file(models_dir: Path) -> Path | None:
    return next((models_dir / name for name in FLAME_FILES if (models_dir / name).is_file()), None)


def _load_flame(models_dir: Path) -> HeadRig:
    path = _flame_file(models_dir)
    if path is None:
        raise ModelPackError(
            f"No FLAME model lies in {models_dir}. Register at https://flame.is.tue.mpg.de, accept the licence, "
            f"and put one there as {', '.join(FLAME_FILES)}."
        )
    if find_spec(FLAME_MODULE) is None:
        raise ModelPackError("This version cannot read FLAME models yet. Use the head 'builtin' or 'ict'.")
    load: Callable[[Path], HeadRig] = getattr(importlib.import_module(FLAME_MODULE), FLAME_LOADER)
    return load(path)
