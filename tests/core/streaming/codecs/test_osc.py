from __future__ import annotations

import numpy as np
import pytest
from pythonosc.osc_bundle import OscBundle

from core.blendshapes import ARKIT_NAMES, INDEX
from core.errors import InputError, StreamError
from core.streaming.codecs.osc import OscDecoder, OscEncoder, OscOptions
from core.streaming.codecs.osc_bytes import osc_bundles, osc_message
from core.structures import FaceState


def read(datagrams: tuple[bytes, ...]) -> dict[str, list]:
    return {message.address: list(message) for data in datagrams for message in OscBundle(data)}


def test_addresses_units_and_signs(known_face):
    datagrams = OscEncoder().encode(known_face)
    assert len(datagrams) == 1 and len(datagrams[0]) < 1400
    messages = read(datagrams)
    assert list(messages) == [
        "/liveavatar/frame", "/liveavatar/blendshapes", "/liveavatar/head/rotation", "/liveavatar/head/angles",
        "/liveavatar/head/place", "/liveavatar/gaze/left", "/liveavatar/gaze/right", "/liveavatar/feeling",
        "/liveavatar/emotion", "/liveavatar/end",
    ]  # fmt: skip
    assert messages["/liveavatar/frame"] == [3600.5, 0, 1.0]
    np.testing.assert_array_equal(messages["/liveavatar/blendshapes"], known_face.blendshapes)
    degrees = np.degrees([0.25, 0.125, -0.0625])
    np.testing.assert_allclose(messages["/liveavatar/head/angles"], degrees, rtol=1e-5)
    np.testing.assert_allclose(messages["/liveavatar/gaze/left"], degrees[:2], rtol=1e-6)
    np.testing.assert_allclose(messages["/liveavatar/head/place"], known_face.head_translation)
    assert messages["/liveavatar/end"] == []


def test_named_shapes_have_an_address_each(known_face):
    datagrams = OscEncoder(OscOptions(named=True, root="/stage/ann")).encode(known_face)
    assert all(len(data) <= 1400 for data in datagrams)
    messages = read(datagrams)
    for name, value in zip(ARKIT_NAMES, known_face.blendshapes, strict=True):
        assert messages[f"/stage/ann/shape/{name}"] == [value]
    assert list(messages)[-1] == "/stage/ann/end"


@pytest.mark.parametrize("named", [False, True])
def test_round_trip(faces, named):
    encoder, decoder = OscEncoder(OscOptions(named=named)), OscDecoder()
    for face in faces:
        *before, last = encoder.encode(face)
        assert [decoder.decode(data, 0.0) for data in before] == [None] * len(before)
        state = decoder.decode(last, face.timestamp_s)
        for name in ("blendshapes", "head_translation", "gaze", "emotion", "head_rotation"):
            np.testing.assert_allclose(getattr(state, name), getattr(face, name), atol=1e-6)
        assert (state.valence, state.arousal, state.confidence) == pytest.approx(
            (face.valence, face.arousal, face.confidence), abs=1e-6
        )
        assert (state.face_id, state.timestamp_s) == (face.face_id, face.timestamp_s)


def test_without_a_face_only_frame_and_end_are_said():
    datagrams = OscEncoder().encode(FaceState.no_face(1.0))
    assert list(read(datagrams)) == ["/liveavatar/frame", "/liveavatar/end"]
    assert not OscDecoder().decode(datagrams[0], 0.0).has_face


def test_a_lost_first_datagram_costs_that_frame_only(known_face):
    first, *_, last = OscEncoder(OscOptions(named=True)).encode(known_face)
    assert first != last
    decoder = OscDecoder()
    assert decoder.decode(last, 0.0) is None
    states = [decoder.decode(data, 0.0) for data in OscEncoder().encode(known_face)]
    np.testing.assert_array_equal(states[-1].blendshapes, known_face.blendshapes)


@pytest.mark.parametrize("values", [(), (1.0,), (float("nan"), 0.0), ("a", "b")])
def test_numbers_that_are_none_are_told(values):
    tags = "".join("s" if isinstance(value, str) else "f" for value in values)
    packet = osc_bundles([osc_message("/liveavatar/gaze/left", tags, *values)], 1400)[0]
    with pytest.raises(StreamError, match="gaze/left"):
        OscDecoder().decode(packet, 0.0)


def test_other_addresses_alone_are_told():
    with pytest.raises(StreamError, match="/liveavatar/"):
        OscDecoder().decode(osc_message("/VMC/Ext/Blend/Apply"), 0.0)


@pytest.mark.parametrize("root", ["liveavatar", "/", "", "/" + "x" * 100, "/a\0b"])
def test_roots_that_make_no_sense_are_refused(root):
    with pytest.raises(InputError):
        OscOptions(root=root)


def test_unknown_shapes_are_passed_over():
    packet = osc_bundles(
        [
            osc_message("/liveavatar/frame", "dif", 0.0, 0, 1.0),
            osc_message("/liveavatar/shape/jawOpen", "f", 0.5),
            osc_message("/liveavatar/shape/thirdEye", "f", 0.5),
            osc_message("/liveavatar/later", "s", "unknown"),
            osc_message("/liveavatar/end"),
        ],
        1400,
    )[0]
    state = OscDecoder().decode(packet, 0.0)
    assert np.flatnonzero(state.blendshapes).tolist() == [INDEX["jawOpen"]]
