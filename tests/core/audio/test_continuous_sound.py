import numpy as np
import pytest

from core.audio.continuous_sound import ContinuousSound
from core.structures import AudioChunk
from tests.sounds import syllables

RATE_HZ = 48000
PACKET = 960  # 20 ms
SOUND = np.repeat(syllables(4.0), 3)


def packets(sound=SOUND, start_s=0.0, rate_hz=RATE_HZ, size=PACKET):
    return [AudioChunk(sound[i : i + size], rate_hz, start_s + i / rate_hz) for i in range(0, len(sound), size)]


def joined(chunks):
    sound = ContinuousSound()
    return np.concatenate([*map(sound.push, chunks), sound.finish()]), sound


WHOLE, _ = joined(packets())


def test_packets_in_a_row_are_the_sound():
    assert len(WHOLE) == 4 * 16000
    np.testing.assert_array_equal(joined([AudioChunk(SOUND, RATE_HZ, 0.0)])[0], WHOLE)


@pytest.mark.parametrize("start_s", [0.0, 1234.5678])
def test_stream_time_starts_with_the_first_chunk(start_s):
    _, sound = joined(packets(start_s=start_s))
    assert sound.length_s == pytest.approx(4.0, abs=1e-6)
    assert sound.time_s(0.5) == pytest.approx(start_s + 0.5)


@pytest.mark.parametrize("jitter_s", [0.004, 0.014])
def test_late_times_without_lost_samples_change_nothing(jitter_s):
    rng = np.random.default_rng(0)
    late = [
        AudioChunk(p.samples, p.rate_hz, p.timestamp_s + rng.uniform(0, jitter_s) * (i > 0))
        for i, p in enumerate(packets())
    ]
    np.testing.assert_array_equal(joined(late)[0], WHOLE)


@pytest.mark.parametrize("lost", [1, 2, 10])
def test_lost_packets_leave_the_rest_in_its_place(lost):
    kept = packets()
    del kept[50 : 50 + lost]
    result, _ = joined(kept)
    assert len(result) == len(WHOLE)
    around = 40  # the resampler's reach
    np.testing.assert_array_equal(result[: 16000 - around], WHOLE[: 16000 - around])
    after = 16000 + 320 * lost + around
    np.testing.assert_array_equal(result[after:], WHOLE[after:])


def test_a_short_gap_goes_on_and_a_longer_one_falls_silent():
    kept = packets()
    del kept[50:60]  # from 1.0 to 1.2 s
    result, _ = joined(kept)
    assert np.abs(result[16000:16160]).max() > 0.3 * np.abs(WHOLE[15840:16000]).max()
    assert np.abs(result[16000 + 1000 : 16000 + 3100]).max() < 1e-6
    steps = np.abs(np.diff(result))[15900:16100]
    assert steps.max() <= 1.5 * np.abs(np.diff(WHOLE)).max()  # no click where the gap begins


def test_of_a_long_gap_whole_frames_are_left_out():
    first, second = packets()[:50], packets(start_s=100.0)
    result, sound = joined([*first, *second])
    left_out_s = sound.time_s(3.0) - 3.0
    assert left_out_s * 30 == pytest.approx(round(left_out_s * 30), abs=1e-6)
    assert 98.0 - 1 / 30 <= left_out_s <= 98.0
    assert sound.time_s(1.5) == 1.5  # within the silence that is filled
    begin = round((100.0 - left_out_s) * 16000)
    np.testing.assert_allclose(result[begin + 40 : begin + 30000], WHOLE[40:30000], atol=1e-6)


def test_what_was_heard_already_is_left_out():
    doubled = [p for packet in packets() for p in (packet, packet)]
    np.testing.assert_array_equal(joined(doubled)[0], WHOLE)
    overlapping = [
        AudioChunk(SOUND[max(0, i - 500) : i + PACKET], RATE_HZ, max(0, i - 500) / RATE_HZ)
        for i in range(0, len(SOUND), PACKET)
    ]
    result, _ = joined(overlapping)
    # 500 samples are less than the tolerance at first, and then stay as one lag below it.
    assert abs(len(result) - len(WHOLE)) <= 0.015 * 16000 + 1


def test_a_clock_that_drifts_never_leads_far_away():
    fast = 1.001  # the sound card counts 0.1 % too many samples: 1 ms each second
    chunks = [AudioChunk(SOUND[:PACKET], RATE_HZ, i * PACKET / RATE_HZ / fast) for i in range(3000)]
    sound = ContinuousSound()
    worst = 0.0
    for chunk in chunks:
        sound.push(chunk)
        worst = max(worst, abs(sound.time_s(sound.length_s) - chunk.timestamp_s - PACKET / RATE_HZ))
    assert worst <= 0.016


def test_another_rate_in_the_middle():
    half = len(SOUND) // 2
    low = SOUND[half::3]
    result, _ = joined([*packets(SOUND[:half]), *packets(low, 2.0, 16000, 320)])
    np.testing.assert_allclose(result[32000:], low, atol=1e-6)
    np.testing.assert_array_equal(result[:31900], WHOLE[:31900])


def test_far_back_in_time_is_another_sound():
    sound = ContinuousSound()
    sound.push(AudioChunk(SOUND, RATE_HZ, 10.0))
    assert sound.is_new_sound(AudioChunk(SOUND, RATE_HZ, 0.0))
    assert not sound.is_new_sound(AudioChunk(SOUND, RATE_HZ, 13.5))


def test_nothing_and_broken_times():
    sound = ContinuousSound()
    assert len(sound.finish()) == 0 and len(sound.push(AudioChunk(SOUND[:0], RATE_HZ, 0.0))) == 0
    chunks = packets()
    chunks[7] = AudioChunk(chunks[7].samples, RATE_HZ, float("nan"))
    np.testing.assert_array_equal(joined(chunks)[0], WHOLE)
