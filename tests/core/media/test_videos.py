from __future__ import annotations

import os
import signal
import subprocess
import sys
import wave
from pathlib import Path

import av
import numpy as np
import psutil
import pytest

from core.errors import MediaError
from core.media.limits import ProcessLimits, VideoLimits
from core.media.videos import VideoInfo, is_video, probe_video, read_video
from core.structures import Frame
from tests.core.media.conftest import moving_square

pytestmark = pytest.mark.usefixtures("leaves_nothing")


def test_every_frame_comes_with_its_time_and_picture(make_video):
    path = make_video("a.mp4", frames=30, rate=25)
    frames = list(read_video(path))
    assert [f.index for f in frames] == list(range(30))
    np.testing.assert_allclose([f.timestamp_s for f in frames], np.arange(30) / 25, atol=1e-6)
    for k, frame in enumerate(frames):
        assert isinstance(frame, Frame) and frame.image.flags.c_contiguous
        assert np.abs(frame.image.astype(int) - moving_square(k, (160, 120))).mean() < 6


@pytest.mark.parametrize("name", ["a.mov", "a.mkv", "a.avi", "a.ts", "a.mpg"])
def test_other_containers(make_video, name):
    path = make_video(name, frames=20)
    assert is_video(path)
    frames = list(read_video(path))
    assert len(frames) == 20
    assert (np.diff([f.timestamp_s for f in frames]) > 0).all()
    assert abs(frames[0].timestamp_s) < 0.15


def test_row_padding_is_left_out(make_video):
    frames = list(read_video(make_video("odd.mp4", frames=3, size=(158, 90))))
    assert frames[0].size == (158, 90)
    assert np.abs(frames[0].image.astype(int) - moving_square(0, (158, 90))).mean() < 6


def test_bytes_are_read_too(make_video):
    data = make_video("a.mp4", frames=8).read_bytes()
    assert is_video(data)
    assert len(list(read_video(data))) == 8


@pytest.mark.parametrize("rotation", [90, 180, -90])
def test_a_phones_rotation_is_honoured(make_video, rotation):
    path = make_video("phone.mp4", frames=3, rotation=rotation)
    upright = np.rot90(moving_square(0, (160, 120)), rotation // 90)
    image = next(read_video(path)).image
    assert image.shape == upright.shape
    assert np.abs(image.astype(int) - upright).mean() < 6
    info = probe_video(path)
    assert (info.width, info.height) == (upright.shape[1], upright.shape[0])


def test_probe_tells_the_header(make_video):
    info = probe_video(make_video("a.mp4", frames=50, rate=25))
    assert info == VideoInfo(160, 120, 25.0, 50, pytest.approx(2.0))


def test_is_video_goes_by_content(make_video, tmp_path):
    renamed = make_video("a.mp4").rename(tmp_path / "a.jpg")
    assert is_video(renamed)
    text = tmp_path / "b.mp4"
    text.write_text("#EXTM3U\nhttp://example.org/a.ts\n")
    assert not is_video(text)
    assert not is_video(tmp_path / "absent.mp4")
    assert not is_video(b"")


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "is empty"),
        (b"a text\n" * 50, "is not a video that can be read"),
        (b"ffconcat version 1.0\nfile '/etc/passwd'\n", "is not a video"),
        (b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", "is not a video"),
        (b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(400), "damaged or cut off"),
        (b"\x1a\x45\xdf\xa3" + bytes(range(256)), "damaged or cut off"),
    ],
)
def test_what_is_no_video_is_refused_in_plain_words(content, words, tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    for read in (lambda: list(read_video(path)), lambda: probe_video(path)):
        with pytest.raises(MediaError, match=words) as caught:
            read()
        assert str(caught.value).startswith("'clip.mp4' ") and "\n" not in str(caught.value)


def test_sound_alone_is_refused(tmp_path):
    sound = tmp_path / "a.wav"
    with wave.open(str(sound), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(bytes(3200))
    assert not is_video(sound)
    path = tmp_path / "sound.mkv"
    with av.open(str(path), "w") as container, av.open(str(sound)) as source:
        stream = container.add_stream("pcm_s16le", rate=16000)
        for frame in source.decode(audio=0):
            container.mux(stream.encode(frame))
    with pytest.raises(MediaError, match="has no video in it"):
        list(read_video(path))


def test_absent_video(tmp_path):
    with pytest.raises(MediaError, match="was not found"):
        list(read_video(tmp_path / "absent.mp4"))


def test_a_cut_off_video_gives_its_good_frames(make_video, tmp_path):
    whole = make_video("a.mp4", frames=60, options={"movflags": "faststart"}).read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole[: int(len(whole) * 0.7)])
    frames = list(read_video(path))
    assert 10 < len(frames) < 60
    assert np.abs(frames[5].image.astype(int) - moving_square(5, (160, 120))).mean() < 6


def test_a_video_cut_before_its_index_is_refused(make_video, tmp_path):
    path = tmp_path / "cut.mp4"
    path.write_bytes(make_video("a.mp4", frames=60).read_bytes()[:2000])
    with pytest.raises(MediaError, match="damaged or cut off"):
        list(read_video(path))


def test_damaged_videos_never_do_more_than_a_media_error(make_video):
    rng = np.random.default_rng(3)
    whole = np.frombuffer(make_video("a.mp4", frames=12).read_bytes(), np.uint8)
    for _ in range(8):
        data = whole.copy()
        data[rng.integers(0, len(data), 40)] = rng.integers(0, 256, 40)
        try:
            times_s = [frame.timestamp_s for frame in read_video(data.tobytes())]
            assert (np.diff(times_s) > 0).all()
        except MediaError as error:
            assert "\n" not in str(error)


def test_too_large_frames_are_refused_before_decoding(make_video):
    path = make_video("large.mp4", frames=2, size=(640, 480))
    with pytest.raises(MediaError, match="640 x 480 pixels"):
        list(read_video(path, VideoLimits(max_pixels=200_000)))


def test_too_long_videos_are_refused(make_video):
    path = make_video("long.mp4", frames=40)
    with pytest.raises(MediaError, match="too long"):
        list(read_video(path, VideoLimits(max_frames=20)))
    with pytest.raises(MediaError, match="too long"):
        probe_video(path, VideoLimits(max_duration_s=1.0))


def test_a_length_that_the_header_hides_is_bounded_too(make_video):
    path = make_video("stream.ts", frames=40)
    got = []
    with pytest.raises(MediaError, match="too long"):
        got.extend(frame.index for frame in read_video(path, VideoLimits(max_frames=20)))


def test_too_many_streams_are_refused(make_video):
    with pytest.raises(MediaError, match="streams"):
        list(read_video(make_video("a.mp4"), VideoLimits(max_streams=0)))


def children() -> list[psutil.Process]:
    return psutil.Process().children()


def test_a_generator_that_is_closed_early_ends_the_child(make_video):
    frames = read_video(make_video("a.mp4", frames=300, size=(640, 480)))
    next(frames)
    assert len(children()) == 1
    frames.close()
    assert children() == []


def test_a_generator_that_is_forgotten_ends_the_child(make_video):
    frames = read_video(make_video("a.mp4", frames=300, size=(640, 480)))
    next(frames)
    del frames
    assert children() == []


def test_a_child_that_is_killed_is_told_of_after_the_good_frames(make_video):
    frames = read_video(make_video("a.mp4", frames=300, size=(640, 480)))
    next(frames)
    os.kill(children()[0].pid, signal.SIGKILL)
    with pytest.raises(MediaError, match=r"stopped in the middle \(signal 9\)"):
        list(frames)


def test_a_child_that_hangs_is_given_up(make_video):
    limits = VideoLimits(process=ProcessLimits(memory_bytes=4 << 30, cpu_s=60, patience_s=0.5))
    path = make_video("a.mp4", frames=300, size=(640, 480))
    frames = read_video(path, VideoLimits(process=ProcessLimits(4 << 30, 60, 30.0)))
    next(frames)
    frames.close()
    slow = read_video(path, limits)
    next(slow)
    os.kill(children()[0].pid, signal.SIGSTOP)
    with pytest.raises(MediaError, match="took longer"):
        list(slow)


def test_a_second_interpreter_reads_without_a_main_guard(make_video, tmp_path):
    script = tmp_path / "script.py"
    path = make_video("a.mp4", frames=5)
    script.write_text(
        "import sys\nfrom pathlib import Path\nfrom core.media.videos import read_video\n"
        "print(len(list(read_video(Path(sys.argv[1])))))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run([sys.executable, str(script), str(path)], capture_output=True, text=True, env=environment)
    assert done.stdout.strip() == "5"


@pytest.mark.parametrize(
    "name, count",
    [
        ("pyfeat_single_face.mp4", 72),
        ("pyfeat_no_face.mp4", 95),
        ("pyfeat_face_noface.mov", 169),
        ("pyfeat_WolfgangLanger_Pexels.mp4", 472),
    ],
)
def test_real_videos(shared_file, name, count):
    path = shared_file(f"media/video/{name}")
    info = probe_video(path)
    times_s = []
    for frame in read_video(path):
        assert frame.size == (info.width, info.height)
        times_s.append(frame.timestamp_s)
    assert len(times_s) == count
    assert info.duration_s is not None and abs(times_s[-1] - info.duration_s) < 0.2
    assert (np.diff(times_s) > 0).all()
