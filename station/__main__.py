"""`eid-station`: the two daemons and what an admin asks of a station. A thin shell."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import NoReturn

import click

from station import config as configuration
from station.cli_quarantine import quarantine
from wire.catalogue import bundled as catalogue
from wire.errors import EidError

_CONFIG = click.option(
    "--config", "config_file", type=click.Path(path_type=Path), default=Path("/etc/eid/station.toml"), show_default=True
)


@click.group()
def main() -> None:
    """The e-ID capture station."""


@main.command()
@_CONFIG
def capture(config_file: Path) -> None:
    """Run the capture daemon: devices, officer workflow, sealing. No network."""
    from station.capture.build import run_capture, show_failure

    try:
        config = configuration.load(config_file)
    except EidError as error:
        display = configuration.display_section(config_file)
        if display is not None:
            show_failure(display, error)
        _tell(error)
    sys.exit(run_capture(config))


@main.command()
@_CONFIG
def link(config_file: Path) -> None:
    """Run the link daemon: sealed files out, verified messages in. No devices."""
    from station.link.daemon import run_link

    config = _or_exit(config_file)
    try:
        sys.exit(run_link(config.link_config(), environment=os.environ))
    except EidError as error:
        _tell(error)


@main.command()
@_CONFIG
@click.option("--dump-config", is_flag=True, help="Print the configuration as it counts, with all defaults, as JSON.")
def check(config_file: Path, dump_config: bool) -> None:
    """Check the configuration, keys, models and drivers without opening a device. Exit status 1: something is wrong."""
    from station.check import described, findings

    config = _or_exit(config_file)
    if dump_config:
        click.echo(json.dumps(described(config), indent=2, ensure_ascii=False))
        return
    found = list(findings(config))
    for part, error in found:
        if error is None:
            click.echo(f"ok       {part}")
            continue
        text = catalogue().of_error(error)
        click.echo(f"PROBLEM  {part}\n         {text.en}\n         {text.vi}")
    problems = sum(error is not None for _, error in found)
    click.echo(f"{config.station.id}: {f'{problems} of {len(found)} need mending' if problems else 'all is well'}")
    sys.exit(1 if problems else 0)


@main.command("fetch-models")
@click.option("--into", type=click.Path(path_type=Path), help="Directory; default: the user's cache.")
def fetch_models(into: Path | None) -> None:
    """Download the model files that are missing from their pinned origin, and verify them."""
    from models.fetch import fetch
    from models.store import ModelStore

    store = ModelStore([into]) if into else ModelStore.standard()
    try:
        fetch(store, lambda file, done, total: click.echo(f"{file}: {done} of {total} bytes"))
    except EidError as error:
        _tell(error)


def _or_exit(config_file: Path) -> configuration.StationConfig:
    try:
        return configuration.load(config_file)
    except EidError as error:
        _tell(error)


def _tell(error: EidError) -> NoReturn:
    text = catalogue().of_error(error)
    click.echo(f"{text.en}\n{text.vi}", err=True)
    sys.exit(78)


main.add_command(quarantine)
