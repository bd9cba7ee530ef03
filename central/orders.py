"""Registering a case: the form becomes a dossier, and an order for one station goes on its way, in one transaction.

The order is sealed to the station's key and signed by the centre. Of a form that the rules stop at the desk only the
decision is stored. Must never derive an identifier from a person: dossier ids and case codes are random.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import Connection, insert, select
from ulid import ULID

from central.answers import seal_order
from central.clock import instant
from central.config import CasesConfig
from central.eligibility import at_the_desk, needs_representative
from central.errors import CaseRefused, StationRecordInvalid
from central.keys import CentreKeys
from central.numbers import linked_elsewhere, phone_sha256
from central.policies import consent, plan
from central.stations import StationDirectory
from central.store.engine import Store
from central.store.outbound import Kind, queue
from central.store.refusals import store_refusal
from central.store.statuses import REGISTERED, News, held_case, record
from central.store.tables import cases
from wire.bundle import Document, Representative
from wire.case import CaseOrder
from wire.messages import CaseState
from wire.rules.decision import CaseWarning, IntakeAnswer
from wire.rules.model import Rules
from wire.rules.tk01 import Tk01

CODE_SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 6
DAY_MS = 24 * 3600 * 1000
_OPEN = (CaseState.RECEIVED.value, CaseState.CHECKING.value, CaseState.REQUESTED.value)


@dataclass(frozen=True, slots=True)
class Registered:
    """What the desk hands out. `warnings` are the rules' early ones, in both languages."""

    dossier_id: str
    code: str
    order: CaseOrder
    warnings: tuple[CaseWarning, ...]


def register_case(
    tk01: Tk01,
    station_id: str,
    store: Store,
    stations: StationDirectory,
    keys: CentreKeys,
    rules: Rules,
    config: CasesConfig,
    now_ms: int,
) -> Registered:
    """A new dossier for one station.

    Raises:
        StationUnknown, StationRecordInvalid, PlanUnknown, CaseInvalid; CaseRefused where the rules stop it here: the
        decision is then on record.
    """
    station = stations.get(station_id)
    if not station.accepts_at(now_ms):
        raise StationRecordInvalid(file=f"{station_id}.json")
    today = rules.calendar.local_date(instant(now_ms))
    document = document_sha256(tk01)
    with store.write() as connection:
        linked = linked_elsewhere(connection, tk01)
        answer = at_the_desk(tk01, rules, now_ms, _open_dossier(connection, document), linked)
        if answer.decision is None:
            order = _order(tk01, station_id, _new_code(connection), answer, rules, config, today, now_ms)
            _insert(connection, tk01, order, document, now_ms)
            case = held_case(connection, order.dossier_id)
            news = News("registered", "desk", detail={"plan": order.plan_id, "warnings": order.warnings})
            record(connection, case, None, news, keys.signing, now_ms)
            sealed = seal_order(order.encode(), order.dossier_id, station_id, station.sealing(), keys.signing)
            queue(connection, Kind.CASE, station_id, order.dossier_id, sealed, now_ms)
        else:
            store_refusal(connection, station_id, answer.decision, now_ms)
    # Not inside: an exception there would take the refusal's record back with it.
    if answer.decision is not None:
        raise CaseRefused(outcome=answer.decision.outcome.value, code=answer.decision.reason or "-")
    return Registered(order.dossier_id, order.code, order, answer.warnings)


def document_sha256(tk01: Tk01) -> str:
    """By which a dossier of the same document is found. Without a key: the form stands in the same row anyway."""
    return hashlib.sha256(f"{tk01.nationality}|{tk01.document.number}".encode()).hexdigest()


def _order(
    tk01: Tk01,
    station_id: str,
    code: str,
    answer: IntakeAnswer,
    rules: Rules,
    config: CasesConfig,
    today: date,
    now_ms: int,
) -> CaseOrder:
    planned = plan(config.plan, today)
    by_representative = needs_representative(tk01, rules, now_ms)
    return CaseOrder(
        dossier_id=str(ULID.from_datetime(datetime.fromtimestamp(now_ms / 1000, UTC))),
        station_id=station_id,
        code=code,
        issued_ms=now_ms,
        expires_ms=now_ms + config.valid_days * DAY_MS,
        document=_document(tk01),
        representative=_representative(tk01),
        consent=consent(today),
        consent_by="representative" if by_representative else "applicant",
        plan_id=config.plan,
        plan=planned.fingers,
        steps=planned.steps,
        warnings=[f"rules.warning.{warning.code}" for warning in answer.warnings][:20],
    )


def _document(tk01: Tk01) -> Document:
    return Document(
        source="tk01",
        type=tk01.document.type,
        issuing_state=tk01.nationality,
        number=tk01.document.number,
        valid_until=tk01.document.valid_until.isoformat(),
        surname=tk01.surname,
        given_names=tk01.given_names or "",
        birth_date=tk01.birth_date.isoformat(),
        sex=tk01.sex,
        nationality=tk01.nationality,
    )


def _representative(tk01: Tk01) -> Representative | None:
    found = tk01.representative
    if found is None:
        return None
    return Representative(
        surname=found.surname,
        given_names=found.given_names or "",
        relation=found.relation,
        document_number=found.document_number,
    )


def _insert(connection: Connection, tk01: Tk01, order: CaseOrder, document: str, now_ms: int) -> None:
    connection.execute(
        insert(cases).values(
            dossier_id=order.dossier_id,
            code=order.code,
            station_id=order.station_id,
            document_sha256=document,
            phone_sha256=phone_sha256(tk01),
            tk01=tk01.to_json().decode("utf-8"),
            order_cbor=order.encode(),
            plan_id=order.plan_id,
            state=REGISTERED,
            sequence=0,
            registered_ms=now_ms,
            expires_ms=order.expires_ms,
        )
    )


def _open_dossier(connection: Connection, document: str) -> dict[str, str | None] | None:
    query = select(cases.c.dossier_id, cases.c.due).where(cases.c.document_sha256 == document, cases.c.state.in_(_OPEN))
    row = connection.execute(query.order_by(cases.c.registered_ms)).first()
    return {"id": row.dossier_id, "due": row.due} if row else None


def _new_code(connection: Connection) -> str:
    """Six symbols: short enough to read aloud, and never that of another case."""
    while True:
        code = "".join(secrets.choice(CODE_SYMBOLS) for _ in range(CODE_LENGTH))
        if connection.execute(select(cases.c.code).where(cases.c.code == code)).first() is None:
            return code
