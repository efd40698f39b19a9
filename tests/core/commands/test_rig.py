from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from core.bench.footage import drawn_frames
from core.cli import main
from core.commands.rig import tell_unreachable
from core.errors import InputError
from core.head_model.builtin import load_builtin_rig
from core.head_model.rig_glb import load_rig
from core.media.video_writer import VideoWriter
from core.rig_maker import VIDEO_PICTURES, read_pictures


@pytest.fixture
def portrait_path(astronaut, tmp_path):
    path = tmp_path / "portrait.png"
    Image.fromarray(astronaut.image).save(path)
    return path


def write_video(path, pictures):
    height, width = pictures[0].shape[:2]
    with VideoWriter(path, (width, height)) as writer:
        for picture in pictures:
            writer.write(picture)
    return path


def test_a_photo_becomes_a_rig(portrait_path, tmp_path, capsys):
    output = tmp_path / "eileen.glb"
    assert main(["rig", str(portrait_path), "-o", str(output)]) == 0
    assert capsys.readouterr().out == f"{output}\n"
    rig, base = load_rig(output), load_builtin_rig()
    assert rig.name == "eileen"
    assert rig.shapes.shape == base.shapes.shape
    assert np.abs(rig.vertices - base.vertices).max() > 0.001
    assert rig.part("skin").material.texture is not None
    assert main(["rig", str(portrait_path), "--name", "Eileen C.", "-o", str(output)]) == 0
    assert load_rig(output).name == "Eileen C."


def test_a_video_becomes_a_rig(tmp_path):
    video = write_video(tmp_path / "v.mp4", [f.image for f in drawn_frames(load_builtin_rig(), 3, step=10)])
    assert main(["rig", str(video), "-o", str(tmp_path / "rig.glb")]) == 0
    assert load_rig(tmp_path / "rig.glb").name == "rig"


@pytest.mark.parametrize("count", [1, VIDEO_PICTURES - 1, VIDEO_PICTURES, 100, 149])
def test_pictures_are_spread_over_a_video_of_any_length(tmp_path, count):
    levels = np.linspace(20, 230, count)
    video = write_video(tmp_path / "v.mp4", [np.full((64, 64, 3), round(level), np.uint8) for level in levels])
    pictures = read_pictures([video])
    means = np.array([picture.mean() for picture in pictures])
    assert min(count, VIDEO_PICTURES) <= len(pictures) <= 2 * VIDEO_PICTURES
    assert means[0] == pytest.approx(20, abs=4)
    assert means[-1] >= levels[-1] - 210 / min(count, VIDEO_PICTURES) - 4
    assert (np.diff(means) > 0).all()


def test_a_video_goes_alone(portrait_path, tmp_path):
    video = write_video(tmp_path / "v.mp4", [np.zeros((64, 64, 3), np.uint8)] * 2)
    for paths in ([video, portrait_path], [portrait_path, video], [video, video]):
        with pytest.raises(InputError, match="one video"):
            read_pictures(paths)


def test_a_picture_without_a_face_is_said_in_one_line(tmp_path, capsys):
    path = tmp_path / "wall.png"
    Image.new("RGB", (320, 240), (120, 130, 140)).save(path)
    assert main(["rig", str(path), "-o", str(tmp_path / "rig.glb")]) == 1
    err = capsys.readouterr().err
    assert "face" in err.lower()
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "rig.glb").exists()


def test_shapes_that_a_head_borrows_are_told_beside_the_answer(capsys):
    tell_unreachable({"head": "flame", "unreachable": ["cheekPuff", "tongueOut"]})
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.endswith(": cheekPuff, tongueOut\n") and "'flame'" in told.err
    tell_unreachable({"head": "builtin"})
    tell_unreachable({"head": "ict", "unreachable": []})
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("head, words", [("ict", "ICT-FaceKit"), ("flame", "flame.is.tue.mpg.de")])
def test_an_absent_head_is_one_line(portrait_path, tmp_path, capsys, monkeypatch, head, words):
    monkeypatch.setenv("LIVE_AVATAR_MODELS", str(tmp_path / "none"))
    assert main(["rig", str(portrait_path), "--head", head, "-o", str(tmp_path / "rig.glb")]) == 1
    err = capsys.readouterr().err
    assert words in err and len(err.splitlines()) == 1
