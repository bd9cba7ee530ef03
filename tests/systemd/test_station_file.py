"""The configuration that comes with the units: accepted by the daemons as it stands, and fitting the units."""

from __future__ import annotations

import shlex
from importlib import import_module
from pathlib import Path

import click
import pytest

from drivers.errors import DriverNotLoadable
from drivers.registry import create
from station.__main__ import main as eid_station
from station.config import StationConfig, load

SYSTEMD = Path(__file__).resolve().parents[2] / "systemd"


@pytest.fixture(scope="module")
def config() -> StationConfig:
    return load(SYSTEMD / "station.toml")


def setting(unit: str, key: str) -> str:
    lines = (SYSTEMD / unit).read_text("utf-8").splitlines()
    return next(line.partition("=")[2] for line in lines if line.startswith(f"{key}="))


@pytest.mark.parametrize("device", ["camera", "fingerprint", "panel", "display"])
def test_every_driver_accepts_its_options(config: StationConfig, device: str) -> None:
    """Names and options are those of the registry."""
    section = getattr(config, device)
    try:
        created = create(device, section.driver, section.options)
    except DriverNotLoadable as missing:
        pytest.skip(f"{device}: {missing.params['reason']} is not installed here")

    assert created is not None


def test_the_link_accepts_its_part(config: StationConfig) -> None:
    """Its files are those of the link half of a station's directory."""
    link = config.link_config()
    files = [link.cafile, link.certfile, link.keyfile, *link.centre_keys]

    assert {path.parent for path in files} == {Path("/etc/eid/link")}


@pytest.mark.parametrize("name", ["eid-capture.service", "eid-link.service"])
def test_the_command_of_a_unit_exists(name: str) -> None:
    """systemd would start a command that ends at once with a usage error, every second, for ever."""
    program, *arguments = shlex.split(setting(name, "ExecStart"))
    assert Path(program).name == "eid-station"
    assert isinstance(eid_station, click.Group)
    command = eid_station.commands[arguments[0]]

    context = command.make_context(arguments[0], arguments[1:])

    assert context.params["config_file"] == Path("/etc/eid/station.toml")


def test_the_folders_are_those_of_the_units(config: StationConfig) -> None:
    """What the file names lies where the unit lets the daemon write and read."""
    capture = "eid-capture.service"

    assert str(config.station.state_dir) == setting(capture, "ReadWritePaths")
    assert str(config.capture.runtime_dir) == f"/run/{setting(capture, 'RuntimeDirectory')}"
    assert f"-{config.capture.key_dir}" in setting("eid-link.service", "InaccessiblePaths").split()


def test_a_wrong_configuration_ends_with_the_status_the_units_know() -> None:
    """Else a typing error would restart the daemon every second."""
    daemon = import_module("station.capture.daemon")

    assert str(daemon.EXIT_CONFIG) == setting("eid-capture.service", "RestartPreventExitStatus")
    assert str(daemon.EXIT_CONFIG) == setting("eid-link.service", "RestartPreventExitStatus")
