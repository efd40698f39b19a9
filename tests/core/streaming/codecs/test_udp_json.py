from __future__ import annotations

import json

import numpy as np
import pytest

from core.blendshapes import ARKIT_NAMES, INDEX
from core.errors import InputError, StreamError
from core.streaming.codecs.udp_json import UdpJsonDecoder, UdpJsonEncoder, UdpJsonOptions
from core.structures import FaceState

FIELDS = [
    "timestamp", "blendshapes", "head_rotation", "head_translation", "gaze", "valence", "arousal", "emotion",
    "confidence", "face_id",
]  # fmt: skip


def test_golden_object(known_face):
    (packet,) = UdpJsonEncoder().encode(known_face)
    assert packet.startswith(b'{"timestamp":3600.5,"blendshapes":[0.0,0.01562,0.03125,0.04688,0.0625,')
    assert b'"head_translation":[0.03125,-0.0625,-0.5],"gaze":[[0.25,0.125],[0.1875,0.0625]]' in packet
    assert packet.endswith(b'"confidence":1.0,"face_id":0}')
    record = json.loads(packet)
    assert list(record) == FIELDS and len(record["blendshapes"]) == 52


@pytest.mark.parametrize("named", [False, True])
def test_round_trip_to_five_decimals_and_its_size(faces, named):
    encoder, decoder = UdpJsonEncoder(UdpJsonOptions(named=named)), UdpJsonDecoder()
    for face in faces:
        (packet,) = encoder.encode(face)
        assert named or len(packet) < 1400
        state = decoder.decode(packet, face.timestamp_s)
        for name in ("blendshapes", "head_translation", "gaze", "emotion"):
            np.testing.assert_allclose(getattr(state, name), getattr(face, name), atol=6e-6)
        np.testing.assert_allclose(state.head_rotation, face.head_rotation, atol=2e-5)
        assert (state.face_id, state.timestamp_s) == (face.face_id, face.timestamp_s)
        assert (state.valence, state.arousal, state.confidence) == pytest.approx(
            (face.valence, face.arousal, face.confidence)
        )


def test_by_name_the_blendshapes_are_an_object(known_face):
    (packet,) = UdpJsonEncoder(UdpJsonOptions(named=True)).encode(known_face)
    assert list(json.loads(packet)["blendshapes"]) == list(ARKIT_NAMES)
    state = UdpJsonDecoder().decode(b'{"blendshapes": {"jawOpen": 0.5}}', 1.0)
    assert state.blendshapes[INDEX["jawOpen"]] == 0.5 and state.blendshapes.sum() == 0.5


def test_the_least_that_is_a_face():
    values = np.zeros(52)
    values[[INDEX["eyeLookUpLeft"], INDEX["eyeLookUpRight"]]] = 1.0
    state = UdpJsonDecoder().decode(json.dumps({"blendshapes": values.tolist()}).encode(), 2.0)
    assert state.has_face and state.timestamp_s == 2.0
    assert (state.gaze[:, 1] > 0.3).all()  # without a gaze the coefficients turn the eyes


def test_no_face_goes_both_ways():
    (packet,) = UdpJsonEncoder().encode(FaceState.no_face(1.0))
    assert not UdpJsonDecoder().decode(packet, 0.0).has_face


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 60_000,
        b"{}",
        b'{"blendshapes": 3}',
        b'{"blendshapes": [1]}',
        b'{"blendshapes": {"jawopen": 1}}',
        b'{"blendshapes": {"jawOpen": "wide"}}',
        b'{"blendshapes": {"jawOpen": NaN}}',
        b'{"blendshapes": {"jawOpen": 9}}',
        b'{"blendshapes": {}, "gaze": [[1e9, 0], [0, 0]]}',
        b'{"blendshapes": {}, "head_translation": [0, 0, 1e9]}',
        b'{"blendshapes": {}, "head_rotation": [[1,0,0],[0,1,0],[0,0,5]]}',
        b'{"blendshapes": {}, "confidence": 2}',
        b'{"blendshapes": {}, "confidence": Infinity}',
        b'{"blendshapes": {}, "face_id": Infinity}',
        b'{"blendshapes": {}, "face_id": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_face_is_told(packet):
    with pytest.raises(StreamError):
        UdpJsonDecoder().decode(packet, 0.0)


def test_options_that_make_no_sense_are_refused():
    with pytest.raises(InputError):
        UdpJsonOptions(decimals=0)
