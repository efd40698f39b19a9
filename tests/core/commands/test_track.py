from __future__ import annotations

import numpy as np
import pytest

from core.animation.take_files import load_take
from core.animation.take_smoothing import smoothed_states
from core.bench.footage import drawn_frames
from core.blendshapes import COUNT as COUNT_OF_SHAPES
from core.blendshapes import INDEX
from core.cli import main
from core.expression.smoothing import Smoothing
from core.face_follower import FollowerSettings
from core.geometry.rotation import yaw_pitch_roll
from core.head_model.builtin import load_builtin_rig
from core.head_model.rig_glb import save_rig
from core.media.video_writer import VideoWriter
from core.media.videos import read_video
from core.pipeline import Pipeline, PipelineSettings
from core.rendering.renderer import HeadRenderer
from core.structures import FaceState

COUNT = 40
GREY = np.full((480, 640, 3), 120, np.uint8)


def write_video(path, pictures, rate_hz=30.0):
    height, width = pictures[0].shape[:2]
    with VideoWriter(path, (width, height), rate_hz) as writer:
        for picture in pictures:
            writer.write(picture)
    return path


@pytest.fixture(scope="module")
def frames():
    """The demonstration's first 1.3 s, with a blink at 0.3 s and a smile from 0.5 s on."""
    return [frame.image for frame in drawn_frames(load_builtin_rig(), COUNT)]


def told_live(video):
    """(n, 52) what a camera that saw these frames would tell, made steady as a take."""
    settings = PipelineSettings(follower=FollowerSettings(smoothing=Smoothing.OFF))
    with Pipeline(settings=settings) as pipeline:
        states = [pipeline.step(frame).states[0] for frame in read_video(video)]
    return np.stack([state.blendshapes for state in smoothed_states(states)])


def median_yaw(take):
    return np.median([yaw_pitch_roll(state.head_rotation)[0] for state in take.states if state.has_face])


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_take_has_a_row_for_every_frame(frames, tmp_path, capsys, suffix):
    video, output = write_video(tmp_path / "video.mp4", frames), tmp_path / f"take{suffix}"
    assert main(["track", str(video), "-o", str(output)]) == 0
    assert capsys.readouterr().out == f"{output}\n"
    take = load_take(output)
    assert len(take.states) == COUNT
    assert take.rate_hz == pytest.approx(30.0, abs=0.1)
    assert all(state.has_face for state in take.states)
    smile = take.blendshapes[:, INDEX["mouthSmileLeft"]]
    assert smile[-10:].mean() > smile[:10].mean() + 0.2


def test_the_whole_video_tells_the_neutral(tmp_path):
    """It begins with an open mouth, which a camera, knowing the first second alone, takes partly for the person's."""
    open_mouth = np.zeros(COUNT_OF_SHAPES, np.float32)
    open_mouth[[INDEX["jawOpen"], INDEX["mouthFunnel"]]] = 0.6
    states = [FaceState(i / 30, blendshapes=open_mouth if i < 33 else 0 * open_mouth) for i in range(75)]
    with HeadRenderer(load_builtin_rig(), (640, 480)) as renderer:
        pictures = [renderer.render(state) for state in states]
    video, output = write_video(tmp_path / "video.mp4", pictures), tmp_path / "take.jsonl"
    assert main(["track", str(video), "-o", str(output)]) == 0
    told, live = load_take(output).blendshapes, told_live(video)
    mouth = [INDEX["jawOpen"], INDEX["mouthFunnel"]]
    assert told[20:33, mouth].mean() > live[20:33, mouth].mean() + 0.05
    assert told[-20:].mean() < live[-20:].mean() + 0.01


def test_a_video_of_a_few_frames_is_told_as_a_camera_would(frames, tmp_path):
    video, output = write_video(tmp_path / "video.mp4", frames[:10]), tmp_path / "take.jsonl"
    assert main(["track", str(video), "-o", str(output)]) == 0
    np.testing.assert_allclose(load_take(output).blendshapes, told_live(video), atol=1e-5)


def test_a_rig_of_the_person_is_used(frames, tmp_path):
    video, rig, output = write_video(tmp_path / "v.mp4", frames[:5]), tmp_path / "rig.glb", tmp_path / "take.jsonl"
    save_rig(load_builtin_rig(), rig)
    assert main(["track", str(video), "--rig", str(rig), "-o", str(output)]) == 0
    assert len(load_take(output).states) == 5


def test_frames_without_a_face_keep_their_rows(frames, tmp_path):
    video = write_video(tmp_path / "video.mp4", [*frames[:10], *[GREY] * 50, *frames[10:20]])
    assert main(["track", str(video), "-o", str(tmp_path / "take.jsonl")]) == 0
    states = load_take(tmp_path / "take.jsonl").states
    sure = np.array([state.confidence for state in states])
    assert len(states) == 70
    assert (sure[:9] > 0.5).all()
    assert (np.diff(sure[12:44]) < 0).all()  # a lost face fades
    assert not sure[50:59].any()
    assert (sure[63:] > 0.5).all()
    assert max(np.abs(np.diff([state.blendshapes for state in states[9:65]], axis=0)).ravel()) <= 0.3


def test_each_face_has_its_own_file(frames, tmp_path, capsys):
    # Two heads side by side; the right one is the mirror image, so that it turns the other way.
    pairs = [np.concatenate([image[:, 120:520], image[:, 520:120:-1]], axis=1) for image in frames[:20]]
    video = write_video(tmp_path / "video.mp4", pairs)
    assert main(["track", str(video), "--faces", "2", "-o", str(tmp_path / "take.jsonl")]) == 0
    paths = [tmp_path / "take.jsonl", tmp_path / "take_face2.jsonl"]
    assert capsys.readouterr().out.splitlines() == [str(path) for path in paths]
    left, right = (load_take(path) for path in paths)
    assert len(left.states) == len(right.states) == 20
    assert left.times_s == pytest.approx(right.times_s)
    yaws = [
        np.median([yaw_pitch_roll(s.head_rotation)[0] for s in take.states if s.has_face]) for take in (left, right)
    ]
    assert abs(yaws[0] - yaws[1]) > 0.05


def test_a_video_without_a_face_is_said_in_one_line(tmp_path, capsys):
    video = write_video(tmp_path / "video.mp4", [GREY] * 5)
    assert main(["track", str(video), "-o", str(tmp_path / "take.csv")]) == 1
    assert capsys.readouterr().err.startswith("Error: No frame of video.mp4 shows a face.")
    assert not (tmp_path / "take.csv").exists()


@pytest.mark.parametrize("words", [["--faces", "0"], ["--faces", "99"]])
def test_a_number_of_faces_that_cannot_be_is_refused(frames, tmp_path, capsys, words):
    video = write_video(tmp_path / "video.mp4", frames[:2])
    assert main(["track", str(video), "-o", str(tmp_path / "take.csv"), *words]) == 1
    assert "max_faces" in capsys.readouterr().err


def test_a_file_that_is_no_video_is_refused(tmp_path, capsys):
    (tmp_path / "video.mp4").write_bytes(b"no video at all")
    assert main(["track", str(tmp_path / "video.mp4"), "-o", str(tmp_path / "take.csv")]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
