"""Commands about cases: `register-case`, `cases`, `show`, `rejections`, `refusals`, `open`.

They work on the database; a running centre sends what they queue. Names are shown only by `show --form`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import segno
from sqlalchemy import RowMapping, select

from central.cli import FAILED, config_of, open_store
from central.clock import instant, system_ms
from central.errors import CaseRefused, CaseUnknown, Tk01Unreadable
from central.keys import load_keys
from central.opening import RECORD_IMAGES, open_envelope
from central.orders import Registered, register_case
from central.stations import StationDirectory
from central.store import jobs
from central.store.refusals import newest_refusals
from central.store.tables import case_events, cases, envelopes, rejections
from wire.case import qr_text
from wire.catalogue import bundled
from wire.ids import is_ulid
from wire.rules.loader import load_rules
from wire.rules.tk01 import parse_tk01

_as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
MOST_SHOWN = 50


@click.command("register-case")
@click.argument("form", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--station", required=True, help="Station id that shall capture.")
@click.option("--plan", help="Capture plan; else the configuration's.")
@click.option("--qr", type=click.Path(path_type=Path, dir_okay=False), help="Write the dossier's QR code as PNG.")
@_as_json
@click.pass_context
def register_command(
    context: click.Context, form: Path, station: str, plan: str | None, qr: Path | None, as_json: bool
) -> None:
    """Take in a form TK01 (JSON), make a dossier of it and send it to a station."""
    config = config_of(context)
    try:
        raw = form.read_bytes()
    except OSError:
        raise Tk01Unreadable(file=str(form)) from None
    rules = load_rules(config.cases.rules_dir)
    tk01 = parse_tk01(raw, rules, rules.calendar.local_date(instant(system_ms())))
    settings = config.cases.model_copy(update={"plan": plan}) if plan else config.cases
    stations = StationDirectory(config.stations_dir)
    keys = load_keys(config.keys)
    with open_store(config) as store:
        try:
            found = register_case(tk01, station, store, stations, keys, rules, settings, system_ms())
        except CaseRefused as refused:
            _say_refused(context, refused)
            return
    code = segno.make(qr_text(found.dossier_id), error="m")
    # Told first: the case stands from here on, whether or not the picture can be written.
    if as_json:
        click.echo(json.dumps(_registered_json(found), ensure_ascii=False))
    else:
        _say_registered(found)
        picture = io.StringIO()
        code.terminal(picture, compact=True)
        click.echo(picture.getvalue())
    if qr is not None:
        code.save(str(qr), kind="png", scale=8, border=4)


@click.command("cases")
@click.option("--station", help="Only those of this station.")
@click.option("--state", help="Only those in this state.")
@_as_json
@click.pass_context
def cases_command(context: click.Context, station: str | None, state: str | None, as_json: bool) -> None:
    """List the newest cases: dossier, code, station, state, due date."""
    query = select(cases).order_by(cases.c.registered_ms.desc()).limit(MOST_SHOWN)
    if station:
        query = query.where(cases.c.station_id == station)
    if state:
        query = query.where(cases.c.state == state)
    with open_store(config_of(context)) as store, store.read() as connection:
        rows = connection.execute(query).mappings().all()
    if as_json:
        click.echo(json.dumps([_case_json(row) for row in rows]))
        return
    for row in rows:
        state_words = f"{row['state']}({row['code_of_state']})" if row["code_of_state"] else row["state"]
        click.echo(
            f"{row['dossier_id']}  {row['code']}  {row['station_id']:16}  {state_words:28}  {row['due'] or '-':10}"
        )


@click.command("show")
@click.argument("dossier")
@click.option("--form", "with_form", is_flag=True, help="Also print the form: personal data.")
@_as_json
@click.pass_context
def show_command(context: click.Context, dossier: str, with_form: bool, as_json: bool) -> None:
    """Show one case with its history. DOSSIER is the dossier id or the short code."""
    with open_store(config_of(context)) as store, store.read() as connection:
        column = cases.c.dossier_id if is_ulid(dossier) else cases.c.code
        case = connection.execute(select(cases).where(column == dossier)).mappings().first()
        if case is None:
            raise CaseUnknown(dossier=dossier[:40])
        where = case_events.c.dossier_id == case["dossier_id"]
        history = connection.execute(select(case_events).where(where).order_by(case_events.c.id)).mappings().all()
        work = jobs.of_case(connection, case["dossier_id"])
        kept = connection.execute(_captures(case)).mappings().all()
    if as_json:
        shown = {
            **_case_json(case),
            "activate_until": _activate_until(history),
            "history": [_event_json(row) for row in history],
            "jobs": [{key: row[key] for key in ("kind", "open", "attempts", "next_ms", "reason")} for row in work],
            "captures": [dict(row) for row in kept],
        }
        click.echo(json.dumps(shown | ({"form": json.loads(case["tk01"])} if with_form else {}), ensure_ascii=False))
        return
    click.echo(f"{case['dossier_id']}  {case['code']}  {case['station_id']}  {case['state']}  due {case['due'] or '-'}")
    activate_until = _activate_until(history)
    if activate_until is not None:
        click.echo(f"  activate until {activate_until}")
    for row in history:
        _say_event(row)
    for row in work:
        if row["open"]:
            click.echo(f"  open: {row['kind']}, {row['attempts']} attempts, {row['reason'] or 'not tried yet'}")
    if with_form:
        click.echo(json.dumps(json.loads(case["tk01"]), ensure_ascii=False, indent=1))


@click.command("rejections")
@_as_json
@click.pass_context
def rejections_command(context: click.Context, as_json: bool) -> None:
    """List the newest envelopes that were not stored as captures, and why."""
    names = ("station_id", "bundle_id", "sha256", "code", "size_bytes", "times", "last_ms")
    query = select(*(rejections.c[name] for name in names)).order_by(rejections.c.last_ms.desc()).limit(MOST_SHOWN)
    with open_store(config_of(context)) as store, store.read() as connection:
        rows = [dict(row) for row in connection.execute(query).mappings()]
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        text = bundled().text(f"reject.{row['code']}")
        click.echo(f"{row['bundle_id']}  {row['station_id']:16}  {row['code']} x{row['times']}: {text.vi} / {text.en}")


@click.command("refusals")
@_as_json
@click.pass_context
def refusals_command(context: click.Context, as_json: bool) -> None:
    """List the newest forms that the rules stopped at the desk: policy, row, reason, hash of the facts."""
    with open_store(config_of(context)) as store, store.read() as connection:
        rows = [dict(row) for row in newest_refusals(connection, MOST_SHOWN)]
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        moment = instant(row["at_ms"]).strftime("%Y-%m-%d %H:%M:%S")
        answer = f"{row['row']} {row['outcome']} {row['reason'] or '-'}"
        click.echo(f"{moment}Z  {row['station_id']:16}  {answer:36}  {row['policy']}  {row['inputs_sha256']}")


@click.command("open")
@click.argument("envelope", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder; new or empty.")
@click.option("--image", type=click.Choice(list(RECORD_IMAGES)), default="png", help="Inside the finger records.")
@click.pass_context
def open_command(context: click.Context, envelope: Path, out: Path, image: str) -> None:
    """Verify and open an envelope file: bundle.json, images, ISO records. Writes personal data in the clear."""
    config = config_of(context)
    stations, opening = StationDirectory(config.stations_dir), load_keys(config.keys).opening
    for path in open_envelope(envelope, out, stations, opening, RECORD_IMAGES[image]):
        click.echo(str(path))


def _captures(case: RowMapping) -> Any:
    columns = (envelopes.c.bundle_id, envelopes.c.sha256, envelopes.c.size_bytes, envelopes.c.received_ms)
    matching = select(case_events.c.bundle_id).where(case_events.c.dossier_id == case["dossier_id"])
    return select(*columns).where(envelopes.c.station_id == case["station_id"], envelopes.c.bundle_id.in_(matching))


def _say_refused(context: click.Context, refused: CaseRefused) -> None:
    """The rules' own sentence, and that no case was opened."""
    key = f"rules.reason.{refused.params['code']}"
    texts = [bundled().text(key)] if key in bundled() else []
    for text in (*texts, bundled().of_error(refused)):
        click.echo(text.vi, err=True)
        click.echo(text.en, err=True)
    context.exit(FAILED)


def _say_registered(found: Registered) -> None:
    text = bundled().text("central.registered", dossier=found.dossier_id, code=found.code)
    click.echo(text.vi)
    click.echo(text.en)
    for warning in found.warnings:
        click.echo(f"! {warning.text.vi} / {warning.text.en}")


def _registered_json(found: Registered) -> dict[str, Any]:
    return {
        "dossier_id": found.dossier_id,
        "code": found.code,
        "station_id": found.order.station_id,
        "qr": qr_text(found.dossier_id),
        "plan": [position.key for position in found.order.plan],
        "warnings": [warning.to_json() for warning in found.warnings],
    }


def _case_json(row: RowMapping) -> dict[str, Any]:
    names = ("dossier_id", "code", "station_id", "state", "code_of_state", "due", "bundle_id", "plan_id", "sequence")
    return {name: row[name] for name in names}


def _event_json(row: RowMapping) -> dict[str, Any]:
    names = ("at_ms", "kind", "actor", "bundle_id", "sequence", "state", "code", "due")
    return {**{name: row[name] for name in names}, "detail": json.loads(row["detail"])}


def _activate_until(history: Sequence[RowMapping]) -> str | None:
    """The last day to activate an issued account, ISO; None before it is issued."""
    found = [json.loads(row["detail"]).get("activate_until") for row in history if row["kind"] == "result"]
    return found[-1] if found else None


def _say_event(row: RowMapping) -> None:
    moment = instant(row["at_ms"]).strftime("%Y-%m-%d %H:%M:%S")
    state = f" -> {row['state']}" if row["state"] else ""
    code = f" ({row['code']})" if row["code"] else ""
    click.echo(f"  {moment}Z  {row['actor']:9}  {row['kind']}{state}{code}  {row['detail']}")


COMMANDS: list[click.Command] = [
    register_command,
    cases_command,
    show_command,
    rejections_command,
    refusals_command,
    open_command,
]
"""To be added to the centre's command group."""
