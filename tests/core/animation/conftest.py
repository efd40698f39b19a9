from __future__ import annotations

import numpy as np
import pytest

from core.animation.take import Take
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.structures import FaceState


@pytest.fixture
def rich_take() -> Take:
    """Twenty random states that use every field, one of them without a face."""
    rng = np.random.default_rng(5)

    def state(k: int) -> FaceState:
        return FaceState(
            timestamp_s=k / 24,
            face_id=3,
            blendshapes=rng.uniform(0, 1, 52).astype(np.float32),
            head_rotation=rotation_from_yaw_pitch_roll(*rng.uniform(-0.7, 0.7, 3)).astype(np.float32),
            head_translation=rng.normal(size=3).astype(np.float32),
            gaze=rng.uniform(-0.5, 0.5, (2, 2)).astype(np.float32),
            valence=float(rng.uniform(-1, 1)),
            arousal=float(rng.uniform(-1, 1)),
            emotion=rng.dirichlet(np.ones(8)).astype(np.float32),
            confidence=0.75,
        )

    states = [state(k) for k in range(20)]
    states[7] = FaceState.no_face(7 / 24)
    return Take("rich", tuple(states), 24.0, timecode_start_s=86395.0)
