"""What the Speech page says of a live voice."""

from __future__ import annotations

from core.session_parts import SessionStats, VoiceStats
from ui.speech_panel import HEARD_LEVEL, MOODS, delay_words, hearing_words


def test_the_delay_is_the_sum_of_its_parts():
    voice = VoiceStats(1.0, 0.3, 61.5, 0)
    words = delay_words(voice, SessionStats(stage_ms={"voice": 4.0, "picture": 12.0}, voice=voice))
    assert "about 131 ms behind your voice" in words
    assert "look-ahead 62 ms" in words and "packet and frame 53 ms" in words and "work 16 ms" in words


def test_a_microphone_that_gives_nothing_is_told():
    assert "Is the microphone on" in hearing_words(VoiceStats(0.0, 0.5 * HEARD_LEVEL, 60.0, 0))
    assert hearing_words(VoiceStats(0.0, 2 * HEARD_LEVEL, 60.0, 0)) == ""


def test_every_mood_is_a_place_in_the_plane():
    assert all(-100 <= value <= 100 and value % 5 == 0 for mood in MOODS.values() for value in mood)
    assert MOODS["Neutral"] == (0, 0)
