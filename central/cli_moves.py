"""The commands `moves` and `alarms`: which open dossiers the calendar puts on other dates, and which are late.

Only `moves --apply` changes anything (central/moves.py). Must never show more of a dossier than its number and dates.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import click
from pydantic import TypeAdapter, ValidationError

from central.cli import config_of, open_store
from central.clock import instant, system_ms
from central.config import CentralConfig
from central.keys import load_keys
from central.moves import apply_moves, move_dates, open_dossiers
from wire.rules.calendars import Move
from wire.rules.decision import moved
from wire.rules.errors import FieldProblem, QuestionInvalid
from wire.rules.fields import IsoDate
from wire.rules.loader import load_rules


@click.command("moves")
@click.option(
    "--rules",
    "rules_dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Directory with the administrator's rules files (default: the one of the configuration).",
)
@click.option("--apply", "shall_apply", is_flag=True, help="Put them on the new dates and tell their stations.")
@click.pass_context
def moves_command(context: click.Context, rules_dir: Path | None, shall_apply: bool) -> None:
    """List the open dossiers whose due date or alarm the calendar moves. Without --apply changes nothing."""
    config = config_of(context)
    if shall_apply:
        if rules_dir is not None:
            # The workers would go on giving out the dates of the configuration's rules.
            raise QuestionInvalid([FieldProblem("--rules", "apply_rules")])
        _apply(config)
        return
    rules = load_rules(rules_dir or config.cases.rules_dir)
    with open_store(config) as store, store.read() as connection:
        dossiers = open_dossiers(connection, rules)
    found = [move_json(move) for move in moved(dossiers, rules.calendar)]
    click.echo(json.dumps({"open": len(dossiers), "moves": found}, ensure_ascii=False).encode("utf-8"))


def _apply(config: CentralConfig) -> None:
    rules, signer = load_rules(config.cases.rules_dir), load_keys(config.keys).signing
    with open_store(config) as store, store.write() as connection:
        count, moves = apply_moves(connection, rules, signer, system_ms())
    done = {"open": count, "moves": [move_json(move) for move in moves], "applied": True}
    click.echo(json.dumps(done, ensure_ascii=False).encode("utf-8"))


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
    return {"id": move.id, **move_dates(move)}
