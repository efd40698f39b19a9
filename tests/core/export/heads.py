"""The heads that are exported in tests, and what other programs should show of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.blendshapes import INDEX
from core.head_model.builtin import load_builtin_rig
from core.head_model.heads import load_head
from core.head_model.rig import HeadRig
from core.head_model.skinning import JOINT_NAMES

HEADS = ("builtin", "ict", "flame")
SHOWN = {"jawOpen": 0.75, "eyeBlinkLeft": 1.0, "mouthSmileRight": 0.5, "tongueOut": 0.25}


@pytest.fixture(scope="module", params=HEADS)
def head(request, shared_file) -> HeadRig:
    """Each base head; FLAME's is the made-up model of its own tests, for the real one is not free."""
    if request.param == "builtin":
        return load_builtin_rig()
    if request.param == "ict":
        return load_head("ict", shared_file("models/ict_facekit.npz").parent)
    from core.head_model.flame import assemble
    from tests.core.head_model.flame_builder import flame_file, ibug_embedding, mediapipe_embedding

    return assemble("FLAME", flame_file(), ibug_embedding(), mediapipe_embedding()).model.rig()


def node_name(part: str) -> str:
    """What a part's node is called in the file; eyes share their names with joints."""
    name = "head" if part == "skin" else part
    return f"{name}Mesh" if name in JOINT_NAMES else name


def shown_vertices(rig: HeadRig, weights: dict[str, float]) -> np.ndarray:
    """(V, 3) what a program that only knows glTF shows: the shapes' sum, without our correctives."""
    coefficients = np.zeros(52, np.float32)
    for name, weight in weights.items():
        coefficients[INDEX[name]] = weight
    return replace(rig, correctives=(), pose_correctives=None).shaped_vertices(coefficients)
