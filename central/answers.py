"""Answers to what a station asks: receipts it is waiting for, statuses it has not seen, cases it should have.

Made afresh from the tables each time; nothing is kept of them, for a station that misses one asks again. Part of the
caller's transaction.
"""

from __future__ import annotations

import os

from sqlalchemy import ColumnElement, Connection, RowMapping, or_, select

from central import log
from central.errors import StationRecordInvalid, StationsUnreadable, StationUnknown
from central.examine import CURABLE
from central.keys import CentreKeys
from central.stations import StationDirectory
from central.store import bundles
from central.store.outbound import Kind, Outgoing, topic_of
from central.store.statuses import TO_CAPTURE, newest_status
from central.store.tables import cases
from wire import envelope
from wire.case import CaseOrder
from wire.envelope import EnvelopeType, Routing
from wire.ids import CENTRE
from wire.keys import SealingKey, Signer
from wire.messages import CaseRequest, CaseState, Outstanding, Receipt, Sync, Verdict

MOST_CASES = 100
"""Open cases sent again on one sync, the newest first; older ones come when their QR code is shown."""


def answer_sync(
    connection: Connection, sync: Sync, stations: StationDirectory, keys: CentreKeys, now_ms: int
) -> list[Outgoing]:
    """Receipts, statuses and open cases. An id the centre has never seen gets no answer: the station sends it again.

    Nor does one whose rejection may have been mended since: an admin has released it, and it is examined afresh.
    """
    sent: list[Outgoing] = []
    for item in sync.outstanding:
        sent += _receipt_again(connection, sync.station_id, item, keys.signing, now_ms)
    known = {item.bundle_id: 0 for item in sync.outstanding} | sync.statuses
    for bundle_id, sequence in known.items():
        status = newest_status(connection, sync.station_id, bundle_id)
        if status is not None and status.sequence > sequence:
            topic = topic_of(Kind.STATUS, sync.station_id, bundle_id)
            sent.append(Outgoing(topic, status.signed(keys.signing)))
    query = (
        select(cases)
        .where(cases.c.station_id == sync.station_id, cases.c.state.in_(TO_CAPTURE), _may_be_worked_on(now_ms))
        .order_by(cases.c.registered_ms.desc())
        .limit(MOST_CASES)
    )
    for case in connection.execute(query).mappings():
        sent += _case_again(case, stations, keys, now_ms)
    log.event("sync", station=sync.station_id, outstanding=len(sync.outstanding), answers=len(sent))
    return sent


def answer_case_request(
    connection: Connection, wanted: CaseRequest, stations: StationDirectory, keys: CentreKeys, now_ms: int
) -> list[Outgoing]:
    """The case, where it is open and belongs to that station."""
    query = select(cases).where(
        cases.c.dossier_id == wanted.dossier_id,
        cases.c.station_id == wanted.station_id,
        _may_be_worked_on(now_ms),
    )
    case = connection.execute(query).mappings().first()
    log.event("case_asked", station=wanted.station_id, dossier=wanted.dossier_id, found=case is not None)
    return _case_again(case, stations, keys, now_ms) if case is not None else []


def seal_order(order: bytes, dossier_id: str, station_id: str, key: SealingKey, signer: Signer) -> bytes:
    """A CaseOrder as it travels: sealed to the station, signed by the centre."""
    routing = Routing(EnvelopeType.CASE, CENTRE, station_id, dossier_id)
    return envelope.seal(order, routing, [signer], [key], os.urandom)


def _may_be_worked_on(now_ms: int) -> ColumnElement[bool]:
    """Not expired; a supplement opens the case anew, whatever its first term was."""
    return or_(cases.c.expires_ms > now_ms, cases.c.state == CaseState.SUPPLEMENT.value)


def _order_now(case: RowMapping, now_ms: int) -> bytes:
    """The order as first sent; for a supplement with a term of the same length from now on."""
    stored: bytes = case["order_cbor"]
    if case["state"] != CaseState.SUPPLEMENT.value:
        return stored
    order = CaseOrder.decode(stored)
    lasts_ms = order.expires_ms - order.issued_ms
    return order.model_copy(update={"issued_ms": now_ms, "expires_ms": now_ms + lasts_ms}).encode()


def _case_again(case: RowMapping, stations: StationDirectory, keys: CentreKeys, now_ms: int) -> list[Outgoing]:
    try:
        record = stations.get(case["station_id"])
    except (StationUnknown, StationRecordInvalid, StationsUnreadable):
        return []
    if not record.accepts_at(now_ms):
        return []
    order = _order_now(case, now_ms)
    sealed = seal_order(order, case["dossier_id"], case["station_id"], record.sealing(), keys.signing)
    return [Outgoing(topic_of(Kind.CASE, case["station_id"], case["dossier_id"]), sealed)]


def _receipt_again(
    connection: Connection, station_id: str, item: Outstanding, signer: Signer, now_ms: int
) -> list[Outgoing]:
    sha256 = item.envelope_sha256.hex()
    code = None
    if bundles.stored_sha256(connection, station_id, item.bundle_id) == sha256:
        verdict = Verdict.STORED
    else:
        code = bundles.rejection_code(connection, station_id, item.bundle_id, sha256)
        if code is None or code in CURABLE:
            return []
        verdict = Verdict.REJECTED
    receipt = Receipt(
        station_id=station_id,
        bundle_id=item.bundle_id,
        envelope_sha256=item.envelope_sha256,
        verdict=verdict,
        code=code,
        at_ms=now_ms,
    )
    return [Outgoing(topic_of(Kind.RECEIPT, station_id, item.bundle_id), receipt.signed(signer))]
