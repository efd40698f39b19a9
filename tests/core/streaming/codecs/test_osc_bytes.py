"""Our OSC against python-osc, which shares no line with it."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_bundle import OscBundle
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from core.errors import StreamError
from core.streaming.codecs.osc_bytes import MOST_DEPTH, osc_bundles, osc_message, osc_messages

TEXT = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=20)
FLOAT = st.floats(width=32, allow_nan=False)
VALUE = st.one_of(
    st.tuples(st.just("i"), st.integers(-(2**31), 2**31 - 1)), st.tuples(st.just("f"), FLOAT),
    st.tuples(st.just("d"), st.floats(allow_nan=False)), st.tuples(st.just("s"), TEXT),
)  # fmt: skip


def test_golden_bytes_of_the_protocols_example():
    message = osc_message("/VMC/Ext/Blend/Val", "sf", "eyeBlinkLeft", 0.5)
    assert message == b"/VMC/Ext/Blend/Val\0\0,sf\0eyeBlinkLeft\0\0\0\0" + bytes.fromhex("3f000000")
    assert len(message) == 44
    assert osc_bundles([message], 1400) == (b"#bundle\0" + struct.pack(">Qi", 1, 44) + message,)


@given(address=TEXT, values=st.lists(VALUE, max_size=8))
def test_what_we_write_python_osc_reads(address, values):
    data = osc_message(f"/{address}", "".join(tag for tag, _ in values), *(value for _, value in values))
    read = OscMessage(data)
    assert read.address == f"/{address}"
    assert list(read) == [value for _, value in values]
    assert osc_messages(data) == ((f"/{address}", tuple(value for _, value in values)),)


@given(values=st.lists(VALUE, max_size=8))
def test_what_python_osc_writes_we_read(values):
    inner = OscBundleBuilder(IMMEDIATELY)
    outer = OscBundleBuilder(IMMEDIATELY)
    builder = OscMessageBuilder("/a/b")
    for tag, value in values:
        builder.add_arg(value, tag)
    builder.add_arg(True)
    builder.add_arg(b"blob!")
    inner.add_content(builder.build())
    outer.add_content(inner.build())
    outer.add_content(builder.build())
    expected = ("/a/b", (*(value for _, value in values), True, b"blob!"))
    assert osc_messages(outer.build().dgram) == (expected, expected)


def test_bundles_keep_order_and_limit():
    messages = [osc_message("/number", "i", number) for number in range(200)]
    bundles = osc_bundles(messages, 300)
    assert max(map(len, bundles)) <= 300 and min(map(len, bundles[:-1])) > 250
    numbers = [next(iter(message)) for bundle in bundles for message in OscBundle(bundle)]
    assert numbers == list(range(200))


def nested(depth: int) -> bytes:
    packet = osc_message("/x")
    for _ in range(depth):
        packet = osc_bundles([packet], 10_000)[0]
    return packet


@pytest.mark.parametrize(
    "packet",
    [b"", b"/x", b"x\0\0\0", b"#bundle\0", b"#bundle\0" + bytes(11), osc_message("/x", "f", 1.0)[:-1]]
    + [b"#bundle\0" + bytes(8) + struct.pack(">i", size) + bytes(8) for size in (0, -4, 3, 12, 2**31 - 1)]
    + [b"/x\0\0,b\0\0" + struct.pack(">i", size) for size in (-1, 5, 2**31 - 1)]
    + [b"/x\0\0,q\0\0" + bytes(8), b"/\xff\0\0,\0\0\0", b"/x\0\0f\0\0\0", nested(MOST_DEPTH + 1)],
)
def test_what_is_no_osc_is_refused(packet):
    with pytest.raises(StreamError):
        osc_messages(packet)


def test_bundles_in_bundles_are_opened():
    assert osc_messages(nested(MOST_DEPTH)) == (("/x", ()),)
    assert osc_messages(b"/x\0\0") == (("/x", ()),)
