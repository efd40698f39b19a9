from __future__ import annotations

import pytest

from core import blendshapes as b


def test_there_are_52_names_and_no_two_are_equal():
    assert b.COUNT == 52 == len(set(b.ARKIT_NAMES))


def test_order_is_live_links():
    assert b.ARKIT_NAMES[0] == "eyeBlinkLeft" and b.ARKIT_NAMES[17] == "jawOpen"
    assert b.ARKIT_NAMES[50] == "noseSneerRight" and b.ARKIT_NAMES[51] == "tongueOut"
    assert len(b.LIVE_LINK_NAMES) == 61 and b.LIVE_LINK_NAMES[52] == "HeadYaw"


def test_mirror_swaps_sides_and_twice_is_nothing():
    assert all(b.MIRROR[b.MIRROR[i]] == i for i in range(52))
    assert b.mirror_name("mouthLeft") == "mouthRight" and b.mirror_name("jawOpen") == "jawOpen"
    assert sum(b.MIRROR[i] == i for i in range(52)) == 12


def test_mediapipe_has_all_but_the_tongue():
    assert len(b.MEDIAPIPE_NAMES) == 52 and b.MEDIAPIPE_NAMES[0] == "_neutral"
    assert set(b.MEDIAPIPE_NAMES[1:]) == set(b.ARKIT_NAMES) - {"tongueOut"}
    assert b.MEDIAPIPE_NAMES[25] == "jawOpen" and b.MEDIAPIPE_NAMES[51] == "noseSneerRight"


def test_regions_cover_every_name_once():
    listed = [name for names in b.REGIONS.values() for name in names]
    assert sorted(listed) == sorted(b.ARKIT_NAMES)


@pytest.mark.parametrize("table", [b.VRM_PRESETS, b.VISEMES])
def test_tables_use_known_names_and_weights(table):
    for shapes in table.values():
        assert set(shapes) <= set(b.ARKIT_NAMES)
        assert all(0 < value <= 1 for value in shapes.values())
