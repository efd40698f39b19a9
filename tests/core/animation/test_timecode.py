from __future__ import annotations

import pytest

from core.animation.timecode import format_timecode, parse_timecode
from core.errors import TakeError


@pytest.mark.parametrize(
    "text, time_s",
    [
        ("00:00:00:00.000", 0.0),
        ("13:13:04:31.652", 13 * 3600 + 13 * 60 + 4 + 31.652 / 60),
        ("23:59:59:59.999", 86400 - 0.001 / 60),
    ],
)
def test_known_timecodes_both_ways(text, time_s):
    assert parse_timecode(text) == pytest.approx(time_s, abs=1e-9)
    assert format_timecode(time_s) == text


def test_other_spellings():
    assert parse_timecode(" 1:2:3:4 ", 30.0) == pytest.approx(3723 + 4 / 30)
    assert parse_timecode("01:02:03;04", 29.97) == pytest.approx(3723 + 4 / 29.97)


def test_rounding_never_writes_a_sixtieth_frame_and_days_wrap():
    assert format_timecode(59.9999999) == "00:01:00:00.000"
    assert format_timecode(86400 + 1.5) == "00:00:01:30.000"
    assert format_timecode(-1.0) == "23:59:59:00.000"


def test_round_trip_to_half_a_thousandth_of_a_frame():
    for k in range(2000):
        time_s = k * 43.1234567 % 86399
        assert abs(parse_timecode(format_timecode(time_s)) - time_s) <= 0.5e-3 / 60 + 1e-9


@pytest.mark.parametrize(
    "text", ["", "12:00:00", "24:00:00:00", "00:60:00:00", "00:00:00:60", "a:b:c:d", "1:2:3:-4", "٣:0:0:0"]
)
def test_what_is_no_timecode_is_refused(text):
    with pytest.raises(TakeError):
        parse_timecode(text)
