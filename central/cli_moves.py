"""The commands `moves` and `alarms`: which open dossiers the calendar puts on other dates, and which are late.

Reads the store, changes nothing. Must never show more of a dossier than its number and dates.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import click
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, select

from central.cli import config_of, open_store
from central.clock import instant, system_ms
from central.store.tables import case_events, cases
from wire.messages import CaseState
from wire.rules.calendars import Move, OpenCase
from wire.rules.decision import moved
from wire.rules.errors import FieldProblem, QuestionInvalid
from wire.rules.fields import IsoDate
from wire.rules.loader import load_rules
from wire.rules.model import Rules

_OPEN = [state.value for state in CaseState if not state.final]
_DECIDED = ("checking", "decided")
"""Events that hold a decision: the provisional one before the register answers, and the one after."""


def open_dossiers(connection: Connection, rules: Rules) -> list[OpenCase]:
    """The open dossiers with a due date, oldest first.

    A dossier without a decision on record has the term of the row that ends its profile's table.
    """
    events = select(case_events.c.dossier_id, case_events.c.detail).where(case_events.c.kind.in_(_DECIDED))
    decided = {row.dossier_id: json.loads(row.detail) for row in connection.execute(events.order_by(case_events.c.id))}
    query = select(cases.c.dossier_id, cases.c.received_ms, cases.c.due).where(
        cases.c.state.in_(_OPEN), cases.c.due.is_not(None), cases.c.received_ms.is_not(None)
    )
    return [
        _open_case(row.dossier_id, row.received_ms, row.due, decided.get(row.dossier_id), rules)
        for row in connection.execute(query.order_by(cases.c.received_ms, cases.c.dossier_id))
    ]


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


@click.command("moves")
@click.option(
    "--rules",
    "rules_dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Directory with the administrator's rules files (default: the one of the configuration).",
)
@click.pass_context
def moves_command(context: click.Context, rules_dir: Path | None) -> None:
    """List the open dossiers whose due date or alarm the calendar moves. Changes nothing."""
    config = config_of(context)
    rules = load_rules(rules_dir or config.cases.rules_dir)
    with open_store(config) as store, store.read() as connection:
        dossiers = open_dossiers(connection, rules)
    found = [move_json(move) for move in moved(dossiers, rules.calendar)]
    click.echo(json.dumps({"open": len(dossiers), "moves": found}, ensure_ascii=False).encode("utf-8"))


@click.command("alarms")
@click.option("--on", "on_text", help="Local date, YYYY-MM-DD (default: today).")
@click.pass_context
def alarms_command(context: click.Context, on_text: str | None) -> None:
    """List the open dossiers that are late: the register still unknown on its alarm day, or no answer on the last day.

    Changes nothing. A date counts as reached from 00:00 of that day, so that there is still time to act.
    """
    config = config_of(context)
    rules = load_rules(config.cases.rules_dir)
    on = rules.calendar.local_date(instant(system_ms())) if on_text is None else _date(on_text)
    with open_store(config) as store, store.read() as connection:
        dossiers = open_dossiers(connection, rules)
    late = [
        {
            "id": dossier.id,
            "alarm": dossier.alarm.isoformat() if dossier.alarm else None,
            "due": dossier.due.isoformat(),
        }
        for dossier in dossiers
        if dossier.due <= on or (dossier.alarm is not None and dossier.alarm <= on)
    ]
    found = {"on": on.isoformat(), "open": len(dossiers), "alarms": late}
    click.echo(json.dumps(found, ensure_ascii=False).encode("utf-8"))


def _date(text: str) -> date:
    try:
        found: date = TypeAdapter[Any](IsoDate).validate_python(text)
    except ValidationError:
        raise QuestionInvalid([FieldProblem("on", "date")]) from None
    return found


def move_json(move: Move) -> dict[str, Any]:
    """One move as the commands print it."""
    return {
        "id": move.id,
        "due": {"before": move.due_before.isoformat(), "after": move.due_after.isoformat()},
        "alarm": {
            "before": move.alarm_before.isoformat() if move.alarm_before else None,
            "after": move.alarm_after.isoformat() if move.alarm_after else None,
        },
    }
