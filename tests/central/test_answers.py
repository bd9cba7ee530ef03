"""What a station gets when it asks: what it missed, nothing it knows, nothing of another station."""

from __future__ import annotations

from central.ingest import Message
from tests.central.centre import Centre
from tests.central.site import OTHER_STATION, STATION
from wire import envelope, topics
from wire.messages import CaseRequest, Outstanding, Status, Sync, Verdict


def test_sync_is_answered_with_what_the_station_missed(centre: Centre) -> None:
    """Receipts for outstanding ids, the newest status, open cases; silence for what the centre never saw."""
    done, open_case = centre.register(), centre.register()
    bundle = centre.bundle(done)
    raw = centre.sealed(bundle)
    centre.deliver(raw, bundle.bundle_id)
    unseen = Outstanding(bundle_id="01ARZ3NDEKTSV4RRFFQ69G5FAV", envelope_sha256=bytes(32))
    seen = Outstanding(bundle_id=bundle.bundle_id, envelope_sha256=envelope.digest(raw))
    sync = Sync(station_id=STATION, outstanding=[seen, unseen], statuses={})

    sent = centre.ingest.take([Message(topics.up_sync(STATION), sync.encode())])

    assert [out.topic for out in sent] == [
        topics.down_receipt(STATION, bundle.bundle_id),
        topics.down_status(STATION, bundle.bundle_id),
        topics.down_case(STATION, open_case.dossier_id),
    ]
    assert centre.receipts(sent)[0].verdict is Verdict.STORED
    assert Status.verified(sent[1].payload, [centre.keys.signing.verifying_key]).sequence == 1


def test_sync_repeats_a_rejection(sqlite_centre: Centre) -> None:
    """A station that missed a rejection learns it, so that the file goes to quarantine and not round and round."""
    centre = sqlite_centre
    bundle = centre.bundle(centre.register())
    raw = b"rubbish"
    centre.deliver(raw, bundle.bundle_id)
    item = Outstanding(bundle_id=bundle.bundle_id, envelope_sha256=envelope.digest(raw))
    sync = Sync(station_id=STATION, outstanding=[item], statuses={})

    receipts = centre.receipts(centre.ingest.take([Message(topics.up_sync(STATION), sync.encode())]))

    assert [receipt.code for receipt in receipts] == ["not_canonical"]


def test_sync_does_not_repeat_a_rejection_that_was_mended(sqlite_centre: Centre) -> None:
    """P1: released at a station that is offline, the bundle would go back to quarantine before it is sent again."""
    centre = sqlite_centre
    bundle = centre.bundle(centre.register())
    raw = centre.sealed(bundle)
    record = centre.site.fleet.layout.station_record(STATION)
    aside = record.rename(record.with_name("aside"))
    assert centre.deliver(raw, bundle.bundle_id).code == "unknown_station"
    aside.rename(record)
    item = Outstanding(bundle_id=bundle.bundle_id, envelope_sha256=envelope.digest(raw))
    sync = Sync(station_id=STATION, outstanding=[item], statuses={})

    receipts = centre.receipts(centre.ingest.take([Message(topics.up_sync(STATION), sync.encode())]))

    assert receipts == []
    assert centre.deliver(raw, bundle.bundle_id).verdict is Verdict.STORED


def test_known_status_is_not_sent_again(sqlite_centre: Centre) -> None:
    """Only what is newer than the station says."""
    centre = sqlite_centre
    bundle = centre.bundle(centre.register())
    centre.deliver(centre.sealed(bundle), bundle.bundle_id)
    sync = Sync(station_id=STATION, outstanding=[], statuses={bundle.bundle_id: 1})

    assert centre.ingest.take([Message(topics.up_sync(STATION), sync.encode())]) == []


def test_case_request_is_answered_to_its_own_station_only(sqlite_centre: Centre) -> None:
    """A QR code shown at another station opens nothing there."""
    centre = sqlite_centre
    registered = centre.register()
    answers = {
        station: centre.ingest.take(
            [
                Message(
                    topics.up_request(station, "case"),
                    CaseRequest(station_id=station, dossier_id=registered.dossier_id).encode(),
                )
            ]
        )
        for station in (STATION, OTHER_STATION)
    }

    assert [out.topic for out in answers[STATION]] == [topics.down_case(STATION, registered.dossier_id)]
    assert answers[OTHER_STATION] == []
