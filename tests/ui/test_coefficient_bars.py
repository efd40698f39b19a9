"""The bar panel names every coefficient once, by region, as mirrored pairs."""

from __future__ import annotations

import re

import numpy as np

from core.blendshapes import ARKIT_NAMES, INDEX
from ui.coefficient_bars import bar_rows, bars_html, readable_name


def test_all_52_are_there_once_in_the_order_of_a_face():
    rows = bar_rows()
    assert [region for region, _ in rows] == ["brows", "eyes", "cheeks", "nose", "mouth", "jaw", "tongue"]
    named = [name for _, pairs in rows for pair in pairs for name in set(pair)]
    assert sorted(named) == sorted(ARKIT_NAMES)


def test_left_and_right_stand_in_one_row():
    pairs = {pair for _, rows in bar_rows() for pair in rows}
    assert ("mouthSmileLeft", "mouthSmileRight") in pairs
    assert ("jawLeft", "jawRight") in pairs
    assert ("jawOpen", "jawOpen") in pairs


def test_a_value_shows_as_the_width_of_its_bar_on_its_side():
    values = np.zeros(52, np.float32)
    values[INDEX["eyeBlinkRight"]] = 0.75
    row = re.search(r'title="eyeBlinkLeft / eyeBlinkRight">(.*?)</div>', bars_html(values)).group(1)
    assert re.findall(r'track (left|right)"><span class="fill" style="width:(\d+)%', row) == [
        ("left", "0"),
        ("right", "75"),
    ]


def test_names_read_as_words():
    assert readable_name("mouthSmileLeft") == "smile"
    assert readable_name("browOuterUpRight") == "outer up"
    assert readable_name("jawOpen") == "open"
    assert readable_name("jawLeft") == "sideways"
    assert all(readable_name(name).islower() for name in ARKIT_NAMES)
