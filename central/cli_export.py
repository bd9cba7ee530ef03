"""The command `export`: takes a stored envelope out of the database, still sealed, for an audit elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import click
from sqlalchemy import select

from central.cli import config_of, open_store
from central.errors import CaseUnknown, OutputExists
from central.store.tables import envelopes
from wire.ids import is_ulid


@click.command("export")
@click.argument("bundle_id", metavar="BUNDLE")
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="File; must be new.")
@click.option("--station", help="Where two stations sent the same bundle id.")
@click.pass_context
def export_command(context: click.Context, bundle_id: str, out: Path, station: str | None) -> None:
    """Write the stored envelope of BUNDLE to a file, byte for byte as the station sent it."""
    if not is_ulid(bundle_id):
        raise CaseUnknown(dossier="-")
    query = select(envelopes.c.raw).where(envelopes.c.bundle_id == bundle_id)
    if station:
        query = query.where(envelopes.c.station_id == station)
    with open_store(config_of(context)) as store, store.read() as connection:
        found = connection.execute(query.limit(2)).scalars().all()
    if not found:
        raise CaseUnknown(dossier=bundle_id)
    if len(found) > 1:
        raise click.UsageError("two stations sent this bundle id: name one with --station")
    raw = found[0]
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise OutputExists(where=str(out)) from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(raw)
    click.echo(f"{len(raw)} bytes")


COMMANDS: list[click.Command] = [export_command]
