"""Tokens and messages: what must not parse or verify."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.fingerprint.emulated_sbi.keys import Authority, DeviceKey, authority
from drivers.fingerprint.errors import SbiRejected
from drivers.fingerprint.sbi import jws, messages, verify
from drivers.fingerprint.sbi.verify import Refused
from wire.fingers import FingerPosition


@pytest.fixture(scope="module")
def root() -> Authority:
    return authority()


@pytest.fixture(scope="module")
def key(root: Authority) -> DeviceKey:
    return root.device("1")


def test_a_token_of_a_certified_key_verifies(root: Authority, key: DeviceKey) -> None:
    """Payload and certificate come back."""
    token = jws.verified(key.token({"a": 1}), [root.certificate], datetime.now(UTC))

    assert token.payload == {"a": 1}
    assert token.certificate == key.chain[0]


def test_every_changed_character_is_noticed(root: Authority, key: DeviceKey) -> None:
    """Header, payload and signature; one character in each region, all of the payload."""
    token, now = key.token({"a": 1}), datetime.now(UTC)
    first, second = token.index("."), token.rindex(".")
    for at in [3, first // 2, first - 1, *range(first + 1, second), second + 1, second + 100]:
        other = "A" if token[at] != "A" else "B"
        with pytest.raises(jws.JwsInvalid):
            jws.verified(token[:at] + other + token[at + 1 :], [root.certificate], now)


@given(st.text(max_size=200) | st.builds(".".join, st.lists(st.text("abcAB-_=", max_size=20), min_size=3, max_size=3)))
def test_arbitrary_text_is_no_token(text: str) -> None:
    """Bad input is JwsInvalid and nothing else."""
    with pytest.raises(jws.JwsInvalid):
        jws.verified(text, [], datetime.now(UTC))


UNKNOWN = verify.Device(
    messages.DeviceInfo.model_construct(), messages.DigitalId.model_construct(serial_no="1"), b"none"
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@given(json_values | st.fixed_dictionaries({"biometrics": json_values}))
def test_arbitrary_json_is_refused_by_name(value: object) -> None:
    """Every answer either verifies or is SbiRejected or a device's own error."""
    asked = verify.Asked((FingerPosition.LEFT_INDEX,), "t", messages.EMPTY_HASH, datetime.now(UTC))
    trust = verify.Trust((), "Developer", timedelta(0))
    with pytest.raises((SbiRejected, Refused)):
        verify.answered(json.loads(json.dumps(value)), asked, UNKNOWN, trust, datetime.now(UTC))


def test_the_hash_chain_is_that_of_the_specification() -> None:
    """SHA-256 over the previous hash and the SHA-256 of the record, as bytes; upper-case hex; from the empty hash."""
    assert messages.EMPTY_HASH == "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"
    assert messages.chained(messages.EMPTY_HASH, b"abc") == (
        "BDDBDF7E9DF02F902EE5DD61B2B513D7566A2112FF97DB7DC3B6D184A43EF0E3"
    )


def test_finger_names_are_those_of_the_specification() -> None:
    """Ten names, one for each position."""
    assert messages.SUBTYPES[FingerPosition.LEFT_INDEX] == "Left IndexFinger"
    assert messages.SUBTYPES[FingerPosition.RIGHT_THUMB] == "Right Thumb"
    assert len(messages.POSITIONS) == 10


@pytest.mark.parametrize(
    ("positions", "sub_id"),
    [((7, 8, 9, 10), 1), ((2, 3), 2), ((1, 6), 3), ((1,), 3), ((1, 2), None), ((2, 7), None), ((), None)],
)
def test_the_part_of_the_scanner_follows_from_the_fingers(positions: tuple[int, ...], sub_id: int | None) -> None:
    """Left four, right four, thumbs; nothing else lies together."""
    assert messages.sub_id_of(FingerPosition(number) for number in positions) == sub_id


@pytest.mark.parametrize("place", [0, 1], ids=["header", "payload"])
def test_nested_without_end_is_no_token(root: Authority, key: DeviceKey, place: int) -> None:
    """Unsigned text from whoever sits on the port must not end the station's process."""
    parts = key.token({"a": 1}).split(".")
    parts[place] = base64.urlsafe_b64encode(b"[" * 200_000).rstrip(b"=").decode()

    with pytest.raises(jws.JwsInvalid):
        jws.verified(".".join(parts), [root.certificate], datetime.now(UTC))
