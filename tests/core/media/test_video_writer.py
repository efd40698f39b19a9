from __future__ import annotations

import av
import numpy as np
import pytest

from core.errors import MediaError
from core.media.video_writer import VideoWriter
from core.media.videos import probe_video, read_video
from core.structures import AudioChunk
from tests.core.media.conftest import moving_square


@pytest.mark.parametrize("size", [(160, 120), (161, 121)])
def test_what_is_written_is_read_back(tmp_path, size):
    path = tmp_path / "out.mp4"
    pictures = [moving_square(k, size) for k in range(20)]
    with VideoWriter(path, size, rate_hz=24.0) as writer:
        for picture in pictures:
            writer.write(picture)
        assert not path.exists()
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]
    info = probe_video(path)
    assert (info.width, info.height) == (160, 120) if size[0] == 160 else (162, 122)
    assert info.rate_hz == 24.0 and info.frame_count == 20
    for k, frame in enumerate(read_video(path)):
        assert frame.timestamp_s == pytest.approx(k / 24, abs=1e-4)
        assert np.abs(frame.image[: size[1], : size[0]].astype(int) - pictures[k]).mean() < 5


def test_the_file_is_what_browsers_play(tmp_path):
    path = tmp_path / "out.mp4"
    with VideoWriter(path, (64, 64)) as writer:
        writer.write(np.zeros((64, 64, 3), np.uint8))
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_rate_with_a_fraction_survives(tmp_path):
    path = tmp_path / "out.mp4"
    with VideoWriter(path, (64, 64), rate_hz=30000 / 1001) as writer:
        for _ in range(4):
            writer.write(np.zeros((64, 64, 3), np.uint8))
    assert probe_video(path).rate_hz == pytest.approx(30000 / 1001, rel=1e-6)


def test_an_exception_leaves_nothing_and_keeps_the_old_file(tmp_path):
    path = tmp_path / "out.mp4"
    path.write_bytes(b"the old file")
    with pytest.raises(RuntimeError, match="on the way"), VideoWriter(path, (64, 64)) as writer:
        writer.write(np.zeros((64, 64, 3), np.uint8))
        raise RuntimeError("on the way")
    assert path.read_bytes() == b"the old file"
    assert len(list(tmp_path.iterdir())) == 1


def test_no_picture_no_file(tmp_path):
    with pytest.raises(MediaError, match="not one picture"), VideoWriter(tmp_path / "out.mp4", (64, 64)):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_picture_that_does_not_fit_is_refused(tmp_path):
    with pytest.raises(MediaError, match="64 x 48"), VideoWriter(tmp_path / "out.mp4", (64, 48)) as writer:
        writer.write(np.zeros((64, 48, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []


def test_closed_is_closed_and_closing_twice_is_no_harm(tmp_path):
    writer = VideoWriter(tmp_path / "out.mp4", (64, 64))
    writer.write(np.zeros((64, 64, 3), np.uint8))
    writer.close()
    writer.close()
    with pytest.raises(MediaError, match="closed"):
        writer.write(np.zeros((64, 64, 3), np.uint8))


def test_absent_folder_and_senseless_size_are_refused(tmp_path):
    with pytest.raises(MediaError, match="could not be written"):
        VideoWriter(tmp_path / "absent" / "out.mp4", (64, 64))
    with pytest.raises(MediaError, match="2 x 2"):
        VideoWriter(tmp_path / "out.mp4", (0, 64))


@pytest.mark.parametrize("sound_rate_hz", [16000, 44100])
def test_a_sound_stands_beside_the_pictures_at_its_own_time(tmp_path, sound_rate_hz):
    path, onset_s = tmp_path / "out.mp4", 1.0
    times_s = np.arange(3 * sound_rate_hz) / sound_rate_hz
    samples = np.where(times_s >= onset_s, 0.5 * np.sin(2 * np.pi * 440 * times_s), 0.0).astype(np.float32)
    with VideoWriter(path, (64, 64), sound=AudioChunk(samples, sound_rate_hz, 0.0)) as writer:
        for _ in range(60):
            writer.write(np.zeros((64, 64, 3), np.uint8))
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        assert (stream.codec_context.name, stream.rate) == ("aac", sound_rate_hz)
        assert float(stream.duration * stream.time_base) == pytest.approx(2.0, abs=0.05)  # as long as the pictures
        frames = list(container.decode(audio=0))
    heard = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    start_s = float(frames[0].pts * frames[0].time_base)
    assert start_s + np.argmax(np.abs(heard) > 0.2) / sound_rate_hz == pytest.approx(onset_s, abs=0.005)
    assert probe_video(path).frame_count == 60
