"""The command `receipt`: prints an open dossier's receipt again, as text or as PDF. Changes nothing."""

from __future__ import annotations

from pathlib import Path

import click
from sqlalchemy import select

from central.cli import config_of, open_store
from central.clock import instant
from central.errors import CaseUnknown
from central.moves import open_dossiers
from central.receipt import DossierNotOpen, Receipt, ReceiptNotWritten, receipt_pdf, receipt_text
from central.store.tables import cases
from wire.rules.loader import load_rules

_DOSSIER_LENGTH = 26
"""Of a ULID; whatever else was typed is not repeated."""


@click.command("receipt")
@click.argument("dossier")
@click.option("--pdf", type=click.Path(path_type=Path, dir_okay=False), help="Write a PDF instead of printing text.")
@click.pass_context
def receipt_command(context: click.Context, dossier: str, pdf: Path | None) -> None:
    """Print the receipt of an open dossier whose capture has arrived."""
    config = config_of(context)
    rules = load_rules(config.cases.rules_dir)
    with open_store(config) as store, store.read() as connection:
        held = next((one for one in open_dossiers(connection, rules) if one.id == dossier), None)
        row = connection.execute(select(cases.c.code, cases.c.received_ms).where(cases.c.dossier_id == dossier)).first()
    if row is None:
        raise CaseUnknown(dossier=dossier[:_DOSSIER_LENGTH])
    if held is None:
        raise DossierNotOpen(dossier=dossier)
    receipt = Receipt(
        dossier_id=dossier,
        code=row.code,
        received=rules.calendar.local(instant(row.received_ms)),
        working_days=held.working_days,
        due=held.due,
        projected=bool(rules.calendar.due(held.received, held.working_days).projected_years),
    )
    if pdf is None:
        click.echo(receipt_text(receipt).encode("utf-8"), nl=False)
        return
    data = receipt_pdf(receipt)
    try:
        pdf.write_bytes(data)
    except OSError:
        raise ReceiptNotWritten(file=pdf.name) from None
