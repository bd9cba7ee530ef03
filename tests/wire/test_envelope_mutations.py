"""Promise P1, P2 and P5 for the envelope: whatever is done to it, it is rejected by name, and never opens.

The receiver here is the centre as in production: it knows the station's keys, looks for nothing else, and compares the
routing with the topic. Where a mutation leaves the bytes alone, the test says so itself.
"""

from __future__ import annotations

import hashlib
import os
from typing import Any

import cbor2
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.wire import reader, samples
from tests.wire.fuzzing import fuzz, fuzz_slowly
from tests.wire.malformed import Forge, body, dumps, high_s, mapped, specimens
from wire import envelope
from wire.envelope import EnvelopeRejected, EnvelopeType, Reason, Routing
from wire.ids import CENTRE

CONTENT = b"content of a bundle"
SIGNERS = [samples.STATION_KEY, samples.STATION_P256_KEY]
RECIPIENTS = [samples.CENTRE_OPENING.sealing_key, samples.ESCROW_OPENING.sealing_key]
KEYS = [signer.verifying_key for signer in SIGNERS]
PUBLIC = [reader.Public(int(key.algorithm), key.public) for key in KEYS]


def sealed(content: bytes = CONTENT, object_id: str = samples.BUNDLE_ID) -> bytes:
    routing = Routing(EnvelopeType.BUNDLE, samples.STATION, CENTRE, object_id)
    return envelope.seal(content, routing, SIGNERS, RECIPIENTS, os.urandom)


WHOLE = sealed()
OTHER = sealed(b"content of another bundle", samples.OTHER_BUNDLE_ID)


def outcome(raw: bytes) -> bytes | Reason:
    """The content, or why not. Any other exception fails the test."""
    try:
        verified = envelope.verify(envelope.parse(raw), KEYS)
        return envelope.open_content(verified, [samples.CENTRE_OPENING])
    except EnvelopeRejected as error:
        return Reason(error.params["reason"])


def second_outcome(raw: bytes) -> bytes | str:
    try:
        return reader.open_envelope(raw, PUBLIC, [samples.seed(0x11)]).content
    except reader.Rejected as rejected:
        return str(rejected.args[0])


def refused(raw: bytes) -> Reason:
    """The reason; the second reader must give the same."""
    found = outcome(raw)

    assert isinstance(found, Reason), "it opened"
    assert second_outcome(raw) == found.value
    return found


def test_the_unharmed_envelope_opens() -> None:
    """Without this the rest would prove nothing."""
    assert outcome(WHOLE) == second_outcome(WHOLE) == CONTENT


@fuzz
@given(st.integers(0, len(WHOLE) * 8 - 1))
@example(0)
@example(len(WHOLE) * 8 - 1)
def test_every_flipped_bit_is_refused(bit: int) -> None:
    """Any offset, any bit."""
    changed = bytearray(WHOLE)
    changed[bit // 8] ^= 1 << bit % 8

    refused(bytes(changed))


def test_a_flip_in_each_single_byte_is_refused() -> None:
    """The whole length, once, with one bit each: no byte is left uncovered."""
    for at in range(len(WHOLE)):
        changed = bytearray(WHOLE)
        changed[at] ^= 1 << at % 8

        assert isinstance(outcome(bytes(changed)), Reason), at


@fuzz
@given(st.integers(0, len(WHOLE) - 1))
def test_every_truncation_is_not_canonical(length: int) -> None:
    """A torn file never looks like an envelope."""
    assert refused(WHOLE[:length]) is Reason.NOT_CANONICAL


@fuzz
@given(st.binary(min_size=1, max_size=50))
def test_bytes_after_the_end_are_not_canonical(tail: bytes) -> None:
    """Nothing follows the pair."""
    assert refused(WHOLE + tail) is Reason.NOT_CANONICAL


@fuzz
@given(st.integers(0, len(WHOLE)), st.binary(max_size=20), st.integers(0, 40))
def test_bytes_put_in_or_cut_out_are_refused(at: int, put: bytes, cut: int) -> None:
    """Splices of every size."""
    changed = WHOLE[:at] + put + WHOLE[at + cut :]
    assume(changed != WHOLE)

    refused(changed)


@fuzz
@given(st.binary(max_size=200))
def test_parse_never_crashes_on_arbitrary_bytes(raw: bytes) -> None:
    """And arbitrary bytes are never an envelope."""
    refused(raw)


PARTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.binary(max_size=20) | st.text(max_size=8) | st.floats(),
    lambda child: (
        st.lists(child, max_size=4) | st.dictionaries(st.integers(-10, 20) | st.text(max_size=3), child, max_size=4)
    ),
    max_leaves=8,
)


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a nested value."""
    found = [at]
    if isinstance(value, list):
        for index, child in enumerate(value):
            found += paths(child, (*at, index))
    if isinstance(value, dict):
        for key, child in value.items():
            found += paths(child, (*at, key))
    return found


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy: Any = list(value) if isinstance(value, list) else dict(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


TREE = cbor2.loads(WHOLE)
PLACES = paths(TREE)


@fuzz
@given(st.sampled_from(PLACES), PARTS)
def test_every_element_replaced_by_anything_is_refused(path: tuple[Any, ...], new: Any) -> None:
    """Structure fuzz: any node of the decoded tree becomes something else, then all is encoded properly again."""
    raw = dumps(replaced(TREE, path, new))
    assume(raw != WHOLE)

    refused(raw)


@fuzz
@given(st.sampled_from(PLACES[1:]))
def test_every_element_swapped_with_its_like_in_another_envelope_is_refused(path: tuple[Any, ...]) -> None:
    """Two honest envelopes of one station cannot be mixed."""
    donor: Any = cbor2.loads(OTHER)
    for step in path:
        donor = donor[step]
    raw = dumps(replaced(TREE, path, donor))
    assume(raw != WHOLE)

    refused(raw)


@pytest.mark.parametrize(
    ("recipients", "reason"),
    [
        pytest.param(lambda both: both[:1], Reason.DIGEST, id="second removed"),
        pytest.param(lambda both: both[1:], Reason.DIGEST, id="first removed"),
        pytest.param(lambda both: both[::-1], Reason.DIGEST, id="exchanged"),
        pytest.param(lambda both: [both[0], both[0]], Reason.DIGEST, id="one twice"),
        pytest.param(lambda both: [], Reason.DIGEST, id="none"),
    ],
)
def test_recipients_cannot_be_changed_behind_the_signature(recipients: Any, reason: Reason) -> None:
    """The digest covers them."""
    assert refused(dumps([TREE[0], [*TREE[1][:3], recipients(TREE[1][3])]])) is reason


@pytest.mark.parametrize("kept", [0, 1])
def test_a_station_with_two_keys_must_sign_with_both(kept: int) -> None:
    """A stolen or broken algorithm alone is not enough; nor may an attacker drop the stronger one."""
    raw = dumps([[*TREE[0][:3], [TREE[0][3][kept]]], TREE[1]])

    assert refused(raw) is Reason.UNKNOWN_SIGNER


def test_the_other_form_of_an_ecdsa_signature_is_refused() -> None:
    """Low s only: an envelope has one digest, and idempotence rests on it."""
    forge = Forge(content=CONTENT, signers=SIGNERS)
    ecdsa = SIGNERS[1].verifying_key.kid

    def malleated(entry: list[Any]) -> list[Any]:
        return [*entry[:2], high_s(entry[2])] if ecdsa in entry[0] else entry

    assert outcome(forge.build()) == CONTENT
    assert refused(Forge(content=CONTENT, signers=SIGNERS, signature_entry=malleated).build()) is Reason.SIGNATURE


@fuzz_slowly
@given(st.integers(-(2**33), 2**33) | st.text(max_size=10) | st.binary(max_size=10))
def test_other_algorithm_numbers_are_refused_even_when_signed(number: Any) -> None:
    """A station that signs the wrong header with its own key gets no further."""
    assume(number != -19)
    as_signature = Forge(signers=SIGNERS[:1], signature_protected=lambda head: {**head, 1: number}).build()
    as_content = Forge(signers=SIGNERS, content_protected=lambda head: {**head, 1: number}).build()
    as_recipient = Forge(signers=SIGNERS, recipient_protected=lambda head: {**head, 1: number}).build()

    assert refused(as_signature) in (Reason.UNKNOWN_SIGNER, Reason.STRUCTURE)
    assert number == 3 or refused(as_content) is Reason.STRUCTURE
    assert number == -70_001 or refused(as_recipient) is Reason.STRUCTURE


@fuzz_slowly
@given(st.dictionaries(st.integers(-24, 23) | st.text(max_size=3), PARTS, min_size=1, max_size=3))
def test_unprotected_headers_are_refused_anywhere_even_when_signed(extra: dict[Any, Any]) -> None:
    """There is no place for facts that the signature does not cover."""
    assume(set(extra) - {-4})
    for forge in (
        Forge(signers=SIGNERS, sign=mapped(1, lambda head: {**head, **extra})),
        Forge(signers=SIGNERS, signature_entry=mapped(1, lambda head: {**head, **extra})),
        Forge(signers=SIGNERS, encrypt=mapped(1, lambda head: {**head, **extra})),
        Forge(signers=SIGNERS, recipient=mapped(1, lambda head: {**extra, **head})),
    ):
        assert refused(forge.build()) in (Reason.STRUCTURE, Reason.NOT_CANONICAL)


@fuzz_slowly
@given(st.sampled_from(["crit", "typ", "v", "from", "to", "id", "extra"]), PARTS)
def test_every_other_routing_header_is_refused(label: str, value: Any) -> None:
    """Signed by the station itself, and still refused by name."""
    number = {"typ": 16, "crit": 2}.get(label, label)
    assume(dumps(body().get(number)) != dumps(value) or number not in body())
    raw = Forge(content=CONTENT, signers=SIGNERS, body={**body(), number: value}).build()

    assert refused(raw) in {
        *(Reason.HEADER, Reason.UNKNOWN_CRITICAL, Reason.UNKNOWN_VERSION, Reason.WRONG_TYPE, Reason.NOT_CANONICAL)
    }


def test_the_forge_makes_what_the_product_opens() -> None:
    """So its malformed envelopes differ from a good one in the one place they name."""
    assert outcome(Forge(content=CONTENT, signers=SIGNERS, recipients=RECIPIENTS).build()) == CONTENT


def test_fresh_malformed_envelopes_are_refused_by_name() -> None:
    """The table of the vectors, made anew: not only the committed bytes are refused."""
    known = [samples.STATION_KEY.verifying_key]
    public = [reader.Public(-19, known[0].public)]
    names = []
    for name, raw, expected in specimens():
        with pytest.raises(EnvelopeRejected) as caught:
            envelope.open_content(envelope.verify(envelope.parse(raw), known), [samples.CENTRE_OPENING])
        with pytest.raises(reader.Rejected) as second:
            reader.open_envelope(raw, public, [samples.seed(0x11)])
        names.append(name)

        assert (name, caught.value.reason) == (name, expected)
        assert (name, second.value.args[0]) == (name, expected.value)
    assert len(names) == len(set(names)) > 90


def test_a_thief_who_signs_anew_is_caught_by_the_content() -> None:
    """Another enrolled station wraps our ciphertext in its own signature: it opens, so the content must be compared."""
    encrypted = envelope.seal(samples.bundle().encode(), samples.BUNDLE_ROUTING, SIGNERS, RECIPIENTS, os.urandom)
    stolen = cbor2.loads(encrypted)[1]
    raw = Forge(
        body=body(**{"from": samples.OTHER_STATION}), signers=[samples.OTHER_KEY], encrypt=lambda _: stolen
    ).build()
    parsed = envelope.parse(raw)
    content = envelope.open_content(
        envelope.verify(parsed, [samples.OTHER_KEY.verifying_key]), [samples.CENTRE_OPENING]
    )
    inside = samples.bundle().decode(content)

    assert parsed.routing.sender == samples.OTHER_STATION != inside.station_id
    with pytest.raises(EnvelopeRejected, match="unknown_signer"):
        envelope.verify(parsed, KEYS)


def test_the_payload_is_the_digest_of_the_encrypted_part() -> None:
    """What is signed: 32 bytes that stand for exactly the second item."""
    assert TREE[0][2] == hashlib.sha256(dumps(TREE[1])).digest()
    assert WHOLE.endswith(dumps(TREE[1]))
