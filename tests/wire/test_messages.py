"""Signed messages: the type is signed, the key must be the centre's, the content must be whole."""

from __future__ import annotations

from typing import Any

import cbor2
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.wire import reader, samples
from tests.wire.fuzzing import fuzz
from tests.wire.signed_cases import message, signed_cases
from wire import envelope, signed
from wire.messages import CaseState, CentreState, Receipt, SignedModel, Status, Sync, Verdict
from wire.signed import MessageRejected

KEYS = [samples.CENTRE_KEY.verifying_key]
PUBLIC = [reader.Public(-19, KEYS[0].public)]
SIGNED: list[SignedModel] = [
    samples.receipt(),
    samples.status(),
    CentreState(accepting=False, at_ms=samples.NOW_MS),
]
KINDS = {Receipt: "eid-receipt", Status: "eid-status", CentreState: "eid-centre-state"}
WHOLE = samples.receipt().signed(samples.CENTRE_KEY)


def refused(raw: bytes, model: type[SignedModel] = Receipt) -> str:
    """The reason; the second reader agrees where it is not about the content."""
    with pytest.raises(MessageRejected) as caught:
        model.verified(raw, KEYS)
    reason = str(caught.value.params["reason"])
    if reason != "content":
        with pytest.raises(reader.Rejected) as second:
            reader.open_message(raw, KINDS[model], PUBLIC)

        assert second.value.args[0] == reason
    return reason


@pytest.mark.parametrize("sent", SIGNED, ids=lambda sent: type(sent).__name__)
@pytest.mark.parametrize("asked", [Receipt, Status, CentreState])
def test_a_message_is_taken_for_its_own_type_only(sent: SignedModel, asked: type[SignedModel]) -> None:
    """A status can never move a file out of the outbox."""
    raw = sent.signed(samples.CENTRE_KEY)
    if asked is type(sent):
        assert asked.verified(raw, KEYS) == sent
    else:
        assert refused(raw, asked) == "type"


@pytest.mark.parametrize(("kind", "raw", "outcome"), [pytest.param(*case[1:], id=case[0]) for case in signed_cases()])
def test_wrong_messages_are_refused_by_name(kind: str, raw: bytes, outcome: dict[str, Any]) -> None:
    """The table of the vectors, made anew."""
    models = {name: model for model, name in KINDS.items()}
    if "reason" in outcome:
        assert refused(raw, models[kind]) == outcome["reason"]
    else:
        assert models[kind].verified(raw, KEYS).signed(samples.CENTRE_KEY) == raw


@fuzz
@given(st.integers(0, len(WHOLE) * 8 - 1))
def test_every_flipped_bit_of_a_receipt_is_refused(bit: int) -> None:
    """A receipt is what lets a capture go."""
    changed = bytearray(WHOLE)
    changed[bit // 8] ^= 1 << bit % 8

    assert refused(bytes(changed)) in ("form", "type", "signer", "signature")


@fuzz
@given(st.integers(0, len(WHOLE)), st.binary(max_size=8), st.integers(0, 20))
def test_every_splice_of_a_receipt_is_refused(at: int, put: bytes, cut: int) -> None:
    """Cut short, lengthened, patched."""
    changed = WHOLE[:at] + put + WHOLE[at + cut :]
    assume(changed != WHOLE)

    refused(changed)


@fuzz
@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_no_message(raw: bytes) -> None:
    """MessageRejected and nothing else, for every type."""
    for model in KINDS:
        refused(raw, model)


def test_parts_of_two_messages_cannot_be_mixed() -> None:
    """Header, payload and signature belong together."""
    other = cbor2.loads(samples.receipt(verdict=Verdict.DUPLICATE).signed(samples.CENTRE_KEY))
    own = cbor2.loads(WHOLE)
    for index in (2, 3):
        mixed = [*own[:index], other[index], *own[index + 1 :]]

        assert refused(cbor2.dumps(mixed, canonical=True)) == "signature"


def test_an_envelopes_signature_is_no_messages_signature() -> None:
    """One key of the centre signs both: the context of the signed bytes keeps them apart."""
    raw = message(samples.receipt().encode(), context="Signature")

    assert refused(raw) == "signature"
    with pytest.raises(envelope.EnvelopeRejected):
        envelope.parse(WHOLE)


def test_without_keys_nothing_is_taken() -> None:
    """An empty list is no permission."""
    with pytest.raises(MessageRejected, match="signer"):
        Receipt.verified(WHOLE, [])


def test_either_of_two_centre_keys_will_do() -> None:
    """During a change of keys the station knows the old one and the new one."""
    keys = [samples.OTHER_KEY.verifying_key, *KEYS]

    assert Receipt.verified(WHOLE, keys) == samples.receipt()


def test_payloads_come_back_only_after_the_signature_was_checked() -> None:
    """The lower layer, for content that is no model."""
    raw = signed.sign("eid-receipt", b"anything", samples.CENTRE_KEY)

    assert signed.verify("eid-receipt", raw, KEYS) == b"anything"
    with pytest.raises(MessageRejected, match="type"):
        signed.verify("eid-status", raw, KEYS)


@pytest.mark.parametrize(
    ("verdict", "code"), [(Verdict.REJECTED, None), (Verdict.STORED, "signature"), (Verdict.DUPLICATE, "signature")]
)
def test_a_receipt_has_a_code_exactly_when_it_rejects(verdict: Verdict, code: str | None) -> None:
    """The link files a rejected bundle under its code."""
    with pytest.raises(ValueError, match="verdict and code disagree"):
        samples.receipt(verdict=verdict, code=code)


def test_final_states_are_those_the_station_stops_asking_about() -> None:
    """Four of seven."""
    final = {state for state in CaseState if state.final}

    assert final == {CaseState.ISSUED, CaseState.REFUSED, CaseState.SUPPLEMENT, CaseState.ESCALATED}


def test_a_full_sync_is_within_every_limit() -> None:
    """1,000 outstanding, 2,000 statuses: what a station sends after a month offline is read in one piece."""
    ids = [f"01JD7Q3V5T9W8X6Y4Z2A{number:06d}" for number in range(2000)]
    sync = Sync(
        station_id=samples.STATION,
        outstanding=[{"bundle_id": name, "envelope_sha256": bytes(32)} for name in ids[:1000]],  # type: ignore[list-item]
        statuses=dict.fromkeys(ids, 3),
    )

    assert Sync.decode(sync.encode()) == sync
