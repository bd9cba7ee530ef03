"""Whatever the broker delivers, it is a verified event or a named refusal, never an exception: LINK-044, LINK-045."""

from __future__ import annotations

import os

from hypothesis import example, given
from hypothesis import strategies as st

from station.link import events as ev
from station.link import inbound
from wire import envelope, topics
from wire.envelope import EnvelopeType, Routing
from wire.keys import OpeningKey, SigningKey
from wire.messages import CaseState, CentreState, Receipt, StationEvent, Status, Verdict

STATION = "st-0001"
ID = "01KAGB9R000000000000000001"
CENTRE, OLD, STRANGER = (SigningKey.from_seed(bytes([number]) * 32) for number in (1, 2, 3))
KEYS = (CENTRE.verifying_key, OLD.verifying_key)

RECEIPT = Receipt(station_id=STATION, bundle_id=ID, envelope_sha256=bytes(32), verdict=Verdict.STORED, at_ms=1)
STATUS = Status(station_id=STATION, bundle_id=ID, dossier_id=ID, sequence=1, state=CaseState.ISSUED, at_ms=1)
STATE = CentreState(accepting=True, at_ms=1)


def case(signer: SigningKey) -> bytes:
    routing = Routing(EnvelopeType.CASE, "centre", STATION, ID)
    return envelope.seal(b"x", routing, [signer], [OpeningKey(bytes(32)).sealing_key], os.urandom)


GOOD = {
    topics.down_receipt(STATION, ID): RECEIPT.signed(CENTRE),
    topics.down_status(STATION, ID): STATUS.signed(CENTRE),
    topics.CENTRE_STATE: STATE.signed(CENTRE),
    topics.down_case(STATION, ID): case(CENTRE),
}


def test_what_the_centre_signed_is_taken() -> None:
    found = [type(inbound.read(topic, raw, STATION, KEYS)) for topic, raw in GOOD.items()]

    assert found == [ev.ReceiptArrived, ev.StatusArrived, ev.CentreStateArrived, ev.CaseArrived]


def test_during_a_change_of_keys_either_key_counts_and_no_other() -> None:
    """Both for small messages and for cases."""
    topic = topics.down_case(STATION, ID)

    assert isinstance(inbound.read(topic, case(OLD), STATION, KEYS), ev.CaseArrived)
    assert inbound.read(topic, case(STRANGER), STATION, KEYS) == ev.MessageUnfit("case", "unknown_signer")
    assert inbound.read(topics.CENTRE_STATE, STATE.signed(STRANGER), STATION, KEYS) == ev.MessageUnfit(
        "centre", "signer"
    )


def test_a_message_under_another_name_or_for_another_station_is_no_message() -> None:
    """LINK-042, LINK-045: a broker that swaps topics cannot move a receipt, a status or a case."""
    other = "01KAGB9R000000000000000002"
    swapped = [
        inbound.read(topics.down_receipt(STATION, other), RECEIPT.signed(CENTRE), STATION, KEYS),
        inbound.read(topics.down_status(STATION, other), STATUS.signed(CENTRE), STATION, KEYS),
        inbound.read(topics.down_case(STATION, other), case(CENTRE), STATION, KEYS),
        inbound.read(topics.down_case("st-0002", ID), case(CENTRE), "st-0002", KEYS),
    ]
    misplaced = inbound.read(topics.down_receipt("st-0002", ID), RECEIPT.signed(CENTRE), STATION, KEYS)

    assert [found.reason for found in swapped if isinstance(found, ev.MessageUnfit)] == ["routing"] * 4
    assert misplaced == ev.MessageUnfit("other", "topic")
    assert inbound.read(topics.down_command(STATION, "wipe"), b"", STATION, KEYS) == ev.MessageUnfit("other", "kind")


@given(topic=st.text(max_size=60), raw=st.binary(max_size=200))
@example(topic="", raw=b"")
@example(topic="eid/v1/st/st-0001/down/receipt/", raw=b"")
@example(topic="eid/v1/st/st-0001/down/Họ tên/x", raw=b"")
def test_any_bytes_on_any_topic_are_named(topic: str, raw: bytes) -> None:
    """And the name is fit for an event, or the brain could not tell of it."""
    found = inbound.read(topic, raw, STATION, KEYS)

    assert isinstance(found, ev.MessageUnfit)
    StationEvent(station_id=STATION, kind="message_rejected", subject=found.kind, detail=found.reason, at_ms=0)


@given(which=st.sampled_from(sorted(GOOD)), data=st.data())
def test_every_mutation_of_a_good_message_is_refused(which: str, data: st.DataObject) -> None:
    """One bit, one cut or one byte more anywhere."""
    raw = GOOD[which]
    at = data.draw(st.integers(0, len(raw) - 1))
    bit = data.draw(st.integers(0, 7))
    mutated = data.draw(
        st.sampled_from([raw[:at] + bytes([raw[at] ^ (1 << bit)]) + raw[at + 1 :], raw[:at], raw + bytes([at % 256])])
    )
    found = inbound.read(which, mutated, STATION, KEYS)
    # The outside of a case is all the link can judge: the payload's digest covers the sealed content.
    assert isinstance(found, ev.MessageUnfit)
