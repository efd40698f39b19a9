"""Shared builders and the way to optional test material."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from core.structures import Frame

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Folder of optional material (more faces, takes, models); may be absent."""
    return Path(os.environ.get("LIVE_AVATAR_SHARED", REPOSITORY.parent / "shared"))


@pytest.fixture(scope="session")
def shared_file(shared_dir):
    """`shared_file("media/images/x.jpg")`: the path, or a skip that names the absent file."""

    def find(relative: str) -> Path:
        path = shared_dir / relative
        if not path.exists():
            pytest.skip(f"optional test material is absent: {relative}")
        return path

    return find


@pytest.fixture(scope="session")
def astronaut() -> Frame:
    """The repository's own test face: NASA's portrait of Eileen Collins, shipped inside scikit-image."""
    from skimage import data

    return Frame(np.ascontiguousarray(data.astronaut()), 0.0)
