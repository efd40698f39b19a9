"""The mapping: what it does to a face, and its file."""

from __future__ import annotations

import json

import numpy as np
import pytest

from core.blendshapes import INDEX
from core.errors import InputError
from core.geometry.gaze_shapes import EYE_LOOK
from core.streaming.mapping import Channel, FaceMapping, load_mapping, save_mapping
from core.structures import FaceState
from tests.stream_tools import random_face

MAPPING = FaceMapping(
    {
        "jawOpen": Channel(gain=2.0, offset=-0.1),
        "mouthPucker": Channel(least=0.2, most=0.4),
        "tongueOut": Channel(gain=-1.0, offset=1.0),
        "cheekPuff": Channel(offset=1.0, mute=True),
    }
)


@pytest.mark.parametrize("seed", range(5))
def test_channels_change_as_said_and_the_others_do_not(seed):
    face = random_face(seed)
    mapped = MAPPING.apply(face).blendshapes
    wanted = face.blendshapes.copy()
    jaw, pucker, tongue, puff = (INDEX[name] for name in MAPPING.channels)
    wanted[jaw] = min(max(2.0 * wanted[jaw] - 0.1, 0.0), 1.0)
    wanted[pucker] = min(max(wanted[pucker], 0.2), 0.4)
    wanted[tongue] = 1.0 - wanted[tongue]
    wanted[puff] = 0.0
    np.testing.assert_allclose(mapped, wanted, atol=1e-6)
    assert mapped.dtype == np.float32


def test_a_plain_mapping_hands_the_face_through():
    face = random_face(0)
    assert FaceMapping().apply(face) is face
    assert FaceMapping({"jawOpen": Channel()}).apply(face) is face
    nobody = FaceState.no_face(1.0)
    assert MAPPING.apply(nobody) is nobody


def test_head_and_eyes_can_be_held_still():
    still = FaceMapping(mutes_head=True, mutes_gaze=True).apply(random_face(4))
    np.testing.assert_array_equal(still.head_rotation, np.eye(3))
    assert not still.head_translation.any() and not still.gaze.any()
    assert not still.blendshapes[EYE_LOOK].any()
    assert still.blendshapes.sum() > 5


def test_the_file_holds_it(tmp_path):
    path = tmp_path / "map.json"
    mapping = FaceMapping(MAPPING.channels, mutes_gaze=True)
    save_mapping(mapping, path)
    assert load_mapping(path) == mapping
    assert list(tmp_path.iterdir()) == [path]
    assert "jawOpen" in json.loads(path.read_text())["channels"]


BAD = {
    "not json": "{",
    "a list": "[]",
    "no version": "{}",
    "newer": '{"version": 2}',
    "strange key": '{"version": 1, "gain": 2}',
    "strange channel": '{"version": 1, "channels": {"jawOpenn": {}}}',
    "strange setting": '{"version": 1, "channels": {"jawOpen": {"gian": 2}}}',
    "text": '{"version": 1, "channels": {"jawOpen": {"gain": "2"}}}',
    "true": '{"version": 1, "channels": {"jawOpen": {"gain": true}}}',
    "nan": '{"version": 1, "channels": {"jawOpen": {"gain": NaN}}}',
    "huge": '{"version": 1, "channels": {"jawOpen": {"gain": 1e9}}}',
    "upside down": '{"version": 1, "channels": {"jawOpen": {"least": 0.8, "most": 0.2}}}',
    "mute": '{"version": 1, "channels": {"jawOpen": {"mute": 1}}}',
    "switch": '{"version": 1, "mutes_head": "yes"}',
    "channels": '{"version": 1, "channels": []}',
    "channel": '{"version": 1, "channels": {"jawOpen": 2}}',
    "deep": "[" * 50_000,
    "bytes": "\x00\x01",
    "large": '{"version": 1}' + " " * 100_001,
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_other_files_are_refused_in_words(text, tmp_path):
    path = tmp_path / "map.json"
    path.write_text(text)
    with pytest.raises(InputError) as refused:
        load_mapping(path)
    assert "map.json" in str(refused.value)


def test_an_absent_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="no mapping"):
        load_mapping(tmp_path / "absent.json")
