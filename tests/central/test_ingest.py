"""P1, P4, P5 at the centre's door: stored once, rejected by name, never stopped by a bad message."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from central.ingest import Message
from central.store import bundles
from tests.central.centre import Centre
from tests.central.site import OTHER_STATION, STATION
from wire import envelope, topics
from wire.bundle import Bundle
from wire.envelope import EnvelopeType, Routing
from wire.ids import CENTRE
from wire.keys import OpeningKey, SigningKey
from wire.messages import CaseRequest, StationEvent, StationState, Sync, Verdict
from wire.stations import StationRecord


def test_capture_is_stored_with_all_that_follows(centre: Centre) -> None:
    """Envelope, facts, first event, first job, status and receipt stand in one transaction (P1)."""
    bundle = centre.bundle(centre.register())
    raw = centre.sealed(bundle)

    receipt = centre.deliver(raw, bundle.bundle_id)

    assert (receipt.verdict, receipt.envelope_sha256) == (Verdict.STORED, envelope.digest(raw))
    assert [row["raw"] for row in centre.rows("envelopes")] == [raw]
    assert [(row["kind"], row["open"]) for row in centre.rows("jobs")] == [("register_check", True)]
    assert [(row["kind"], row["sequence"]) for row in centre.rows("case_events")] == [
        ("registered", None),
        ("received", 1),
    ]
    assert [row["kind"] for row in centre.rows("outbound")] == ["case", "status", "receipt"]
    assert [(row["state"], row["bundle_id"]) for row in centre.rows("cases")] == [("received", bundle.bundle_id)]


def test_same_envelope_again_is_a_duplicate(centre: Centre) -> None:
    """Idempotent by station, bundle id and SHA-256: a second delivery changes nothing."""
    bundle = centre.bundle(centre.register())
    raw = centre.sealed(bundle)
    centre.deliver(raw, bundle.bundle_id)

    again = centre.deliver(raw, bundle.bundle_id)

    assert again.verdict is Verdict.DUPLICATE
    assert (centre.count("envelopes"), centre.count("jobs"), centre.count("case_events")) == (1, 1, 2)


def test_both_in_one_batch_are_stored_once(centre: Centre) -> None:
    """A resend that arrives in the same transaction is a duplicate too."""
    bundle = centre.bundle(centre.register())
    message = Message(topics.up_bundle(STATION, bundle.bundle_id), centre.sealed(bundle))

    receipts = centre.receipts(centre.ingest.take([message, message]))

    assert [receipt.verdict for receipt in receipts] == [Verdict.STORED, Verdict.DUPLICATE]
    assert centre.count("envelopes") == 1


def test_other_bytes_under_the_same_id_are_kept_as_a_conflict(centre: Centre) -> None:
    """The first stands, the second is evidence."""
    bundle = centre.bundle(centre.register())
    centre.deliver(centre.sealed(bundle), bundle.bundle_id)
    other = centre.sealed(bundle)

    receipt = centre.deliver(other, bundle.bundle_id)

    assert (receipt.verdict, receipt.code) == (Verdict.REJECTED, "conflict")
    assert [row["raw"] for row in centre.rows("rejections")] == [other]
    assert centre.count("envelopes") == 1


def test_rejection_is_counted_and_can_be_made_good(centre: Centre) -> None:
    """A rejected envelope that is acceptable later (the admin registered the station's dossier) is stored then."""
    registered = centre.register()
    bundle = centre.bundle(registered)
    raw = centre.sealed(bundle)
    _set_record(centre, valid_until_ms=centre.clock.now_ms - 1)
    codes = [centre.deliver(raw, bundle.bundle_id).code for _ in range(2)]
    _set_record(centre, valid_until_ms=centre.clock.now_ms + 1)

    receipt = centre.deliver(raw, bundle.bundle_id)

    assert codes == ["station_expired", "station_expired"]
    assert [row["times"] for row in centre.rows("rejections")] == [2]
    assert receipt.verdict is Verdict.STORED


def test_revoked_station_is_rejected_but_what_is_stored_stays(sqlite_centre: Centre) -> None:
    """Decisive against a stolen station, whatever the broker lets through; what was stored stays."""
    centre = sqlite_centre
    kept, late = (centre.bundle(centre.register()) for _ in range(2))
    stored, fresh = centre.sealed(kept), centre.sealed(late)
    centre.deliver(stored, kept.bundle_id)
    centre.site.fleet.revoke(STATION, datetime.now(UTC))

    codes = centre.deliver(fresh, late.bundle_id).code, centre.deliver(stored, kept.bundle_id).verdict

    assert codes == ("station_revoked", Verdict.DUPLICATE)


def _set_record(centre: Centre, **changes: Any) -> None:
    path = centre.site.fleet.layout.station_record(STATION)
    record = StationRecord.model_validate_json(path.read_bytes())
    path.write_text(record.model_copy(update=changes).model_dump_json())


def _reseal(centre: Centre, bundle: Bundle, **routing: Any) -> bytes:
    """An envelope with the station's keys and other routing facts."""
    facts = {"sender": STATION, "recipient": CENTRE, "object_id": bundle.bundle_id, **routing}
    station = centre.site.station()
    keys = station._keys
    whole = Routing(EnvelopeType.BUNDLE, **facts)
    return envelope.seal(bundle.encode(), whole, [keys.signing], [keys.centre_sealing], os.urandom)


def _foreign_signature(centre: Centre, bundle: Bundle) -> bytes:
    routing = Routing(EnvelopeType.BUNDLE, STATION, CENTRE, bundle.bundle_id)
    sealing = centre.keys.opening[0].sealing_key
    return envelope.seal(bundle.encode(), routing, [SigningKey.generate()], [sealing], os.urandom)


def _foreign_recipient(centre: Centre, bundle: Bundle) -> bytes:
    routing = Routing(EnvelopeType.BUNDLE, STATION, CENTRE, bundle.bundle_id)
    signer = centre.site.station()._keys.signing
    return envelope.seal(bundle.encode(), routing, [signer], [OpeningKey(os.urandom(32)).sealing_key], os.urandom)


def _not_a_bundle(centre: Centre, bundle: Bundle) -> bytes:
    routing = Routing(EnvelopeType.BUNDLE, STATION, CENTRE, bundle.bundle_id)
    keys = centre.site.station()._keys
    return envelope.seal(b"\xa0", routing, [keys.signing], [keys.centre_sealing], os.urandom)


def _press(bundle: Bundle, **changes: Any) -> Bundle:
    finger = bundle.fingers[0]
    press = finger.presses[0].model_copy(update=changes)
    changed = finger.model_copy(update={"presses": [press]})
    return bundle.model_copy(update={"fingers": [changed, *bundle.fingers[1:]]})


def _portrait(bundle: Bundle, **changes: Any) -> Bundle:
    return bundle.model_copy(update={"portrait": bundle.portrait.model_copy(update=changes)})


def _consent(bundle: Bundle, **changes: Any) -> Bundle:
    return bundle.model_copy(update={"consent": bundle.consent.model_copy(update=changes)})


BAD = {
    "signature": ("unknown_signer", _foreign_signature),
    "recipient": ("not_for_us", _foreign_recipient),
    "content": ("content", _not_a_bundle),
    "other bundle inside": (
        "routing_mismatch",
        lambda centre, bundle: _reseal(
            centre, bundle.model_copy(update={"bundle_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}), object_id=bundle.bundle_id
        ),
    ),
    "other station inside": (
        "routing_mismatch",
        lambda centre, bundle: _reseal(centre, bundle.model_copy(update={"station_id": OTHER_STATION})),
    ),
    "other topic": (
        "routing_mismatch",
        lambda centre, bundle: _reseal(centre, bundle, object_id="01ARZ3NDEKTSV4RRFFQ69G5FAV"),
    ),
    "dossier": (
        "unknown_dossier",
        lambda centre, bundle: centre.sealed(bundle.model_copy(update={"dossier_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV"})),
    ),
    "hash": ("image_hash", lambda centre, bundle: centre.sealed(_press(bundle, packed_sha256=bytes(32)))),
    "png": ("image_decode", lambda centre, bundle: centre.sealed(_press(bundle, png=b"\x89PNG not a picture"))),
    "png size": ("image_size", lambda centre, bundle: centre.sealed(_press(bundle, width_px=194))),
    "jpeg": (
        "image_decode",
        lambda centre, bundle: centre.sealed(_portrait(bundle, jpeg=bundle.portrait.jpeg[:1000])),
    ),
    "jpeg size": ("image_size", lambda centre, bundle: centre.sealed(_portrait(bundle, width_px=481))),
    "consent": ("consent_mismatch", lambda centre, bundle: centre.sealed(_consent(bundle, text_sha256=bytes(32)))),
    "too large": ("too_large", lambda centre, bundle: bytes(envelope.MAX_ENVELOPE_BYTES + 1)),
    "empty": ("not_canonical", lambda centre, bundle: b""),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_envelope_is_rejected_by_name_and_the_next_is_taken(sqlite_centre: Centre, name: str) -> None:
    """A named code in the receipt, the bytes kept unless too large, nothing in a case; the next is stored (P4)."""
    centre = sqlite_centre
    code, make = BAD[name]
    bad, good = (centre.bundle(centre.register()) for _ in range(2))
    raw = make(centre, bad)
    batch = [
        Message(topics.up_bundle(STATION, bad.bundle_id), raw),
        Message(topics.up_bundle(STATION, good.bundle_id), centre.sealed(good)),
    ]

    receipts = centre.receipts(centre.ingest.take(batch))

    assert [(receipt.verdict, receipt.code) for receipt in receipts] == [
        (Verdict.REJECTED, code),
        (Verdict.STORED, None),
    ]
    kept = raw if len(raw) <= envelope.MAX_ENVELOPE_BYTES else None
    assert [(row["code"], row["raw"]) for row in centre.rows("rejections")] == [(code, kept)]
    assert [row["bundle_id"] for row in centre.rows("bundles")] == [good.bundle_id]


def test_case_of_another_station_is_rejected(sqlite_centre: Centre) -> None:
    """A station captures for its own cases only."""
    centre = sqlite_centre
    bundle = centre.bundle(centre.register(station=OTHER_STATION), station_id=STATION)

    assert centre.deliver(centre.sealed(bundle), bundle.bundle_id).code == "wrong_station"


def test_unplanned_finger_is_rejected(sqlite_centre: Centre) -> None:
    """No more is captured than the plan of the case says."""
    centre = sqlite_centre
    many, few = centre.register(plan="single-4"), centre.register(plan="single-2")
    bundle = centre.bundle(many, dossier_id=few.dossier_id)

    assert centre.deliver(centre.sealed(bundle), bundle.bundle_id).code == "plan_mismatch"


def test_station_without_a_record_is_rejected(sqlite_centre: Centre) -> None:
    """What the broker should never let through is still named, and answered."""
    centre = sqlite_centre
    bundle = centre.bundle(centre.register())
    raw = centre.sealed(bundle)

    assert centre.deliver(raw, bundle.bundle_id, station="st-9999").code == "unknown_station"


def test_unreadable_station_records_reject_nobody(sqlite_centre: Centre) -> None:
    """P1: a folder that was moved, or a record that is no file, gives no receipt; mended, the bundle is taken.

    A rejection would send the bundles of every station into quarantine, each to be released by hand.
    """
    folder = sqlite_centre.site.fleet.layout.stations
    registered = sqlite_centre.register()
    bundle = sqlite_centre.bundle(registered)
    raw = sqlite_centre.sealed(bundle)
    message = Message(topics.up_bundle(STATION, bundle.bundle_id), raw)
    ask = CaseRequest(station_id=STATION, dossier_id=registered.dossier_id).encode()
    asked = Message(topics.up_request(STATION, "case"), ask)
    moved = folder.with_name("moved")
    folder.rename(moved)

    assert sqlite_centre.ingest.take([message, asked]) == []
    moved.rename(folder)
    record = folder / f"{STATION}.json"
    aside = record.rename(folder / "aside")
    record.mkdir()

    assert sqlite_centre.ingest.take([message, asked]) == []
    assert sqlite_centre.count("rejections") == 0
    record.rmdir()
    aside.rename(record)

    assert sqlite_centre.deliver(raw, bundle.bundle_id).verdict is Verdict.STORED


def test_second_capture_of_a_case_in_work_is_kept_and_changes_nothing(sqlite_centre: Centre) -> None:
    """Nothing an officer confirmed is thrown away; the case goes on with the first."""
    centre = sqlite_centre
    registered = centre.register()
    first, second = centre.bundle(registered), centre.bundle(registered, seed=7)
    centre.deliver(centre.sealed(first), first.bundle_id)

    receipt = centre.deliver(centre.sealed(second), second.bundle_id)

    assert receipt.verdict is Verdict.STORED
    assert (centre.count("envelopes"), centre.count("jobs")) == (2, 1)
    assert centre.rows("cases")[0]["bundle_id"] == first.bundle_id


def test_fault_in_the_database_code_costs_one_message_only(
    sqlite_centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message whose storing fails unexpectedly is rejected as our own fault and kept; the others go through."""
    centre = sqlite_centre
    poison, good = (centre.bundle(centre.register()) for _ in range(2))
    store_capture = bundles.store_capture

    def failing(connection: Any, examined: Any, *rest: Any) -> Any:
        if examined.bundle.bundle_id == poison.bundle_id:
            raise RuntimeError("a fault of ours")
        return store_capture(connection, examined, *rest)

    monkeypatch.setattr(bundles, "store_capture", failing)
    batch = [Message(topics.up_bundle(STATION, bundle.bundle_id), centre.sealed(bundle)) for bundle in (poison, good)]

    receipts = centre.receipts(centre.ingest.take(batch))

    assert {(receipt.bundle_id, receipt.code) for receipt in receipts} == {
        (poison.bundle_id, "centre_error"),
        (good.bundle_id, None),
    }
    assert [row["bundle_id"] for row in centre.rows("bundles")] == [good.bundle_id]


@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_mutation_of_an_envelope_is_stored_or_raises(sqlite_centre: Centre, data: st.DataObject) -> None:
    """Every changed envelope gets a named rejection: flipped bytes, cuts, insertions, foreign tails."""
    centre = sqlite_centre
    raw, bundle_id = _pristine(centre)
    at = data.draw(st.integers(0, len(raw) - 1))
    kind = data.draw(st.sampled_from(["flip", "cut", "insert", "tail", "random"]))
    mutated = {
        "flip": raw[:at] + bytes([raw[at] ^ data.draw(st.integers(1, 255))]) + raw[at + 1 :],
        "cut": raw[:at],
        "insert": raw[:at] + data.draw(st.binary(min_size=1, max_size=8)) + raw[at:],
        "tail": raw + data.draw(st.binary(min_size=1, max_size=64)),
        "random": data.draw(st.binary(max_size=200)),
    }[kind]

    receipt = centre.deliver(mutated, bundle_id)

    assert receipt.verdict is Verdict.REJECTED
    assert receipt.code in set(envelope.Reason)
    assert centre.count("envelopes") == 0


_PRISTINE: dict[int, tuple[bytes, str]] = {}


def _pristine(centre: Centre) -> tuple[bytes, str]:
    """One envelope for all examples of a test."""
    if id(centre) not in _PRISTINE:
        bundle = centre.bundle(centre.register())
        _PRISTINE[id(centre)] = centre.sealed(bundle), bundle.bundle_id
    return _PRISTINE[id(centre)]


@given(
    topic=st.one_of(
        st.sampled_from(
            [
                topics.up_sync(STATION),
                topics.up_request(STATION, "case"),
                topics.up_event(STATION, "quarantined"),
                topics.state(STATION),
                topics.up_request(STATION, "other"),
                topics.up_bundle(STATION, "no-ulid"),
            ]
        ),
        st.text(max_size=60),
    ),
    payload=st.binary(max_size=300),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_other_message_raises_or_is_answered(sqlite_centre: Centre, topic: str, payload: bytes) -> None:
    """Rubbish on any topic is dropped."""
    assert sqlite_centre.ingest.take([Message(topic, payload)]) == []


def test_word_of_a_station_on_the_topic_of_another_is_dropped(sqlite_centre: Centre) -> None:
    """The topic is what the broker vouches for."""
    centre = sqlite_centre
    sync = Sync(station_id=OTHER_STATION, outstanding=[], statuses={})
    centre.register(station=OTHER_STATION)

    assert centre.ingest.take([Message(topics.up_sync(STATION), sync.encode())]) == []


def test_states_and_events_are_kept_once(centre: Centre) -> None:
    """The newest state, each event once however often it is delivered."""
    state = StationState(station_id=STATION, online=True, software="1", outbox=3, quarantine=1, at_ms=5)
    event = StationEvent(station_id=STATION, kind="quarantined", subject="01ARZ3NDEKTSV4RRFFQ69G5FAV", at_ms=6)
    batch = [Message(topics.state(STATION), state.encode()), Message(topics.up_event(STATION, "x"), event.encode())]

    centre.ingest.take(batch * 2)

    assert [(row["outbox"], row["quarantine"]) for row in centre.rows("station_states")] == [(3, 1)]
    assert [row["kind"] for row in centre.rows("station_events")] == ["quarantined"]
