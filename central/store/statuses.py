"""The history of a case, and the statuses that go down to the station: one writer for both, in one transaction.

Must never change a case without an event beside it, and never write `issued` for anyone but the authority.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update

from central.store.outbound import Kind, queue
from central.store.tables import case_events, cases
from wire.keys import Signer
from wire.messages import CaseState, Status

REGISTERED = "registered"
"""The state of a case before its capture arrived; never sent to a station as a status."""


TO_CAPTURE = (REGISTERED, CaseState.SUPPLEMENT.value)
"""States in which a case waits for a capture."""


@dataclass(frozen=True, slots=True)
class News:
    """One entry for the history. With `state` it is a status of the bundle and goes to its station.

    Attributes:
        kind: a code, e.g. `register_answered`.
        actor: who said so: station, register, authority, centre or desk.
        due: None keeps the case's date.
        detail: codes and numbers only.
    """

    kind: str
    actor: str
    state: CaseState | None = None
    code: str | None = None
    due: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)


Case = Mapping[str, Any]
"""A row of `cases`."""

# Built once: making a statement costs more than running it.
_CASE = select(cases).where(cases.c.dossier_id == bindparam("dossier_id")).with_for_update()
_ADD_EVENT = insert(case_events)
_STAND = (
    update(cases)
    .where(cases.c.dossier_id == bindparam("of_dossier"))
    .values(state=bindparam("state"), code_of_state=bindparam("code_of_state"))
    .values(due=bindparam("due"), sequence=bindparam("sequence"))
)


def lock_case(connection: Connection, dossier_id: str) -> Case | None:
    """The case, held until the transaction ends; None where there is none."""
    row = connection.execute(_CASE, {"dossier_id": dossier_id}).mappings().first()
    return {str(name): value for name, value in row.items()} if row is not None else None


def held_case(connection: Connection, dossier_id: str) -> Case:
    """Like `lock_case`, for a case that is known to be there."""
    case = lock_case(connection, dossier_id)
    assert case is not None, "cases are never deleted"
    return case


def record(connection: Connection, case: Case, bundle_id: str | None, news: News, signer: Signer, now_ms: int) -> None:
    """Writes `news` into the history; a state also into the case and the outbound queue.

    Args:
        case: the row as `lock_case` gave it, not changed since.
        bundle_id: None before there is a capture. A capture the case is not worked on with gets its own status only.
    """
    assert news.state is not CaseState.ISSUED or news.actor == "authority", "only the authority issues"
    due = news.due or case["due"]
    leads = bundle_id == case["bundle_id"]
    sequence = _next_sequence(connection, case, bundle_id) if news.state and bundle_id else None
    event = {
        "dossier_id": case["dossier_id"],
        "at_ms": now_ms,
        "kind": news.kind,
        "actor": news.actor,
        "station_id": case["station_id"],
        "bundle_id": bundle_id,
        "sequence": sequence,
        "state": news.state.value if news.state else None,
        "code": news.code,
        "due": due,
        "detail": json.dumps(news.detail, ensure_ascii=False, sort_keys=True),
    }
    connection.execute(_ADD_EVENT, event)
    if news.state is None or bundle_id is None or sequence is None:
        return
    if leads:
        stand = {"state": news.state.value, "code_of_state": news.code, "due": due, "sequence": sequence}
        connection.execute(_STAND, {"of_dossier": case["dossier_id"], **stand})
    status = Status(
        station_id=case["station_id"],
        bundle_id=bundle_id,
        dossier_id=case["dossier_id"],
        sequence=sequence,
        state=news.state,
        code=news.code,
        due=due,
        at_ms=now_ms,
    )
    queue(connection, Kind.STATUS, case["station_id"], bundle_id, status.signed(signer), now_ms)


def newest_status(connection: Connection, station_id: str, bundle_id: str) -> Status | None:
    """The newest status of a bundle of that station."""
    query = (
        select(case_events)
        .where(case_events.c.station_id == station_id, case_events.c.bundle_id == bundle_id)
        .where(case_events.c.sequence.is_not(None))
        .order_by(case_events.c.sequence.desc())
        .limit(1)
    )
    row = connection.execute(query).mappings().first()
    if row is None:
        return None
    return Status(
        station_id=station_id,
        bundle_id=bundle_id,
        dossier_id=row["dossier_id"],
        sequence=row["sequence"],
        state=CaseState(row["state"]),
        code=row["code"],
        due=row["due"],
        at_ms=row["at_ms"],
    )


def _next_sequence(connection: Connection, case: Case, bundle_id: str) -> int:
    if bundle_id == case["bundle_id"]:
        return int(case["sequence"]) + 1
    query = select(func.max(case_events.c.sequence)).where(
        case_events.c.station_id == case["station_id"], case_events.c.bundle_id == bundle_id
    )
    return (connection.execute(query).scalar() or 0) + 1
