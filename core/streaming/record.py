"""The record of one face at one moment: 344 little-endian bytes, the message of `liveavatar.f32.v1` and what the hub
hands to the server's process. No numpy here: the server's process stays small and starts fast.

    offset  type  what
         0  4s    "LAF1"
         4  u16   layout, 1
         6  u16   count of float32 at the end, 74
         8  u32   sequence, one more each frame, goes on at 0 after 2**32 - 1
        12  i32   face number
        16  f64   timestamp, the source's own time, seconds
        24  f64   arrived: when the frame came, server's monotonic clock, seconds
        32  f64   tracked: when its face was known, the same clock
        40  f64   sent: when it was sent, the same clock
        48  f32   the 74 values of `FIELDS`
"""

from __future__ import annotations

import struct
from itertools import accumulate

from core.blendshapes import ARKIT_NAMES, EMOTIONS

MAGIC = b"LAF1"
LAYOUT = 1
FIELDS: dict[str, int] = {
    "confidence": 1,
    "valence": 1,
    "arousal": 1,
    "head_rotation": 4,
    "head_translation": 3,
    "gaze": 4,
    "emotion": len(EMOTIONS),
    "blendshapes": len(ARKIT_NAMES),
}
"""Name and count of the values, in their order. head_rotation: quaternion x, y, z, w, head to camera frame.
head_translation: metres, camera frame. gaze: left yaw, left pitch, right yaw, right pitch, radians."""

VALUE_COUNT = sum(FIELDS.values())
HEADER = struct.Struct("<4sHHIidddd")
RECORD = struct.Struct(f"{HEADER.format}{VALUE_COUNT}f")
SENT = struct.Struct("<d")
SENT_OFFSET = 40
SEQUENCES = 1 << 32
DECIMALS = 5

_STARTS = dict(zip(FIELDS, accumulate(FIELDS.values(), initial=0), strict=False))


def field_offsets() -> dict[str, tuple[int, int]]:
    """By name: offset in bytes and count of float32, as the hello tells it."""
    return {name: (HEADER.size + 4 * _STARTS[name], count) for name, count in FIELDS.items()}


def is_record(data: bytes | bytearray) -> bool:
    """Whether these bytes have the length and the head of a record."""
    return len(data) == RECORD.size and HEADER.unpack_from(data)[:3] == (MAGIC, LAYOUT, VALUE_COUNT)


def sequence_of(record: bytes | bytearray) -> int:
    """The number of this frame."""
    return int(HEADER.unpack_from(record)[3])


def times_of(record: bytes | bytearray) -> tuple[float, float]:
    """(arrived, tracked) of this frame, seconds of the monotonic clock."""
    return HEADER.unpack_from(record)[6:8]


def stamped(record: bytes, sent_s: float) -> bytes:
    """The same record with another time of sending."""
    return record[:SENT_OFFSET] + SENT.pack(sent_s) + record[SENT_OFFSET + SENT.size :]


def plain_record(record: bytes, decimals: int = DECIMALS) -> dict[str, object]:
    """The record as plain JSON values rounded to `decimals`, blendshapes and emotions by name."""
    _, _, _, sequence, face_id, timestamp_s, arrived_s, tracked_s, sent_s, *values = RECORD.unpack(record)
    rounded = [round(value, decimals) for value in values]
    parts = {name: rounded[start : start + FIELDS[name]] for name, start in _STARTS.items()}
    gaze = parts["gaze"]
    return {
        "type": "face",
        "seq": sequence,
        "face_id": face_id,
        "timestamp": timestamp_s,
        "arrived_s": arrived_s,
        "tracked_s": tracked_s,
        "sent_s": sent_s,
        "confidence": parts["confidence"][0],
        "valence": parts["valence"][0],
        "arousal": parts["arousal"][0],
        "head_rotation": parts["head_rotation"],
        "head_translation": parts["head_translation"],
        "gaze": [gaze[:2], gaze[2:]],
        "emotion": dict(zip(EMOTIONS, parts["emotion"], strict=True)),
        "blendshapes": dict(zip(ARKIT_NAMES, parts["blendshapes"], strict=True)),
    }
