"""Lights say in words what they say in colours; lists of a face; trails stay bounded."""

from __future__ import annotations

import re

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.blendshapes import INDEX
from core.expression.action_units import ACTION_UNITS
from core.session_parts import SessionStats
from core.structures import FaceLandmarks, FaceState
from core.tracking.view_quality import ViewQuality
from ui.action_unit_bars import action_units_html, grade_letter
from ui.face_panel import FEELING, UNITS, keep_trails, views_by_face
from ui.view_lights import light_of, lights_html

VIEW = ViewQuality({"brows": 0.9, "eyes": 0.5, "mouth": 0.1}, 120.0, ("mouth",), 0.0)


def test_each_region_has_its_word_and_its_shape():
    html = lights_html(VIEW)
    assert re.findall(r'class="light (\w+)" title="(\w+): (\d+) %"', html) == [
        ("clear", "brows", "90"), ("unsure", "eyes", "50"), ("covered", "mouth", "10"),
    ]  # fmt: skip
    words = re.findall(r'<span class="name">(\w+)</span> (\w+)<', html)
    assert words == [("Brows", "clear"), ("Eyes", "unsure"), ("Mouth", "covered")]


@pytest.mark.parametrize(
    ("share", "covered", "light"),
    [(1.0, (), "clear"), (0.7, (), "clear"), (0.69, (), "unsure"), (0.34, (), "hidden"), (0.0, ("eyes",), "covered"),
     (0.0, ("mouth",), "hidden"), (0.8, ("eyes",), "clear")],
)  # fmt: skip
def test_covered_is_told_from_hidden(share, covered, light):
    assert light_of(ViewQuality({"eyes": share}, 100.0, covered, 0.0), "eyes") == light


def test_action_units_stand_in_order_with_grade_and_length():
    values = np.zeros(52, np.float32)
    values[[INDEX["mouthSmileLeft"], INDEX["mouthSmileRight"]]] = 0.2, 0.6
    html = action_units_html(values)
    rows = re.findall(r'class="row( absent)?"><span class="code">(AU\d+)</span>.*?width:(\d+)%.*?value">(\S) ', html)
    assert [code for _, code, _, _ in rows] == list(ACTION_UNITS)
    assert [row for row in rows if not row[0]] == [("", "AU12", "60", "C")]
    assert [grade_letter(value) for value in (0.0, 0.49, 0.51, 5.0)] == ["-", "-", "A", "E"]


def test_trails_go_with_their_faces():
    trails = {}
    for second in range(200):
        keep_trails(trails, [FaceState(float(second), face_id=second)])
    assert set(trails) == {199}
    keep_trails(trails, [FaceState(200.0, face_id=199, valence=0.5), FaceState(200.0, face_id=3)])
    assert set(trails) == {3, 199}
    assert trails[199].places[-1] == (0.5, 0.0)
    keep_trails(trails, [])
    assert trails == {}


def test_a_view_belongs_to_the_face_of_its_landmarks():
    points = np.zeros((478, 3), np.float32)
    landmarks = tuple(FaceLandmarks(points, (640, 480), face_id=number) for number in (4, 7))
    other = ViewQuality({}, 10.0, (), 0.0)
    stats = SessionStats(landmarks=landmarks, views=(VIEW, other))
    assert views_by_face(stats) == {4: VIEW, 7: other}
    assert views_by_face(SessionStats()) == {}


def panel():
    from core.structures import FaceState
    from core.tracking.view_quality import ViewQuality
    from ui.affect_panel import AffectTrail
    from ui.face_panel import show_face

    trail = AffectTrail()
    face = FaceState(0.0, face_id=2, valence=0.5, arousal=-0.5)
    trail.add(face)
    show_face(face, {2: ViewQuality({"brows": 1.0, "eyes": 1.0, "mouth": 0.2}, 90.0, (), 0.0)}, {2: trail}, "page")


def test_one_list_is_shown_at_a_time_and_the_lights_always():
    page = AppTest.from_function(panel).run()

    def html() -> str:
        assert not page.exception
        return " ".join(element.proto.body for element in page.get("html"))

    assert 'class="lights"' in html() and 'class="bars"' in html() and 'class="affect"' not in html()
    page.segmented_control[0].set_value(FEELING).run()
    assert 'class="lights"' in html() and "left:75.0%;top:75.0%" in html() and 'class="bars"' not in html()
    page.segmented_control[0].set_value(UNITS).run()
    assert 'class="units"' in html() and 'class="affect"' not in html()
