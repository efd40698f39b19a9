from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import psutil
import pytest


def moving_square(index: int, size: tuple[int, int]) -> np.ndarray:
    """A grey picture with a red block top left and a bright bar whose place tells the index."""
    width, height = size
    image = np.full((height, width, 3), 90, np.uint8)
    image[: height // 3, : width // 3] = (220, 20, 20)
    x = (index * 4) % (width - 8)
    image[-height // 4 :, x : x + 8] = 240
    return image


@pytest.fixture
def make_video(tmp_path):
    """`make_video("a.mp4", frames=30, size=(160, 120), rate=30, rotation=0)`: path of a synthetic H.264 video."""

    def make(name, frames=30, size=(160, 120), rate=30, rotation=0, container_format=None, options=None):
        path = tmp_path / name
        with av.open(str(path), "w", format=container_format, options=options or {}) as container:
            stream = container.add_stream("libx264", rate=rate, options={"g": "10"})
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            if rotation:
                stream.set_display_rotation(rotation)
            for k in range(frames):
                frame = av.VideoFrame.from_ndarray(moving_square(k, size), "rgb24")
                frame.pts, frame.time_base = k, 1 / Fraction(rate)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return make


@pytest.fixture
def leaves_nothing(tmp_path_factory, monkeypatch):
    """Fails when a child process or a file in the folder for temporary files is left at the end of the test."""
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setenv("TMPDIR", str(folder))
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    yield
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before
    assert list(folder.iterdir()) == []
