"""The dates of the open dossiers: what they rest on, and what an edited calendar makes of them.

Must never judge a case again: row and term stay those of its decision, only the count of working days is made anew.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from sqlalchemy import Connection, select

from central.clock import instant
from central.store.statuses import News, held_case, record
from central.store.tables import case_events, cases
from wire.keys import Signer
from wire.messages import CaseState
from wire.rules.calendars import Move, OpenCase
from wire.rules.decision import moved
from wire.rules.model import Rules

_OPEN = [state.value for state in CaseState if not state.final]
_DECIDED = ("checking", "decided")
"""Events that hold a decision: the provisional one before the register answers, and the one after."""
_MOVED = "moved"
"""The event of a dossier whose dates were put elsewhere; the term stays that of the decision."""


def open_dossiers(connection: Connection, rules: Rules) -> list[OpenCase]:
    """The open dossiers with a due date, oldest first.

    A dossier without a decision on record has the term of the row that ends its profile's table.
    """
    decided = _decided(connection)
    query = select(cases.c.dossier_id, cases.c.received_ms, cases.c.due).where(
        cases.c.state.in_(_OPEN), cases.c.due.is_not(None), cases.c.received_ms.is_not(None)
    )
    return [
        _open_case(row.dossier_id, row.received_ms, row.due, decided.get(row.dossier_id), rules)
        for row in connection.execute(query.order_by(cases.c.received_ms, cases.c.dossier_id))
    ]


def apply_moves(connection: Connection, rules: Rules, signer: Signer, now_ms: int) -> tuple[int, list[Move]]:
    """Puts the open dossiers on the dates the calendar gives them; how many are open, and which moved.

    Each gets one event with both dates, and its station a new status. Doing it again moves nothing. A worker that
    decides meanwhile waits for the end of the transaction, or this for it.
    """
    connection.execute(select(cases.c.dossier_id).where(cases.c.state.in_(_OPEN)).with_for_update()).all()
    dossiers = open_dossiers(connection, rules)
    found = moved(dossiers, rules.calendar)
    for move in found:
        case = held_case(connection, move.id)
        detail = {**move_dates(move), "rules_sha256": rules.sha256}
        state, due = CaseState(case["state"]), move.due_after.isoformat()
        news = News(_MOVED, "centre", state, case["code_of_state"], due, detail)
        record(connection, case, case["bundle_id"], news, signer, now_ms)
    return len(dossiers), found


def move_dates(move: Move) -> dict[str, Any]:
    """The dates of a move, as the commands print and the history keeps them."""
    return {
        "due": {"before": move.due_before.isoformat(), "after": move.due_after.isoformat()},
        "alarm": {
            "before": move.alarm_before.isoformat() if move.alarm_before else None,
            "after": move.alarm_after.isoformat() if move.alarm_after else None,
        },
    }


def _decided(connection: Connection) -> dict[str, dict[str, Any]]:
    """The newest decision of each dossier, with the alarm as it stands since."""
    query = select(case_events.c.dossier_id, case_events.c.kind, case_events.c.detail)
    query = query.where(case_events.c.kind.in_((*_DECIDED, _MOVED))).order_by(case_events.c.id)
    found: dict[str, dict[str, Any]] = {}
    for row in connection.execute(query):
        detail = json.loads(row.detail)
        if row.kind != _MOVED:
            found[row.dossier_id] = detail
        elif row.dossier_id in found:
            found[row.dossier_id]["alarm"] = detail["alarm"]["after"]
    return found


def _open_case(dossier_id: str, received_ms: int, due: str, decided: dict[str, Any] | None, rules: Rules) -> OpenCase:
    received = rules.calendar.local_date(instant(received_ms))
    if decided is not None and decided["working_days"] is not None:
        alarm = decided["alarm"]
        return OpenCase(
            dossier_id,
            received,
            decided["working_days"],
            date.fromisoformat(due),
            _alarm_term(decided, rules) if alarm else None,
            date.fromisoformat(alarm) if alarm else None,
        )
    policy = rules.policy_on(received)
    working_days = policy.rows[policy.order[-1]].working_days
    assert working_days is not None, "the last row of a profile is the provisional acceptance"
    return OpenCase(dossier_id, received, working_days, date.fromisoformat(due))


def _alarm_term(decided: dict[str, Any], rules: Rules) -> int | None:
    for policy in rules.policies:
        if policy.id == decided["policy"] and decided["row"] in policy.rows:
            return policy.rows[decided["row"]].alarm_working_days
    return None
