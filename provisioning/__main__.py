"""`eid-fleet`: the fleet admin's command line. A thin shell; the work lies in fleet.py, broker.py and check.py."""

from __future__ import annotations

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import click

from provisioning.broker import Broker, signal_running_broker
from provisioning.check import check_station
from provisioning.errors import SystemRefused
from provisioning.fleet import STATION_DAYS, Fleet
from wire.catalogue import bundled
from wire.errors import EidError
from wire.stations import StationRecord

FLEET = click.option("--fleet", "root", type=click.Path(path_type=Path), required=True, help="The fleet's directory.")


def _now() -> datetime:
    return datetime.now(UTC)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def commands() -> None:
    """Certificates and keys of the fleet, its stations, its broker."""


@commands.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--host", "hosts", multiple=True, required=True, help="Name or address of the broker; may be repeated.")
@click.option("--port", default=8883, show_default=True, type=click.IntRange(1, 65535), help="Port of the broker.")
@click.option("--centres", default=1, show_default=True, type=click.IntRange(1, 64), help="Centre workers.")
def init(directory: Path, hosts: tuple[str, ...], port: int, centres: int) -> None:
    """Make a new fleet in DIRECTORY: authority, broker, centre."""
    fleet = Fleet.create(directory, hosts, _now(), port=port, centres=centres)
    layout = fleet.layout
    click.echo(f"fleet made in {layout.root}")
    click.echo(f"  {layout.admin}: stays here; whoever has ca.key can admit any station")
    click.echo(f"  {layout.broker}: for the broker; {layout.centre} and {layout.stations}: for the centre")


@commands.command()
@click.argument("station_id", metavar="ID")
@FLEET
@click.option("--out", type=click.Path(path_type=Path), required=True, help="New directory for the station's files.")
@click.option("--days", default=STATION_DAYS, show_default=True, type=click.IntRange(1, 397), help="Until they end.")
@click.option("--office", default="", help="Where it stands, for the list.")
@click.option("--replace", is_flag=True, help="New keys; the old are void, and so is what waits in its outbox.")
def station(station_id: str, root: Path, out: Path, days: int, office: str, replace: bool) -> None:
    """Admit a station: keys and certificate into --out, its public keys into the fleet."""
    fleet = Fleet(root)
    record = fleet.add_station(station_id, out, _now(), days=days, office=office, replace=replace)
    click.echo(f"station {record.station_id} admitted until {_date(record.valid_until_ms)}; its files: {out}")
    if replace:
        _tell_broker(fleet)


@commands.command()
@click.argument("station_id", metavar="ID")
@FLEET
def revoke(station_id: str, root: Path) -> None:
    """Shut a station out: the centre takes nothing more from it, nor does the broker."""
    fleet = Fleet(root)
    fleet.revoke(station_id, _now())
    click.echo(f"station {station_id} revoked")
    _tell_broker(fleet)


@commands.command("list")
@FLEET
def list_stations(root: Path) -> None:
    """All stations with their state."""
    now_ms = int(_now().timestamp() * 1000)
    for record in Fleet(root).stations():
        click.echo(f"{record.station_id:32} {_state(record, now_ms):28} {record.office}")


@commands.command("renew-crl")
@FLEET
def renew_crl(root: Path) -> None:
    """Give the revocation list a later end. The broker refuses everybody once it has ended."""
    fleet = Fleet(root)
    fleet.renew_revocation_list(_now())
    click.echo(f"revocation list renewed: {fleet.layout.revocation_list}")
    _tell_broker(fleet)


@commands.command()
@FLEET
def renew(root: Path) -> None:
    """Renew the certificates of broker and centre; the old ones stay good until their end."""
    fleet = Fleet(root)
    fleet.renew_certificates(_now())
    click.echo(f"renewed: {fleet.layout.broker} and {fleet.layout.centre}; copy them and restart broker and centre")


@commands.command("renew-station")
@click.argument("station_id", metavar="ID")
@FLEET
@click.option("--out", type=click.Path(path_type=Path), required=True, help="New directory for the new files.")
@click.option("--days", default=STATION_DAYS, show_default=True, type=click.IntRange(1, 397), help="Until they end.")
def renew_station(station_id: str, root: Path, out: Path, days: int) -> None:
    """A new certificate for a station; its keys stay, and so does what waits in its outbox."""
    record = Fleet(root).renew_station(station_id, out, _now(), days=days)
    click.echo(f"station {station_id} renewed until {_date(record.valid_until_ms)}; copy {out}/link to the station")


@commands.command()
@click.argument("directory", type=click.Path(path_type=Path))
def check(directory: Path) -> None:
    """Check a station's files in DIRECTORY: complete, private, belonging together, in date."""
    click.echo(f"station {check_station(directory, _now())}: files are in order")


@commands.group()
def broker() -> None:
    """The broker on this machine."""


@broker.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--port", default=8883, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option("--bind", default="127.0.0.1", show_default=True, help="Address to listen on, named in the certificate.")
def run(directory: Path, port: int, bind: str) -> None:
    """Run the broker of the fleet in DIRECTORY until it is told to end (Ctrl-C)."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with Broker(Fleet(directory), port, bind) as running:
            click.echo(f"broker ready on {bind}:{port}, pid {running.pid}, log {running.log}")
            status = running.wait()
    except KeyboardInterrupt:
        click.echo("broker ended")
        return
    raise SystemExit(f"the broker ended by itself with status {status}; see {running.log}")


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _tell_broker(fleet: Fleet) -> None:
    if signal_running_broker(fleet):
        click.echo("the broker on this machine has read its lists again")
    else:
        click.echo(f"copy {fleet.layout.broker_acl} and {fleet.layout.revocation_list} to the broker, then: kill -HUP")


def _date(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).date().isoformat()


def _state(record: StationRecord, now_ms: int) -> str:
    if record.revoked_ms is not None:
        return f"revoked {_date(record.revoked_ms)}"
    return f"{'valid until' if record.accepts_at(now_ms) else 'EXPIRED'} {_date(record.valid_until_ms)}"


def main() -> None:
    """Entry point: every error of ours is one sentence in both languages and exit status 1."""
    try:
        commands()
    except EidError as error:
        _refuse(error)
    except OSError as error:
        what = os.fsdecode(error.filename) if error.filename else "-"
        _refuse(SystemRefused(what=what, reason=error.strerror or type(error).__name__))


def _refuse(error: EidError) -> NoReturn:
    text = bundled().of_error(error)
    click.echo(f"{text.vi}\n{text.en}", err=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
