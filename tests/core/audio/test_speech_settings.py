from __future__ import annotations

import math

import pytest

from core.audio.speech_settings import SpeechSettings
from core.errors import InputError

RANGES = {
    "look_ahead_ms": (0.0, 100.0), "strength": (0.0, 2.0), "valence": (-1.0, 1.0), "arousal": (-1.0, 1.0),
    "brows": (0.0, 2.0), "head_motion": (0.0, 2.0),
}  # fmt: skip


@pytest.mark.parametrize(("name", "ends"), RANGES.items())
def test_both_ends_are_allowed_and_nothing_beyond(name, ends):
    for value in ends:
        assert getattr(SpeechSettings(**{name: value}), name) == value
    for value in (ends[0] - 0.01, ends[1] + 0.01, math.nan, math.inf):
        with pytest.raises(InputError, match=name):
            SpeechSettings(**{name: value})
