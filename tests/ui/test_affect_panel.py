"""The plane shows where the face is and was; the bars name all eight emotions."""

from __future__ import annotations

import re

import numpy as np

from core.blendshapes import EMOTIONS
from core.structures import FaceState
from ui.affect_panel import TRAIL_POINTS, AffectTrail, affect_html

NEUTRAL = FaceState(0.0).emotion


def places(html: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"left:([\d.]+)%;top:([\d.]+)%", html)]


def test_pleasant_is_right_and_awake_is_up():
    assert places(affect_html([(0.0, 0.0), (0.5, 0.8)], NEUTRAL)) == [(50.0, 50.0), (75.0, 10.0)]


def test_every_emotion_has_a_bar_and_the_strongest_stands_out():
    emotion = np.linspace(0.0, 0.25, len(EMOTIONS), dtype=np.float32)
    html = affect_html([], emotion)
    rows = re.findall(r'<div class="row( most)?"><span>(\w+)</span>.*?width:(\d+)%', html)
    assert [name for _, name, _ in rows] == list(EMOTIONS)
    assert [name for most, name, _ in rows if most] == ["contempt"]
    assert rows[-1][2] == "25"
    assert "no face" in html


def test_the_trail_is_bounded_and_ends_with_the_face():
    trail = AffectTrail()
    for number in range(100):
        shown = trail.add(FaceState(number / 4, valence=number / 100))
    assert len(shown) == TRAIL_POINTS
    assert shown[-1] == (0.99, 0.0)
    assert trail.add(FaceState.no_face(26.0)) == ()


def test_nothing_in_it_is_taken_out_by_streamlit():
    assert "<svg" not in affect_html([(0.0, 0.0)], NEUTRAL)
