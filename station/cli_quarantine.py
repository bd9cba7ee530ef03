"""`eid-station quarantine`: what was set apart and why, and putting it back after the cause is mended.

Only lists and moves sealed files; it cannot open any. Must never delete one.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import click

from station import config as configuration
from station.spool import Spool
from wire.catalogue import bundled as catalogue
from wire.errors import EidError
from wire.ids import is_ulid

_CONFIG = click.option(
    "--config", "config_file", type=click.Path(path_type=Path), default=Path("/etc/eid/station.toml"), show_default=True
)


@click.group()
def quarantine() -> None:
    """Bundles that could not be delivered: list them, put one back."""


@quarantine.command("list")
@_CONFIG
def list_command(config_file: Path) -> None:
    """Each bundle with its reason and time, oldest first."""
    for found in _spool(config_file).quarantined():
        at = datetime.fromtimestamp(found.at_ms / 1000, UTC).isoformat(timespec="seconds")
        click.echo(f"{found.name}  {found.reason:24}  {at}")


@quarantine.command("release")
@click.argument("bundle_id", metavar="BUNDLE")
@_CONFIG
def release_command(bundle_id: str, config_file: Path) -> None:
    """Put BUNDLE back into the outbox: it is sent again at once, and examined afresh by the centre."""
    if is_ulid(bundle_id):
        try:
            if _spool(config_file).release(bundle_id):
                text = catalogue().text("quarantine.released", bundle=bundle_id)
                click.echo(f"{text.en}\n{text.vi}")
                return
        except EidError as error:
            _tell(error)
    text = catalogue().text("quarantine.unknown")
    click.echo(f"{text.en}\n{text.vi}", err=True)
    sys.exit(1)


def _spool(config_file: Path) -> Spool:
    try:
        return Spool(configuration.load(config_file).station.state_dir)
    except EidError as error:
        _tell(error)


def _tell(error: EidError) -> NoReturn:
    text = catalogue().of_error(error)
    click.echo(f"{text.en}\n{text.vi}", err=True)
    sys.exit(78)
