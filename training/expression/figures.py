"""Heads to draw: people of the ICT-FaceKit pack and relatives of the built-in head, each with shapes of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from core.bench.truth_heads import ict_modes, ict_path, ict_person, relative, with_skin
from core.blendshapes import ARKIT_NAMES, COUNT, INDEX, MIRROR, REGIONS
from core.head_model.builtin import load_builtin_rig
from core.head_model.rig import HeadRig

FAMILIES = ("ict", "plain", "builtin")
HAND_M, BEND_M, MIDDLE_M = 0.025, 0.04, 0.01  # how far unevenness, bends and the middle of the face reach


def shape_mixture(rng: np.random.Generator, spread: float = 0.18, leaking: float = 0.04) -> np.ndarray:
    """(52, 52) what each shape of this head is made of: its own at another strength, and a little of its neighbours.

    Nobody's smile is another's: strengths 0.7 to 1.4, alike on both sides up to 5 %; a quarter of the heads keep the
    model's own shapes. spread: of the strengths; leaking: of what is taken from neighbours.
    """
    mixture = np.eye(COUNT)
    if rng.random() < 0.25:
        return mixture
    strength = np.clip(np.exp(rng.normal(0.0, spread, COUNT)), 0.7, 1.4)
    strength = np.minimum(strength, strength[list(MIRROR)]) * np.exp(rng.normal(0, 0.03, COUNT))
    leak = rng.normal(0.0, leaking, (COUNT, COUNT))
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


def strange_mixture(rng: np.random.Generator) -> np.ndarray:
    """(52, 52) as `shape_mixture`, of strengths farther apart and with more of the neighbours; but lids shut."""
    mixture = shape_mixture(rng, 0.25, 0.07)
    for name in ("eyeBlinkLeft", "eyeBlinkRight"):
        lid = INDEX[name]
        mixture[lid] *= 0.3
        mixture[lid, lid] = np.exp(rng.normal(0, 0.04))
    return mixture


def by_other_hands(rest: np.ndarray, shapes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(52, V, 3) the shapes as somebody else would have made them: here weaker, there stronger, and a little askew,
    smoothly over the face and alike on both sides. rest: (V, 3), shapes: (52, V, 3), metres."""
    uneven, askew = rng.uniform(0.0, 0.35), rng.uniform(0.0, 0.25)
    size = np.linalg.norm(shapes, axis=2)
    made = np.empty_like(shapes)
    for number, name in enumerate(ARKIT_NAMES):
        share = 0.3 if name.startswith(("eyeBlink", "mouthClose")) else 1.0  # lids still meet, and so do lips
        fields = smooth_fields(rest, 4, HAND_M, rng)
        strength = np.clip(1.0 + share * uneven * fields[0], 0.4, 1.7)
        tilt = share * askew * fields[1:].T * _sides(rest)
        made[number] = strength[:, None] * shapes[number] + size[number][:, None] * tilt
    return made


def smooth_fields(points: np.ndarray, count: int, length_m: float, rng: np.random.Generator) -> np.ndarray:
    """(count, V) of about unit variance, slow in space, alike on both sides of x = 0. points: (V, 3) metres."""
    waves = rng.normal(0, 1 / length_m, (3, 3 * count))
    phases = rng.uniform(0, 2 * np.pi, 3 * count)
    folded = np.c_[np.hypot(points[:, 0], MIDDLE_M), points[:, 1:]]
    values = np.cos(folded.astype(np.float32) @ waves.astype(np.float32) + phases.astype(np.float32))
    return np.sqrt(2 / 3) * values.reshape(len(points), count, 3).sum(2).T


def bent(points: np.ndarray, shapes: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The head (V, 3) and its shapes (52, V, 3) in a smoothly bent space: proportions that no identity of a model
    has. Metres."""
    reach, state = rng.uniform(0.0, 0.0035), rng.integers(2**32)

    def moved(these: np.ndarray) -> np.ndarray:
        fields = smooth_fields(these, 3, BEND_M, np.random.default_rng(state)).T
        return these + reach * fields * _sides(these)

    rest = moved(points)
    return rest, np.stack([moved(points + shape) - rest for shape in shapes])


def _sides(points: np.ndarray) -> np.ndarray:
    """(V, 3) what turns a field that is alike on both sides into mirrored movement, smooth in the middle."""
    sides = np.ones_like(points)
    sides[:, 0] = np.tanh(points[:, 0] / MIDDLE_M)
    return sides


def rig_of(
    family: str, seed: int, models: Path | None, rng: np.random.Generator, *, is_strange: bool = False
) -> HeadRig:
    """The head of this seed, with skin and shapes of its own. family: "ict" or "builtin"; is_strange: with shapes by
    other hands."""
    if family == "ict":
        path = ict_path(models) if models is not None else None
        if path is None:
            raise FileNotFoundError("There is no ICT-FaceKit pack to draw people of.")
        rig = ict_person(ict_modes(path), seed, rng.uniform(0.6, 1.3), 100)
    else:
        rig = load_builtin_rig() if rng.random() < 0.05 else relative(seed)
    rig = with_skin(rig, seed)
    mixture = strange_mixture(rng) if is_strange else shape_mixture(rng)
    mixed = np.einsum("st,tvd->svd", mixture, rig.shapes, optimize=True)
    if is_strange:
        mixed = by_other_hands(rig.vertices, mixed, rng)
    return replace(rig, shapes=mixed.astype(np.float32))
