"""Storing what ingest found: a capture once, a rejection with its reason. Part of the caller's transaction.

Idempotent by station, bundle id and SHA-256: the same bytes again are a duplicate; other bytes under the same id are a
conflict and kept. Everything a capture causes (facts, first event, first job, status) is written beside it.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, bindparam, insert, select, update

from central.errors import BundleRejected
from central.examine import Code, Examined, as_json, facts_of
from central.store import jobs
from central.store.jobs import JobKind
from central.store.statuses import TO_CAPTURE, Case, News, lock_case, record
from central.store.tables import bundles, cases, envelopes, rejections
from wire.bundle import Bundle
from wire.case import CaseOrder
from wire.envelope import MAX_ENVELOPE_BYTES
from wire.keys import Signer
from wire.messages import CaseState, Verdict

# Built once: making a statement costs more than running it.
_SHA256 = select(envelopes.c.sha256).where(
    envelopes.c.station_id == bindparam("station_id"), envelopes.c.bundle_id == bindparam("bundle_id")
)
_ADD_ENVELOPE = insert(envelopes).returning(envelopes.c.id)
_ADD_BUNDLE = insert(bundles)
_TAKE_UP = (
    update(cases)
    .where(cases.c.dossier_id == bindparam("of_dossier"))
    .values(bundle_id=bindparam("bundle_id"), received_ms=bindparam("received_ms"), sequence=bindparam("sequence"))
)


def stored_sha256(connection: Connection, station_id: str, bundle_id: str) -> str | None:
    """Hex SHA-256 of the capture kept under that id."""
    return connection.execute(_SHA256, {"station_id": station_id, "bundle_id": bundle_id}).scalar()


def rejection_code(connection: Connection, station_id: str, bundle_id: str, sha256: str) -> str | None:
    """Why these bytes were rejected, if they were."""
    query = select(rejections.c.code).where(_same(station_id, bundle_id, sha256))
    return connection.execute(query).scalar()


def store_capture(
    connection: Connection, examined: Examined, raw: bytes, sha256: str, signer: Signer, now_ms: int
) -> Verdict:
    """Stores a capture and what follows from it. Raises BundleRejected for what only the case can tell."""
    bundle = examined.bundle
    known = stored_sha256(connection, bundle.station_id, bundle.bundle_id)
    if known is not None:
        if known != sha256:
            raise BundleRejected(Code.CONFLICT)
        return Verdict.DUPLICATE
    case, order = _case_for(connection, bundle)
    detail = {"document_differs": _differing(bundle, order), "document": _document(bundle)}
    _insert(connection, examined, raw, sha256, now_ms)
    if case["state"] in TO_CAPTURE:
        changes = {"bundle_id": bundle.bundle_id, "received_ms": _received_ms(bundle, case, now_ms), "sequence": 0}
        connection.execute(_TAKE_UP, {"of_dossier": case["dossier_id"], **changes})
        case = {**case, **changes}
        jobs.add(connection, JobKind.REGISTER_CHECK, case, bundle.bundle_id, now_ms, now_ms)
        news = News("received", "station", CaseState.RECEIVED, detail=detail)
    else:
        # A second capture of a case in work is kept, and changes nothing: the first one stands.
        news = News("received_again", "station", CaseState.RECEIVED, "additional_capture", detail=detail)
    record(connection, case, bundle.bundle_id, news, signer, now_ms)
    return Verdict.STORED


def _received_ms(bundle: Bundle, case: Case, now_ms: int) -> int:
    """When the dossier was received: at the desk, however long the station was offline afterwards.

    Only a moment that the station's clock can vouch for counts; otherwise the one at which the capture came here.
    """
    confirmed_ms = bundle.confirmed.wall_ms
    possible = case["registered_ms"] <= confirmed_ms <= now_ms
    return confirmed_ms if bundle.confirmed.trust.vouched and possible else now_ms


def store_rejection(
    connection: Connection, station_id: str, bundle_id: str, raw: bytes, sha256: str, code: str, now_ms: int
) -> None:
    """Keeps rejected bytes once, and how often they came."""
    values = {"code": code, "last_ms": now_ms, "times": rejections.c.times + 1}
    again = update(rejections).where(_same(station_id, bundle_id, sha256)).values(values)
    if connection.execute(again).rowcount:
        return
    connection.execute(
        insert(rejections).values(
            station_id=station_id,
            bundle_id=bundle_id,
            sha256=sha256,
            code=code,
            raw=raw if len(raw) <= MAX_ENVELOPE_BYTES else None,
            size_bytes=len(raw),
            times=1,
            first_ms=now_ms,
            last_ms=now_ms,
        )
    )


def evidence(connection: Connection, station_id: str, bundle_id: str) -> tuple[bytes, tuple[str, ...]] | None:
    """The sealed envelope of a capture, and the keys it was verified with."""
    query = select(envelopes.c.raw, envelopes.c.verifying_keys).where(
        envelopes.c.station_id == station_id, envelopes.c.bundle_id == bundle_id
    )
    row = connection.execute(query).first()
    return (row.raw, tuple(json.loads(row.verifying_keys))) if row else None


def facts(connection: Connection, station_id: str, bundle_id: str) -> RowMapping | None:
    """The readable row of a capture."""
    query = select(bundles).where(bundles.c.station_id == station_id, bundles.c.bundle_id == bundle_id)
    return connection.execute(query).mappings().first()


def _case_for(connection: Connection, bundle: Bundle) -> tuple[Case, CaseOrder]:
    case = lock_case(connection, bundle.dossier_id)
    if case is None:
        raise BundleRejected(Code.UNKNOWN_DOSSIER)
    if case["station_id"] != bundle.station_id:
        raise BundleRejected(Code.WRONG_STATION)
    order = CaseOrder.decode(case["order_cbor"])
    if not {finger.position for finger in bundle.fingers} <= set(order.plan):
        raise BundleRejected(Code.PLAN_MISMATCH)
    if (bundle.consent.text_id, bundle.consent.text_sha256) != (order.consent.text_id, order.consent.sha256):
        raise BundleRejected(Code.CONSENT_MISMATCH)
    return case, order


def _differing(bundle: Bundle, order: CaseOrder) -> list[str]:
    """Names of document fields the station saw otherwise than the desk; the case goes on with the desk's."""
    names = ("type", "issuing_state", "number", "valid_until", "birth_date", "sex", "nationality")
    return [name for name in names if getattr(bundle.document, name) != getattr(order.document, name)]


def _document(bundle: Bundle) -> dict[str, Any]:
    """What the desk found out about the document: who looks at the case later must not have to open the bundle.

    `played` names devices that were no real ones, `embedding` the model behind portrait and match.
    """
    match = bundle.document_match
    return {
        "source": bundle.document.source,
        "zone_read": bundle.document.mrz is not None,
        "portrait_match": None if match is None else match.verdict.value,
        "played": sorted(device.kind for device in bundle.devices if device.driver == "emulated"),
        "embedding": bundle.portrait.embedding.model_id,
        "signed": [
            {"subject": entry.subject, "reason": entry.reason}
            for entry in bundle.exceptions
            if entry.subject.split(".")[0] == "document"
        ],
    }


def _insert(connection: Connection, examined: Examined, raw: bytes, sha256: str, now_ms: int) -> None:
    bundle = examined.bundle
    ids = {"station_id": bundle.station_id, "bundle_id": bundle.bundle_id}
    envelope = {
        **ids,
        "sha256": sha256,
        "raw": raw,
        "verifying_keys": json.dumps(examined.verifying_keys),
        "size_bytes": len(raw),
        "received_ms": now_ms,
    }
    facts_row = {
        **ids,
        "envelope_id": connection.execute(_ADD_ENVELOPE, envelope).scalar_one(),
        "dossier_id": bundle.dossier_id,
        "officer_id": bundle.officer_id,
        "confirmed_ms": bundle.confirmed.wall_ms,
        "clock_trust": bundle.confirmed.trust.value,
        "facts": as_json(facts_of(bundle)),
    }
    connection.execute(_ADD_BUNDLE, facts_row)


def _same(station_id: str, bundle_id: str, sha256: str) -> ColumnElement[bool]:
    table = rejections.c
    return (table.station_id == station_id) & (table.bundle_id == bundle_id) & (table.sha256 == sha256)
