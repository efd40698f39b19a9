"""The heads a rig can be made from, by name: the built-in one and those of optional model packs."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

from core.assets.registry import pack
from core.errors import ModelPackError
from core.head_model.builtin import load_builtin_rig
from core.head_model.flame_files import FLAME_PACKS, companions_beside
from core.head_model.ict import load_ict_rig
from core.head_model.ict_obj import NEUTRAL_FILE
from core.head_model.model import HeadModel
from core.head_model.rig import HeadRig

HEAD_TITLES: dict[str, str] = {"builtin": "Built-in", "ict": "ICT-FaceKit", "flame": "FLAME"}
"""Name to what a person reads."""
HEAD_NAMES: tuple[str, ...] = tuple(HEAD_TITLES)
ICT_FILE = "ict_facekit.npz"
ICT_FOLDER = "ICT-FaceKit/FaceXModel"  # as the official repository has it
FLAME_FILES: tuple[str, ...] = tuple(pack(name).file for name in FLAME_PACKS)
FLAME_MODULE, FLAME_LOADER = "core.head_model.flame", "load_flame_rig"
ICT_MODEL_MODULE, BUILTIN_MODEL_MODULE = "core.head_model.ict_shapes", "core.head_model.builtin_model"


def load_head(name: str, models_dir: Path) -> HeadRig:
    """The head of this name, shared and immutable; packs are looked for in `models_dir`.

    ModelPackError in one line: the name is unknown, or the pack is absent, not whole, or damaged.
    """
    problem = missing_for(name, models_dir)
    if problem:
        raise ModelPackError(problem)
    if name == "ict":
        return load_ict_rig(_ict_place(models_dir) or models_dir / ICT_FILE)
    if name == "flame":
        # FLAME's modules are many, and most heads are others: they are imported when asked for.
        load: Callable[[Path], HeadRig] = getattr(importlib.import_module(FLAME_MODULE), FLAME_LOADER)
        return load(_flame_file(models_dir) or models_dir / FLAME_FILES[0])
    return load_builtin_rig()


def load_model(name: str, models_dir: Path) -> HeadModel:
    """The head of this name as a model that can become many people, shared and immutable; as `load_head`.

    A second or two the first time, more for packs.
    """
    problem = missing_for(name, models_dir)
    if problem:
        raise ModelPackError(problem)
    # Most who ask for a head want one, not many: what makes people is imported when asked for.
    if name == "ict":
        load_ict: Callable[[Path], HeadModel] = importlib.import_module(ICT_MODEL_MODULE).load_ict_model
        return load_ict(_ict_place(models_dir) or models_dir / ICT_FILE)
    if name == "flame":
        load_flame: Callable[[Path], HeadModel] = importlib.import_module(FLAME_MODULE).load_flame_model
        return load_flame(_flame_file(models_dir) or models_dir / FLAME_FILES[0])
    load: Callable[[], HeadModel] = importlib.import_module(BUILTIN_MODEL_MODULE).load_builtin_model
    return load()


def available_heads(models_dir: Path) -> tuple[str, ...]:
    """The names for which all files that `load_head` needs lie in `models_dir`. Contents are not looked at."""
    return tuple(name for name in HEAD_NAMES if not missing_for(name, models_dir))


def missing_for(name: str, models_dir: Path) -> str:
    """What keeps `load_head` from this name, and what to do about it, in one line; "" where every file is there."""
    if name not in HEAD_TITLES:
        return f"There is no head '{name}'. Known are {', '.join(HEAD_NAMES)}."
    if name == "ict" and _ict_place(models_dir) is None:
        return (
            f"No ICT-FaceKit model lies in {models_dir}. It is free (MIT): get the folder FaceXModel from "
            f"{pack('ict_facekit').page} and put it there as {ICT_FOLDER}."
        )
    if name == "flame":
        path = _flame_file(models_dir)
        if path is None:
            return (
                f"No FLAME model lies in {models_dir}. Register at https://flame.is.tue.mpg.de, accept the licence, "
                f"and put one there as {', '.join(FLAME_FILES)}."
            )
        return companions_beside(path).missing
    return ""


def _ict_place(models_dir: Path) -> Path | None:
    if (models_dir / ICT_FILE).is_file():
        return models_dir / ICT_FILE
    folder = models_dir / ICT_FOLDER
    return folder if (folder / NEUTRAL_FILE).is_file() else None


def _flame_file(models_dir: Path) -> Path | None:
    paths = (pack(name).path(models_dir) for name in FLAME_PACKS)
    return next((path for path in paths if path.is_file()), None)
