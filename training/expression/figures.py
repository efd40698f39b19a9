"""Heads to draw: people of the ICT-FaceKit pack and relatives of the built-in head, each with shapes of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from core.bench.truth_heads import ict_modes, ict_path, ict_person, relative, with_skin
from core.blendshapes import ARKIT_NAMES, COUNT, MIRROR, REGIONS
from core.head_model.builtin import load_builtin_rig
from core.head_model.rig import HeadRig

FAMILIES = ("ict", "plain", "builtin")


def shape_mixture(rng: np.random.Generator) -> np.ndarray:
    """(52, 52) what each shape of this head is made of: its own at another strength, and a little of its neighbours.

    Nobody's smile is another's: strengths 0.7 to 1.4, alike on both sides up to 5 %; a tenth of the heads keep the
    model's own shapes.
    """
    mixture = np.eye(COUNT)
    if rng.random() < 0.25:
        return mixture
    strength = np.clip(np.exp(rng.normal(0.0, 0.18, COUNT)), 0.7, 1.4)
    strength = np.minimum(strength, strength[list(MIRROR)]) * np.exp(rng.normal(0, 0.03, COUNT))
    leak = rng.normal(0.0, 0.04, (COUNT, COUNT))
    leak = 0.5 * (leak + leak[np.ix_(MIRROR, MIRROR)])
    region = {name: number for number, names in enumerate(REGIONS.values()) for name in names}
    numbers = np.array([region[name] for name in ARKIT_NAMES])
    same = (numbers[:, None] == numbers[None]) & ~np.eye(COUNT, dtype=bool)
    looks = np.array([name.startswith(("eyeLook", "tongue")) for name in ARKIT_NAMES])
    same &= ~looks[:, None] & ~looks[None]
    # A shape of one side takes nothing of the other side's: a wink stays a wink.
    side = np.array([name.endswith("Left") - name.endswith("Right") for name in ARKIT_NAMES])
    same &= side[:, None] * side[None] >= 0
    return np.diag(strength) + leak * same


def rig_of(family: str, seed: int, models: Path | None, rng: np.random.Generator) -> HeadRig:
    """The head of this seed, with skin and shapes of its own. family: "ict" or "builtin"."""
    if family == "ict":
        path = ict_path(models) if models is not None else None
        if path is None:
            raise FileNotFoundError("There is no ICT-FaceKit pack to draw people of.")
        rig = ict_person(ict_modes(path), seed, rng.uniform(0.6, 1.3), 100)
    else:
        rig = load_builtin_rig() if rng.random() < 0.05 else relative(seed)
    rig = with_skin(rig, seed)
    mixed = np.einsum("st,tvd->svd", shape_mixture(rng), rig.shapes, optimize=True)
    return replace(rig, shapes=mixed.astype(np.float32))
