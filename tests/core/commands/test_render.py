from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from core.animation.take import Take
from core.animation.take_files import save_take
from core.cli import main
from core.commands import render
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.head_model.rig_glb import save_rig
from core.media.video_writer import VideoWriter
from core.media.videos import probe_video, read_video
from core.structures import FaceState
from tests.builders import tiny_rig

RATE_HZ = 10.0


@pytest.fixture
def take_path(tmp_path):
    """Half a second at 30 Hz: the head turns by one radian."""
    path = tmp_path / "take.jsonl"
    turning = [FaceState(k / 30.0, head_rotation=rotation_from_yaw_pitch_roll(k / 15.0, 0.0, 0.0)) for k in range(16)]
    save_take(Take("take", tuple(turning), 30.0), path)
    return path


@pytest.fixture
def rig_path(tmp_path):
    path = tmp_path / "rig.glb"
    save_rig(tiny_rig(), path)
    return path


def write_levels(path, levels, rate_hz):
    """A video whose frames are grey, each of its own level."""
    with VideoWriter(path, (64, 64), rate_hz) as writer:
        for level in levels:
            writer.write(np.full((64, 64, 3), level, np.uint8))


def test_a_video_has_a_frame_for_every_row(take_path, rig_path, tmp_path, capsys):
    output = tmp_path / "out.mp4"
    assert main(["render", str(take_path), "--rig", str(rig_path), "--size", "128x96", "-o", str(output)]) == 0
    assert capsys.readouterr().out == f"{output}\n"
    info = probe_video(output)
    assert (info.width, info.height) == (128, 96)
    assert info.rate_hz == pytest.approx(30.0)
    frames = [frame.image for frame in read_video(output)]
    assert len(frames) == 16
    assert frames[0].std() > 5
    assert np.abs(frames[0].astype(int) - frames[-1]).mean() > 0.5


def test_a_picture_is_taken_at_the_moment_asked_for(take_path, tmp_path):
    pictures = {}
    for at in ("0", "0.25", "0.5"):
        output = tmp_path / f"at{at}.png"
        assert main(["render", str(take_path), "--size", "64", "--at", at, "-o", str(output)]) == 0
        pictures[at] = np.asarray(Image.open(output)).astype(int)
        assert pictures[at].shape == (64, 64, 3)
    output = tmp_path / "middle.png"
    assert main(["render", str(take_path), "--size", "64", "-o", str(output)]) == 0
    assert np.array_equal(np.asarray(Image.open(output)), pictures["0.25"])
    assert np.abs(pictures["0"] - pictures["0.5"]).mean() > 0.5


def test_a_moment_outside_the_take_is_refused(take_path, tmp_path, capsys):
    assert main(["render", str(take_path), "--at", "9", "-o", str(tmp_path / "out.png")]) == 1
    assert "0.50" in capsys.readouterr().err
    assert not (tmp_path / "out.png").exists()


def test_a_video_stands_beside_the_head(take_path, rig_path, tmp_path):
    beside, output = tmp_path / "beside.mp4", tmp_path / "out.mp4"
    write_levels(beside, [40, 200], rate_hz=4.0)
    words = ["--rig", str(rig_path), "--size", "64", "--beside", str(beside), "-o", str(output)]
    assert main(["render", str(take_path), *words]) == 0
    frames = [frame.image for frame in read_video(output)]
    assert frames[0].shape == (64, 128, 3)
    left = np.array([frame[:, :64].mean() for frame in frames])
    # The second grey begins at 0.25 s, half way through the take.
    assert left[:7] == pytest.approx(40, abs=4)
    assert left[9:] == pytest.approx(200, abs=4)
    assert main(["render", str(take_path), "--beside", str(beside), "-o", str(tmp_path / "out.png")]) == 1


@pytest.mark.parametrize(
    ("video_rate_hz", "expected"),
    [(10.0, [10, 60, 110, 160, 160]), (20.0, [10, 110, 160, 160]), (5.0, [10, 10, 60, 60, 110, 110, 160, 160])],
)
def test_pictures_keep_their_time_at_another_rate(tmp_path, video_rate_hz, expected):
    path = tmp_path / "levels.mp4"
    write_levels(path, [10, 60, 110, 160], video_rate_hz)
    pictures = render._pictures_at_rate(path, RATE_HZ)
    assert [float(next(pictures).mean()) for _ in expected] == pytest.approx(expected, abs=4)
