"""Deterministic CBOR: one encoding for a value, everything else refused by name and in bounded work."""

from __future__ import annotations

import struct
from typing import Any

import cbor2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.wire import reader
from tests.wire.fuzzing import fuzz
from wire import cbor

KEYS = st.text(max_size=30) | st.integers(-24, 23)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64 - 1)
    | st.floats()
    | st.text(max_size=30)
    | st.binary(max_size=300)
)
VALUES = st.recursive(SCALARS, lambda child: st.lists(child, max_size=5) | st.dictionaries(KEYS, child, max_size=5))
HEADS = st.sampled_from(list(bytes.fromhex("80819fa1bfa0614118f9fbffc2f6"))).map(lambda head: bytes([head]))


def reason(data: bytes) -> str:
    """Why it is refused, or empty."""
    try:
        cbor.decode(data)
    except cbor.CborRejected as error:
        return str(error.params["reason"])
    return ""


def same(one: Any, other: Any) -> bool:
    """Equal in type too, and NaN equals NaN."""
    return repr(one) == repr(other)


@fuzz
@given(VALUES)
def test_what_is_encoded_is_decoded_to_the_same_value(value: Any) -> None:
    """Types survive: 1.0 is not 1, true is not 1; the second writer makes the same bytes."""
    data = cbor.encode(value)
    back = cbor.decode(data)

    assert cbor.encode(back) == data == reader.write(value)
    assert type(back) is type(value)
    assert isinstance(value, dict | list) or same(back, value)


@fuzz
@given(st.binary(max_size=64) | st.lists(HEADS | st.binary(max_size=6), max_size=12).map(b"".join))
@example(b"\xa2\x01\x01\xf9\x3c\x00\x02")
@example(b"\xa2\x01\x01\xf5\x02")
@example(b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff")
def test_bytes_are_accepted_only_where_they_are_the_encoding_of_their_value(data: bytes) -> None:
    """decode(x) gives a value iff x == encode(decode(x)); the second reader judges alike; nothing but CborRejected."""
    try:
        value = cbor.decode(data)
    except cbor.CborRejected:
        with pytest.raises(reader.Rejected):
            reader.decode(data)
    else:
        assert cbor.encode(value) == data
        assert same(reader.decode(data), value)


@fuzz
@given(VALUES, st.data())
def test_every_change_of_a_byte_gives_another_value_or_a_rejection(value: Any, data: st.DataObject) -> None:
    """No two byte strings mean the same."""
    whole = cbor.encode(value)
    at = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[at] ^= data.draw(st.integers(1, 255))
    try:
        other = cbor.decode(bytes(changed))
    except cbor.CborRejected:
        return

    assert cbor.encode(other) == bytes(changed) != whole


@fuzz
@given(st.integers(0, 2**32), st.sampled_from([0, 1, 2, 3, 4, 5]))
def test_a_head_longer_than_needed_is_refused(value: int, major: int) -> None:
    """Lengths and integers stand in the shortest form."""
    longer = bytes([major << 5 | 27]) + value.to_bytes(8, "big")
    expected = "length" if value < 2**32 else None

    assert expected is None or reason(longer) == expected


@fuzz
@given(st.floats(allow_nan=False))
def test_a_real_has_one_width(value: float) -> None:
    """The shortest that holds the value exactly; all wider ones are refused."""
    right = cbor.encode(value)
    forms = {2: (b"\xf9", ">e"), 4: (b"\xfa", ">f"), 8: (b"\xfb", ">d")}
    for width, (head, form) in forms.items():
        if 1 + width > len(right):
            assert reason(head + struct.pack(form, value)) == "form"

    assert same(cbor.decode(right), value)


@pytest.mark.parametrize("head", [b"\x81", b"\xa1\x00", b"\x9b\x00\x00\x00\x00\x00\x00\x00\x01", b"\x9f"])
def test_a_nesting_bomb_ends_at_the_depth_limit(head: bytes) -> None:
    """However deep: the scan stops at depth 16, long before recursion hurts."""
    assert reason(head * 200_000 + b"\x00") in ("depth", "length", "indefinite")


def test_a_flat_bomb_ends_at_the_item_limit() -> None:
    """Items are counted as they are met; a caller may allow fewer."""
    flat = b"\x9a" + (600_000).to_bytes(4, "big") + bytes(600_000)

    assert reason(flat) == "depth"
    assert len(cbor.decode(cbor.encode([0] * 63), max_items=64)) == 63
    with pytest.raises(cbor.CborRejected):
        cbor.decode(cbor.encode([0] * 64), max_items=64)


def test_depth_sixteen_is_the_last_one() -> None:
    """The limit of the page, from both sides."""
    assert reason(b"\x81" * 16 + b"\x00") == ""
    assert reason(b"\x81" * 17 + b"\x00") == "depth"


@pytest.mark.parametrize("value", [2**64, -(2**64) - 1, {1.5: 0}, {b"k": 0}, {(1,): 0}, {24: 0}, {None: 0}])
def test_what_lies_outside_the_subset_is_not_readable_even_if_encoded(value: Any) -> None:
    """A programming error on one side never becomes a message on the other."""
    assert reason(cbor2.dumps(value, canonical=True)) in ("tag", "key")
