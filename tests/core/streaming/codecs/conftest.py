"""Faces to send: a known one, where every channel has its own value, and random ones."""

from __future__ import annotations

import numpy as np
import pytest

from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.structures import FaceState


def face(seed: int, timestamp_s: float = 0.0) -> FaceState:
    """A random face with every field in use."""
    rng = np.random.default_rng(seed)
    return FaceState(
        timestamp_s=timestamp_s,
        face_id=int(rng.integers(0, 5)),
        blendshapes=rng.uniform(0, 1, 52).astype(np.float32),
        head_rotation=rotation_from_yaw_pitch_roll(*rng.uniform(-0.7, 0.7, 3)).astype(np.float32),
        head_translation=(rng.uniform(-0.2, 0.2, 3) - (0, 0, 0.6)).astype(np.float32),
        gaze=rng.uniform(-0.5, 0.5, (2, 2)).astype(np.float32),
        valence=float(rng.uniform(-1, 1)),
        arousal=float(rng.uniform(-1, 1)),
        emotion=rng.dirichlet(np.ones(8)).astype(np.float32),
        confidence=float(rng.uniform(0.5, 1.0)),
    )


@pytest.fixture(scope="session")
def faces() -> list[FaceState]:
    """Forty random faces, a thirtieth of a second apart."""
    return [face(seed, seed / 30) for seed in range(40)]


@pytest.fixture
def known_face() -> FaceState:
    """Coefficient k is k / 64, exact in float32; yaw 0.25, pitch 0.125, roll -0.0625; eyes left and up."""
    return FaceState(
        timestamp_s=3600.5,
        blendshapes=(np.arange(52) / 64).astype(np.float32),
        head_rotation=rotation_from_yaw_pitch_roll(0.25, 0.125, -0.0625),
        head_translation=np.array([0.03125, -0.0625, -0.5], np.float32),
        gaze=np.array([[0.25, 0.125], [0.1875, 0.0625]], np.float32),
    )
