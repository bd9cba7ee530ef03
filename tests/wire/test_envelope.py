"""Sealing and opening as callers use them; what is done to envelopes by others stands in test_envelope_mutations.py."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.wire import samples
from wire import cbor, envelope
from wire.envelope import MAX_ENVELOPE_BYTES, EnvelopeRejected, EnvelopeType, Reason, Routing, Verified
from wire.ids import CENTRE
from wire.keys import KeyInvalid, SealingKey

SIGNERS, RECIPIENTS = [samples.STATION_KEY], [samples.CENTRE_OPENING.sealing_key]
KEYS = [samples.STATION_KEY.verifying_key]


def seal(content: bytes = b"content", **changes: Any) -> bytes:
    values: dict[str, Any] = {"routing": samples.BUNDLE_ROUTING, "signers": SIGNERS, "recipients": RECIPIENTS}
    return envelope.seal(content, **{**values, **changes}, random_bytes=os.urandom)


def reason_of(act: Callable[[], object]) -> Reason:
    with pytest.raises(EnvelopeRejected) as caught:
        act()
    return caught.value.reason


def test_each_recipient_opens_and_nobody_else() -> None:
    """Two recipients: the centre's present and next key, or escrow."""
    both = [samples.CENTRE_OPENING, samples.ESCROW_OPENING]
    verified = envelope.verify(envelope.parse(seal(recipients=[key.sealing_key for key in both])), KEYS)

    assert [envelope.open_content(verified, [key]) for key in both] == [b"content", b"content"]
    assert envelope.open_content(verified, [samples.FOREIGN_OPENING, *both]) == b"content"
    assert verified.recipient_kids == tuple(key.sealing_key.kid for key in both)
    assert reason_of(lambda: envelope.open_content(verified, [samples.FOREIGN_OPENING])) is Reason.NOT_FOR_US
    assert reason_of(lambda: envelope.open_content(verified, [])) is Reason.NOT_FOR_US


def test_routing_is_readable_without_a_key_and_repeated_by_the_verified() -> None:
    """Ingest looks up the sender's keys by it."""
    parsed = envelope.parse(seal())

    assert parsed.routing == samples.BUNDLE_ROUTING
    assert parsed.signer_kids == (KEYS[0].kid,)
    assert envelope.verify(parsed, KEYS).routing == samples.BUNDLE_ROUTING


def test_two_seals_of_one_content_share_nothing_secret() -> None:
    """Fresh content key, nonce and encapsulation each time."""
    first, second = (cbor.decode(seal()) for _ in range(2))

    assert first[1][0] != second[1][0]
    assert first[1][2] != second[1][2]
    assert first[1][3][0][1] != second[1][3][0][1]
    assert seal() != seal()


def test_the_content_is_nowhere_in_the_envelope() -> None:
    """P2: names do not show."""
    raw = seal(samples.bundle().encode())

    assert not any(part in raw for part in (b"SPECIMEN", b"L898902C3", b"\xff\xd8\xff", b"\x89PNG", b"officer-1"))


def test_an_envelope_may_have_two_mebibytes_and_no_byte_more() -> None:
    """The broker's packet limit lies above it."""
    overhead = len(seal(bytes(1_000_000))) - 1_000_000
    fits = seal(bytes(MAX_ENVELOPE_BYTES - overhead))

    assert len(fits) == MAX_ENVELOPE_BYTES == 2_097_152
    assert envelope.parse(fits).routing == samples.BUNDLE_ROUTING
    assert reason_of(lambda: seal(bytes(MAX_ENVELOPE_BYTES - overhead + 1))) is Reason.TOO_LARGE
    assert reason_of(lambda: envelope.parse(fits + b"\0")) is Reason.TOO_LARGE


@pytest.mark.parametrize(
    "signers", [[], SIGNERS * 2, [samples.STATION_KEY, samples.STATION_P256_KEY, samples.OTHER_KEY]]
)
def test_sealing_takes_one_or_two_different_signers(signers: list[Any]) -> None:
    """What no receiver would take is never made."""
    assert reason_of(lambda: seal(signers=signers)) is Reason.STRUCTURE


@pytest.mark.parametrize("count", [0, 2, 3])
def test_sealing_takes_one_or_two_different_recipients(count: int) -> None:
    """As above."""
    assert reason_of(lambda: seal(recipients=RECIPIENTS * count)) is Reason.STRUCTURE


def test_sealing_to_bytes_that_are_no_key_is_refused_by_name() -> None:
    """Not an exception of the library."""
    with pytest.raises(KeyInvalid):
        seal(recipients=[SealingKey(bytes(10))])


@pytest.mark.parametrize(
    "routing",
    [
        Routing(EnvelopeType.BUNDLE, CENTRE, CENTRE, samples.BUNDLE_ID),
        Routing(EnvelopeType.BUNDLE, samples.STATION, samples.OTHER_STATION, samples.BUNDLE_ID),
        Routing(EnvelopeType.CASE, samples.STATION, CENTRE, samples.DOSSIER_ID),
        Routing(EnvelopeType.CASE, CENTRE, CENTRE, samples.DOSSIER_ID),
        Routing(EnvelopeType.CASE, CENTRE, "centre-1", samples.DOSSIER_ID),
        Routing(EnvelopeType.BUNDLE, samples.STATION, CENTRE, ""),
        Routing(EnvelopeType.BUNDLE, samples.STATION, CENTRE, "../../etc/passwd"),
        Routing(EnvelopeType.BUNDLE, "ST", CENTRE, samples.BUNDLE_ID),
    ],
)
def test_sealing_refuses_routing_that_no_receiver_takes(routing: Routing) -> None:
    """A bundle goes up, a case goes down; ids have one form."""
    assert reason_of(lambda: seal(routing=routing)) is Reason.HEADER


def test_a_sender_without_keys_is_unknown() -> None:
    """An empty list never means that nothing needs to be checked."""
    assert reason_of(lambda: envelope.verify(envelope.parse(seal()), [])) is Reason.UNKNOWN_SIGNER


def test_one_signature_is_not_enough_for_a_sender_with_two_keys() -> None:
    """And the order of the keys does not matter."""
    two = [samples.STATION_KEY, samples.STATION_P256_KEY]
    keys = [signer.verifying_key for signer in two]

    assert reason_of(lambda: envelope.verify(envelope.parse(seal()), keys)) is Reason.UNKNOWN_SIGNER
    assert envelope.verify(envelope.parse(seal(signers=two)), keys[::-1]).routing == samples.BUNDLE_ROUTING


def test_keys_that_share_a_kid_but_differ_are_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """64 bits can be made to collide by the owner of both keys; one signature must not pass for two."""
    monkeypatch.setattr("wire.keys.key_id", lambda algorithm, public: b"samekid8")
    keys = [samples.STATION_KEY.verifying_key, samples.OTHER_KEY.verifying_key]

    assert reason_of(lambda: envelope.verify(envelope.parse(seal()), keys)) is Reason.UNKNOWN_SIGNER


def test_only_what_was_verified_can_be_opened() -> None:
    """`open_content` takes a Verified, and a Parsed is none: no caller can forget the signature."""
    parsed = envelope.parse(seal())

    assert not isinstance(parsed, Verified)
    assert reason_of(lambda: envelope.verify(replace(parsed, signer_kids=()), KEYS)) is Reason.UNKNOWN_SIGNER


def test_the_digest_is_of_the_bytes_that_travel() -> None:
    """What a receipt names; sealing again gives another."""
    raw = seal()

    assert envelope.digest(raw) == hashlib.sha256(raw).digest()
    assert envelope.digest(raw) != envelope.digest(seal())


def test_the_overhead_is_what_the_budget_says() -> None:
    """About 1.5 KB with one signature and one recipient, 1.3 KB more for a second recipient, whatever the content."""
    one, two = seal(bytes(300_000)), seal(bytes(300_000), recipients=[*RECIPIENTS, samples.ESCROW_OPENING.sealing_key])

    assert 1_400 < len(one) - 300_000 < 1_600
    assert 1_100 < len(two) - len(one) < 1_300
