"""The commands auditors use: `decide`, `due`, `calendar`, `procedure`. Each prints one JSON object.

A thin shell over `wire.rules`: reads files, prints, sets the exit status (0 answered; 1 the administrator's data files
are unusable; 2 malformed input, one sentence per wrong field on stderr). Must never decide anything itself, nor read
the clock.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import click
from pydantic import AfterValidator, BaseModel, Field, TypeAdapter, ValidationError, ValidationInfo

from central.cli_moves import alarms_command, move_json, moves_command
from central.cli_receipt import receipt_command
from wire.catalogue import Text, bundled
from wire.rules.calendars import OpenCase
from wire.rules.case import parse_case
from wire.rules.decision import decide
from wire.rules.errors import CalendarUnknown, FieldProblem, InputInvalid, QuestionInvalid, RulesDataInvalid
from wire.rules.fields import STRICT, Instant, IsoDate, NfcText, problem, problems_of, read_json
from wire.rules.loader import load_rules
from wire.rules.model import Rules
from wire.rules.procedures import answer, find_procedures

UNUSABLE_DATA = 1
MALFORMED_INPUT = 2


def _with_its_term(alarm: date | None, info: ValidationInfo) -> date | None:
    if "alarm_working_days" in info.data and (alarm is None) != (info.data["alarm_working_days"] is None):
        raise problem("alarm_pair")
    return alarm


class OpenDossierLine(BaseModel):
    """One open dossier in the file for `calendar --open`."""

    model_config = STRICT

    id: NfcText
    received: IsoDate
    working_days: Annotated[int, Field(gt=0)]
    due: IsoDate
    alarm_working_days: Annotated[int, Field(gt=0)] | None = None
    alarm: Annotated[IsoDate | None, AfterValidator(_with_its_term), Field(validate_default=True)] = None


class OpenDossiers(BaseModel):
    """The file for `calendar --open`."""

    model_config = STRICT

    dossiers: list[OpenDossierLine]


def _command(name: str) -> Callable[[Callable[..., dict[str, Any]]], click.Command]:
    """A command whose function returns the object to print; errors become sentences and exit statuses."""

    def wrap(function: Callable[..., dict[str, Any]]) -> click.Command:
        @wraps(function)
        def run(rules_dir: Path | None, **values: Any) -> None:
            try:
                result = function(load_rules(rules_dir), **values)
            except InputInvalid as error:
                for wrong in error.problems:
                    click.echo(wrong.sentence().encode("utf-8"), err=True)
                raise SystemExit(MALFORMED_INPUT) from None
            except RulesDataInvalid as error:
                text = bundled().of_error(error)
                click.echo(f"{text.vi} / {text.en}".encode(), err=True)
                raise SystemExit(UNUSABLE_DATA) from None
            click.echo(json.dumps(result, ensure_ascii=False).encode("utf-8"))

        rules_option = click.option(
            "--rules",
            "rules_dir",
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            help="Directory with the administrator's rules files (default: the bundled ones).",
        )
        return click.command(name)(rules_option(run))

    return wrap


@_command("decide")
@click.option("--case", "case_file", type=click.File("rb"), required=True, help="Case facts as JSON; - for stdin.")
@click.option("--clock-untrusted", is_flag=True, help="The visit's instant comes from a clock nobody vouches for.")
def decide_command(rules: Rules, case_file: BinaryIO, clock_untrusted: bool) -> dict[str, Any]:
    """Decide one case: row, reason, dates, warnings."""
    case = parse_case(case_file.read(), rules)
    return decide(case, rules, clock_trusted=not clock_untrusted).to_json()


@_command("due")
@click.option("--received", required=True, help="Instant of receipt with its offset, or a local date.")
@click.option("--days", required=True, help="Working days, at least 1.")
def due_command(rules: Rules, received: str, days: str) -> dict[str, Any]:
    """The n-th working day after the local date of receipt."""
    problems: list[FieldProblem] = []
    on = _local_date(rules, received, problems)
    working_days = _whole_number(days)
    if working_days is None or working_days < 1:
        problems.append(FieldProblem("days", "days"))
    if on is None or working_days is None or problems:
        raise QuestionInvalid(problems)
    try:
        found = rules.calendar.due(on, working_days)
    except CalendarUnknown:
        raise QuestionInvalid([FieldProblem("received", "no_calendar")]) from None
    text = bundled().text("rules.answer.due", days=working_days, due=found.on.strftime("%d/%m/%Y"))
    years = [year for year in range(on.year, found.on.year + 1) if not rules.calendar.is_projected(year)]
    return {
        "received": on.isoformat(),
        "working_days": working_days,
        "due": found.on.isoformat(),
        "texts": {"vi": text.vi, "en": text.en},
        "sources": [rules.calendar.years[year].source for year in years],
        "projected_years": list(found.projected_years),
        "warnings": _projected(bool(found.projected_years), "received"),
    }


def _whole_number(text: str) -> int | None:
    """A number written in plain digits; None for anything else, and for more digits than a number may have."""
    try:
        return int(text) if text.isascii() and text.isdigit() else None
    except ValueError:
        return None


def _local_date(rules: Rules, received: str, problems: list[FieldProblem]) -> date | None:
    for kind in (IsoDate, Instant):
        try:
            value = TypeAdapter[Any](kind).validate_python(received)
        except ValidationError:
            continue
        try:
            return value if kind is IsoDate else rules.calendar.local_date(value)
        except OverflowError:
            problems.append(FieldProblem("received", "no_calendar"))
            return None
    problems.append(FieldProblem("received", "instant"))
    return None


@_command("calendar")
@click.option("--year", required=True, help="Calendar year.")
@click.option("--open", "open_file", type=click.File("rb"), help="Open dossiers as JSON: lists which of them move.")
def calendar_command(rules: Rules, year: str, open_file: BinaryIO | None) -> dict[str, Any]:
    """Days off and worked Saturdays of a year; with --open, the dossiers the calendar moves."""
    calendar, number = rules.calendar, _whole_number(year)
    if number is None or not date.min.year <= number <= date.max.year:
        raise QuestionInvalid([FieldProblem("year", "no_calendar")])
    dossiers = None if open_file is None else _open_dossiers(open_file.read())
    try:
        result: dict[str, Any] = {
            "year": number,
            "projected": calendar.is_projected(number),
            "off": [day.isoformat() for day in calendar.days_off(number)],
            "working_saturdays": [day.isoformat() for day in calendar.extra_days(number)],
            "source": None if calendar.is_projected(number) else calendar.years[number].source,
            "warnings": _projected(calendar.is_projected(number), "year"),
        }
    except CalendarUnknown:
        raise QuestionInvalid([FieldProblem("year", "no_calendar")]) from None
    if dossiers is not None:
        result["moves"] = _moves(rules, dossiers)
    return result


def _open_dossiers(data: bytes) -> list[OpenCase]:
    try:
        lines = OpenDossiers.model_validate(read_json(data, QuestionInvalid)).dossiers
    except ValidationError as error:
        raise QuestionInvalid(problems_of(error)) from None
    return [OpenCase(**dict(line)) for line in lines]


def _moves(rules: Rules, dossiers: list[OpenCase]) -> list[dict[str, Any]]:
    moves: list[dict[str, Any]] = []
    problems: list[FieldProblem] = []
    for index, dossier in enumerate(dossiers):
        try:
            moves += [move_json(move) for move in rules.calendar.moves([dossier])]
        except CalendarUnknown:
            problems.append(FieldProblem(f"dossiers[{index}].received", "no_calendar"))
    if problems:
        raise QuestionInvalid(problems)
    return moves


@_command("procedure")
@click.argument("text")
@click.option("--place", required=True, help="Province or city, present or former name.")
@click.option("--on", "on_text", required=True, help="Date, YYYY-MM-DD.")
def procedure_command(rules: Rules, text: str, place: str, on_text: str) -> dict[str, Any]:
    """Who handles a procedure at a place on a date."""
    try:
        on: date = TypeAdapter[Any](IsoDate).validate_python(on_text)
    except ValidationError:
        raise QuestionInvalid([*_unknown_procedure(text, rules), FieldProblem("on", "date")]) from None
    return answer(text, place, on, rules)


def _unknown_procedure(text: str, rules: Rules) -> tuple[FieldProblem, ...]:
    try:
        find_procedures(text, rules)
    except QuestionInvalid as error:
        return error.problems
    return ()


def _projected(projected: bool, field: str) -> list[dict[str, Any]]:
    if not projected:
        return []
    text: Text = bundled().text("rules.warning.CALENDAR_PROJECTED")
    return [{"code": "CALENDAR_PROJECTED", "field": field, "texts": {"vi": text.vi, "en": text.en}}]


COMMANDS: list[click.Command] = [
    decide_command,
    due_command,
    calendar_command,
    procedure_command,
    moves_command,
    alarms_command,
    receipt_command,
]
"""To be added to the centre's command group."""
