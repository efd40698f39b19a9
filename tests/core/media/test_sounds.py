from __future__ import annotations

import av
import numpy as np
import psutil
import pytest

from core.errors import InputError, MediaError
from core.media.limits import SoundLimits
from core.media.sounds import SoundInfo, is_sound, load_sound, mono_samples, probe_sound, read_sound
from tests.sounds import RATE_HZ, syllables, wav_bytes

pytestmark = pytest.mark.usefixtures("leaves_nothing")

SOUND = syllables(2.0, 0.2)
ERRORS = {"8": 0.005, "16": 2e-5, "24": 1e-6, "32": 1e-6, "float": 0.0, "alaw": 0.04}


def heard(source):
    return load_sound(source, 3600.0)


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize(("rate_hz", "channels"), [(8000, 1), (16000, 2), (44100, 1), (192000, 6)])
def test_wav_files_of_every_kind(kind, rate_hz, channels):
    gains = np.linspace(0.5, 1.0, channels)
    data = wav_bytes(SOUND[:, None] * gains, rate_hz, kind)
    chunk = heard(data)
    assert chunk.rate_hz == rate_hz and chunk.samples.dtype == np.float32
    np.testing.assert_allclose(chunk.samples, SOUND * gains.mean(), atol=ERRORS[kind] + 1e-6)
    assert probe_sound(data) == SoundInfo(rate_hz, channels, pytest.approx(len(SOUND) / rate_hz))


@pytest.fixture
def make_sound(tmp_path):
    """`make_sound("a.mp3", codec, rate_hz)`: `SOUND` in this container."""

    def make(name, codec, rate_hz=48000, delay_s=0.0, video=False):
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=rate_hz, layout="mono")
            resampler = av.AudioResampler(stream.format, "mono", rate_hz, frame_size=stream.frame_size or 1024)
            frame = av.AudioFrame.from_ndarray(SOUND[None].copy(), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = RATE_HZ, round(delay_s * RATE_HZ)
            if video:
                pictures = container.add_stream("libx264", rate=10)
                pictures.width, pictures.height, pictures.pix_fmt = 64, 64, "yuv420p"
                for k in range(20):
                    picture = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 9 * k, np.uint8), "rgb24")
                    picture.pts = k
                    container.mux(pictures.encode(picture))
                container.mux(pictures.encode(None))
            for piece in [*resampler.resample(frame), *resampler.resample(None)]:
                container.mux(stream.encode(piece))
            container.mux(stream.encode(None))
        return path

    return make


@pytest.mark.parametrize(
    ("name", "codec", "rate_hz"),
    [
        ("a.mp3", "mp3", 44100), ("a.ogg", "flac", 48000), ("b.ogg", "libopus", 48000), ("a.flac", "flac", 48000),
        ("a.m4a", "aac", 44100), ("a.aac", "aac", 44100), ("a.mp4", "aac", 48000), ("a.webm", "libopus", 48000),
        ("a.mkv", "flac", 22050), ("a.aiff", "pcm_s16be", 48000), ("a.au", "pcm_s16be", 8000),
    ],
)  # fmt: skip
def test_other_containers_and_codecs(make_sound, name, codec, rate_hz):
    path = make_sound(name, codec, rate_hz)
    assert is_sound(path)
    chunk = heard(path)
    assert chunk.rate_hz == rate_hz
    original = np.interp(np.arange(2 * rate_hz) / rate_hz, np.arange(len(SOUND)) / RATE_HZ, SOUND)
    length = min(len(original), len(chunk.samples))
    assert abs(len(chunk.samples) - len(original)) < 0.06 * rate_hz
    spectra = np.fft.rfft(original[:length], 2 * length).conj() * np.fft.rfft(chunk.samples[:length], 2 * length)
    alike = np.fft.irfft(spectra)
    lag = int(alike.argmax())
    # A bare AAC stream cannot say how long its encoder's run-up is: 1024 samples.
    assert min(lag, 2 * length - lag) <= (1024 if name == "a.aac" else 0.005 * rate_hz)
    assert alike.max() / np.sqrt((original**2).sum() * (chunk.samples**2).sum()) > 0.9


def test_the_sound_of_a_video_keeps_its_place(make_sound):
    path = make_sound("a.mkv", "flac", 16000, delay_s=0.5, video=True)
    assert next(read_sound(path)).timestamp_s == pytest.approx(0.5, abs=0.002)
    np.testing.assert_allclose(heard(path).samples[8000:], SOUND, atol=1e-4)


def test_pieces_are_short_and_follow_each_other():
    chunks = list(read_sound(wav_bytes(np.tile(SOUND, 5), 16000)))
    ends = [chunk.timestamp_s + len(chunk.samples) / 16000 for chunk in chunks]
    np.testing.assert_allclose([chunk.timestamp_s for chunk in chunks[1:]], ends[:-1], atol=1e-9)
    assert all(len(chunk.samples) <= 16000 for chunk in chunks) and ends[-1] == pytest.approx(10.0)


def test_an_hour_is_never_held_whole(tmp_path):
    path = tmp_path / "hour.wav"
    minute = wav_bytes(np.tile(SOUND, 30), 16000)
    form, data = minute[:44], minute[44:]
    with path.open("wb") as file:
        file.write(form[:4] + (36 + 60 * len(data)).to_bytes(4, "little") + form[8:40])
        file.write((60 * len(data)).to_bytes(4, "little"))
        for _ in range(60):
            file.write(data)
    assert probe_sound(path).duration_s == pytest.approx(3600.0)
    before, most, total = psutil.Process().memory_info().rss, 0, 0
    for number, chunk in enumerate(read_sound(path)):
        total += len(chunk.samples)
        if number % 200 == 0:
            most = max(most, psutil.Process().memory_info().rss)
    assert total == 3600 * 16000 and most - before < 64 << 20


@pytest.mark.parametrize("cut", [0.3, 0.9])
def test_a_cut_off_file_ends_where_its_data_end(cut):
    data = wav_bytes(SOUND, 16000)
    samples = heard(data[: int(cut * len(data))]).samples
    assert len(samples) == pytest.approx(cut * len(SOUND), abs=100)
    np.testing.assert_allclose(samples, SOUND[: len(samples)], atol=2e-5)


def test_one_sample():
    assert heard(wav_bytes(SOUND[1000:1001], 16000)).samples.shape == (1,)


def test_nan_and_infinity_become_silence():
    broken = SOUND.copy()
    broken[100:200] = np.nan
    broken[300:400] = np.inf
    samples = heard(wav_bytes(broken, 16000, "float")).samples
    assert (samples[100:200] == 0).all() and (samples[300:400] == 0).all()
    np.testing.assert_array_equal(samples[400:], SOUND[400:])


def strange_rate():
    return wav_bytes(SOUND, 16000)[:24] + (1).to_bytes(4, "little") + wav_bytes(SOUND, 16000)[28:]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (wav_bytes(SOUND[:0], 16000), "damaged or cut off"),
        (wav_bytes(SOUND, 16000)[:30], "damaged or cut off"),
        (b"#EXTM3U\nhttp://example.org/a.mp3\n", "not a sound"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "not a sound"),
        (b"RIFF\x10\x00\x00\x00WAVE" + bytes(range(200)), "damaged or cut off"),
        (b"ID3" + bytes(range(256)) * 8, "damaged or cut off"),
        (b"fLaC" + bytes(1000), "damaged or cut off"),
        (b"OggS" + bytes(1000), "damaged or cut off"),
        (strange_rate(), "samples a second"),
    ],
)
def test_what_is_no_sound_gets_one_clear_line(data, words):
    with pytest.raises(MediaError, match=words) as raised:
        heard(data)
    assert "\n" not in str(raised.value)


def test_a_video_without_sound(make_video):
    with pytest.raises(MediaError, match="has no sound in it"):
        heard(make_video("mute.mp4"))


def test_absent_files_and_folders(tmp_path):
    for path in (tmp_path / "absent.wav", tmp_path):
        assert not is_sound(path)
        with pytest.raises(MediaError):
            heard(path)


def test_limits_are_kept():
    data = wav_bytes(SOUND, 16000)
    with pytest.raises(MediaError, match="too long"):
        list(read_sound(data, SoundLimits(max_duration_s=1.0)))
    with pytest.raises(MediaError, match="longer than"):
        load_sound(data, 1.0)
    with pytest.raises(MediaError, match="2 channels"):
        list(read_sound(wav_bytes(np.stack([SOUND, SOUND], 1), 16000), SoundLimits(max_channels=1)))


def test_leaving_early_ends_the_child():
    sounds = read_sound(wav_bytes(np.tile(SOUND, 60), 48000))
    next(sounds)
    sounds.close()


def test_mixing_down():
    stereo = np.array([[100, 200], [-32768, -32768]], np.int16)
    np.testing.assert_allclose(mono_samples(stereo), [150 / 32768, -1.0])
    np.testing.assert_allclose(mono_samples(np.array([0, 128, 255], np.uint8)), [-1.0, 0.0, 127 / 128])
    np.testing.assert_array_equal(mono_samples(np.array([0.5, np.nan])), np.array([0.5, 0.0], np.float32))
    for wrong in (np.zeros((2, 2, 2)), np.zeros((3, 0)), np.array(["a"]), np.zeros(3, complex)):
        with pytest.raises(InputError):
            mono_samples(wrong)
