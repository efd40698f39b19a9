"""The record: its bytes as documented, and the same face in both forms."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

from core.blendshapes import ARKIT_NAMES, EMOTIONS
from core.errors import StreamError
from core.streaming.record import (
    RECORD,
    SEQUENCES,
    field_offsets,
    is_record,
    plain_record,
    sequence_of,
    stamped,
    times_of,
)
from core.streaming.state_record import pack_state, state_of_plain, unpack_state
from core.structures import FaceState
from tests.stream_tools import assert_same_face, random_face


@pytest.mark.parametrize("seed", range(8))
def test_a_face_survives_both_forms(seed):
    face = random_face(seed, 1.5)
    record = pack_state(face, 7, 10.25, 10.5)
    assert_same_face(unpack_state(record, 3.0), face, 5e-7)
    assert_same_face(state_of_plain(json.loads(json.dumps(plain_record(record))), 3.0), face, 2e-5)


def test_every_value_lies_where_the_hello_says():
    face = random_face(1, 1.5)
    record = pack_state(face, 7, 10.25, 10.5)
    assert len(record) == 344
    assert struct.unpack_from("<4sHHIi", record) == (b"LAF1", 1, 74, 7, face.face_id)
    assert struct.unpack_from("<dddd", record, 16) == (1.5, 10.25, 10.5, 0.0)
    wanted = {"blendshapes": face.blendshapes, "emotion": face.emotion, "gaze": face.gaze.ravel()}
    for name, values in wanted.items():
        at, count = field_offsets()[name]
        np.testing.assert_array_equal(np.frombuffer(record, "<f4", count, at), values)
    ends = [at + 4 * count for at, count in field_offsets().values()]
    assert ends[-1] == len(record) and all(at % 4 == 0 for at, _ in field_offsets().values())


def test_stamps_and_sequence():
    record = pack_state(FaceState(0.0), SEQUENCES + 5, 1.0, 2.0)
    assert sequence_of(record) == 5
    sent = stamped(record, 3.5)
    assert times_of(sent) == (1.0, 2.0)
    assert plain_record(sent)["sent_s"] == 3.5
    assert sent[:40] + sent[48:] == record[:40] + record[48:]


def test_names_come_with_the_plain_form():
    plain = plain_record(pack_state(random_face(2), 0, 0.0, 0.0))
    assert tuple(plain["blendshapes"]) == ARKIT_NAMES
    assert tuple(plain["emotion"]) == EMOTIONS
    assert np.shape(plain["gaze"]) == (2, 2)


def test_no_face_stays_no_face():
    assert not unpack_state(pack_state(FaceState.no_face(4.0), 0, 0.0, 0.0), 9.0).has_face


GOOD = pack_state(random_face(3), 0, 0.0, 0.0)


@pytest.mark.parametrize(
    "record",
    [b"", GOOD[:-1], GOOD + b"\0", b"XXXX" + GOOD[4:], GOOD[:4] + b"\x02" + GOOD[5:], bytes(344), b"\xff" * 344],
    ids=["empty", "short", "long", "magic", "layout", "zeros", "ones"],
)
def test_what_is_no_record_is_refused(record):
    assert not is_record(record)
    with pytest.raises(StreamError):
        unpack_state(record, 0.0)


@pytest.mark.parametrize("field", list(field_offsets()))
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
def test_a_record_with_numbers_that_are_none_is_refused_or_harmless(field, value):
    record = bytearray(GOOD)
    struct.pack_into("<f", record, field_offsets()[field][0], value)
    assert RECORD.size == len(record)
    try:
        state = unpack_state(bytes(record), 0.0)
    except StreamError:
        return
    assert field in ("confidence", "valence", "arousal")
    assert -1.0 <= state.valence <= 1.0 and -1.0 <= state.arousal <= 1.0 and 0.0 <= state.confidence <= 1.0
