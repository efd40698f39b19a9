"""The whole house on its own truth: portrait to rig, known performance to video, video back to a performance."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from core.animation.demo import demo_take
from core.animation.take_files import load_take, save_take
from core.blendshapes import ARKIT_NAMES
from core.cli import main
from core.geometry.rotation import rotation_angle

FRAMES, RATE_HZ = 300, 30.0
MOVES = 0.02  # standard deviation from which on a channel counts as moving


@pytest.fixture(scope="module")
def loop(astronaut, tmp_path_factory):
    """(truth, tracked) takes of 300 frames, everything through the command line."""
    folder = tmp_path_factory.mktemp("loop")
    Image.fromarray(astronaut.image).save(folder / "portrait.png")
    truth = demo_take(FRAMES / RATE_HZ, RATE_HZ, seed=3)
    save_take(truth, folder / "truth.csv")
    rig, video, tracked = (str(folder / name) for name in ("rig.glb", "video.mp4", "tracked.csv"))
    assert main(["rig", str(folder / "portrait.png"), "-o", rig]) == 0
    assert main(["render", str(folder / "truth.csv"), "--rig", rig, "-o", video]) == 0
    assert main(["track", video, "--rig", rig, "-o", tracked]) == 0
    return truth, load_take(folder / "tracked.csv")


def test_every_frame_is_there_with_a_face(loop):
    truth, tracked = loop
    assert len(truth.states) == len(tracked.states) == FRAMES
    assert all(state.has_face for state in tracked.states)


def test_coefficients_come_back(loop):
    truth, tracked = (np.stack([state.blendshapes for state in take.states]) for take in loop)
    moving = [k for k in range(52) if truth[:, k].std() > MOVES]
    assert len(moving) >= 30
    correlations = {
        ARKIT_NAMES[k]: np.corrcoef(tracked[:, k], truth[:, k])[0, 1] if tracked[:, k].std() > 1e-6 else 0.0
        for k in moving
    }
    assert np.mean(list(correlations.values())) >= 0.6, correlations
    assert np.abs(tracked - truth)[:, moving].mean() < 0.08


def test_head_comes_back(loop):
    truth, tracked = loop
    errors = [
        np.degrees(rotation_angle(b.head_rotation @ a.head_rotation.T))
        for a, b in zip(truth.states, tracked.states, strict=True)
    ]
    assert np.median(errors) < 3.0
